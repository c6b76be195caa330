"""SIM by hand, against its formula and pysaliency, and its laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysaliency_reference import pysaliency
from strategies import pairs

from salmetrics.errors import InputError
from salmetrics.metrics import sim

each_method = pytest.mark.parametrize("method", sim.METHODS)


@pytest.mark.parametrize(
    ("m", "q", "method", "expected"),
    [
        ([[1, 1]], [[3, 1]], "benchmark", 0.75),
        ([[1, 0]], [[0, 1]], "benchmark", 0),
        ([[0, 0]], [[3, 1]], "benchmark", 0.75),  # all zero: uniform
        ([[-5, -5]], [[3, 1]], "benchmark", 0.75),
        ([[-1, 0, 1]], [[4, 0, 2]], "benchmark", 1 / 3),  # (0, 1, 2) / 3 and (4, 0, 2) / 6
        ([[1, 2, 3]], [[5, 1, 3]], "matlab", 1 / 3),  # the same after subtracting the minimum
        ([[0, 0]], [[3, 1]], "matlab", 0),  # all zero: stays zero
        ([[7, 7]], [[3, 1]], "matlab", 0.5),  # (1, 1) / 2 and (1, 0)
        ([[4]], [[9]], "benchmark", 1),
        ([[4]], [[9]], "matlab", 1),
    ],
)
def test_by_hand(m, q, method, expected):
    np.testing.assert_allclose(sim.score(m, q, method=method), expected, rtol=1e-14)
    np.testing.assert_allclose(sim.score(q, m, method=method), expected, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
@pytest.mark.parametrize("shift", [0, 50])  # 50: some values are negative
def test_against_its_formula_and_pysaliency(dtype, shift, rng):
    m, q = (100 * rng.random((2, 31, 22))).astype(dtype)
    m = m.astype(np.float64) - shift
    p, r = m - min(m.min(), 0), q.astype(np.float64)
    expected = np.minimum(p / p.sum(), r / r.sum()).sum()
    np.testing.assert_allclose(sim.score(m, q), expected, rtol=1e-12)
    expected = pysaliency.metrics.SIM(m, q.astype(np.float64))
    np.testing.assert_allclose(sim.score(m, q), expected, rtol=1e-9)
    p, r = m - m.min(), r - r.min()
    expected = np.minimum(p / p.sum(), r / r.sum()).sum()
    np.testing.assert_allclose(sim.score(m, q, method="matlab"), expected, rtol=1e-12)


@each_method
@given(pair=pairs())
def test_symmetric_and_in_range(method, pair):
    m, q = pair
    result = sim.score(m, q, method=method)
    assert 0 <= result <= 1 + 1e-12
    np.testing.assert_allclose(result, sim.score(q, m, method=method), rtol=1e-12)


@given(pair=pairs())
def test_1_for_itself(pair):
    np.testing.assert_allclose(sim.score(pair[0], pair[0]), 1, rtol=1e-12)


@each_method
@given(pair=pairs(low=0), factors=st.tuples(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3)))
def test_scale_does_not_matter(method, pair, factors):
    m, q = pair
    scaled = sim.score(factors[0] * m, factors[1] * q, method=method)
    # atol: multiplying rounds, and a map's minimum is subtracted afterwards
    np.testing.assert_allclose(scaled, sim.score(m, q, method=method), rtol=1e-9, atol=1e-12)


@given(pair=pairs(), shifts=st.tuples(st.integers(1, 50), st.integers(1, 50)))
def test_matlab_ignores_shifts_of_maps_that_are_not_zero(pair, shifts):
    m, q = (values + 31.0 for values in pair)
    np.testing.assert_allclose(
        sim.score(m + shifts[0], q + shifts[1], method="matlab"),
        sim.score(m, q, method="matlab"),
        rtol=1e-12,
    )


def test_refused():
    with pytest.raises(InputError, match="method must be one of 'benchmark', 'matlab'; got 'x'"):
        sim.score([[1, 2]], [[1, 2]], method="x")
    with pytest.raises(InputError, match="empirical_map must be finite; got 1 NaN"):
        sim.score([[1, 2]], [[1, np.nan]])
    with pytest.raises(InputError, match="saliency_map and empirical_map must have the same shape"):
        sim.score([[1, 2]], [[1], [2]])
