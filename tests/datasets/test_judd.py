"""Fixations in raw gaze against those of the original code."""

import numpy as np
import pytest

from salmetrics import InputError
from salmetrics.datasets import judd_fixations


def test_recorded_traces(shared):
    recorded = np.load(shared / "golden" / "checkfixations_dev.npz")
    n = len(recorded["variant"])
    assert n == 60
    for t in range(n):
        gaze = recorded["eye_xy"][slice(*recorded["eye_offsets"][t : t + 2])]
        rows = slice(*recorded["fix_offsets"][t : t + 2])
        found = judd_fixations(gaze)
        variant = recorded["variant"][t]
        np.testing.assert_array_equal(found["start"], recorded["fix_start"][rows], variant)
        np.testing.assert_array_equal(found["end"], recorded["fix_end"][rows], variant)
        durations = recorded["fix_duration_ms"][rows]
        np.testing.assert_allclose(found["duration_ms"], durations, rtol=1e-12)
        medians = recorded["fix_median_xy"][rows]
        np.testing.assert_allclose(found[["median_x", "median_y"]], medians, rtol=0, atol=1e-9)


def test_few_samples():
    for n in (0, 1):
        assert len(judd_fixations(np.zeros((n, 2)))) == 0
    (row,) = judd_fixations(np.zeros((2, 2))).to_dict("records")
    assert row == {"start": 1, "end": 2, "duration_ms": 1000 / 120, "median_x": 0, "median_y": 0}


def test_gaze_without_the_eye():
    found = judd_fixations(np.full((100, 2), np.nan))
    assert len(found) == 1
    assert np.isnan(found["median_x"]).all()


@pytest.mark.parametrize(
    ("gaze", "text"),
    [
        (np.zeros(5), r"gaze must have shape \(n, 2\); got \(5,\)"),
        (np.zeros((5, 3)), r"got \(5, 3\)"),
        ([["a", "b"]], "gaze must be numbers"),
        ([[1, np.inf]], "gaze has infinite values"),
    ],
)
def test_wrong_gaze(gaze, text):
    with pytest.raises(InputError, match=text):
        judd_fixations(gaze)
