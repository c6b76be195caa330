"""Files and maps: what is found, and that ordinary ones are not accused."""

import numpy as np
import pytest
from PIL import Image
from scipy.special import logsumexp

from salmetrics import Stimuli
from salmetrics.data.checks.maps import image_findings, map_findings


def test_turned_photographs(tmp_path):
    for k, orientation in enumerate((1, 6, 3)):
        tags = Image.Exif()
        tags[0x0112] = orientation
        Image.new("RGB", (9, 7)).save(tmp_path / f"{k}.jpg", exif=tags)
    stimuli = Stimuli.from_files(sorted(tmp_path.iterdir()))
    assert stimuli.turned == ("1.jpg", "2.jpg")
    assert stimuli[1:2].turned == stimuli[[0, 1]].turned == ("1.jpg",)
    assert stimuli.named("x").turned == ("1.jpg", "2.jpg")
    (finding,) = image_findings(stimuli)
    assert "2 of 3 image files" in finding.message
    assert image_findings(stimuli[:1]) == image_findings(Stimuli.from_sizes([(7, 9)])) == []


SMOOTH = {f"{i}": np.add.outer(np.arange(20.0), np.arange(30.0) * i) for i in range(1, 5)}


@pytest.mark.parametrize(
    ("maps", "kind", "code"),
    [
        ({"a": np.ones((20, 30)), "b": SMOOTH["2"]}, "saliency_map", "constant"),
        ({"a": np.eye(20), "b": SMOOTH["2"]}, "saliency_map", "few-values"),
        ({"a": SMOOTH["1"] - logsumexp(SMOOTH["1"])}, "saliency_map", "log-density"),
        ({"a": (SMOOTH["1"] - logsumexp(SMOOTH["1"])) / np.log(2)}, "saliency_map", "log2-density"),
        (
            {"a": (SMOOTH["1"] - logsumexp(SMOOTH["1"])) / np.log(10)},
            "saliency_map",
            "log10-density",
        ),
        ({"a": SMOOTH["1"] / SMOOTH["1"].sum()}, "saliency_map", "density"),
        (dict.fromkeys("abc", SMOOTH["2"]), "saliency_map", "same-map"),
        ({"a": np.full((20, 30), -np.log(600))}, "log_density", "constant"),
    ],
)
def test_odd_maps(maps, kind, code):
    (finding,) = map_findings("mine", maps, kind)
    assert (finding.level, finding.code) == ("warning", code)
    n = len(maps)
    assert f"all {n} maps of mine" in finding.message or f"1 of {n} maps of mine" in finding.message


def test_ordinary_maps_are_not_odd():
    assert map_findings("mine", SMOOTH, "saliency_map") == []
    logs = {name: m - logsumexp(m) for name, m in SMOOTH.items()}
    assert map_findings("mine", logs, "log_density") == []
    assert map_findings("mine", {"a": -SMOOTH["1"]}, "saliency_map") == []
    assert map_findings("mine", {"a": np.full((2, 2), np.nan)}, "saliency_map") == []


def test_a_centre_bias_given_as_maps_is_not_odd():
    centred = np.outer(np.hanning(30), np.hanning(40))
    assert map_findings("mine", dict.fromkeys("abc", centred), "saliency_map") == []
    assert map_findings("Center bias", dict.fromkeys("abc", SMOOTH["2"]), "saliency_map") == []
    for other in (-centred, np.roll(centred, 9, axis=1)):
        (finding,) = map_findings("mine", dict.fromkeys("abc", other), "saliency_map")
        assert finding.code == "same-map"


def test_masks_as_ground_truth():
    (finding,) = map_findings("the ground truth", {"a": np.eye(20)}, "saliency_map", truth=True)
    assert "given as fixations (fixations=, on the command line" in finding.message
    density = {"a": SMOOTH["1"] / SMOOTH["1"].sum()}
    assert map_findings("the ground truth", density, "saliency_map", truth=True) == []
