"""The header of a table, and messages about what it lacks."""

import pytest

from salmetrics import InputError
from salmetrics.data.table_header import (
    ColumnsError,
    check_columns,
    find_header,
    refusal,
    separator_of,
    split,
)

WANTED = {"image": ("file",), "x": ("x", "pos_x"), "y": ("y", "pos_y")}


def test_the_header_is_the_first_line_with_all_columns():
    lines = ["# file, x and y of all", "x;y", "file;x;pos_y", "a;1;2"]
    assert find_header(lines, WANTED, ",;", None) == (2, ";", ["file", "x", "pos_y"])
    assert find_header(lines[:2], WANTED, ",;", None) is None
    commented = ["# file;x;pos_y", "a;1;2"]
    assert find_header(commented, WANTED, ",;", None) == (0, ";", ["file", "x", "pos_y"])
    assert find_header(commented, WANTED, ",;", "#") is None


def test_tabs_come_before_blanks():
    lines = ["Media name\tPoint X\tPoint Y", "a b\t1\t"]
    error = refusal(lines, WANTED, [",", ";", "\t", " "], None)
    assert "its columns are 'Media name', 'Point X', 'Point Y'" in str(error)


def test_columns_that_are_lacking():
    check_columns(["pos_y", "file", "pos_x"], WANTED)
    with pytest.raises(ColumnsError, match="no column 'y' or 'pos_y'") as caught:
        check_columns(["file", "x"], WANTED)
    assert caught.value.names == ["file", "x"]
    with pytest.raises(InputError, match="2 columns 'x'; keep one"):
        check_columns(["file", "x", "x", "y"], WANTED)


@pytest.mark.parametrize(
    ("line", "separator", "cells"),
    [
        ('"a, b", c', ",", ["a, b", "c"]),
        ('a "b c" d', " ", ["a", "b c", "d"]),
        ("a   b", " ", ["a", "b"]),
        ('"a', ",", ['"a']),
    ],
)
def test_cells_of_a_line(line, separator, cells):
    assert split(line, separator) == cells


def test_names_of_separators():
    assert [separator_of(name) for name in ("tab", "\\t", "comma", "^")] == ["\t", "\t", ",", "^"]
    with pytest.raises(InputError, match="separator= takes one character"):
        separator_of("no")


def test_one_column_is_not_suggested_for_x_and_y():
    wanted = {"x": ("position_x",), "y": ("position_y",)}
    with pytest.raises(ColumnsError, match=r"with x=, y=$"):
        check_columns(["file", "position"], wanted)
    with pytest.raises(ColumnsError, match=r"perhaps x='pos_x', y='pos_y'$"):
        check_columns(["pos_x", "pos_y"], {"x": ("pos x",), "y": ("pos y",)})
