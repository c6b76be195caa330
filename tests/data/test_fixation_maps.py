"""Fixations in maps of counts or marks."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, maximum_filter

from salmetrics import Fixations, InputError


def test_maps():
    maps = [np.zeros((3, 4)), np.array([[0, 2], [1, 0]], np.uint8), np.eye(2, dtype=bool)]
    found = Fixations.from_maps(maps)
    assert found.n_images == 3
    assert found.image.tolist() == [1, 1, 1, 2, 2]
    assert found.x.tolist() == [1.5, 1.5, 0.5, 0.5, 1.5]
    assert found.y.tolist() == [0.5, 0.5, 1.5, 0.5, 1.5]
    assert Fixations.from_maps([]).n_images == 0


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (np.full((2, 2), 0.5), "fixation map 1 must hold whole numbers >= 0; .*blurred map"),
        (np.full((2, 2), -1), "fixation map 1 must hold whole numbers"),
        (np.full((2, 2), np.nan), "fixation map 1 must hold finite numbers"),
        (np.full((2, 2), np.inf), "fixation map 1 must hold finite numbers"),
        (np.ones(3), r"fixation map 1 must be two-dimensional; got \(3,\)"),
    ],
)
def test_wrong_maps(bad, text):
    with pytest.raises(InputError, match=text):
        Fixations.from_maps([np.eye(2), bad])


def points(seed, n=40, size=(60, 80)):
    """Return a map of counts of n fixations around the middle."""
    rng = np.random.default_rng(seed)
    counts = np.zeros(size, np.int64)
    y = np.clip(rng.normal(size[0] / 2, 8, n), 0, size[0] - 1).astype(int)
    x = np.clip(rng.normal(size[1] / 2, 10, n), 0, size[1] - 1).astype(int)
    np.add.at(counts, (y, x), 1)
    return counts


@pytest.mark.parametrize("top", [255, 65535, 2, 7.5])
def test_marks_are_one_fixation_each(top):
    marks = [np.where(points(seed) > 0, top, 0) for seed in range(3)]
    expected = [int((mark > 0).sum()) for mark in marks]
    assert Fixations.from_maps(marks).counts().tolist() == expected
    assert Fixations.from_maps(marks, values="marks").counts().tolist() == expected
    if top == int(top):
        counted = Fixations.from_maps(marks, values="counts").counts()
        assert counted.tolist() == [n * top for n in expected]


def test_counts_are_counted():
    counts = [points(seed, n) for seed, n in enumerate((1, 40, 5000))]
    assert Fixations.from_maps(counts).counts().tolist() == [1, 40, 5000]
    uint8 = [each.astype(np.uint8) for each in counts]
    assert Fixations.from_maps(uint8).counts().tolist() == [1, 40, 5000]
    assert Fixations.from_maps(counts, values="marks").counts()[2] == (counts[2] > 0).sum()


@pytest.mark.parametrize("n", [1, 30, 300])
@pytest.mark.parametrize("sigma", [1.5, 5, 15])
def test_blurred_maps_are_refused(n, sigma):
    blurred = gaussian_filter(points(0, n).astype(float), sigma)
    levels = np.rint(255 * blurred / blurred.max()).astype(np.uint8)
    with pytest.raises(InputError, match=r"looks like a blurred map.* give values='counts'"):
        Fixations.from_maps([levels])
    assert len(Fixations.from_maps([levels], values="counts")) == levels.sum(dtype=int)


def discs(marks, radius):
    return np.where(maximum_filter(marks, footprint=disc(radius)), 255, 0).astype(np.uint8)


def disc(radius):
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return rows**2 + columns**2 <= radius**2


def compressed(levels):
    stream = io.BytesIO()
    Image.fromarray(levels).save(stream, "JPEG", quality=90)
    return np.asarray(Image.open(stream))


MARKS = np.where(points(0, 30) > 0, 255, 0).astype(np.uint8)
BLURRED = gaussian_filter(points(0, 30).astype(float), 4)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (compressed(MARKS), "blurred map|noise of compression"),
        (255 - MARKS, "of its 4800 pixels are not 0; it may be inverted"),
        (255 * np.diag(np.arange(3)), "all its values are multiples of 255"),
        (np.rint(15 * BLURRED / BLURRED.max()), "looks like a blurred map"),
        (np.rint(3 * BLURRED / BLURRED.max()), "areas"),
        (np.diag([180, 212, 350, 0, 240]), "one pixel holds 350"),
        (np.diag(np.arange(12)), "its values are 1 to 11, once each"),
        (discs(MARKS, 2), "lie together in areas"),
        (discs(MARKS, 2) // 255, "lie together in areas"),
    ],
)
def test_what_may_be_no_counts_is_refused(values, text):
    with pytest.raises(InputError, match=rf"({text}).* values='counts'.* values='marks'"):
        Fixations.from_maps([values])
    assert len(Fixations.from_maps([values], values="marks")) == (values > 0).sum()
    assert len(Fixations.from_maps([values], values="counts")) == values.sum(dtype=int)


def test_ordinal_numbers_of_several_people_are_refused():
    ordinals = np.zeros((60, 80), int)
    ordinals[::6, ::8] = np.arange(100).reshape(10, 10) % 7 + 1
    with pytest.raises(InputError, match=r"only 15 of 100 .* ordinal numbers or durations"):
        Fixations.from_maps([ordinals])
