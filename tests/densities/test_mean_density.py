"""The grid on which predictions are averaged, and the sums on it."""

import numpy as np
import pytest

from salmetrics.densities.mean_density import (
    GRID,
    MeanDensity,
    from_grid,
    from_grid_by_logs,
    mean_of_others,
    mean_on_grid,
    others_mean,
    to_grid,
    to_grid_by_logs,
)


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
    np.testing.assert_array_equal(to_grid(density), density)  # weights are exactly 0 and 1
    np.testing.assert_array_equal(from_grid(density, (GRID, GRID)), density)


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
    np.testing.assert_array_equal(found, [[0.75, 0.25]])  # sums of powers of 2 are exact
    assert mean_of_others(np.array([0.1 + 0.2]), np.array([0.30000000000000010]), 2).min() >= 0


@pytest.mark.parametrize("size", [(2, 3), (40, 60), (600, 800)])
def test_logs_are_interpolated_corner_to_corner(size):
    """A log density that is a plane stays one, and its corners stay at the corners."""

    def plane(shape):
        y, x = (np.linspace(0, 1, n) for n in shape)
        log = np.add.outer(1.5 * y, -2 * x)
        return np.exp(log) / np.exp(log).sum()

    on_grid = to_grid_by_logs(np.log(plane(size)))
    # normalisers add up 250 000 values, each with a relative error of a few eps from exp
    np.testing.assert_allclose(on_grid, plane((GRID, GRID)), rtol=1e-12)
    np.testing.assert_allclose(from_grid_by_logs(on_grid, size), plane(size), rtol=1e-12)


def test_logs_of_zero_stay_zero():
    with np.errstate(divide="ignore"):
        log = np.log(np.array([[0.5, 0.5, 0.0]]))
    on_grid = to_grid_by_logs(log)
    assert on_grid.shape == (GRID, GRID)
    assert on_grid.sum() == pytest.approx(1, rel=1e-12)
    x = np.arange(GRID) * 2 / (GRID - 1)  # positions of cells among the three pixels
    assert (on_grid[:, x > 1] == 0).all()
    assert (on_grid[:, x <= 1] > 0).all()
    back = from_grid_by_logs(on_grid, (1, 3))
    assert back[0, 2] == 0
    assert back[0, :1].sum() > 0


def test_one_line_of_pixels():
    """A side of one pixel is constant along the grid."""
    on_grid = to_grid_by_logs(np.log(np.array([[0.25, 0.75]])))
    assert (on_grid == on_grid[0]).all()
    assert on_grid[0, -1] / on_grid[0, 0] == pytest.approx(3, rel=1e-12)


def test_sums_over_images(rng):
    densities = rng.dirichlet(np.ones(6), 3).reshape(3, 2, 3)
    mean = MeanDensity()
    assert (mean.n, mean.total.shape) == (0, ())
    for density in densities:
        mean = mean.add(density)
    assert mean.n == 3
    np.testing.assert_allclose(mean.total, densities.sum(0), rtol=1e-15)
    parts = MeanDensity(densities[0], 1).plus(MeanDensity(densities[1] + densities[2], 2))
    assert parts.n == 3
    np.testing.assert_allclose(parts.total, mean.total, rtol=1e-15)


def test_digests_tell_sums_and_numbers_of_images_apart():
    total = np.array([[0.25, 0.75]])
    first = MeanDensity(total, 2)
    assert first.digest() == MeanDensity(total.copy(), 2).digest()
    others = [MeanDensity(total, 3), MeanDensity(total[:, ::-1].copy(), 2), MeanDensity()]
    assert len({each.digest() for each in (first, *others)}) == 4


@pytest.mark.parametrize(
    ("mean_grid", "there", "back"),
    [
        ("mass", lambda p: to_grid(p), from_grid),
        ("log", lambda p: to_grid_by_logs(np.log(p)), from_grid_by_logs),
    ],
)
def test_means_without_one_image(mean_grid, there, back, rng):
    size = (4, 6)
    subjects = [p.reshape(size) for p in rng.dirichlet(np.ones(24), 2)]
    own = mean_on_grid([np.log(p).astype(np.float32) for p in subjects], mean_grid)
    # logs in float32 have a relative error of eps32 / 2 of at most 12
    bound = 12 * np.finfo(np.float32).eps
    np.testing.assert_allclose(own, (there(subjects[0]) + there(subjects[1])) / 2, rtol=bound)
    others = [there(p.reshape(3, 2)) for p in rng.dirichlet(np.ones(6), 2)]
    mean = MeanDensity(own, 1).add(others[0]).add(others[1])
    found = others_mean(mean, own, size, mean_grid)
    # own is added and taken away again: a few eps of the largest of the three
    rtol = 10 * np.finfo(float).eps * (mean.total / (others[0] + others[1])).max()
    np.testing.assert_allclose(found, back((others[0] + others[1]) / 2, size), rtol=10 * rtol)
