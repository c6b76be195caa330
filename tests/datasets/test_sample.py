"""The sample of OSIE that comes with salmetrics, and the maps of models."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import salmetrics
from salmetrics import InputError, datasets
from salmetrics.cli import main
from salmetrics.datasets.sample import FOLDER, SampleDensity, sample_model, sample_models
from salmetrics.densities.grey_levels import log_levels
from tests.cli.command_line import error_of

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "checks"))

import sample as making  # noqa: E402


@pytest.fixture(scope="module")
def sample():
    return datasets.load("sample", download=False)


def test_the_sample(sample):
    stimuli, fixations = sample
    assert {tuple(size) for size in stimuli.sizes.tolist()} == {(300, 400)}
    assert stimuli[0].image.shape == (300, 400, 3)
    assert (stimuli.sigma, stimuli.pixels_per_degree) == (12.0, None)
    assert fixations.counts().min() > 80
    assert not {"1279", "1374"} & set(stimuli.ids)
    duration = fixations.columns["duration"]
    assert 0.2 < duration.mean() < 0.4  # seconds
    assert sample.info["licence"] == "MIT"
    assert (FOLDER / "LICENSE").read_text("utf-8").startswith("The MIT License (MIT)")


def test_it_can_be_elsewhere_and_has_no_archive(sample, tmp_path):
    assert datasets.get("sample") == FOLDER
    with pytest.raises(InputError, match=r"lacks 'fixations\.csv' of Sample of OSIE"):
        datasets.load("sample", tmp_path)
    with pytest.raises(InputError, match="'sample' comes with salmetrics and has no archives"):
        datasets.load("sample", archive="sample.zip")


def test_models(sample):
    models = sample_models()
    assert list(models) == ["litegaze", "hand-made", "local-contrast"]
    for name, model in models.items():
        assert model.name == name
        assert sample_model(name, sample).name == name
    with pytest.raises(InputError, match="'litegaze', 'hand-made', 'local-contrast'; got None"):
        sample_model(None, sample)


@pytest.mark.slow
def test_maps_belong_to_the_photographs(sample):
    """Each map predicts its own photograph better than the maps of other photographs do."""
    stimuli, _ = sample
    for name, model in sample_models().items():
        files = sorted(path.stem for path in (FOLDER / "maps" / name).iterdir())
        assert files == sorted(stimuli.ids)
        assert salmetrics.sauc(model, *sample[::3]) > 0.55


@pytest.mark.slow
def test_litegaze_beats_the_centre_bias(sample):
    litegaze = sample_models()["litegaze"]
    result = salmetrics.evaluate(litegaze, *sample, metrics=["IG"])
    assert result.summary.loc[("litegaze", "IG"), "low"] > 1


def test_other_images_have_no_maps(tmp_path):
    model = sample_models()["litegaze"]
    (stimulus,) = salmetrics.Stimuli.from_sizes([(300, 400)], ids=["mine"])
    with pytest.raises(InputError, match="mine"):
        model.log_density(stimulus)
    (stimulus,) = salmetrics.Stimuli.from_sizes([(600, 800)], ids=["1011"])
    with pytest.raises(InputError, match=r"size \(300, 400\) for '1011', which has .*600, 800"):
        model.log_density(stimulus)


def test_densities_of_a_folder(tmp_path):
    log = np.log(np.array([[0.1, 0.2], [0.3, 0.4]]))
    (tmp_path / "mine").mkdir()
    Image.fromarray(log_levels(log)).save(tmp_path / "mine" / "a.png")
    model = SampleDensity(tmp_path / "mine")
    (stimulus,) = salmetrics.Stimuli.from_sizes([(2, 2)], ids=["a"])
    # a level is rounded by 0.025 nats, and the sum moves all by as much
    np.testing.assert_allclose(model.log_density(stimulus), log, atol=0.05)
    assert model.name == "mine"
    assert model.parameters["maps"] == "sample"


def test_on_the_command_line(capsys):
    words = ["evaluate", "--dataset", "sample", "--model", "sample:local-contrast"]
    assert main([*words, "--metrics", "NSS", "--n-bootstrap", "0", "--json"]) == 0
    (score,) = json.loads(capsys.readouterr().out)["scores"]
    assert score["model"] == "sample:local-contrast"
    assert score["value"] > 0.5
    error = error_of(capsys, [*words[:-1], "sample:deepgaze", "--metrics", "NSS"])
    assert "sample:NAME, must be one of 'litegaze'" in error


@pytest.mark.real_data
@pytest.mark.slow
def test_the_draw(sample, shared):
    """Photographs and fixations are those of OSIE that the seed draws."""
    osie = datasets.load("osie", shared / "data" / "osie", download=False)
    indices = np.array(making.chosen(osie))
    drawn = salmetrics.resize(osie, (300, 400))[indices]
    assert drawn.stimuli.ids == sample.stimuli.ids
    assert len(drawn.fixations) == len(sample.fixations)
    places = []
    for fixations in (drawn.fixations, sample.fixations):
        key = (fixations.columns["index"], fixations.subject.astype(int), fixations.image)
        order = np.lexsort(key)
        places.append(np.column_stack([fixations.x, fixations.y])[order])
    np.testing.assert_allclose(places[1], places[0], atol=0.006)  # two decimals are stored
    difference = np.abs(drawn.stimuli[0].rgb.astype(int) - sample.stimuli[0].rgb)
    assert difference.mean() < 4  # grey levels; what JPEG loses
