"""Sampled empirical maps at the points of a grid, against loops."""

import numpy as np

from salmetrics.kernels.quantile import mass_below, sampled_maps


def test_the_kernel_compiled_and_plain(rng):
    """Points that end nowhere near the edges, and in them, with windows of any size."""
    ys, xs = rng.integers(-3, 13, 60), rng.integers(-3, 18, 60)
    masses = rng.random(60).astype(np.float32)
    ends = np.array([10, 10, 45, 60])
    rows, columns = np.array([0, 3, 6, 9]), np.array([0, 4, 8, 12, 14])
    kernels = [np.exp(-np.arange(n) / 2).astype(np.float32) for n in (3, 6)]
    found = sampled_maps(ys, xs, masses, ends, rows, columns, *kernels)
    plain = sampled_maps.py_func(ys, xs, masses, ends, rows, columns, *kernels)
    # float32: each value adds up at most 35 products of at most 1, in one order, with or without
    # fused multiply-add
    bound = 2 * 35 * np.finfo(np.float32).eps
    np.testing.assert_allclose(found, plain, rtol=bound, atol=bound)
    slow = np.zeros((4, 4, 5))
    for s, (first, last) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        for y, x, mass in zip(ys[first:last], xs[first:last], masses[first:last], strict=True):
            for r, row in enumerate(rows):
                for c, column in enumerate(columns):
                    if abs(row - y) < 3 and abs(column - x) < 6:
                        slow[s, r, c] += (
                            mass * kernels[0][abs(row - y)] * kernels[1][abs(column - x)]
                        )
    np.testing.assert_allclose(found, slow, rtol=bound, atol=bound)


def test_mass_below_and_at_thresholds(rng):
    log_density = np.log(rng.dirichlet(np.ones(200)))
    log_density[:20] = -np.inf
    log_density[20:40] = log_density[40]
    thresholds = np.sort(np.r_[-np.inf, -50.0, log_density[40:50], 0.0])
    for function in (mass_below, mass_below.py_func):
        below, tied = function(log_density, thresholds)
        p = np.exp(log_density)
        for k, threshold in enumerate(thresholds):
            np.testing.assert_allclose(below[k], p[log_density < threshold].sum(), rtol=1e-13)
            np.testing.assert_allclose(tied[k], p[log_density == threshold].sum(), rtol=1e-13)
