"""Drawing from densities, cutting them by mass, quantising and comparing them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.spatial.distance import jensenshannon
from scipy.stats import chisquare

from salmetrics import InputError
from salmetrics.densities.divergence import jensen_shannon
from salmetrics.densities.grey_levels import quantise, save_quantised
from salmetrics.densities.sampling import draw_fixations, draw_pixels
from salmetrics.plotting.images import contour_levels


def density(seed, size=(7, 9)):
    p = np.random.default_rng(seed).gamma(0.3, size=size)
    return np.log(p / p.sum())


def test_draws_follow_the_density():
    log = density(0, (3, 4))
    pixels = draw_pixels(np.exp(log), 20_000, np.random.default_rng(1))
    counts = np.bincount(pixels, minlength=12)
    assert chisquare(counts, 20_000 * np.exp(log).ravel()).pvalue > 0.001
    x, y = draw_fixations(log, 20_000, np.random.default_rng(1))
    np.testing.assert_array_equal(y.astype(int) * 4 + x.astype(int), pixels)
    assert 0.49 < (x % 1).mean() < 0.51
    none = np.array([[0.0, 0.5, 0.0, 0.5]])
    assert set(draw_pixels(none, 1000, np.random.default_rng(0)).tolist()) == {1, 3}


@given(st.integers(0, 10**6), st.lists(st.floats(0.001, 0.999), min_size=1, max_size=5))
def test_contours_enclose_their_mass(seed, masses):
    log = density(seed)
    p = np.exp(log)
    for mass, level in zip(masses, contour_levels(log, masses), strict=True):
        assert p[log >= level].sum() >= mass - 1e-9
        assert p[log > level].sum() < mass + 1e-9


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


@given(st.integers(0, 10**6))
def test_jensen_shannon_as_scipy(seed):
    one, two = density(seed), density(seed + 1)
    expected = jensenshannon(np.exp(one).ravel(), np.exp(two).ravel(), base=2) ** 2
    assert jensen_shannon([one, two]) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_jensen_shannon():
    one, two = density(0), density(1)
    assert jensen_shannon([one, one]) == pytest.approx(0, abs=1e-12)
    assert jensen_shannon([one, two], [1, 0]) == pytest.approx(0, abs=1e-12)
    with np.errstate(divide="ignore"):
        apart = [np.log([[1.0, 0.0]]), np.log([[0.0, 1.0]])]
    assert jensen_shannon(apart) == pytest.approx(1)
    assert jensen_shannon([one, two, one]) < jensen_shannon([one, two])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda d: contour_levels(d, [0.5, 1]), "masses must be between 0 and 1"),
        (lambda d: contour_levels(d + 1), "log_density"),
        (lambda d: quantise(d, 1), "n_levels must be from 2 to 256; got 1"),
        (lambda d: quantise(d, 257), "n_levels must be from 2 to 256; got 257"),
        (lambda d: jensen_shannon([]), "log_densities must be at least one, all of one shape"),
        (lambda d: jensen_shannon([d, density(0, (2, 2))]), "all of one shape"),
        (
            lambda d: jensen_shannon([d, d], [0.5, 0.6]),
            "weights must be 2 numbers >= 0 that add up",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(InputError, match=text):
        call(density(0))
