"""Interpolation of maps and densities at other sizes."""

import numpy as np
import pytest

from salmetrics import InputError
from salmetrics.densities.resampling import RESIZES, resize_log_density, resize_map


def test_nearest_repeats_pixels():
    small = np.arange(6.0).reshape(2, 3)
    found = resize_map(small, (4, 9), "nearest")
    np.testing.assert_array_equal(found, small.repeat(2, 0).repeat(3, 1))


def test_bilinear_by_hand():
    """Pixel centres of the four lie at -0.25, 0.25, 0.75 and 1.25 of the two, flat outside."""
    found = resize_map(np.array([[0.0, 8.0]]), (1, 4))
    np.testing.assert_allclose(found, [[0, 2, 6, 8]], rtol=1e-14)
    down = resize_map(np.array([[0.0, 4.0, 8.0, 12.0]]), (1, 2))
    np.testing.assert_allclose(down, [[2, 10]], rtol=1e-14)  # centres at 0.5 and 2.5


def test_bicubic_reproduces_cubics_between_pixels():
    x = np.arange(40.0)
    line = ((x - 20) / 10) ** 3
    found = resize_map(line[np.newaxis], (1, 120), "bicubic")
    at = (np.arange(120) + 0.5) / 3 - 0.5
    # the effect of the edges, where the spline bends the wrong way by at most 8, decays by the pole
    # of the cubic spline, 0.27 per pixel: 6e-9 after 16 pixels
    inner = slice(48, 72)
    np.testing.assert_allclose(found[0, inner], ((at[inner] - 20) / 10) ** 3, rtol=0, atol=1e-8)


@pytest.mark.parametrize("resize", RESIZES)
def test_the_same_size_changes_nothing(resize, rng):
    image = rng.random((5, 7)).astype(np.float32)
    found = resize_map(image, (5, 7), resize)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, image, rtol=1e-12)


@pytest.mark.parametrize("size", [(3, 4), (9, 14), (1, 1)])
@pytest.mark.parametrize("resize", RESIZES)
def test_densities_stay_densities(resize, size, rng):
    density = rng.dirichlet(np.full(54, 0.3)).reshape(6, 9)
    density[0, 0] = 0
    with np.errstate(divide="ignore"):
        log = np.log(density / density.sum())
    found = resize_log_density(log, size, resize)
    assert found.shape == size
    assert np.exp(found).sum() == pytest.approx(1, rel=1e-12)
    expected = np.maximum(resize_map(np.exp(log), size, resize), 0)  # cubics may fall below 0
    np.testing.assert_allclose(np.exp(found), expected / expected.sum(), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("shape", [(4,), (2, 3, 3)])
def test_only_maps(shape):
    with pytest.raises(InputError, match=r"only maps of shape \(h, w\) can be resized; got \("):
        resize_map(np.ones(shape), (2, 2))
