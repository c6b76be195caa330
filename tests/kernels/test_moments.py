"""Sums, means, variances and covariances against math.fsum and np.cov."""

import math

import numpy as np
import pytest

from salmetrics.kernels import moments
from salmetrics.kernels.jit import kernel_input

RNG = np.random.default_rng(3)
ARRAYS = {
    "one value": np.array([3.5]),
    "two values": np.array([-1.0, 2.0]),
    "constant": np.full(100, 0.1),
    "noise": RNG.normal(size=1001),
    "float32": RNG.random(1000).astype(np.float32),
    "bytes": RNG.integers(0, 256, 1000).astype(np.uint8),
    "large offset": 1e6 + RNG.random(1000),
    "wide range": 10.0 ** RNG.uniform(-12, 12, 1000),
}
each_array = pytest.mark.parametrize("values", ARRAYS.values(), ids=ARRAYS)


@each_array
def test_total(values, mode):
    exact = math.fsum(values.tolist())
    np.testing.assert_allclose(moments.total(kernel_input(values)), exact, rtol=1e-12)


@each_array
def test_mean_and_squares(values, mode):
    mean, squares = moments.mean_and_squares(kernel_input(values))
    exact = math.fsum(values.tolist()) / values.size
    deviations = values.astype(np.float64) - exact
    np.testing.assert_allclose(mean, exact, rtol=1e-12)
    np.testing.assert_allclose(squares, math.fsum(deviations**2), rtol=1e-10, atol=1e-28)


@each_array
def test_pair_moments(values, mode):
    partner = np.cos(np.arange(values.size)) + values / values.max()
    first, second, products = moments.pair_moments(kernel_input(values), kernel_input(partner))
    centred = [a - math.fsum(a.tolist()) / a.size for a in (values.astype(np.float64), partner)]
    # atol: deviations of a constant array are rounding errors
    np.testing.assert_allclose(first, math.fsum(centred[0] ** 2), rtol=1e-10, atol=1e-28)
    np.testing.assert_allclose(second, math.fsum(centred[1] ** 2), rtol=1e-10, atol=1e-28)
    size = np.sqrt((centred[0] ** 2).sum() * (centred[1] ** 2).sum())
    exact = math.fsum(centred[0] * centred[1])
    np.testing.assert_allclose(products, exact, rtol=1e-10, atol=1e-10 * size + 1e-13)


def test_fast_sums_keep_nan_and_infinity(mode):
    for bad in (np.nan, np.inf, -np.inf):
        values = kernel_input([1.0] * 40 + [bad])
        np.testing.assert_equal(moments.total(values), bad)
        np.testing.assert_equal(moments.mean_and_squares(values), (bad, np.nan))
        np.testing.assert_equal(moments.pair_moments(values, kernel_input(np.ones(41)))[0], np.nan)
