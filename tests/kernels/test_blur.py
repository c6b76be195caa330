"""Blurs against scipy.ndimage."""

import numpy as np
import pytest
from scipy import ndimage

from salmetrics.kernels import blur

SIGMAS = [(0.4, 0.4), (1.0, 1.0), (2.5, 0.7), (0.0, 3.0), (6.0, 6.0)]
SIZES = [(1, 1), (1, 9), (9, 1), (2, 3), (8, 8), (13, 17), (16, 25)]  # smaller than kernels, too
boundaries = pytest.mark.parametrize("boundary", ["constant", "reflect"])
truncations = pytest.mark.parametrize("truncate", [3.0, 4.0])


def half_kernels(sigmas, truncate):
    return [blur.gaussian_weights(sigma, truncate) for sigma in sigmas]


@pytest.mark.parametrize("sigma", [0.0, 1e-200, 0.1, 1.0, 19.0, 23.99])
@truncations
def test_gaussian_weights(sigma, truncate):
    weights = blur.gaussian_weights(sigma, truncate)
    radius = int(truncate * sigma + 0.5)
    impulse = np.zeros(2 * radius + 1)
    impulse[radius] = 1
    expected = ndimage.gaussian_filter1d(impulse, sigma, truncate=truncate) if radius else impulse
    np.testing.assert_allclose(np.append(weights[:0:-1], weights), expected, rtol=1e-12)


@pytest.mark.parametrize("sigmas", SIGMAS)
@pytest.mark.parametrize("size", SIZES)
@truncations
@boundaries
def test_blur_dense(size, sigmas, truncate, boundary, rng, mode):
    image = rng.normal(size=size)
    result = blur.blur_dense(image, *half_kernels(sigmas, truncate), boundary == "reflect")
    expected = ndimage.gaussian_filter(image, sigmas, mode=boundary, truncate=truncate)
    np.testing.assert_allclose(result, expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int32, bool, ">f8"])
def test_blur_dense_of_other_types(dtype, rng, mode):
    image = rng.integers(0, 2, (11, 10)).astype(dtype)[::-1, ::2]
    result = blur.blur_dense(image, *half_kernels((1.5, 2.0), 4.0), True)
    expected = ndimage.gaussian_filter(image.astype(np.float64), (1.5, 2.0))
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, expected, rtol=1e-10)


def test_blur_dense_of_a_line_longer_than_a_chunk(rng, mode):
    image = rng.random((2, 2500))
    result = blur.blur_dense(image, *half_kernels((1.0, 5.0), 4.0), True)
    np.testing.assert_allclose(result, ndimage.gaussian_filter(image, (1.0, 5.0)), rtol=1e-10)


@pytest.mark.parametrize("sigmas", SIGMAS)
@pytest.mark.parametrize("size", SIZES)
@truncations
@boundaries
def test_blurred_points_are_the_blurred_count_map(size, sigmas, truncate, boundary, rng, mode):
    row_weights, column_weights = half_kernels(sigmas, truncate)
    rows, columns = (rng.integers(0, length, 5) for length in size)
    ys, xs = rows, columns
    if boundary == "reflect":
        which, ys = blur.mirrored(rows, size[0], row_weights.size - 1)
        again, xs = blur.mirrored(columns[which], size[1], column_weights.size - 1)
        ys = ys[again]
    counts = np.zeros(size)
    np.add.at(counts, (rows, columns), 1)
    expected = ndimage.gaussian_filter(counts, sigmas, mode=boundary, truncate=truncate)
    kernels = (ys, xs, np.ones(xs.size), row_weights, column_weights)
    np.testing.assert_allclose(blur.blur_points(size, *kernels), expected, rtol=1e-12, atol=1e-15)
    at_y, at_x = (grid.ravel() for grid in np.indices(size))
    reflect = boundary == "reflect"
    tables = (
        blur.pair_tables(row_weights, size[0], reflect),
        blur.pair_tables(column_weights, size[1], reflect),
    )
    # the second of two images has one point, looked at from one place
    ys, xs = np.append(rows, rows[0]), np.append(columns, columns[0])
    places = np.append(at_y, rows[0]), np.append(at_x, columns[0])
    ends, at_ends = np.array([5, 6]), np.array([at_y.size, at_y.size + 1])
    found = blur.blurred_points_at(*tables, ys, xs, np.ones(6), ends, *places, at_ends)
    np.testing.assert_allclose(found[:-1].reshape(size), expected, rtol=1e-12, atol=1e-15)
    alone = np.zeros(size)
    alone[rows[0], columns[0]] = 1
    alone = ndimage.gaussian_filter(alone, sigmas, mode=boundary, truncate=truncate)
    np.testing.assert_allclose(found[-1], alone[rows[0], columns[0]], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("n", [0, 1, 4, 7])
def test_masses(n, rng, mode):
    ys, xs, masses = rng.integers(-2, 14, n), rng.integers(-3, 18, n), rng.normal(size=n)
    weights = blur.gaussian_weights(1.0, 3.0)
    line = np.append(weights[:0:-1], weights)
    expected = np.zeros((40, 40))
    for y, x, mass in zip(ys, xs, masses, strict=True):
        expected[y + 7 : y + 14, x + 7 : x + 14] += mass * np.outer(line, line)
    result = blur.blur_points((12, 15), ys, xs, masses, weights, weights)
    np.testing.assert_allclose(result, expected[10:22, 10:25], rtol=1e-12, atol=1e-16)


def test_mirrored_by_hand():
    which, where = blur.mirrored(np.array([0, 2]), 3, 2)
    assert sorted(zip(which.tolist(), where.tolist(), strict=True)) == [
        (0, -1),
        (0, 0),
        (1, 2),
        (1, 3),
    ]
