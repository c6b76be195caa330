"""Samples of blurred points on a grid, and mass by density, against their definitions."""

import math

import numpy as np
import pytest

from salmetrics.kernels import quantile

EPS32 = np.finfo(np.float32).eps


def half_kernel(radius):
    weights = np.exp(-0.5 * (np.arange(radius + 1) / 1.5) ** 2)
    return (weights / (2 * weights.sum() - weights[0])).astype(np.float32)


def slow_maps(ys, xs, masses, ends, rows, columns, row_weights, column_weights):
    """One sample, point and grid place after the other, in float64."""

    def weight(weights, distance):
        return float(weights[distance]) if distance < weights.size else 0.0

    maps = np.zeros((len(ends), len(rows), len(columns)))
    for s, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        for p in range(start, end):
            for i, row in enumerate(rows):
                for j, column in enumerate(columns):
                    along_y = weight(row_weights, abs(row - ys[p]))
                    along_x = weight(column_weights, abs(column - xs[p]))
                    maps[s, i, j] += float(masses[p]) * along_y * along_x
    return maps


@pytest.mark.parametrize("radii", [(0, 0), (2, 5), (30, 1)])
def test_sampled_maps(radii, rng, mode):
    ys, xs = rng.integers(-2, 14, 20), rng.integers(-3, 19, 20)  # beyond the grid, too
    masses = rng.random(20).astype(np.float32)
    ends = np.array([7, 7, 8, 20])  # the second sample has no points
    rows, columns = np.array([0, 3, 4, 11]), np.array([1, 2, 9, 15])
    weights = [half_kernel(radius) for radius in radii]
    maps = quantile.sampled_maps(ys, xs, masses, ends, rows, columns, *weights)
    expected = slow_maps(ys, xs, masses, ends.tolist(), rows, columns, *weights)
    assert maps.dtype == np.float32
    # two products and up to twelve sums of positive float32 numbers
    np.testing.assert_allclose(maps, expected, rtol=14 * EPS32)
    assert not maps[1].any()


def test_blurred_on_grid(rng, mode):
    pixels = rng.integers(0, 9 * 11, 60).astype(np.int32)
    down, right = rng.random((9, 4)), rng.random((11, 5))
    down[rng.random(down.shape) < 0.4], right[rng.random(right.shape) < 0.4] = 0, 0
    down[2], right[:, 3] = 0, 0
    counts = np.bincount(pixels, minlength=99).reshape(9, 11)
    found = quantile.blurred_on_grid(pixels, down, right)
    np.testing.assert_allclose(found, down.T @ counts @ right, rtol=1e-12)


def test_searched(rng, mode):
    ascending = np.cumsum(np.where(rng.random(300) < 0.5, 0.0, rng.random(300) ** 8))
    ascending = np.concatenate([[0.0, 0.0], ascending, ascending[-1:]])
    values = np.concatenate([ascending, np.nextafter(ascending[3:], 0), rng.random(50)])
    values = values[values <= ascending[-1]]
    found = np.empty(values.size, np.int32)
    quantile.searched(ascending, values, found)
    np.testing.assert_array_equal(found, np.searchsorted(ascending, values, side="right"))


def test_a_point_on_the_grid_by_hand(mode):
    weights = np.array([0.5, 0.25], np.float32)
    maps = quantile.sampled_maps(
        np.array([2]),
        np.array([3]),
        np.array([4.0], np.float32),
        np.array([1]),
        np.array([1, 2, 5]),
        np.array([2, 3]),
        weights,
        weights,
    )
    assert maps.tolist() == [[[0.25, 0.5], [0.5, 1.0], [0.0, 0.0]]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [0, 1, 2, 9])
def test_mass_below(n, dtype, rng, mode):
    log_density = rng.choice([-np.inf, -3.0, -2.5, -1.0, 0.5, 2.0], 200).astype(dtype)
    candidates = np.array([-np.inf, -4.0, -3.0, -2.75, -2.5, -1.0, 0.0, 0.5, 3.0], dtype)
    thresholds = np.sort(rng.choice(candidates, n, replace=False))
    below, tied = quantile.mass_below(log_density, thresholds)
    masses = np.exp(log_density.astype(np.float64))
    # sums of up to 200 masses
    rtol = 200 * np.finfo(np.float64).eps
    expected = [math.fsum(masses[log_density < threshold]) for threshold in thresholds]
    np.testing.assert_allclose(below, np.array(expected), rtol=rtol)
    expected = [math.fsum(masses[log_density == threshold]) for threshold in thresholds]
    np.testing.assert_allclose(tied, np.array(expected), rtol=rtol)


def test_mass_below_of_no_values(mode):
    below, tied = quantile.mass_below(np.zeros(0), np.array([-1.0, 1.0]))
    assert below.tolist() == tied.tolist() == [0.0, 0.0]
