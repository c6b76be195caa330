"""Comparisons of scaled maps against their NumPy formulas."""

import math

import numpy as np
import pytest

from salmetrics.kernels import overlap
from salmetrics.kernels.jit import kernel_input

RNG = np.random.default_rng(4)
PAIRS = {
    "one pixel": (np.array([2.0]), np.array([5.0])),
    "noise": RNG.normal(size=(2, 999)),
    "float32 and float64": (RNG.random(500).astype(np.float32), RNG.random(500)),
    "bytes and float32": (
        RNG.integers(0, 256, 500).astype(np.uint8),
        RNG.random(500).astype(np.float32),
    ),
    "many zeros": RNG.integers(0, 3, (2, 300)).astype(np.float64),
}
EPS = np.finfo(np.float64).eps


def bound(terms):
    """Rounding error of a sum in any order (Higham 2002, equation 4.4)."""
    return (len(terms) + 4) * EPS * np.abs(terms).sum()


each_pair = pytest.mark.parametrize(("p", "q"), PAIRS.values(), ids=PAIRS)
SCALING = (0.25, 0.5, -0.125, 2.0)


def scaled(p, q):
    shift_p, scale_p, shift_q, scale_q = SCALING
    return (p.astype(float) - shift_p) * scale_p, (q.astype(float) - shift_q) * scale_q


@each_pair
def test_sum_of_minima(p, q, mode):
    result = overlap.sum_of_minima(kernel_input(p), kernel_input(q), *SCALING)
    terms = np.minimum(*scaled(p, q))
    np.testing.assert_allclose(result, math.fsum(terms), rtol=0, atol=bound(terms))


@each_pair
def test_regularised_ratio(p, q, mode):
    a, b = scaled(p, q)
    ratio = overlap.regularised_ratio(kernel_input(p), kernel_input(q), *SCALING, 1e-3)
    np.testing.assert_allclose(ratio, 1e-3 + b / (a + 1e-3), rtol=1e-12)


def test_regularised_ratio_divides_by_zero_quietly():  # compiled only: Python's floats raise
    zeros, ones = kernel_input(np.zeros(2)), kernel_input([1.0, 0.0])
    ratio = overlap.regularised_ratio(zeros, ones, 0.0, 1.0, 0.0, 1.0, 0.0)
    np.testing.assert_equal(ratio, [np.inf, np.nan])


@each_pair
def test_weighted_sum(p, q, mode):
    values = q.astype(np.float64)
    result = overlap.weighted_sum(kernel_input(p), 0.25, 0.5, values)
    terms = (p.astype(float) - 0.25) * 0.5 * values
    np.testing.assert_allclose(result, math.fsum(terms), rtol=0, atol=bound(terms))


def test_a_weight_of_zero_rules_out_any_value(mode):
    weights = kernel_input([0.0, 0.0, 0.0, 2.0])
    values = np.array([np.inf, -np.inf, np.nan, 3.0])
    assert overlap.weighted_sum(weights, 0.0, 1.0, values) == 6.0
    assert np.isnan(overlap.weighted_sum(kernel_input(np.ones(4)), 0.0, 1.0, values))
