"""Tables of text with one row per fixation: separator, encoding and decimal mark as they come.

All cells are read as text, and whole columns are converted afterwards, so that "01", "1" and "NA"
remain three names. What cannot be found with certainty is an error that says how to give it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salmetrics.array_types import Rows
from salmetrics.data.table_cells import N_EXAMPLES, is_list
from salmetrics.data.table_header import (
    SEPARATORS,
    cells_of,
    check_columns,
    find_header,
    is_marked,
    markers,
    refusal,
    separator_of,
    split,
)
from salmetrics.data.table_text import content_of, decoded
from salmetrics.data.unit_rows import UnitRow, unit_row
from salmetrics.errors import InputError

__all__ = ["Table", "read_table"]

Keep = Callable[[list[str]], Callable[[list[str]], bool]]

_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_MOVED = (
    "the header has one cell less than the rows, which begin with the numbers of rows, as R writes "
    "them: its names are those of the cells behind the numbers"
)


@dataclass(frozen=True)
class Table:
    """A table whose cells are text without outer blanks.

    Parameters
    ----------
    columns
        Cells by name of the column.
    lines
        Line of the file in which each row begins, from 1; or its row, from 0.
    separator
        What separates the cells.
    n_refused
        Number of rows that `keep` of `read_table` refused.
    unit
        Whether `lines` counts a "line" or a "row".
    units
        The row of units below the header, if there is one; it is not among the rows.
    notes
        What was noticed while the table was read.
    guessed
        What is said about an encoding that may be another one, which is among the notes, too.
    """

    columns: Mapping[str, list[str]]
    lines: NDArray[np.int64]
    separator: str = "\t"
    n_refused: int = 0
    unit: str = "line"
    units: UnitRow | None = None
    notes: tuple[str, ...] = ()
    guessed: str | None = None

    def where(self, row: int) -> str:
        """Return the place of a row for a message."""
        return f"{self.unit} {self.lines[row]}"

    def with_units(self, units: UnitRow | None) -> Table:
        """Return the table with a row of units, which is said among the notes."""
        notes = self.notes if units is None else (*self.notes, units.note)
        return replace(self, units=units, notes=notes)

    def select(self, rows: Sequence[int] | NDArray[np.int64]) -> Table:
        """Return some of the rows."""
        columns = {name: [cells[row] for row in rows] for name, cells in self.columns.items()}
        return replace(self, columns=columns, lines=self.lines[np.asarray(rows, np.int64)])


def read_table(
    path: str | Path,
    wanted: Mapping[str, Sequence[str]],
    *,
    separator: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    keep: Keep | None = None,
) -> Table:
    """Read a table from a file of text.

    The header is the first line that has all wanted columns, which also shows the separator. A
    first column of row numbers, without a name or beside the header, is no column of the table, and
    nor is a row of units below the header a row.

    Parameters
    ----------
    path
        Path of the file; .gz, .bz2, .xz and .zip are unpacked.
    wanted
        For each role, such as "x", the names that its column may have.
    separator
        What separates cells, one character, or "tab" or "space"; found by default.
    encoding
        Encoding of the text; by default found, see `decoded`.
    comment
        What comment lines begin with, "" for no comments. By default, "#", "%" and "//" do where
        the line is not a row of the table.
    keep
        Function of the names of the columns that returns a function of a row's cells: whether to
        keep the row.

    Raises
    ------
    InputError
        If the file does not exist, is not a table of text, or lacks columns, or rows have another
        number of cells than the header.
    """
    separators = list(SEPARATORS) if separator is None else [separator_of(separator)]
    if Path(path).suffix.lower() in (".feather", ".parquet"):
        return _of_frame(Path(path), wanted, keep)
    text, guessed = decoded(content_of(Path(path)), encoding)
    text = re.sub(r"\x1a[\x1a\s]*\Z", "", text)  # Ctrl-Z, the end of a file of DOS
    lines = list(io.StringIO(text, newline=""))
    declared = re.fullmatch(r"sep=(.)\s*", lines[0]) if lines else None  # written by Excel
    if declared and separator is None:
        separators = [declared[1]]
    found = find_header(lines, wanted, separators, comment)
    if found is None:
        raise refusal(lines, wanted, separators, comment)
    start, mark, names = found
    check_columns(names, wanted)
    source = _Source(lines, start, mark, names, comment)
    table = _moved(source, wanted, keep)
    if table is None:
        table = _without_row_numbers(_rows(source, wanted, keep), source, wanted)
    if guessed is None:
        return table
    return replace(table, guessed=guessed, notes=(guessed, *table.notes))


def _of_frame(
    path: Path,
    wanted: Mapping[str, Sequence[str]],
    keep: Keep | None,
) -> Table:
    """Read a Parquet or Feather file, with cells as text."""
    import pandas as pd

    read = pd.read_feather if path.suffix.lower() == ".feather" else pd.read_parquet
    try:
        frame = read(path)
    except ImportError as error:
        raise InputError(
            "it needs pyarrow: pip install salmetrics[tables]; or save the table as CSV"
        ) from error
    except (OSError, ValueError) as error:  # of pyarrow, too
        raise InputError(f"it cannot be read: {error}") from error
    names = [str(name) for name in frame.columns]
    first_row = frame.head(1)
    lists = [
        name for k, name in enumerate(names) if any(map(is_list, map(str, first_row.iloc[:, k])))
    ]
    check_columns(names, wanted, lists)
    cells = [
        ["" if absent else str(cell).strip() for cell, absent in zip(values, isna, strict=True)]
        for values, isna in (
            (frame.iloc[:, k].tolist(), frame.iloc[:, k].isna()) for k in range(len(names))
        )
    ]
    is_kept = None if keep is None else keep(names)
    first = dict(zip(names, [c[0] for c in cells], strict=True)) if len(frame) else {}
    units = unit_row(first, wanted, "row 0")
    given = range(0 if units is None else 1, len(frame))
    rows = [k for k in given if is_kept is None or is_kept([c[k] for c in cells])]
    table = Table(dict(zip(names, cells, strict=True)), np.arange(len(frame)), unit="row")
    return replace(table.select(rows), n_refused=len(given) - len(rows)).with_units(units)


# ---- the rows


class _Lines:
    """Iterates over the lines that are not comments, and remembers where a row began."""

    def __init__(self, lines: Sequence[str], start: int, is_comment: Callable[[str], bool]) -> None:
        self.first = 0
        self.number = start
        self._lines = lines
        self._is_comment = is_comment

    def __iter__(self) -> Iterator[str]:
        while self.number < len(self._lines):
            line = self._lines[self.number]
            self.number += 1
            if not self._is_comment(line):
                self.first = self.first or self.number
                yield line


@dataclass(frozen=True)
class _Source:
    """The lines of a file, and its header: index of the line, separator and names."""

    lines: Sequence[str]
    start: int
    separator: str
    names: list[str]
    comment: str | None

    def rows(self, n: int) -> Iterator[tuple[int, list[str]]]:
        """Yield the line and the cells of each row; comments have other numbers of cells than n."""

        def is_comment(line: str) -> bool:
            if not is_marked(line, self.comment):
                return False
            if self.comment is not None:
                return True
            n_cells = len(split(line, self.separator))
            return n_cells != n and (n_cells == 1 or line.lstrip().lstrip("#%/")[:1].isspace())

        source = _Lines(self.lines, self.start + 1, is_comment)
        try:
            for row in cells_of(source, self.separator):
                line, source.first = source.first, 0
                if len(row) > n and not any(row[n:]):
                    row = row[:n]  # separators at the end of the line
                if any(row) and row != self.names:  # the header of a file that was appended
                    yield line, row
        except csv.Error as error:
            raise InputError(
                f"line {source.first or source.number} cannot be read: {error}; a cell that begins "
                "with a double quote must end with one"
            ) from error

    def plain_columns(self) -> tuple[list[list[str]], Rows] | None:
        """Return the cells of each column, and the lines of the rows, of the plainest tables.

        None for others: where cells are quoted, or lines may be comments, the header again, or
        rows with nothing in them or another number of cells. For these, `rows` finds the same cells
        as here.
        """
        below = [line.strip("\r\n") for line in self.lines[self.start + 1 :]]
        written = [k for k, line in enumerate(below) if line]
        text = self.separator.join(line for line in below if line)
        n = len(self.names)
        marks = markers(self.comment)
        if (
            self.separator == " "
            or '"' in text
            or {below[k].count(self.separator) for k in written} != {n - 1}
            or (
                any(map(text.__contains__, marks))
                and any(is_marked(line, self.comment) for line in below)
            )
        ):
            return None
        cells = list(map(str.strip, text.split(self.separator)))
        columns = [cells[k::n] for k in range(n)]
        if {"", self.names[0]} & set(columns[0]):
            return None
        return columns, np.array(written, np.int64) + self.start + 2

    def is_quoted(self, line: int) -> bool:
        """Whether a line begins with a quoted cell."""
        return self.lines[line - 1].lstrip().startswith('"')


def _moved(source: _Source, wanted: Mapping[str, Sequence[str]], keep: Keep | None) -> Table | None:
    """Return the table below a header without a cell for row numbers; None for other tables.

    Row numbers that are not quoted count from 1, and are not separated by commas, because the cells
    may be numbers with decimal commas otherwise.
    """
    n = len(source.names) + 1
    numbers: list[str] = []
    for k, (line, row) in enumerate(source.rows(n)):
        is_plain = row[0] == str(k + 1) and source.separator != ","
        if len(row) != n or not (source.is_quoted(line) or is_plain):
            return None
        numbers.append(row[0])
    if not numbers or not _are_row_numbers(numbers):
        return None
    moved = replace(source, names=[_unused(source.names), *source.names])
    table = _rows(moved, wanted, keep)
    columns = {name: table.columns[name] for name in source.names}
    return replace(table, columns=columns, notes=(*table.notes, _MOVED))


def _without_row_numbers(
    table: Table, source: _Source, wanted: Mapping[str, Sequence[str]]
) -> Table:
    """Return the table without a first column that has no name, but row numbers."""
    header = split(source.lines[source.start], source.separator)
    first, *others = table.columns
    is_wanted = any(first in options for options in wanted.values())
    if header[:1] != [""] or is_wanted or not _are_row_numbers(table.columns[first]):
        return table
    return replace(table, columns={name: table.columns[name] for name in others})


def _are_row_numbers(cells: Sequence[str]) -> bool:
    """Whether all cells are whole numbers, each once."""
    return len(set(cells)) == len(cells) and all(map(_WHOLE.fullmatch, cells))


def _unused(names: Sequence[str]) -> str:
    """Return a name that no column has."""
    name = "row"
    while name in names:
        name += " number"
    return name


def _rows(source: _Source, wanted: Mapping[str, Sequence[str]], keep: Keep | None) -> Table:
    """Read the rows below the header."""
    names = source.names
    n = len(names)
    plain = source.plain_columns() if keep is None else None
    if plain is not None:
        columns, lines = plain
        first = {name: cells[0] for name, cells in zip(names, columns, strict=True)}
        units = unit_row(first, wanted, f"line {lines[0]}")
        start = 0 if units is None else 1
        named = _named(names, [cells[start:] for cells in columns])
        return Table(named, lines[start:], source.separator).with_units(units)
    is_kept = None if keep is None else keep(names)
    rows: list[list[str]] = []
    numbers: list[int] = []
    n_refused = 0
    units = None
    uneven: list[tuple[int, int]] = []
    for k, (line, row) in enumerate(source.rows(n)):
        if k == 0 and len(row) == n:
            units = unit_row(dict(zip(names, row, strict=True)), wanted, f"line {line}")
        if len(row) != n:
            uneven.append((line, len(row)))
        elif units is not None and k == 0:
            continue
        elif is_kept is None or is_kept(row):
            rows.append(row)
            numbers.append(line)
        else:
            n_refused += 1
    if uneven:
        _refuse_uneven(uneven, n, source.separator)
    cells = list(map(list, zip(*rows, strict=True))) or [[] for _ in names]
    table = Table(_named(names, cells), np.array(numbers, np.int64), source.separator, n_refused)
    return table.with_units(units)


def _named(names: Sequence[str], cells: Sequence[list[str]]) -> dict[str, list[str]]:
    """Return columns by name; a name that comes again gets a number."""
    columns: dict[str, list[str]] = {}
    for name, values in zip(names, cells, strict=True):
        k, unique = 1, name
        while unique in columns:
            unique, k = f"{name}.{k}", k + 1
        columns[unique] = values
    return columns


def _refuse_uneven(uneven: Sequence[tuple[int, int]], n: int, separator: str) -> None:
    examples = ", ".join(f"line {line} has {count}" for line, count in uneven[:N_EXAMPLES])
    more = " ..." if len(uneven) > N_EXAMPLES else ""
    hint = ""
    if separator == "," and all(count > n for _, count in uneven):
        hint = ". If commas are decimal marks, separate the cells by something else, or quote them"
    elif all(count == n + 1 for _, count in uneven):
        hint = ". If the first cell is the number of the row, name that column in the header, too"
    raise InputError(
        f"the header has {n} columns, separated by {SEPARATORS.get(separator, repr(separator))}, "
        f"but {len(uneven)} rows have another number of cells: {examples}{more}{hint}"
    )
