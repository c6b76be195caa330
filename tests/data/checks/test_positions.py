"""Places of fixations: what is found, and that ordinary data are not accused."""

import re

import numpy as np
import pytest

from salmetrics import Fixations, InputError, Stimuli
from salmetrics.data.checks.positions import outside_hint, position_findings
from salmetrics.datasets import generate_dataset

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
