"""Maps against fixations: turned and inverted ones are found, and right ones are not accused."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from salmetrics import Fixations, Stimuli
from salmetrics.data.checks.orientation import orientation_findings
from salmetrics.datasets import generate_dataset

STIMULI, FIXATIONS = generate_dataset(12, size=(60, 80), seed=3).dataset


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


@pytest.mark.parametrize("n", [3, 5])
def test_few_images(n):
    for flip, code in ((np.negative, "inverted"), (lambda m: m[::-1], "orientation")):
        few = dict(list(spots(flip).items())[:n])
        (finding,) = orientation_findings("mine", few, STIMULI, FIXATIONS)
        assert finding.code == code
    few = dict(list(spots().items())[:n])
    assert orientation_findings("mine", few, STIMULI, FIXATIONS) == []
    for seed in range(5):  # poor models, whose maps are low at most fixations of some image
        noise = np.random.default_rng(seed).standard_normal((n, 60, 80))
        maps = dict(zip(STIMULI.ids, (gaussian_filter(each, 6) for each in noise), strict=False))
        assert orientation_findings("mine", maps, STIMULI, FIXATIONS) == []


def test_images_that_gain_much_and_little():
    """Spots at other heights: their gains differ so much that their own error is no measure."""
    stimuli = Stimuli.from_sizes([(60, 80)] * 8)
    maps, rows = {}, []
    rng = np.random.default_rng(2)
    for i, (name, y) in enumerate(zip(stimuli.ids, [15, 29, 30, 16, 44, 31, 28, 15], strict=True)):
        spot = np.zeros((60, 80))
        spot[y, 40] = 1
        maps[name] = gaussian_filter(spot, 5)[::-1]
        rows += [(40 + dx, y + dy, i) for dx, dy in rng.normal(0, 3, (12, 2))]
    fixations = Fixations.from_arrays(*np.array(rows)[:, :2].T, [row[2] for row in rows])
    (finding,) = orientation_findings("mine", maps, stimuli, fixations)
    assert finding.code == "orientation"
    assert "upside down" in finding.message
    upright = {name: values[::-1] for name, values in maps.items()}
    assert orientation_findings("mine", upright, stimuli, fixations) == []


def test_maps_that_cannot_be_standardised_do_not_count():
    maps = spots(np.negative)
    for name, value in zip(STIMULI.ids[:10], [np.nan, np.inf] * 5, strict=True):
        maps[name] = np.where(maps[name] < -0.5, value, maps[name])
    assert orientation_findings("mine", maps, STIMULI, FIXATIONS) == []


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
