"""Cells as numbers and columns, and decimal marks."""

import numpy as np
import pytest

from salmetrics import InputError
from salmetrics.data.table_cells import as_column, as_numbers, decimal_mark, is_list, shown


@pytest.mark.parametrize(
    ("cells", "separator", "mark"),
    [
        (["1.5", "2"], ";", "."),
        (["1,5", "2"], ";", ","),
        (["1", "2"], ";", "."),
        (["0,125", "2"], ";", ","),  # thousands do not begin with 0
        (["512,125", "1,250"], ";", ","),  # all have decimals
        (["1,5", "2.5"], ";", "."),  # and 1,5 will be refused
        (["1,5", "2"], ",", "."),  # in cells with commas, it is for the user to say
    ],
)
def test_decimal_marks(cells, separator, mark):
    assert decimal_mark([("x", cells)], separator, "line {}".format) == mark


def test_commas_that_may_separate_thousands():
    text = r"a comma may be .* thousands: line 0 \(x '1,234'\); give decimal=','"
    with pytest.raises(InputError, match=text):
        decimal_mark([("x", ["1,234", "."]), ("y", ["512", "77"])], ";", "line {}".format)


@pytest.mark.parametrize(
    "cell",
    [
        "1 234",
        "0x10",
        "1_000",
        "1,5",
        "1.5.2",
        "inf",
        "-Infinity",
        "1e999",
        "٣",
        "\N{MINUS SIGN}1",
        "a",
    ],
)
def test_what_is_no_number(cell):
    for cells in ([cell], ["1", cell], ["NA", cell]):
        numbers, bad = as_numbers(cells)
        assert bad.tolist() == [len(cells) - 1]
        assert np.isfinite(numbers[:-1]).sum() == (cells[0] == "1")


def test_missing_numbers():
    cells = ["", ".", "-", "NA", "n/a", "NaN", "None", "NULL", "#N/A", "1", "+.5", "-2e-1", "3."]
    numbers, bad = as_numbers(cells)
    assert not bad.size
    assert np.isnan(numbers[:9]).all()
    assert numbers[9:].tolist() == [1, 0.5, -0.2, 3]
    numbers, bad = as_numbers(["1,5", "2", "1.5"], ",")
    assert (numbers[:2].tolist(), bad.tolist()) == ([1.5, 2], [2])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["210", "-3"], np.array([210, -3])),
        (["210", "NA"], np.array([210, np.nan])),
        (["1.5", "2"], np.array([1.5, 2])),
        (["True", "false"], np.array([True, False])),
        (["007", "1"], np.array(["007", "1"], object)),
        (["a", ""], np.array(["a", ""], object)),
        (["", "NA"], np.array(["", "NA"], object)),
        (["123456789012345678901", "1"], np.array([123456789012345678901.0, 1])),
    ],
)
def test_further_columns(cells, expected):
    found = as_column(cells)
    assert found.dtype.kind == expected.dtype.kind
    np.testing.assert_array_equal(found, expected)


def test_names_in_messages_are_cut():
    assert shown(["a" * 99] * 9) == ", ".join([repr("a" * 40 + "...")] * 8) + " ..."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[1.5, 2]", True),
        (" (1,2) ", True),
        ("[1 2.5]", True),
        ("array([1., 2.])", True),
        ("[[1, 2]]", True),
        ("1,2", False),
        ("[12]", False),
        ("(left)", False),
        ("[a, b]", False),
    ],
)
def test_lists(text, found):
    assert is_list(text) == found
