"""Rows of units below a header."""

import pytest

from salmetrics import InputError
from salmetrics.data.unit_rows import unit_row

WANTED = {"image": ("file",), "x": ("x",), "y": ("y",)}


def row(x, y="px"):
    return unit_row({"file": "", "x": x, "y": y, "duration": "ms"}, WANTED, "line 2")


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("px", ["pixel"]),
        ("[Pixels]", ["pixel"]),
        ("(deg)", ["degree"]),
        ("°", ["degree"]),
        ("%", ["percent"]),
        (" norm ", ["normalised", "norm"]),
    ],
)
def test_units_that_agree(text, units):
    found = row(text, text)
    for each in units:
        found.check(("x", "y"), each)
    other = "degree" if units == ["pixel"] else "pixel"
    advice = " or ".join(map(repr, units))
    with pytest.raises(InputError, match=rf"line 2, .* units={other!r} is assumed; .*{advice}"):
        found.check(("x", "y"), other)
    found.check(("other",), other)  # a column without a unit


def test_units_that_cannot_be_read():
    with pytest.raises(InputError, match=r"'x' is in 'mm', .*; convert the positions to one of"):
        row("mm", "mm").check(("x", "y"), "pixel")


@pytest.mark.parametrize("text", ["1", "", ".", "left", "1 px", "[1]", "[]"])
def test_what_is_no_unit(text):
    assert row(text) is None
    assert row("px", text) is None


def test_tables_without_columns_of_positions():
    assert unit_row({"file": "a"}, WANTED, "line 2") is None
