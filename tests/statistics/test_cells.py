"""Averages by way of cells, against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salmetrics.statistics.cells import Cells, Ratio, Sample


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
    # values of up to 1e6 may cancel: each of the two means of 30 is off by up to 30 * eps * 1e6
    assert sample.value == pytest.approx(slow_average(*data, average), rel=1e-12, abs=2e-8)


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


def test_cells_from_their_attributes():
    cells = Cells(np.array([1, 0, 1]), np.array(["b", "a", "b"]))
    again = Cells.from_arrays(
        image=cells.image,
        subject=cells.subject,
        counts=cells.counts,
        subjects=cells.subjects,
        of_fixation=cells.of_fixation,
    )
    for name, value in vars(cells).items():
        assert getattr(again, name) is value


# ---- ratios

IMAGES = np.array([0, 0, 1, 2])
SUBJECTS = np.array([0, 1, 0, 0])


def sample_of(sums, average="fixation"):
    return Cells(IMAGES, SUBJECTS).sample(np.array(sums), average)


def test_ratio_by_hand():
    ratio = Ratio.of(sample_of([1.0, 2.0, 3.0, np.nan]), sample_of([2.0, 4.0, np.nan, 8.0]))
    assert ratio.image.tolist() == [0, 0]  # the cells of both
    assert ratio.subject.tolist() == [0, 1]
    assert ratio.sums.tolist() == [1.0, 2.0]
    assert ratio.counts.tolist() == [1.0, 1.0]
    assert ratio.value == 0.5


@pytest.mark.parametrize("average", ["fixation", "image", "subject"])
def test_a_ratio_is_that_of_the_averages(average):
    above, below = (
        sample_of([1.0, 5.0, 3.0, 0.0], average),
        sample_of([4.0, 1.0, 2.0, 9.0], average),
    )
    assert Ratio.of(above, below).value == pytest.approx(above.value / below.value, rel=1e-15)


@pytest.mark.parametrize("denominator", [[0.0, 0.0, 0.0, 0.0], [1.0, -3.0, 0.5, 0.5]])
def test_no_ratio_unless_the_denominator_is_positive(denominator):
    assert np.isnan(Ratio.of(sample_of([1.0, 2.0, 3.0, 4.0]), sample_of(denominator)).value)


def test_sums_of_a_ratio_over_groups():
    ratio = Ratio.of(sample_of([1.0, 2.0, 3.0, 4.0]), sample_of([2.0, -5.0, 1.0, 1.0]))
    above, below = ratio.by(ratio.image)
    assert above.tolist() == [3.0, 3.0, 4.0]
    assert below.tolist() == [0.0, 1.0, 1.0]  # not below 0


def test_ratios_are_selected_and_subtracted_over_one_denominator():
    denominator = sample_of([2.0, 2.0, 2.0, 2.0])
    first = Ratio.of(sample_of([1.0, 2.0, 3.0, 4.0]), denominator)
    second = Ratio.of(sample_of([1.0, 1.0, 1.0, np.nan]), denominator)
    difference = first.minus(second)
    assert difference.sums.tolist() == [0.0, 1.0, 2.0]
    assert difference.value == (0 + 1 + 2) / 6
    assert first.select(first.image == 0).value == 3 / 4


def test_images_may_be_added_in_any_order_and_together():
    image, subject = np.array([0, 1, 2, 0, 2, 1]), np.array([0, 0, 0, 1, 1, 0])
    cells, values = Cells(image, subject), np.array([1.0, 2, 4, 8, 16, 32])
    sums = np.zeros(len(cells))
    for images in ([1], [0, 2]):  # the cells of the second enclose those of the first
        rows = np.flatnonzero(np.isin(image, images))
        cells.add(sums, values[rows], rows)
    assert sums.tolist() == [1, 8, 34, 4, 16]
