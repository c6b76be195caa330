"""Plausibility of data and maps: what is found, and that ordinary data are not accused."""

import re

import numpy as np
import pytest
from scipy.special import logsumexp

from salmetrics import Fixations, InputError, Stimuli
from salmetrics.data.checks import (
    Finding,
    act_on,
    image_findings,
    map_findings,
    orientation_findings,
    outside_hint,
    position_findings,
)
from salmetrics.datasets import generate_dataset
from salmetrics.errors import InputWarning

STIMULI, FIXATIONS = generate_dataset(12, size=(60, 80), seed=3).dataset


def codes(findings):
    return [(finding.level, finding.code) for finding in findings]


def moved(x=None, y=None, fixations=FIXATIONS):
    """Return the fixations at other places."""
    columns = dict(fixations.columns)
    columns["x"] = np.array(fixations.x if x is None else x, dtype=float)
    columns["y"] = np.array(fixations.y if y is None else y, dtype=float)
    return Fixations(columns, fixations.n_images)


def test_ordinary_fixations_are_not_odd():
    assert position_findings(STIMULI, FIXATIONS) == []
    assert position_findings(STIMULI, FIXATIONS[:0]) == []
    assert position_findings(STIMULI, FIXATIONS[:3]) == []


@pytest.mark.parametrize("beyond", [0.0, 0.2])
def test_fractions_of_the_image(beyond):
    fractions = moved(FIXATIONS.x / 80 + beyond, FIXATIONS.y / 60 - beyond)
    (finding,) = position_findings(STIMULI, fractions)
    assert (finding.level, finding.code) == ("error", "fractions")
    n = len(FIXATIONS)
    assert f"all {n} fixations are within 1.5 pixels of the image's corner" in finding.message
    assert "on images of 80x60 pixels" in finding.message
    assert "units='normalised'" in finding.message
    tiny = Stimuli.from_sizes([(12, 12)] * 12)
    assert position_findings(tiny, fractions) == []


def test_fractions_with_an_outlier_or_a_small_image():
    x, y = FIXATIONS.x / 80, FIXATIONS.y / 60
    few = np.arange(len(x)) == 7
    outlier = moved(np.where(few, 70, x), y)
    (finding,) = position_findings(STIMULI, outlier)
    assert (finding.level, finding.code) == ("error", "fractions")
    assert f"{len(x) - 1} of {len(x)} fixations are within 1.5 pixels" in finding.message
    sizes = STIMULI.sizes.copy()
    sizes[0] = 12
    mixed = Stimuli.from_sizes(sizes)
    (finding,) = position_findings(mixed, moved(x, y))
    n = (FIXATIONS.image > 0).sum()
    assert f"all {n} fixations are within" in finding.message


def test_fractions_of_one_subject():
    columns = dict(FIXATIONS.columns)
    columns["subject"] = np.array([f"s{k % 5}" for k in range(len(FIXATIONS))])
    own = columns["subject"] == "s3"
    x, y = FIXATIONS.x, FIXATIONS.y
    by_subject = Fixations(columns, FIXATIONS.n_images)
    assert position_findings(STIMULI, by_subject) == []
    mixed = moved(np.where(own, x / 80, x), np.where(own, y / 60, y), by_subject)
    (finding,) = position_findings(STIMULI, mixed)
    assert (finding.level, finding.code) == ("error", "fractions")
    assert "all fixations of 1 of 5 subjects ('s3') are within" in finding.message


@pytest.mark.parametrize(
    ("scale", "text"),
    [
        ((0.4, 0.4), "are in the upper-left "),
        ((100 / 800, 100 / 600), "end at 100 .*divide them by 100 and give units='normalised'"),
    ],
)
def test_a_part_of_the_images(scale, text):
    stimuli = Stimuli.from_sizes([(600, 800)] * 12)
    x, y = RNG.uniform(0, 800, 500), RNG.uniform(0, 600, 500)
    image = np.arange(500) % 12
    whole = Fixations.from_arrays(x, y, image)
    assert position_findings(stimuli, whole) == []
    part = Fixations.from_arrays(x * scale[0], y * scale[1], image)
    (finding,) = position_findings(stimuli, part)
    assert (finding.level, finding.code) == ("warning", "corner")
    assert re.search(text, finding.message)
    assert position_findings(stimuli, part[:99]) == []
    assert position_findings(stimuli, part[:200].of_image(0)) == []


def test_fixations_that_occur_several_times():
    twice = FIXATIONS[np.tile(np.arange(len(FIXATIONS)), 2)]
    (finding,) = position_findings(STIMULI, twice)
    assert (finding.level, finding.code) == ("warning", "repeated")
    n = 2 * len(FIXATIONS)
    assert "each place occurs 2 times" in finding.message
    assert f"for {n} of {n} fixations" in finding.message
    times = np.arange(len(FIXATIONS)) % 3 + 2
    (samples,) = position_findings(STIMULI, FIXATIONS[np.repeat(np.arange(len(times)), times)])
    assert "each place occurs about 3 times: if they are raw samples" in samples.message
    half = np.r_[: len(FIXATIONS), : len(FIXATIONS) // 2]
    assert position_findings(STIMULI, FIXATIONS[half]) == []


def test_dense_counts_of_one_image_do_not_repeat():
    counts = np.random.default_rng(0).poisson(6, (20, 25))
    dense = Fixations.from_maps([counts], values="counts")
    assert position_findings(Stimuli.from_sizes([(20, 25)]), dense) == []


def test_degrees():
    (finding,) = position_findings(STIMULI, moved(FIXATIONS.x / 30, FIXATIONS.y / 30))
    assert (finding.level, finding.code) == ("warning", "corner")
    assert "if they are degrees, give units='degree'" in finding.message


def test_one_area():
    (finding,) = position_findings(STIMULI, moved(40 + FIXATIONS.x / 30, 30 + FIXATIONS.y / 30))
    assert (finding.level, finding.code) == ("warning", "one-area")


def test_lost_gaze_at_one_place():
    lost = np.arange(len(FIXATIONS)) % 10 == 0
    found = position_findings(
        STIMULI, moved(np.where(lost, 0, FIXATIONS.x), np.where(lost, 0, FIXATIONS.y))
    )
    assert codes(found) == [("warning", "coinciding")]
    assert f"{lost.sum()} of {len(lost)} fixations are at exactly x=0, y=0, on 12 images" in (
        found[0].message
    )
    on_one = lost & (FIXATIONS.image == 2)  # a mouse that was not moved, say
    assert not position_findings(
        STIMULI, moved(np.where(on_one, 0, FIXATIONS.x), np.where(on_one, 0, FIXATIONS.y))
    )


def test_lost_gaze_on_the_only_image():
    alone = STIMULI[:1]
    x, y = RNG.uniform(10, 80, 20), RNG.uniform(10, 60, 20)
    for n, found in ((5, [("warning", "coinciding")]), (4, [])):
        lost = Fixations.from_arrays(np.r_[np.zeros(n), x[n:]], np.r_[np.zeros(n), y[n:]], [0] * 20)
        assert codes(position_findings(alone, lost)) == found
    assert position_findings(alone, FIXATIONS.select_images([0])) == []


WIDTHS, HEIGHTS = np.full(500, 80), np.full(500, 60)
RNG = np.random.default_rng(0)
X, Y = RNG.uniform(0, 80, 500), RNG.uniform(0, 60, 500)


@pytest.mark.parametrize(
    ("x", "y", "hint"),
    [
        (X - 40, Y - 30, "the origin were in the middle of the image: give origin='centre'"),
        (X - 40, 30 - Y, "give origin='centre'"),
        ((X - 40) / 10, (Y - 30) / 10, "units='degree' and origin='centre'"),
        (np.ceil(X), np.ceil(Y), "counted from 1: give one_based=True"),
        (Y, X, "inside with x and y swapped"),
        (X / 80 - 0.1, Y / 60 + 0.1, "give units='normalised'"),
        (X + 500, Y, ""),
    ],
)
def test_what_would_put_fixations_inside(x, y, hint):
    found = outside_hint(x, y, WIDTHS, HEIGHTS)
    assert (hint in found) if hint else found == ""


def test_the_error_of_fixations_outside_has_the_hint():
    with pytest.raises(InputError, match=r"give origin='centre'; or use fixations.drop_outside"):
        moved(FIXATIONS.x - 40, FIXATIONS.y - 30).check_against(STIMULI)


def test_turned_photographs(tmp_path):
    from PIL import Image

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
    assert image_findings(stimuli[:1]) == image_findings(STIMULI) == []


# ---- maps


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


def test_masks_as_ground_truth():
    (finding,) = map_findings("the ground truth", {"a": np.eye(20)}, "saliency_map", truth=True)
    assert "they look like masks of fixations; give them as fixations=" in finding.message
    density = {"a": SMOOTH["1"] / SMOOTH["1"].sum()}
    assert map_findings("the ground truth", density, "saliency_map", truth=True) == []


def spots(flip=lambda m: m):
    """Return maps that favour where people look, from the fixations of the images themselves."""
    maps = {}
    for i, name in enumerate(STIMULI.ids):
        own = FIXATIONS.of_image(i)
        rows, columns = np.mgrid[:60, :80]
        near = (rows[..., None] - own.y) ** 2 + (columns[..., None] - own.x) ** 2
        maps[name] = flip(np.exp(-near / 50).sum(-1))
    return maps


@pytest.mark.parametrize(
    ("flip", "said"),
    [
        (lambda m: m[::-1], "better upside down"),
        (lambda m: m[:, ::-1], "better mirrored"),
        (lambda m: m[::-1, ::-1], "better turned by 180 degrees"),
    ],
)
def test_orientation(flip, said):
    (finding,) = orientation_findings("mine", spots(flip), STIMULI, FIXATIONS)
    assert (finding.level, finding.code) == ("warning", "orientation")
    assert said in finding.message
    assert ("which way y runs" in finding.message) == ("upside" in said)


def test_orientation_that_is_right_or_unknown():
    assert orientation_findings("mine", spots(), STIMULI, FIXATIONS) == []
    centred = dict.fromkeys(STIMULI.ids, np.outer(np.hanning(60), np.hanning(80)))
    assert orientation_findings("mine", centred, STIMULI, FIXATIONS) == []
    noise = {name: np.random.default_rng(i).random((60, 80)) for i, name in enumerate(STIMULI.ids)}
    assert orientation_findings("mine", noise, STIMULI, FIXATIONS) == []
    two = dict(list(spots(lambda m: m[::-1]).items())[:2])
    assert orientation_findings("mine", two, STIMULI, FIXATIONS) == []


def test_maps_that_are_low_where_people_look():
    (finding,) = orientation_findings("mine", spots(np.negative), STIMULI, FIXATIONS)
    assert (finding.level, finding.code) == ("warning", "inverted")
    assert "low where people look" in finding.message


def test_transposed_maps_of_square_images():
    rng = np.random.default_rng(5)
    stimuli = Stimuli.from_sizes([(50, 50)] * 6)
    image = np.arange(120) % 6
    x, y = 38 + rng.normal(0, 4, 120), 22 + rng.normal(0, 4, 120)
    fixations = Fixations.from_arrays(x, y, image)
    rows, columns = np.mgrid[:50, :50]
    spot = np.exp(-((columns - 38) ** 2 + (rows - 22) ** 2) / 60)
    maps = dict.fromkeys(stimuli.ids, spot)
    assert orientation_findings("mine", maps, stimuli, fixations) == []
    swapped = Fixations.from_arrays(y, x, image)
    for found in (
        orientation_findings("mine", dict.fromkeys(stimuli.ids, spot.T), stimuli, fixations),
        orientation_findings("mine", maps, stimuli, swapped),
    ):
        (finding,) = found
        assert "better transposed" in finding.message
        assert "whether x and y are swapped" in finding.message


def test_findings_are_acted_on():
    warning = Finding("warning", "a", "this is odd")
    with pytest.warns(InputWarning, match="this is odd"):
        act_on([warning])
    with pytest.raises(InputError, match=r"^this is wrong; and this$"):
        act_on([warning, Finding("error", "b", "this is wrong"), Finding("error", "c", "and this")])
    act_on([])
    assert str(warning) == "warning: this is odd"
