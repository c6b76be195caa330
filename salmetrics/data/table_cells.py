"""Cells of tables as numbers and columns: decimal marks, missing values, names of digits."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.errors import InputError

__all__ = [
    "DECIMALS",
    "LISTS",
    "NO_VALUE",
    "N_EXAMPLES",
    "Cells",
    "as_column",
    "as_numbers",
    "beginning",
    "decimal_mark",
    "is_list",
    "is_number",
    "listed",
    "shown",
]

DECIMALS = (".", ",")
LISTS = (
    "it holds lists such as [x, y], which are to be split into a column each (with unnest() in "
    "pymovements)"
)
# what stands for a missing number, in any case
NO_VALUE = frozenset({"", "-", ".", "#n/a", "-nan", "n/a", "na", "nan", "none", "null"})

Cells = Sequence[Any] | NDArray[Any]  # texts, or values of pandas

N_EXAMPLES = 3
_N_NAMES = 8
_LONGEST = 40  # characters of a cell or a line in a message
_DIGITS = frozenset("0123456789+-.eE")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WITH_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+([eE][+-]?\d+)?", re.ASCII)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)  # 1,234 may be 1.234 or 1234
_LIST = re.compile(r"\s*(array)?[(\[]+[^()\[\]]*\d\.?[,\s][^()\[\]]*[)\]]+\s*")
_WHOLE = re.compile(r"[+-]?(0|[1-9]\d{0,17})", re.ASCII)
_CODE = re.compile(r"[+-]?0\d+", re.ASCII)  # a name of digits, such as "007"


def decimal_mark(
    columns: Sequence[tuple[str, Cells]], separator: str, where: Callable[[int], str]
) -> str:
    """Find the decimal mark of columns of numbers, "." or ",".

    Parameters
    ----------
    columns
        Names and cells.
    separator
        What separates the cells of the table.
    where
        Place of a row for messages.

    Raises
    ------
    InputError
        If a comma may be either a decimal mark or a mark of thousands.
    """
    if separator == ",":
        return "."
    grouped: list[str] = []
    n_with, n_without = 0, 0
    for name, cells in columns:
        for row, cell in enumerate(cells):
            if isinstance(cell, str) and "," in cell and _WITH_COMMA.fullmatch(cell):
                n_with += 1
                if _GROUPED.fullmatch(cell):
                    grouped.append(f"{where(row)} ({name} {cell!r})")
            elif isinstance(cell, str) and "." in cell and _NUMBER.fullmatch(cell):
                return "."
            elif isinstance(cell, str) and cell.casefold() not in NO_VALUE:
                n_without += 1
    if not n_with:
        return "."
    if len(grouped) == n_with and n_without:
        raise InputError(
            f"a comma may be a decimal mark or separate thousands: "
            f"{', '.join(grouped[:N_EXAMPLES])}; give decimal=',' or write thousands without it"
        )
    return ","


def as_numbers(
    cells: Cells, decimal: str = ".", missing: frozenset[str] = NO_VALUE
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Convert cells to numbers.

    Parameters
    ----------
    cells
        Texts, or numbers and missing values of pandas.
    decimal
        Decimal mark of texts.
    missing
        What stands for a missing value, in lower case.

    Returns
    -------
    numbers : ndarray of float64, shape (n,)
        The numbers, NaN where there is none.
    bad : ndarray of int64
        Rows whose cells are neither numbers nor missing values.
    """
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "biuf":
        return cells.astype(np.float64), np.zeros(0, np.int64)
    if decimal == "." and len(cells) and _has_digits_alone(cells):
        try:  # the same numbers, faster
            numbers = np.array(list(map(float, cells)))
        except ValueError:
            pass  # such as an empty cell; found below
        else:
            return numbers, np.flatnonzero(~np.isfinite(numbers))
    numbers = np.full(len(cells), np.nan)
    bad = []
    patterns = [_NUMBER] if decimal == "." else [_WITH_COMMA, _INTEGER]
    for row, cell in enumerate(cells):
        if isinstance(cell, str):
            text = cell.strip()
            if any(pattern.fullmatch(text) for pattern in patterns):
                numbers[row] = float(text.replace(",", "."))
                if not np.isfinite(numbers[row]):
                    bad.append(row)
            elif text.casefold() not in missing:
                bad.append(row)
        else:
            try:
                numbers[row] = np.nan if cell is None else float(cell)
            except (TypeError, ValueError):
                if type(cell).__name__ not in ("NAType", "NaTType"):
                    bad.append(row)
    return numbers, np.array(bad, np.int64)


def _has_digits_alone(cells: Cells) -> bool:
    """Whether all cells are texts of characters that numbers have."""
    return set(map(type, cells)) == {str} and set("".join(cells)) <= _DIGITS


def as_column(cells: Sequence[str], decimal: str = ".") -> NDArray[Any]:
    """Return further cells as integers, numbers or truth values if all are, else as text.

    A column with digits after a leading zero, such as "007", holds names. Missing numbers are NaN.
    """
    values = set(cells)
    if values and values <= {"True", "False", "TRUE", "FALSE", "true", "false"}:
        return np.array([cell.lower() == "true" for cell in cells])
    if not any(map(_CODE.fullmatch, values)):
        if values and all(map(_WHOLE.fullmatch, values)):
            return np.array(list(map(int, cells)), np.int64)
        numbers, bad = as_numbers(cells, decimal)
        if not bad.size and (np.isfinite(numbers).any() or not len(cells)):
            return numbers
    return np.array(cells, dtype=object)


def is_list(text: str) -> bool:
    """Whether a text is a list of numbers, such as "[12.5, 30]"."""
    return bool(_LIST.fullmatch(text))


def is_number(text: str) -> bool:
    """Whether a text is a number, with either decimal mark."""
    return bool(_NUMBER.fullmatch(text) or _WITH_COMMA.fullmatch(text))


# ---- messages


def listed(rows: Any, where: Callable[[int], str], content: Callable[[int], str]) -> str:
    """Return at most three rows for a message, with their contents."""
    examples = [f"{where(int(row))} ({content(int(row))})" for row in rows[:N_EXAMPLES]]
    return ", ".join(examples) + (" ..." if len(rows) > N_EXAMPLES else "")


def shown(names: Sequence[Any], n: int = _N_NAMES) -> str:
    """Return at most n names for a message, each cut to a readable length."""
    return ", ".join(repr(beginning(str(name))) for name in names[:n]) + (
        " ..." if len(names) > n else ""
    )


def beginning(text: str) -> str:
    """Return the beginning of a text, of a readable length."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
