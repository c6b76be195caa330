"""Kernel sums by way of a grid against sums written out."""

import numpy as np
import pytest

from salmetrics.kernels import gaussian_grid as grids

SIZE = (23, 31)


def written_out(at_y, at_x, ys, xs, sigma):
    squares = (at_y[:, np.newaxis] - ys) ** 2 + (at_x[:, np.newaxis] - xs) ** 2
    return np.exp(-squares / (2 * sigma**2)).sum(1)


@pytest.mark.parametrize("sigma", [0.7, 2.0, 50.0])
def test_sums_from_grid(sigma, rng, mode):
    ys, xs = rng.random((2, 40)) * np.reshape(SIZE, (2, 1))
    corners = np.array([[0.0, 0.0, 23.0, 23.0], [0.0, 31.0, 0.0, 31.0]])
    at_y, at_x = np.concatenate([np.stack([ys, xs]), corners], axis=1)
    grid = np.zeros(grids.grid_shape(SIZE, sigma))
    grids.spread_on_grid(ys, xs, sigma, grid)
    found = grids.sums_from_grid(grid, at_y, at_x, sigma)
    expected = written_out(at_y, at_x, ys, xs, sigma)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-22)  # 40 times 2e-24


@pytest.mark.parametrize("sigma", [0.7, 2.0, 50.0])
def test_nothing_is_cut_off_on_lines(sigma, rng, monkeypatch):
    monkeypatch.setattr(grids, "_BLOCK", 1000)
    ys, xs = rng.random((2, 40)) * np.reshape(SIZE, (2, 1))
    rows, columns = (values.reshape(-1) + 0.5 for values in np.mgrid[: SIZE[0], : SIZE[1]])
    expected = written_out(rows, columns, ys[:1], xs[:1], sigma).reshape(SIZE)
    found = grids.sums_on_lines(SIZE, ys[:1], xs[:1], sigma)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-290)
    expected = written_out(rows, columns, ys, xs, sigma).reshape(SIZE)
    np.testing.assert_allclose(grids.sums_on_lines(SIZE, ys, xs, sigma), expected, rtol=1e-12)
