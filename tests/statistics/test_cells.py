"""Averages by way of cells, against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salmetrics.statistics.cells import Cells, Sample


def slow_average(values, image, subject, average):
    there = ~np.isnan(values)
    values, image, subject = values[there], image[there], subject[there]
    if average == "fixation":
        return np.mean(values)
    groups = image if average == "image" else subject
    return np.mean([np.mean(values[groups == g]) for g in np.unique(groups)])


@st.composite
def scored(draw):
    n = draw(st.integers(1, 30))
    image = np.array(draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)))
    subject = np.array(draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n)))
    values = draw(st.lists(st.floats(-1e6, 1e6), min_size=n, max_size=n))
    return np.array(values), image, subject


def sums_of(cells, values):
    sums = np.zeros(len(cells))
    for i in np.unique(cells.image):  # image by image, as they are scored
        rows = np.flatnonzero(cells.image[cells.of_fixation] == i)
        cells.add(sums, values[rows], rows)
    return sums


@pytest.mark.parametrize("average", ["fixation", "image", "subject"])
@given(data=scored())
def test_averages(average, data):
    values, image, subject = data
    cells = Cells(image, subject)
    sample = cells.sample(sums_of(cells, values), average)
    assert sample.value == pytest.approx(slow_average(*data, average), rel=1e-9, abs=1e-7)


def test_cells_by_hand():
    cells = Cells(np.array([1, 0, 1, 1]), np.array(["b", "a", "a", "b"]))
    assert (cells.image.tolist(), cells.subject.tolist()) == ([0, 1, 1], [0, 0, 1])
    assert cells.counts.tolist() == [1, 1, 2]
    assert cells.subjects.tolist() == ["a", "b"]
    assert cells.of_fixation.tolist() == [2, 0, 1, 2]
    assert len(cells) == 3
    assert cells.without_fixations().of_fixation is None


def test_cells_without_a_number_are_left_out():
    cells = Cells(np.array([0, 0, 1]), np.array([0, 1, 0]))
    sample = cells.sample(np.array([2.0, np.nan, 4.0]), "fixation")
    assert sample.value == 3.0
    assert sample.image.tolist() == [0, 1]
    assert np.isnan(cells.sample(np.full(3, np.nan), "image").value)


def test_one_value_an_image():
    sample = Sample.of_images(np.array([1.0, np.nan, 4.0]))
    assert sample.value == 2.5
    assert sample.image.tolist() == [0, 2]


def test_differences_are_on_the_cells_of_both():
    cells = Cells(np.array([0, 1, 2, 2]), np.array([0, 0, 0, 1]))
    first = cells.sample(np.array([1.0, np.nan, 3.0, 4.0]), "fixation")
    second = cells.sample(np.array([0.5, 1.0, np.nan, 1.0]), "fixation")
    difference = first.minus(second)
    assert difference.image.tolist() == [0, 2]
    assert difference.sums.tolist() == [0.5, 3.0]


def test_minus_infinity_is_a_number():
    cells = Cells(np.array([0, 1]), np.array([0, 0]))
    assert cells.sample(np.array([-np.inf, 0.0]), "fixation").value == -np.inf
