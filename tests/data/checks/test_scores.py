"""Values at fixations: standardised, turned and moved; and when their means are clear."""

import numpy as np
import pytest

from salmetrics.data.checks.scores import TURNS, is_clear, shifts, standardised, turned


def test_standardised():
    z = standardised(np.array([[1, 2], [3, 6]], np.uint8))
    assert (z.mean(), z.std()) == pytest.approx((0, 1))
    for value in (3.0, np.nan, np.inf):
        assert standardised(np.array([[3.0, value]])) is None


@pytest.mark.parametrize("turn", TURNS)
def test_turned(turn):
    values = np.arange(12).reshape(3, 4)
    across, down = TURNS[turn]
    expected = values[:: -1 if down else 1, :: -1 if across else 1]
    assert (values[turned(tuple(np.indices((3, 4))), (3, 4), turn)] == expected).all()


def test_shifts_are_within_the_image_and_include_none():
    moved = list(shifts((np.array([0, 59]), np.array([79, 5])), (60, 80)))
    assert len({(tuple(i), tuple(j)) for i, j in moved}) == 64
    assert all((i >= 0).all() and (i < 60).all() and (j < 80).all() for i, j in moved)
    assert moved[0][0].tolist() == [0, 59]


def test_what_is_clear():
    several = [0.5, 0.6, 0.7, 0.4] * 2
    assert is_clear(several)
    assert not is_clear(several[:7])
    assert not is_clear([0.25, 0.29] * 4)  # too small
    assert not is_clear([2.0, -1.0] * 4)  # too uncertain
    assert is_clear(several[:3], [0.05] * 3)
    assert not is_clear(several[:3], [0.09] * 3)
    assert not is_clear([], [])
