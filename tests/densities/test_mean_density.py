"""The grid on which predictions are averaged."""

import numpy as np
import pytest

from salmetrics.densities.mean_density import GRID, from_grid, mean_of_others, to_grid


def slow_to_grid(density):
    """Mass of each pixel spread evenly over it, added up by cell: on a common refinement."""
    height, width = density.shape
    fine = np.kron(density, np.ones((GRID, GRID))) / GRID**2
    return fine.reshape(GRID, height, GRID, width).sum((1, 3))


@pytest.mark.parametrize("size", [(3, 2), (1, 4)])
def test_to_grid(size, rng):
    density = rng.random(size)
    np.testing.assert_allclose(to_grid(density), slow_to_grid(density), rtol=1e-12)


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (500, 500), (600, 800), (1080, 1920)])
def test_mass_is_kept(size, rng):
    density = rng.random(size)
    np.testing.assert_allclose(to_grid(density).sum(), density.sum(), rtol=1e-12)


def test_the_grid_itself_is_unchanged(rng):
    density = rng.random((GRID, GRID))
    np.testing.assert_allclose(to_grid(density), density, rtol=1e-15)
    np.testing.assert_allclose(from_grid(density, (GRID, GRID)), density, rtol=1e-15)


@pytest.mark.parametrize("size", [(40, 60), (600, 800)])
def test_from_grid_is_linear_interpolation(size):
    """A plane stays a plane, but for the last half cell, where it is flat."""
    centres = (np.arange(GRID) + 0.5) / GRID
    plane = 1 + np.add.outer(2 * centres, 3 * centres)
    y, x = ((np.arange(n) + 0.5) / n for n in size)
    expected = 1 + np.add.outer(2 * y, 3 * x)
    found = from_grid(plane / GRID**2, size) * np.prod(size)
    inner = np.s_[1:-1, 1:-1]
    np.testing.assert_allclose(found[inner], expected[inner], rtol=1e-12)


def test_mean_of_others():
    densities = np.array([[[0.25, 0.75]], [[0.5, 0.5]], [[1.0, 0.0]]])
    found = mean_of_others(densities.sum(0), densities[0], 3)
    np.testing.assert_allclose(found, [[0.75, 0.25]])
    assert mean_of_others(np.array([0.1 + 0.2]), np.array([0.30000000000000010]), 2).min() >= 0
