"""Axes of positions: swapped ones and those counted from 1 are found, and right ones are not."""

import numpy as np
import pytest

from salmetrics import Fixations
from salmetrics.data.checks.axes import axis_findings

RNG = np.random.default_rng(2)
N = 400
WIDTHS, HEIGHTS = np.full(N, 800), np.full(N, 600)
X, Y = RNG.normal(400, 150, N).clip(0, 799), RNG.normal(300, 120, N).clip(0, 599)


def found(x, y, widths=WIDTHS, heights=HEIGHTS):
    rows = np.zeros(len(x), int)
    fixations = Fixations.from_arrays(x, y, rows, n_images=1)
    return axis_findings(fixations, widths[: len(x)], heights[: len(x)])


@pytest.mark.parametrize("portrait", [False, True])
def test_swapped_positions_of_which_those_outside_are_left_out(portrait):
    def placed(x, y):
        return found(y, x, HEIGHTS, WIDTHS) if portrait else found(x, y)

    kept = X < 600
    (finding,) = placed(Y[kept], X[kept])
    assert (finding.level, finding.code) == ("warning", "swapped")
    assert f"none of {kept.sum()} fixations" in finding.message
    assert "x and y look swapped" in finding.message
    assert placed(X, Y) == []
    assert placed(Y[kept][:199], X[kept][:199]) == []


def test_places_that_swapped_positions_do_not_have():
    low = X < 600
    assert found(X[low], Y[low]) == []  # none is far right, but few reach the end below
    assert found(np.minimum(X, 500), Y) == []
    square = np.full(N, 600)
    assert found(Y[low], X[low], square, square) == []


def test_whole_numbers_from_1_on():
    x, y = np.floor(RNG.uniform(0, 80, N)), np.floor(RNG.uniform(0, 60, N))
    widths, heights = np.full(N, 80), np.full(N, 60)
    assert found(x, y, widths, heights) == []
    x, y, widths, heights = (np.tile(values, 4) for values in (x, y, widths, heights))
    (finding,) = found(x + 1, y + 1, widths, heights)
    assert (finding.level, finding.code) == ("warning", "one-based")
    n = (x == 0).sum() + (y == 0).sum()
    assert f"all {4 * N} positions are whole numbers, {n} of them 1 and none 0" in finding.message
    assert found(x + 1.5, y + 1, widths, heights) == []
    assert found(x[:50] + 1, y[:50] + 1, widths, heights) == []
