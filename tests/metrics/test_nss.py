"""NSS by hand, against NumPy and pysaliency, and its laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysaliency_reference import pysaliency
from strategies import fixated_maps

from salmetrics.errors import InputError
from salmetrics.metrics import nss

PEAK = [[0, 0, 0, 4]]  # mean 1, standard deviation sqrt(3), or 2 with N - 1


def test_by_hand():
    expected = [np.sqrt(3), -np.sqrt(1 / 3)]
    np.testing.assert_allclose(nss.score(PEAK, [3, 0], [0, 0]), expected, rtol=1e-14)
    np.testing.assert_allclose(nss.score(PEAK, [3, 0], [0, 0], ddof=1), [1.5, -0.5], rtol=1e-14)


def test_matlab_by_hand():
    np.testing.assert_allclose(nss.matlab(PEAK, [3, 3, 3, 0], [0] * 4), 0.5, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8, np.int32])
@pytest.mark.parametrize("ddof", [0, 1])
def test_against_numpy_and_pysaliency(dtype, ddof, rng):
    m = (100 * rng.random((31, 22))).astype(dtype)
    x, y = rng.integers(0, 22, 30), rng.integers(0, 31, 30)
    wide = m.astype(np.float64)
    expected = (wide[y, x] - wide.mean()) / wide.std(ddof=ddof)
    result = nss.score(m, x, y, ddof=ddof)
    np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-12)
    if ddof == 0:
        np.testing.assert_allclose(result, pysaliency.metrics.NSS(m, x, y), rtol=1e-9, atol=1e-12)
    else:
        rows, columns = np.divmod(np.unique(y * 22 + x), 22)
        mean = ((wide[rows, columns] - wide.mean()) / wide.std(ddof=1)).mean()
        np.testing.assert_allclose(nss.matlab(m, x, y), mean, rtol=1e-9, atol=1e-12)


@given(
    scene=fixated_maps(),
    factor=st.floats(1e-3, 1e3) | st.floats(-1e3, -1e-3),
    shift=st.floats(-1e2, 1e2),
)
def test_affine_maps_change_only_the_sign(scene, factor, shift):
    m, x, y = scene
    changed = factor * m + shift
    # rounding of the shifted map: 1e-16 * 1e2 in units of 1e-3
    np.testing.assert_allclose(
        nss.score(changed, x, y), np.sign(factor) * nss.score(m, x, y), rtol=1e-9, atol=1e-9
    )


@given(m=fixated_maps().map(lambda scene: scene[0]))
def test_over_all_pixels_mean_0_and_variance_1(m):
    rows, columns = np.indices(m.shape)
    values = nss.score(m, columns.ravel(), rows.ravel())
    np.testing.assert_allclose(values.mean(), 0, rtol=0, atol=1e-12)
    np.testing.assert_allclose((values**2).mean(), 0 if np.ptp(m) == 0 else 1, rtol=1e-12)


@given(scene=fixated_maps())
def test_float32_holds_what_float64_holds(scene):
    m, x, y = scene
    np.testing.assert_allclose(
        nss.score(m.astype(np.float32), x, y), nss.score(m, x, y), rtol=1e-12, atol=1e-14
    )


def test_constant_map_and_one_pixel():
    assert nss.score([[0.1, 0.1, 0.1]], [0, 1], [0, 0]).tolist() == [0.0, 0.0]
    assert nss.score([[5]], [0], [0]).tolist() == [0.0]
    assert nss.score([[5]], [0], [0], ddof=1).tolist() == [0.0]
    assert nss.matlab([[0.1, 0.1, 0.1]], [0], [0]) == 0.0


def test_no_fixation():
    assert nss.score(PEAK, [], []).shape == (0,)
    assert np.isnan(nss.matlab(PEAK, [], []))


def test_large_offset_does_not_cancel(rng):
    """The deviations are exact here, so any error is the metric's own."""
    m = rng.integers(0, 256, (20, 20)).astype(np.float64)
    np.testing.assert_allclose(nss.score(m + 2.0**20, [3], [4]), nss.score(m, [3], [4]), rtol=1e-9)


def test_refused():
    with pytest.raises(InputError, match="saliency_map must be finite; got 1 NaN and 1 infinite"):
        nss.score([[np.nan, 1, np.inf]], [0], [0])
    with pytest.raises(InputError, match="1 of 1 fixations are outside the map of width 4"):
        nss.matlab(PEAK, [4], [0])
