"""Columns of a table of fixations: numbers, names and subjects, and the rows without them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.table_cells import LISTS, Cells, as_numbers, is_list, listed
from salmetrics.errors import InputError, check_choice, some

__all__ = ["MISSING", "FixationColumns", "absent_in", "as_subjects", "chosen", "fixation_columns"]

MISSING = ("error", "drop")
_UNKNOWN = "rows on images that are not among these"
_REASONS = {
    "x": "rows without values",
    "image": "rows without the name of an image",
    "subject": "rows without a subject",
}


@dataclass(frozen=True)
class FixationColumns:
    """The rows of a table that are fixations.

    Parameters
    ----------
    x, y
        Positions as they are in the table, finite.
    names
        Names of images.
    subject
        Labels of the subjects, if the table has them.
    rows
        Rows of the table that these are.
    left_out
        Number of rows that are left out, by reason.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    names: list[str]
    subject: NDArray[Any] | None
    rows: NDArray[np.int64]
    left_out: dict[str, int]

    def on_images(self, known: Callable[[str], bool]) -> FixationColumns:
        """Return the rows whose image is known, with the number of the others.

        Raises
        ------
        InputError
            If there are none.
        """
        is_known = {name: known(name) for name in dict.fromkeys(self.names)}
        kept = np.flatnonzero([is_known[name] for name in self.names])
        if kept.size == len(self.names):
            return self
        if kept.size == 0:
            raise InputError(
                f"all {len(is_known)} image names are unknown, such as {some(list(is_known), 3)}; "
                "unknown_images='drop' leaves nothing"
            )
        return FixationColumns(
            self.x[kept],
            self.y[kept],
            [self.names[row] for row in kept.tolist()],
            None if self.subject is None else self.subject[kept],
            self.rows[kept],
            self.left_out | {_UNKNOWN: len(self.names) - kept.size},
        )


def fixation_columns(
    cells: Mapping[str, Cells],
    roles: Mapping[str, str],
    *,
    where: Callable[[int], str],
    missing: str = "error",
    decimal: str = ".",
    no_name: frozenset[str] = frozenset({""}),
) -> FixationColumns:
    """Check and convert the columns that every table of fixations has.

    Parameters
    ----------
    cells
        The columns of the roles, by role: "x", "y", "image" and, if there is one, "subject".
    roles
        Names of these columns, for messages.
    where
        Place of a row, for messages.
    missing
        Treatment of rows without a value: "error", or "drop".
    decimal
        Decimal mark of texts.
    no_name
        What stands for a missing name or subject, in lower case.

    Raises
    ------
    InputError
        If a position is not a number, or a value is missing.
    """
    check_choice("missing", missing, MISSING)
    x, y = (_positions(cells[role], roles[role], where, decimal) for role in ("x", "y"))
    kept = np.ones(len(x), dtype=bool)
    left_out: dict[str, int] = {}
    absent = {"x": np.isnan(x) | np.isnan(y)}
    absent |= {
        role: absent_in(cells[role], no_name) for role in ("image", "subject") if role in cells
    }
    for role, is_absent in absent.items():
        rows = np.flatnonzero(is_absent & kept)
        if rows.size and missing == "error":
            _refuse(role, rows, cells, roles, where)
        if rows.size:
            left_out[_REASONS[role]] = rows.size
            kept[rows] = False
    rows = np.flatnonzero(kept)
    return FixationColumns(
        x[rows],
        y[rows],
        list(map(str, chosen(cells["image"], rows))),
        as_subjects(chosen(cells["subject"], rows)) if "subject" in cells else None,
        rows,
        left_out,
    )


def _positions(
    cells: Cells, name: str, where: Callable[[int], str], decimal: str
) -> NDArray[np.float64]:
    numbers, bad = as_numbers(cells, decimal)
    bad = np.union1d(bad, np.flatnonzero(np.isinf(numbers)))
    if bad.size:
        texts = [str(cells[row]) for row in bad[:3]]
        hint = ""
        if any(map(is_list, texts)):
            hint = f"; {LISTS}"
        elif any("," in text for text in texts) and decimal == ".":
            hint = "; decimal='.' is assumed, decimal=',' reads 12,5 as 12.5"
        elif any("." in text for text in texts) and decimal == ",":
            hint = "; decimal=',' is assumed, decimal='.' reads 12.5"
        raise InputError(
            f"column {name!r} must hold finite numbers; {bad.size} of {len(cells)} rows do not: "
            + listed(bad, where, lambda row: _quoted(cells[row]))
            + hint
        )
    return numbers


def _refuse(
    role: str,
    rows: NDArray[np.int64],
    cells: Mapping[str, Cells],
    roles: Mapping[str, str],
    where: Callable[[int], str],
) -> None:
    """Raise the error for rows without a value."""
    shown = ("x", "y") if role == "x" else (role,)
    columns = " or ".join(repr(roles[each]) for each in shown)
    examples = listed(
        rows, where, lambda row: ", ".join(_quoted(cells[each][row]) for each in shown)
    )
    also = ", or leave the column out" if role == "subject" else ""
    raise InputError(
        f"{rows.size} of {len(cells['x'])} rows have no value in column {columns}: {examples}; "
        f"fill them in, or leave these rows out with missing='drop'{also}"
    )


def _quoted(cell: Any) -> str:
    text = repr(cell.item() if isinstance(cell, np.generic) else cell)
    return text if len(text) <= 40 else f"{text[:40]}..."


def absent_in(values: Any, no_name: frozenset[str] = frozenset({""})) -> NDArray[np.bool_]:
    """Return for each name whether it is missing: None, NaN, NA of pandas, or a text."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "biu":
        return np.zeros(len(values), dtype=bool)
    values = list(values)
    if set(map(type, values)) == {str}:  # a few different ones, of many
        absent = {value for value in set(values) if _is_absent(value, no_name)}
        if not absent:
            return np.zeros(len(values), dtype=bool)
        return np.array([value in absent for value in values], dtype=bool)
    return np.array([_is_absent(value, no_name) for value in values], dtype=bool)


def _is_absent(value: Any, no_name: frozenset[str]) -> bool:
    if isinstance(value, str):
        return value.strip().casefold() in no_name
    if value is None:
        return True
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # pandas.NA is neither equal nor unequal to itself
        return True


def as_subjects(values: Any) -> NDArray[Any]:
    """Return labels of one type, which can be sorted: mixed ones, and categories, become text."""
    labels = values if isinstance(values, np.ndarray) else np.array(values, dtype=object)
    if labels.dtype.kind != "O":
        return labels
    kinds = {type(value) for value in labels.tolist()}
    if kinds <= {str} or all(issubclass(kind, Number) for kind in kinds):
        return labels
    return np.array([str(value) for value in labels.tolist()], dtype=object)


def chosen(values: Any, rows: NDArray[np.int64]) -> Any:
    """Return the values in ascending rows."""
    if len(rows) == len(values):
        return values
    return values[rows] if isinstance(values, np.ndarray) else [values[k] for k in rows.tolist()]
