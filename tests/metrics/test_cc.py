"""CC by hand, against NumPy and pysaliency, and its laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysaliency_reference import pysaliency
from strategies import pairs

from salmetrics.errors import InputError
from salmetrics.metrics import cc


@pytest.mark.parametrize(
    ("m", "q", "expected"),
    [
        ([[1, 2, 3]], [[1, 3, 2]], 0.5),
        ([[1, 2, 4]], [[2, 4, 8]], 1.0),
        ([[1, 2, 4]], [[-1, -2, -4]], -1.0),
        ([[0, 1], [0, 1]], [[0, 0], [1, 1]], 0.0),
        ([[5, 5, 5]], [[1, 2, 3]], 0.0),  # only the saliency map is constant
        ([[1, 2, 3]], [[5, 5, 5]], np.nan),
        ([[5, 5, 5]], [[0, 0, 0]], np.nan),
        ([[1]], [[2]], np.nan),
    ],
)
def test_by_hand(m, q, expected):
    np.testing.assert_allclose(cc.score(m, q), expected, rtol=1e-14)


@pytest.mark.parametrize("dtypes", [(np.float64, np.float32), (np.uint8, np.float64)])
def test_against_numpy_and_pysaliency(dtypes, rng):
    base = rng.random((31, 22))
    m, q = (100 * (base + noise) for noise in rng.random((2, 31, 22)))
    m, q = m.astype(dtypes[0]), q.astype(dtypes[1])
    result = cc.score(m, q)
    np.testing.assert_allclose(result, np.corrcoef(m.ravel(), q.ravel())[0, 1], rtol=1e-9)
    np.testing.assert_allclose(result, pysaliency.metrics.CC(m, q), rtol=1e-9)


@given(pair=pairs())
def test_symmetric_and_in_range(pair):
    m, q = pair
    assert -1 <= cc.score(m, q) <= 1 or np.ptp(q) == 0
    if np.ptp(m) and np.ptp(q):
        np.testing.assert_allclose(cc.score(m, q), cc.score(q, m), rtol=1e-12, atol=1e-15)


@given(
    pair=pairs(),
    factor=st.floats(1e-3, 1e3) | st.floats(-1e3, -1e-3),
    shift=st.floats(-1e2, 1e2),
)
def test_affine_maps_change_only_the_sign(pair, factor, shift):
    m, q = pair
    expected = np.sign(factor) * cc.score(m, q)
    # the shifted map, up to 1e2, is rounded by 1e-14; its deviations are at least of size 1e-3,
    # so each is off by 1e-11 of itself, and a correlation of up to 49 pixels by less than 1e-9
    np.testing.assert_allclose(cc.score(factor * m + shift, q), expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(cc.score(m, factor * q + shift), expected, rtol=0, atol=1e-9)


def test_never_beyond_1():
    m = np.array([[0.1, 0.2, 0.7, 1.1]])
    for factor in np.linspace(0.1, 3, 50):
        assert cc.score(m, factor * m) <= 1


def test_refused():
    with pytest.raises(InputError, match="empirical_map must be finite; got 1 NaN"):
        cc.score([[1, 2]], [[np.nan, 1]])
    with pytest.raises(InputError, match="saliency_map and empirical_map must have the same shape"):
        cc.score([[1, 2]], [[1], [2]])
