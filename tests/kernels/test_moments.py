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
EPS = np.finfo(np.float64).eps


def bound(terms):
    """Rounding error of a sum in any order (Higham 2002, equation 4.4)."""
    return (len(terms) + 3) * EPS * np.abs(terms).sum()


each_array = pytest.mark.parametrize("values", ARRAYS.values(), ids=ARRAYS)


@each_array
def test_total(values, mode):
    exact, wide = math.fsum(values.tolist()), values.astype(np.float64)
    total = moments.total(kernel_input(values))
    np.testing.assert_allclose(total, exact, rtol=0, atol=bound(wide))


@each_array
def test_total_above(values, mode):
    low = float(values.min())
    terms = [value - low for value in values.tolist()]
    total = moments.total_above(kernel_input(values), low)
    np.testing.assert_allclose(total, math.fsum(terms), rtol=0, atol=bound(terms))


@each_array
def test_extremes_and_total(values, mode):
    low, high, total = moments.extremes_and_total(kernel_input(values))
    assert (low, high) == (values.min(), values.max())
    exact, wide = math.fsum(values.tolist()), values.astype(np.float64)
    np.testing.assert_allclose(total, exact, rtol=0, atol=bound(wide))


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
    terms = (values.astype(np.float64) - mean) ** 2
    squares = moments.squares_about(kernel_input(values), mean)
    np.testing.assert_allclose(squares, math.fsum(terms), rtol=0, atol=bound(terms))


@each_array
def test_pair_moments(values, mode):
    partner = np.cos(np.arange(values.size)) + values / values.max()
    pair = [values.astype(np.float64), partner]
    means = [math.fsum(a.tolist()) / a.size for a in pair]
    first, second, products = moments.pair_moments(
        kernel_input(values), means[0], kernel_input(partner), means[1]
    )
    a, b = (array - mean for array, mean in zip(pair, means, strict=True))
    for found, terms in ((first, a * a), (second, b * b), (products, a * b)):
        np.testing.assert_allclose(found, math.fsum(terms), rtol=0, atol=bound(terms))


def test_fast_sums_keep_nan_and_infinity(mode):
    for bad in (np.nan, np.inf, -np.inf):
        values = kernel_input([1.0] * 40 + [bad])
        np.testing.assert_equal(moments.total(values), bad)
        np.testing.assert_equal(moments.extremes_and_total(values)[2], bad)
        np.testing.assert_equal(moments.squares_about(values, bad), np.nan)
        ones = kernel_input(np.ones(41))
        np.testing.assert_equal(moments.pair_moments(values, bad, ones, 1.0)[0], np.nan)
