"""Saccades of the acceleration rule, each branch by hand."""

import numpy as np
import pytest

from salmetrics.kernels import saccades

# acceleration: 0 but for pieces put in; the threshold is 1
FEW = [
    ("nothing", 40, {}, []),
    ("two samples are too few", 40, {10: [2, 2], 15: [-2]}, []),
    ("three", 40, {10: [2, 2, 2], 15: [-2]}, [(10, 15)]),
    ("just at the threshold", 40, {10: [1, 1, 1], 15: [-2]}, []),
    ("deceleration at once", 40, {10: [2, 2, 2, -2]}, [(10, 13)]),
    ("the last sample of a deceleration", 40, {10: [2, 2, 2, 0, -2, -2, -2]}, [(10, 16)]),
    ("25 samples later", 60, {10: [2, 2, 2], 37: [-2]}, [(10, 37)]),
    ("26 samples later", 60, {10: [2, 2, 2], 38: [-2]}, []),
    ("NaN is not below", 40, {10: [2, 2, 2, np.nan, -2]}, [(10, 14)]),
    ("NaN cuts a run", 40, {10: [2, 2, np.nan, 2, 2, 2], 18: [-2]}, [(13, 18)]),
    ("the recording ends in it", 40, {32: [2, 2, 2]}, [(32, 39)]),
    ("not with another run", 40, {5: [2, 2, 2], 10: [-2], 32: [2, 2, 2]}, [(5, 10)]),
    ("two", 60, {5: [2, 2, 2], 10: [-2], 30: [2, 2, 2, -2]}, [(5, 10), (30, 33)]),
]


@pytest.mark.parametrize(("n", "pieces", "expected"), [c[1:] for c in FEW], ids=[c[0] for c in FEW])
def test_saccades(n, pieces, expected, mode):
    acceleration = np.zeros(n)
    for start, values in pieces.items():
        acceleration[start : start + len(values)] = values
    assert [tuple(pair) for pair in saccades.saccades(acceleration, 1.0).tolist()] == expected


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        ([], [(0, 99)]),
        ([(20, 30)], [(0, 19), (31, 99)]),
        ([(20, 86)], [(0, 19), (87, 99)]),  # 13 samples at the end are enough
        ([(20, 87)], [(0, 19)]),  # 12 are not
        ([(1, 30), (42, 50)], [(0, 0), (51, 99)]),  # 11 samples between
        ([(1, 30), (43, 50)], [(0, 0), (31, 42), (51, 99)]),  # 12
        ([(10, 40), (30, 60)], [(0, 9), (61, 99)]),  # one in the other
    ],
)
def test_fixations_between(moves, expected, mode):
    given = np.array(moves, np.int64).reshape(-1, 2)
    assert [tuple(p) for p in saccades.fixations_between(given, 100).tolist()] == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0], 3),
        ([3.0, np.nan, 1.0], 2),
        ([5.0, 1.0, 2.0], 2),
        ([np.nan, np.nan], np.nan),
        ([], np.nan),
    ],
)
def test_median(values, expected, mode):
    np.testing.assert_equal(saccades.median_of_valid(np.array(values)), expected)


def test_accelerations(mode):
    """As the formula says, with whole sums instead of loops."""
    gaze = np.cumsum(np.random.default_rng(0).normal(size=(50, 2)), 0)
    gaze[30] = np.nan
    speed = np.r_[0, np.sqrt((np.diff(gaze, axis=0) ** 2).sum(1))]
    smooth = np.array([speed[max(0, i - 3) : i + 1].sum() / 4 for i in range(50)])
    expected = np.zeros(50)
    for i in range(1, 45):
        expected[i] = 60 * (smooth[i + 1 : i + 6].sum() - smooth[i : i + 5].sum())
    found = saccades.accelerations(gaze, 240.0)
    # sums of five speeds of about 10, times 60
    np.testing.assert_allclose(found, expected, rtol=0, atol=100 * np.finfo(float).eps * 50 * 60)
    assert np.isnan(found).sum() == np.isnan(expected).sum() == 10
    assert (saccades.accelerations(gaze[:6], 240.0) == 0).all()
