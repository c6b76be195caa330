"""KLDiv by hand, against its formula and pysaliency, and its laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysaliency_reference import pysaliency
from scipy import stats
from strategies import log_densities, pairs

from salmetrics.errors import InputError
from salmetrics.metrics import kldiv

EPSILON = {"benchmark": 2.2204e-16, "matlab": 2.0**-52}
each_method = pytest.mark.parametrize("method", kldiv.METHODS)


@each_method
def test_by_hand(method):
    expected = 0.75 * np.log(1.5) + 0.25 * np.log(0.5)
    np.testing.assert_allclose(kldiv.score([[1, 1]], [[3, 1]], method=method), expected, rtol=1e-12)


@each_method
def test_zero_probability_costs_what_epsilon_says(method):
    eps = EPSILON[method]
    expected = 0.5 * np.log(eps + 0.5 / (1 + eps)) + 0.5 * np.log(eps + 0.5 / eps)
    result = kldiv.score([[1, 0]], [[2, 2]], method=method)
    np.testing.assert_allclose(result, expected, rtol=1e-12)
    # where the empirical map is 0, a prediction costs nothing more than its mass elsewhere
    np.testing.assert_allclose(
        kldiv.score([[2, 2]], [[1, 0]], method=method), np.log(2), rtol=1e-12
    )


def test_negative_values():
    m, q = [[-1, 0, 1]], [[1, 1, 2]]
    np.testing.assert_allclose(kldiv.score(m, q), kldiv.score([[0, 1, 2]], q), rtol=1e-12)
    np.testing.assert_allclose(kldiv.score(q, m), kldiv.score(q, [[0, 1, 2]]), rtol=1e-12)
    # MATLAB shifts nothing: p = (-1/2, 3/4, 3/4), and its log has a complex value
    expected = 0.25 * np.log(0.25 / 0.5) + 0.25 * np.log(0.25 / 0.75) + 0.5 * np.log(0.5 / 0.75)
    result = kldiv.score([[-2, 3, 3]], q, method="matlab")
    np.testing.assert_allclose(result, expected, rtol=1e-12)


def test_all_zero_maps():
    zero, q, uniform = [[0, 0]], [[3, 1]], [[1, 1]]
    assert kldiv.score(zero, q) == kldiv.score(uniform, q)
    assert kldiv.score(q, zero) == kldiv.score(q, uniform)
    assert kldiv.score([[-2, -2]], q) == kldiv.score(uniform, q)
    eps = EPSILON["matlab"]
    expected = 0.75 * np.log(eps + 0.75 / eps) + 0.25 * np.log(eps + 0.25 / eps)
    np.testing.assert_allclose(kldiv.score(zero, q, method="matlab"), expected, rtol=1e-12)
    assert kldiv.score(q, zero, method="matlab") == 0.0


def slow(m, q, method):
    densities = []
    for values in (np.asarray(m, np.float64), np.asarray(q, np.float64)):
        if method == "benchmark" and values.min() < 0:
            values = values - values.min()
        if method == "benchmark" and not values.any():
            values = values + 1
        densities.append(values / values.sum())
    p, q = densities
    return np.sum(q * np.log(EPSILON[method] + q / (p + EPSILON[method])))


@pytest.fixture(params=["noise", "bytes", "zeros", "float32"])
def two_maps(request, rng):
    m, q = rng.random((2, 31, 22))
    if request.param == "bytes":
        m, q = ((255 * values).astype(np.uint8) for values in (m, q))
    if request.param == "zeros":
        m, q = np.maximum(m - 0.3, 0), np.maximum(q - 0.5, 0)
    if request.param == "float32":
        m = m.astype(np.float32)
    return m, q


@each_method
def test_against_its_formula(two_maps, method):
    result = kldiv.score(*two_maps, method=method)
    np.testing.assert_allclose(result, slow(*two_maps, method), rtol=1e-12)


@pytest.mark.parametrize("shift", [0, 1])  # one: some values are negative
def test_against_pysaliency(two_maps, shift):
    m, q = (values.astype(np.float64) - shift * values.mean() for values in two_maps)
    with np.errstate(divide="ignore"):  # its log of the zeros
        expected = pysaliency.metrics.MIT_KLDiv(m, q)
    np.testing.assert_allclose(kldiv.score(m, q), expected, rtol=1e-9)


@each_method
@given(pair=pairs(low=0), factors=st.tuples(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3)))
def test_scale_does_not_matter(method, pair, factors):
    m, q = pair
    scaled = kldiv.score(factors[0] * m, factors[1] * q, method=method)
    np.testing.assert_allclose(scaled, kldiv.score(m, q, method=method), rtol=1e-9, atol=1e-12)


@given(pair=pairs())
def test_not_negative_and_0_for_itself(pair):
    m, q = pair
    assert kldiv.score(m, q) >= -1e-12
    np.testing.assert_allclose(kldiv.score(q, q), 0, rtol=0, atol=1e-12)


@given(densities=log_densities(n=2))
def test_exact_is_the_entropy_of_scipy(densities):
    _, _, p, q = densities
    expected = stats.entropy(np.exp(q), np.exp(p), axis=None)
    np.testing.assert_allclose(kldiv.exact(p, q), expected, rtol=1e-9, atol=1e-14)
    # the regularisation changes little where nothing is nearly 0
    np.testing.assert_allclose(kldiv.score(np.exp(p), np.exp(q)), expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(kldiv.exact(q, q), 0, rtol=0, atol=1e-14)


def test_exact_with_zero_probability():
    with np.errstate(divide="ignore"):
        half, first = np.log([[0.5, 0.5]]), np.log([[1.0, 0.0]])
    assert kldiv.exact(first, half) == np.inf
    np.testing.assert_allclose(kldiv.exact(half, first), np.log(2), rtol=1e-14)
    assert kldiv.exact(first, first) == 0.0


def test_one_pixel():
    for method in kldiv.METHODS:
        np.testing.assert_allclose(kldiv.score([[3]], [[2]], method=method), 0, rtol=0, atol=1e-15)


def test_refused():
    with pytest.raises(InputError, match="method must be one of 'benchmark', 'matlab'; got 'x'"):
        kldiv.score([[1, 2]], [[1, 2]], method="x")
    with pytest.raises(InputError, match="saliency_map must be finite; got 0 NaN and 1 infinite"):
        kldiv.score([[1, np.inf]], [[1, 2]])
    with pytest.raises(InputError, match="saliency_map and empirical_map must have the same shape"):
        kldiv.score([[1, 2]], [[1], [2]])
    log_density = np.log([[0.5, 0.5]])
    with pytest.raises(InputError, match="empirical_log_density must be the natural log"):
        kldiv.exact(log_density, log_density + 1)
    with pytest.raises(InputError, match="and empirical_log_density must have the same shape"):
        kldiv.exact(log_density, log_density.T)
