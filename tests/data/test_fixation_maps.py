"""Fixations in maps of counts or marks."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, maximum_filter

from salmetrics import Fixations, InputError
from salmetrics.errors import InputWarning


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


def overridden(maps, values, text):
    """Return fixations in maps that are warned of and noted."""
    with pytest.warns(InputWarning, match=f"values='{values}' though .*fixation map 0: .*({text})"):
        found = Fixations.from_maps(maps, values=values)
    (note,) = found.notes
    assert note.startswith(f"{len(maps)} of {len(maps)} fixation maps are read with values=")
    return found


@pytest.mark.parametrize("top", [255, 65535, 2, 7.5])
def test_marks_are_one_fixation_each(top):
    marks = [np.where(points(seed) > 0, top, 0) for seed in range(3)]
    expected = [int((mark > 0).sum()) for mark in marks]
    assert Fixations.from_maps(marks).counts().tolist() == expected
    assert Fixations.from_maps(marks, values="marks").counts().tolist() == expected
    if top in (2, 255):
        found = overridden(marks, "counts", "hold .*, as marks do") if top > 50 else None
        found = found or Fixations.from_maps(marks, values="counts")
        assert found.counts().tolist() == [n * top for n in expected]


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
    assert len(overridden([levels], "counts", "looks like a blurred map")) == levels.sum(dtype=int)


def discs(marks, radius):
    return np.where(maximum_filter(marks, footprint=disc(radius)), 255, 0).astype(np.uint8)


def disc(radius):
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return rows**2 + columns**2 <= radius**2


def compressed(levels, quality=90):
    stream = io.BytesIO()
    Image.fromarray(levels).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


MARKS = np.where(points(0, 30) > 0, 255, 0).astype(np.uint8)
BLURRED = gaussian_filter(points(0, 30).astype(float), 4)


@pytest.mark.parametrize(
    ("values", "text"),
    [
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
    assert len(overridden([values], "marks", text)) == (values > 0).sum()
    if values.sum(dtype=int) > 1_000_000:
        values = values // 255 * 2
    text = f"{text}|as marks do"
    assert len(overridden([values], "counts", text)) == values.sum(dtype=int)


def test_ordinal_numbers_of_several_people_are_refused():
    ordinals = np.zeros((60, 80), int)
    ordinals[::6, ::8] = np.arange(100).reshape(10, 10) % 7 + 1
    with pytest.raises(InputError, match=r"only 15 of 100 .* ordinal numbers or durations"):
        Fixations.from_maps([ordinals])


@pytest.mark.parametrize("quality", [75, 90, 100])
@pytest.mark.parametrize("radius", [0, 2, 5])
def test_marks_amid_noise_of_compression_are_refused(quality, radius):
    noisy = compressed(discs(MARKS, radius), quality)
    for values in (None, "marks"):
        with pytest.raises(InputError, match=r"noise of lossy compression .* save masks as PNG$"):
            Fixations.from_maps([noisy], values=values)
    assert len(overridden([noisy], "counts", "noise of lossy")) == noisy.sum(dtype=int)


def test_marks_of_a_jpeg_with_several_values_are_refused():
    levels = compressed(np.rint(255 * BLURRED / BLURRED.max()).astype(np.uint8), 30)
    for name in ("a/1.JPG", "bob's.jpg", 'the "new" one.jpeg'):
        with pytest.raises(InputError, match=r"does not hold marks: it is a JPEG"):
            Fixations.from_maps([levels], values="marks", names=[name])
    with pytest.raises(InputError, match=r"map 'a/1.JPG': .* give values='counts'$"):
        Fixations.from_maps([levels], names=["a/1.JPG"])
    assert len(Fixations.from_maps([MARKS], values="marks", names=["1.jpg"])) == (MARKS > 0).sum()


def test_more_fixations_than_an_image_has_are_refused():
    many = np.array([[1.0, 999_999.0]])
    assert len(overridden([many], "counts", "one pixel holds 999999")) == 1_000_000
    with pytest.raises(InputError, match=r"'m.npy' would hold 1000002 fixations, .* ground truth"):
        Fixations.from_maps([many + 1], values="counts", names=["m.npy"])


def test_a_given_meaning_that_is_plausible_is_not_warned_of():
    counts = [points(seed) for seed in range(3)]
    assert Fixations.from_maps(counts, values="counts").notes == ()
    assert Fixations.from_maps([MARKS], values="marks").notes == ()


def test_one_large_count_amid_others_is_no_noise():
    counts = points(0, 60)
    counts[0, 0] = 200  # lost gaze
    with pytest.raises(InputError, match=r"one pixel holds 200, .* give values='counts'"):
        Fixations.from_maps([counts])
    assert len(overridden([counts], "marks", "one pixel holds 200")) == (counts > 0).sum()
