"""Trainings of readouts as TOML files: every entry, and what a file without stages says."""

import pytest

import salmetrics
from salmetrics import Dataset, InputError
from salmetrics.cli import main
from salmetrics_models.training import RECIPES
from salmetrics_models.training.configuration import read_configuration
from salmetrics_models.training.readouts.configuration import BASES, ReadoutStages
from tests.salmetrics_models.training.toy_files import BEGIN, STAGE, load


def test_all_entries(training_folder, dataset):
    salmetrics.data.folds.kfold(dataset.stimuli, 4).save(training_folder / "folds.csv")
    columns = {**dataset.fixations.columns, "seconds": dataset.fixations.x * 0 + 2.0}
    attributes = {"importance": list(range(1, 13))}
    stimuli = salmetrics.Stimuli(
        dataset.stimuli.loads,
        dataset.stimuli.sizes,
        dataset.stimuli.ids,
        attributes=attributes,
    )
    fixations = salmetrics.Fixations(columns, 12)
    salmetrics.write_hdf5(Dataset("more", stimuli, fixations), "more.h5", images="copy")
    (training_folder / "config.toml").write_text(
        BEGIN.replace("downsample = 1\n", "")
        + """
instances = 2
seed = 7
[model.layers]
hand-made = ["gabor", "contrast"]
[features]
folder = "kept"
dtype = "float16"
[run]
device = "cpu"
threads = 1
metrics = ["NSS"]
save_seconds = 5
[[stages]]
name = "first"
dataset = "blobs.h5"
first = 6
size = [80, 80]
validation = "blobs.h5"
centre_bias = "uniform"
recipe = "deepgaze2e-pretraining"
milestones = [1]
[[stages]]
name = "second"
dataset = "more.h5"
folds = "folds.csv"
image_weights = "importance"
fixation_weights = "seconds"
[stages.recipe]
average = "fixation"
"""
    )
    found = read_configuration("config.toml", load, device=None, n_threads=2)
    assert found.architecture.backbones[0].layers == ("gabor", "contrast")
    assert found.out == training_folder / "out"
    assert found.options == {
        "weights": {},
        "n_instances": 2,
        "seed": 7,
        "features": training_folder / "kept",
        "feature_dtype": "float16",
        "device": "cpu",
        "n_threads": 2,
        "metrics": ["NSS"],
        "save_seconds": 5,
    }
    first, second = found.stages
    assert len(first.dataset) == 6
    assert len(first.validation) == 12
    assert tuple(first.validation.stimuli.sizes[0]) == (80, 80)
    assert first.recipe == RECIPES["deepgaze2e-pretraining"].changed(milestones=(1,))
    assert not first.fits_centre_bias
    assert second.folds.n_folds == 4
    assert second.recipe.average == "fixation"
    assert second.image_weights.tolist() == list(range(1, 13))
    assert set(second.fixation_weights) == {2.0}


def test_summary_and_check(training_folder):
    stopped = STAGE.replace("folds = 3", 'validation = "blobs.h5"\nfirst = 5').replace("blobs", "b")
    first = stopped.replace('"b.h5"', '"blobs.h5"').split("[run]")[0]
    (training_folder / "config.toml").write_text(BEGIN + "instances = 2\n" + first + STAGE)
    found = read_configuration("config.toml", load)
    assert isinstance(found, ReadoutStages)
    assert found.architecture.layers == BASES["deepgaze2e"].layers
    assert found.summary().splitlines() == [
        f"2 instances of readouts of hand-made, in {training_folder / 'out'}",
        "  b: blobs, 5 images, 200 fixations, validated on blobs (12 images)",
        "  blobs: blobs, 12 images, 480 fixations, 3 folds",
    ]
    found.check()
    for name, text in (("alexnet", "backbone 'alexnet' needs weights"),):
        (training_folder / "config.toml").write_text(BEGIN.replace("hand-made", name) + STAGE)
        with pytest.raises(InputError, match=text):
            read_configuration("config.toml", load).check()
    (training_folder / "config.toml").write_text(BEGIN + STAGE.replace('"cpu"', '"tpu"'))
    with pytest.raises(InputError, match="device must be"):
        read_configuration("config.toml", load).check()


SPLIT = STAGE.replace("folds = 3", "split = [6, 3, 3]\nsplit_seed = 2")


@pytest.mark.filterwarnings("ignore:the fit of the centre bias ended")  # to 3 test images
@pytest.mark.slow
def test_one_split(training_folder, capsys):
    (training_folder / "config.toml").write_text(BEGIN + SPLIT)
    assert main(["train", "config.toml"]) == 0
    out = capsys.readouterr().out
    assert "blobs: blobs, 6 images" in out
    assert "in all, 6 for training, 3 for validation, 3 for test" in out
    assert "3 images of blobs, each by readouts not trained on it" in out
    scored = salmetrics.Evaluation.load("out/evaluation.h5")
    lines = (training_folder / "out" / "split-blobs.csv").read_text().splitlines()
    assert sorted(scored.per_image.index) == sorted(
        line.partition(",")[0] for line in lines if line.endswith(",test")
    )


def test_images_that_are_tested_are_not_trained_on(training_folder):
    first = STAGE.partition("[run]")[0].replace("folds = 3", 'validation = "blobs.h5"')
    (training_folder / "config.toml").write_text(
        BEGIN + first.replace('"blobs"', '"first"') + SPLIT
    )
    found = read_configuration("config.toml", load)
    with pytest.raises(InputError, match="'first' is trained on 3 of the images that split leaves"):
        found.train(progress=False)
    (training_folder / "config.toml").write_text(
        BEGIN + SPLIT.partition("[run]")[0] + STAGE.replace('"blobs"', '"second"')
    )
    with pytest.raises(InputError, match="only the last stage may have split; 'blobs' is an ear"):
        read_configuration("config.toml", load)
