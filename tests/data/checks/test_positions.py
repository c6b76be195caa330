"""Places of fixations: what is found, and that ordinary data are not accused."""

import re

import numpy as np
import pytest

from salmetrics import Fixations, InputError, Stimuli
from salmetrics.data.checks.positions import outside_hint, position_findings
from salmetrics.datasets import figrim, generate_dataset
from salmetrics.datasets.reading import read_mat

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


def test_degrees():
    (finding,) = position_findings(STIMULI, moved(FIXATIONS.x / 30, FIXATIONS.y / 30))
    assert (finding.level, finding.code) == ("warning", "corner")
    assert "if they are degrees, give units='degree'" in finding.message


def test_one_area():
    (finding,) = position_findings(STIMULI, moved(40 + FIXATIONS.x / 30, 30 + FIXATIONS.y / 30))
    assert (finding.level, finding.code) == ("warning", "one-area")


WIDTHS, HEIGHTS = np.full(500, 80), np.full(500, 60)
RNG = np.random.default_rng(0)
X, Y = RNG.uniform(0, 80, 500), RNG.uniform(0, 60, 500)


@pytest.mark.parametrize(
    ("x", "y", "hint"),
    [
        (X - 40, Y - 30, "the origin were in the middle of the image: give origin='centre'"),
        (X - 40, 30 - Y, "give origin='centre'"),
        ((X - 40) / 10, (Y - 30) / 10, "pixels_per_degree= and origin='centre-y-down' if y is"),
        (X - 40, Y - 30, "origin='centre-y-down' if downwards"),
        ((X - 40) / 60, (30 - Y) / 60, "give units='height', fractions of the height, so that y"),
        ((X - 40) / 40, (30 - Y) / 30, "give units='norm', from -1 to 1"),
        ((X - 40) / 80, (30 - Y) / 80, "units='height', .* default; or units='norm', from"),
        (np.ceil(X), np.ceil(Y), "counted from 1: give one_based=True"),
        (Y, X, "inside with x and y swapped"),
        (X / 80 - 0.1, Y / 60 + 0.1, "give units='normalised'"),
        (X + 500, Y, ""),
    ],
)
def test_what_would_put_fixations_inside(x, y, hint):
    found = outside_hint(x, y, WIDTHS, HEIGHTS)
    assert re.search(hint, found) if hint else found == ""
    if " or " not in hint and "height" in hint + found:
        assert ("norm" in found) == ("norm" in hint)


def test_the_error_of_fixations_outside_has_the_hint():
    with pytest.raises(InputError, match=r"'centre-y-down' if downwards; or use fixations.drop"):
        moved(FIXATIONS.x - 40, FIXATIONS.y - 30).check_against(STIMULI)


def plausible(rng):
    """Return images and fixations of some kind: sizes, centre bias, rounding and order vary."""
    n_images, n = int(rng.integers(1, 51)), int(np.exp(rng.uniform(np.log(10), np.log(2000))))
    sizes = np.tile([(600, 800), (1080, 1920), (500, 500)][rng.integers(3)], (n_images, 1))
    turned = rng.random(n_images) < rng.choice([0, 0.4])
    sizes[turned] = sizes[turned][:, ::-1]
    image, subject = rng.integers(0, n_images, n), rng.integers(0, rng.integers(1, 20), n)
    spread = rng.uniform(0.08, 0.3)
    shares = rng.normal(rng.normal(0.5, 0.03, (2, 1)), spread, (2, n))
    spots = rng.uniform(0.15, 0.85, (2, n_images, 3))[:, image, rng.integers(0, 3, n)]
    shares = np.where(rng.random(n) < rng.random(), shares, spots + rng.normal(0, 0.05, (2, n)))
    shares = np.where(rng.random(n) < rng.uniform(0, 0.2), rng.random((2, n)), shares)
    kept = ((shares >= 0) & (shares < 1)).all(axis=0)
    y, x = np.clip(shares[::-1, kept], 0, 1) * sizes[image[kept]].T
    grid = rng.choice([0, 1, 10])
    x, y = (np.floor(v * grid) / grid if grid else v for v in (x, y))
    stimuli = Stimuli.from_sizes(sizes)
    return stimuli, Fixations.from_arrays(
        x, y, image[kept], subject=subject[kept], n_images=n_images
    )


def test_plausible_data_are_not_odd():
    rng = np.random.default_rng(0)
    assert [found for _ in range(300) for found in position_findings(*plausible(rng))] == []


@pytest.mark.real_data
@pytest.mark.slow
def test_fixations_of_a_memory_task_are_not_odd(shared):
    """FIGRIM, of which the fixations are enough: all images are of one size."""
    file = shared / "data" / "figrim" / "allImages_release.mat"
    if not file.is_file():
        pytest.skip("FIGRIM not found")
    views = read_mat(file, figrim._views)
    numbers = {image: i for i, image in enumerate(dict.fromkeys(view[0] for view in views))}
    places = np.concatenate([points for *_, points, _ in views])
    rows = np.repeat(np.arange(len(views)), [len(points) for *_, points, _ in views])
    image = np.array([numbers[view[0]] for view in views])[rows]
    subject = np.array([view[1] for view in views])[rows]
    fixations = Fixations.from_arrays(*places.T, image, subject=subject)
    assert position_findings(Stimuli.from_sizes([(1000, 1000)] * len(numbers)), fixations) == []


def test_fractions_on_one_image():
    some = FIXATIONS.image == 3
    mixed = moved(
        np.where(some, FIXATIONS.x / 80, FIXATIONS.x), np.where(some, FIXATIONS.y / 60, FIXATIONS.y)
    )
    (finding,) = position_findings(STIMULI, mixed)
    assert (finding.level, finding.code) == ("error", "fractions")
    assert f"all fixations of 1 of 12 images ({STIMULI.ids[3]!r}) are" in finding.message


def test_fractions_that_are_left_are_not_of_the_whole_image():
    height = moved((FIXATIONS.x - 40) / 60, (30 - FIXATIONS.y) / 60).drop_outside(STIMULI)
    (finding,) = position_findings(STIMULI, height)
    assert finding.message.endswith("give units= that are right for all fixations")


def test_degrees_that_are_small_on_one_image_are_not_fractions():
    small = np.where(FIXATIONS.image == 3, 0.3, 1)
    (finding,) = position_findings(
        STIMULI, moved(small * FIXATIONS.x / 20, small * FIXATIONS.y / 20)
    )
    assert (finding.level, finding.code) == ("warning", "corner")
