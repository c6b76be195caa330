"""Kernel densities of fixations against sums written out."""

import math

import numpy as np
import pytest

from salmetrics.kernels import kde


def summed(x, length, sigma):
    return math.fsum(math.exp(-0.5 * ((c + 0.5 - x) / sigma) ** 2) for c in range(length))


@pytest.mark.parametrize("length", [1, 5, 50, 800])
@pytest.mark.parametrize("sigma", [0.3, 1.0, 7.99, 8.0, 24.0, 1000.0])
def test_line_masses_are_sums_over_pixel_centres(sigma, length, rng, mode):
    positions = np.concatenate([rng.random(5) * length, [0.0, length - 1e-9, length / 2]])
    expected = [summed(x, length, sigma) for x in positions]
    found = kde.line_masses(positions, length, sigma)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_held_out_sums(rng, mode):
    at_y, at_x, ys, xs = rng.random((4, 30)) * 20
    left_out, holder, masses = rng.integers(-1, 4, 30), rng.integers(0, 4, 30), rng.random(30)
    sums, others = kde.held_out_sums(at_y, at_x, left_out, ys, xs, holder, masses, 3.0)
    squares = (at_y[:, np.newaxis] - ys) ** 2 + (at_x[:, np.newaxis] - xs) ** 2
    counts = left_out[:, np.newaxis] != holder
    np.testing.assert_allclose(sums, (np.exp(-squares / 18) * counts).sum(1), rtol=1e-12)
    np.testing.assert_allclose(others, counts @ masses, rtol=1e-12)


def test_sums_of_holder(rng, mode):
    at_y, at_x, ys, xs = rng.random((4, 30)) * 20
    at_holder, ends = rng.integers(-1, 4, 30), np.array([9, 9, 20, 30])
    holder = np.repeat([0, 2, 3], [9, 11, 10])
    found = kde.sums_of_holder(at_y, at_x, at_holder, ys, xs, ends, 3.0)
    squares = (at_y[:, np.newaxis] - ys) ** 2 + (at_x[:, np.newaxis] - xs) ** 2
    own = at_holder[:, np.newaxis] == holder
    np.testing.assert_allclose(found, (np.exp(-squares / 18) * own).sum(1), rtol=1e-12)


@pytest.mark.parametrize("side", [1.0, 3.7, 50.0])
@pytest.mark.parametrize("reach", [0.5, 6.0, 100.0])
def test_near_sums(side, reach, rng, mode):
    size = (20, 31)
    at_y, ys = rng.random((2, 40)) * 20
    at_x, xs = rng.random((2, 40)) * 31
    left_out, holder = rng.integers(-1, 4, 40), rng.integers(0, 4, 40)
    cells = kde.cells_of(size, ys, xs, side)
    found = kde.near_sums(cells, at_y, at_x, left_out, ys, xs, holder, 3.0, reach)
    squares = (at_y[:, np.newaxis] - ys) ** 2 + (at_x[:, np.newaxis] - xs) ** 2
    counts = (left_out[:, np.newaxis] != holder) & (squares <= reach**2)
    np.testing.assert_allclose(found, (np.exp(-squares / 18) * counts).sum(1), rtol=1e-12)
    assert (squares <= reach**2).sum() <= kde.n_near(cells, at_y, at_x, reach) <= 1600


def test_map_of_kernels(rng):
    ys, xs = rng.random(4) * 12, rng.random(4) * 17
    rows, columns = np.mgrid[:12, :17] + 0.5
    expected = sum(
        np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 8) for y, x in zip(ys, xs, strict=True)
    )
    np.testing.assert_allclose(kde.map_of_kernels((12, 17), ys, xs, 2.0), expected, rtol=1e-12)
