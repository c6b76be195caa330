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
def test_total_above(values, mode):
    low = float(values.min())
    exact = math.fsum(value - low for value in values.tolist())
    np.testing.assert_allclose(moments.total_above(kernel_input(values), low), exact, rtol=1e-12)


@each_array
def test_extremes_and_total(values, mode):
    low, high, total = moments.extremes_and_total(kernel_input(values))
    assert (low, high) == (values.min(), values.max())
    np.testing.assert_allclose(total, math.fsum(values.tolist()), rtol=1e-12)


@pytest.mark.parametrize("position", [0, 5, 127, 128, 300])
@pytest.mark.parametrize("size", [301, 384])
def test_extremes_are_found_in_every_place(size, position, mode):
    values = np.zeros(size)
    values[position] = -1
    assert moments.extremes_and_total(kernel_input(values)) == (-1, 0, -1)
    assert moments.extremes_and_total(kernel_input(-values)) == (0, 1, 1)
    values[position] = np.nan
    assert np.isnan(moments.extremes_and_total(kernel_input(values))[2])


@each_array
def test_squares_about(values, mode):
    mean = math.fsum(values.tolist()) / values.size
    deviations = values.astype(np.float64) - mean
    squares = moments.squares_about(kernel_input(values), mean)
    np.testing.assert_allclose(squares, math.fsum(deviations**2), rtol=1e-10, atol=1e-28)


@each_array
def test_pair_moments(values, mode):
    partner = np.cos(np.arange(values.size)) + values / values.max()
    pair = [values.astype(np.float64), partner]
    means = [math.fsum(a.tolist()) / a.size for a in pair]
    first, second, products = moments.pair_moments(
        kernel_input(values), means[0], kernel_input(partner), means[1]
    )
    centred = [a - mean for a, mean in zip(pair, means, strict=True)]
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
        np.testing.assert_equal(moments.extremes_and_total(values)[2], bad)
        np.testing.assert_equal(moments.squares_about(values, bad), np.nan)
        ones = kernel_input(np.ones(41))
        np.testing.assert_equal(moments.pair_moments(values, bad, ones, 1.0)[0], np.nan)
