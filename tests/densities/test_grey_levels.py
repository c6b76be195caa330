"""Grey levels with equally many pixels each, in memory and in files."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from salmetrics import InputError
from salmetrics.densities.grey_levels import from_log_levels, log_levels, quantise, save_quantised


def density(seed, size=(7, 9)):
    p = np.random.default_rng(seed).gamma(0.3, size=size)
    return np.log(p / p.sum())


@given(st.integers(0, 10**6), st.integers(2, 256))
def test_levels_have_equal_numbers_of_pixels(seed, n_levels):
    log = density(seed, (16, 32))
    levels = quantise(log, n_levels)
    assert levels.dtype == np.uint8
    counts = np.bincount(levels.ravel(), minlength=n_levels)
    assert counts.size == n_levels
    assert np.ptp(counts) <= 1
    order = np.argsort(log, axis=None)
    assert (np.diff(levels.ravel()[order].astype(int)) >= 0).all()


def test_equal_pixels_get_one_level():
    flat = np.full((8, 8), -np.log(64))
    assert np.unique(quantise(flat)).size == 1
    p = np.repeat([1.0, 2, 3, 4], 16).reshape(8, 8)
    assert np.unique(quantise(np.log(p / p.sum()), 4)).tolist() == [0, 1, 2, 3]


def test_quantised_files(tmp_path):
    log = density(0, (40, 60))
    save_quantised(log, tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), quantise(log))
    y, x = np.mgrid[:40, :60]
    smooth = -((x - 20) ** 2 + (y - 10) ** 2) / 400
    smooth = smooth - np.log(np.exp(smooth).sum())
    save_quantised(smooth, tmp_path / "x.jpg")
    with Image.open(tmp_path / "x.jpg") as image:
        assert image.mode == "L"
        assert np.abs(np.asarray(image).astype(int) - quantise(smooth)).max() <= 12
    with pytest.raises(InputError, match=r"path must end in .png or .jpg; got 'x.gif'"):
        save_quantised(log, "x.gif")


def test_by_hand():
    """Three equal pixels of six span the ranks 1, 2 and 3: all get the level of rank 2."""
    p = np.array([[1.0, 2, 2], [2, 5, 8]]) / 20
    assert quantise(np.log(p), 6).tolist() == [[0, 2, 2], [2, 4, 5]]
    assert quantise(np.log(p), 2).tolist() == [[0, 0, 0], [0, 1, 1]]


@pytest.mark.parametrize("n_levels", [1, 257, 2.5, "8"])
def test_wrong_numbers_of_levels(n_levels):
    with pytest.raises(InputError, match=f"n_levels must be from 2 to 256; got {n_levels!r}"):
        quantise(density(0), n_levels)


@given(st.integers(0, 10**6))
def test_log_levels_keep_the_density(seed):
    log = density(seed)
    levels = log_levels(log)
    assert levels.dtype == np.uint8
    assert levels.max() == 255
    back = from_log_levels(levels)
    assert np.exp(back).sum() == pytest.approx(1, rel=1e-12)
    kept = levels > 0  # lower densities are clipped
    # half a step of rounding, the shift of the sum by as much, and the mass of what is clipped
    assert np.abs(back - log)[kept].max() < 0.05 + 1e-3
    assert np.array_equal(log_levels(back), levels)


def test_log_levels_by_hand():
    p = np.array([[1.0, np.exp(-0.05), np.exp(-1), 0]])
    with np.errstate(divide="ignore"):
        log = np.log(p / p.sum())
    assert log_levels(log).tolist() == [[255, 254, 235, 0]]


@pytest.mark.parametrize(
    "levels", [np.ones((2, 2)), np.ones(3, np.uint8), np.ones((0, 2), np.uint8)]
)
def test_wrong_levels(levels):
    with pytest.raises(InputError, match=r"levels must be uint8 of shape \(h, w\); got "):
        from_log_levels(levels)
