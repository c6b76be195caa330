"""Sums of many kernels against those of all pairs."""

import numpy as np
import pytest

from salmetrics.densities import kernel_sums
from salmetrics.kernels import kde

SIZE = (120, 160)
SIGMAS = (0.5, 3.0, 12.0, 40.0)  # near pairs; grids of all others, or a difference


@pytest.fixture
def points(rng):
    """Dense clusters and a few fixations far from them; places are the pixels' centres."""
    n = 2100
    centres = rng.random((4, 2)) * SIZE
    ys, xs = (centres[rng.integers(0, 4, n)] + rng.normal(0, 5, (n, 2))).T
    ys[:30], xs[:30] = rng.random((2, 30)) * np.reshape(SIZE, (2, 1))
    ys, xs = np.clip(ys, 0, SIZE[0] - 1e-9), np.clip(xs, 0, SIZE[1] - 1e-9)
    return np.floor(ys) + 0.5, np.floor(xs) + 0.5, ys, xs


def holders(how, n, rng):
    """Return who is left out at each place, and who holds each kernel."""
    if how == "nobody":
        return np.full(n, -1), np.zeros(n, np.int64)
    if how == "fixation":
        return np.arange(n), np.arange(n)
    holder = rng.integers(0, 7, n)
    if how == "alone":
        holder[:] = 3
    if how == "some":
        return np.where(rng.random(n) < 0.5, holder, -1), holder
    return holder, holder


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("how", ["subject", "fixation", "nobody", "some", "alone"])
def test_sums_are_those_of_all_pairs(points, rng, how, sigma):
    at_y, at_x, ys, xs = points
    left_out, holder = holders(how, ys.size, rng)
    kernels = ys, xs, holder, rng.random(ys.size)
    sums, masses = kernel_sums.held_out_sums(SIZE, at_y, at_x, left_out, *kernels, sigma)
    some = np.concatenate([np.arange(30), rng.integers(0, ys.size, 100)])
    expected = kde.held_out_sums(at_y[some], at_x[some], left_out[some], *kernels, sigma)
    np.testing.assert_allclose(sums[some], expected[0], rtol=1e-12)  # as the docstring says
    np.testing.assert_allclose(masses[some], expected[1], rtol=1e-12)


def test_each_way_is_taken(points, rng, monkeypatch):
    taken = []
    for name in ("near_sums", "sums_of_holder"):
        original = getattr(kde, name)
        monkeypatch.setattr(
            kde,
            name,
            lambda *a, name=name, original=original: (taken.append(name), original(*a))[1],
        )
    original_grids = kernel_sums._sums_by_grids
    monkeypatch.setattr(
        kernel_sums, "_sums_by_grids", lambda *a: (taken.append("grids"), original_grids(*a))[1]
    )
    at_y, at_x, ys, xs = points
    for how, sigma, way in [
        ("subject", 0.5, "near_sums"),
        ("subject", 12.0, "grids"),
        ("fixation", 12.0, "sums_of_holder"),
    ]:
        taken.clear()
        left_out, holder = holders(how, ys.size, rng)
        kernel_sums.held_out_sums(
            SIZE, at_y, at_x, left_out, ys, xs, holder, np.ones(ys.size), sigma
        )
        assert taken[0] == way


def test_grids_in_several_blocks_give_the_same_sums(points, rng, monkeypatch):
    at_y, at_x, ys, xs = points
    left_out, holder = holders("subject", ys.size, rng)
    arguments = SIZE, at_y, at_x, left_out, ys, xs, holder, np.ones(ys.size), 20.0
    expected = kernel_sums.held_out_sums(*arguments)[0]
    monkeypatch.setattr(kernel_sums, "_per_block", lambda area: 3)
    found = kernel_sums.held_out_sums(*arguments)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_few_pairs_are_added_up_one_by_one(points, rng):
    at_y, at_x, ys, xs = (values[:2000] for values in points)
    left_out, holder = holders("subject", 2000, rng)
    kernels = ys, xs, holder, np.ones(2000)
    found = kernel_sums.held_out_sums(SIZE, at_y, at_x, left_out, *kernels, 5.0)
    expected = kde.held_out_sums(at_y, at_x, left_out, *kernels, 5.0)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("sigma", [1.0, 8.0, 40.0])
def test_map_of_many_kernels(points, sigma, monkeypatch):
    *_, ys, xs = points
    monkeypatch.setattr(kernel_sums, "_BLOCK", 1000 * sum(SIZE))  # three blocks
    found = kernel_sums.map_of_kernels(SIZE, ys, xs, sigma)
    expected = kde.map_of_kernels(SIZE, ys, xs, sigma)
    # the grid's trapezoidal sums lose digits only where factors are subnormal
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-290)
