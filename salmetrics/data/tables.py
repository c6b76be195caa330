"""Tables of text with one row per fixation: separator, encoding and decimal mark as they come.

All cells are read as text, and whole columns are converted afterwards, so that "01", "1" and "NA"
remain three names. What cannot be found with certainty is an error that says how to give it.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import difflib
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.errors import InputError

__all__ = [
    "DECIMALS",
    "NO_VALUE",
    "Cells",
    "ColumnsError",
    "Table",
    "TableFormat",
    "as_column",
    "as_numbers",
    "check_columns",
    "decimal_mark",
    "listed",
    "read_table",
    "shown",
]

DECIMALS = (".", ",")
# what stands for a missing number, in any case
NO_VALUE = frozenset({"", "-", ".", "#n/a", "-nan", "n/a", "na", "nan", "none", "null"})

Cells = Sequence[Any] | NDArray[Any]  # texts, or values of pandas

_SEPARATORS = {",": "','", ";": "';'", "\t": "a tab", "|": "'|'", " ": "blanks"}
_SEPARATOR_NAMES = {"\\t": "\t", "comma": ",", "semicolon": ";", "space": " ", "tab": "\t"}
_MARKERS = ("#", "%", "//")  # which comments begin with
_HEAD = 200  # lines among which the header is looked for
_N_EXAMPLES = 3
_N_NAMES = 8
_LARGEST_CELL = 2**31 - 1  # such as all samples of a trial
_LONGEST = 40  # characters of a cell or a line in a message
_DIGITS = frozenset("0123456789+-.eE")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WITH_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+([eE][+-]?\d+)?", re.ASCII)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)  # 1,234 may be 1.234 or 1234
_WHOLE = re.compile(r"[+-]?(0|[1-9]\d{0,17})", re.ASCII)
_CODE = re.compile(r"[+-]?0\d+", re.ASCII)  # a name of digits, such as "007"
_BINARY = {
    b"PK\x03\x04": "an Excel workbook or a zip archive; save the table as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save the table as CSV",
    b"\x89HDF": "an HDF5 file; a data set of salmetrics is read with salmetrics.read_hdf5",
    b"PAR1": "a Parquet file; its name must end in .parquet",
    b"ARROW1": "a Feather file; its name must end in .feather",
    b"%PDF": "a PDF document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
}
_BOMS = (  # UTF-32 first, because its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class ColumnsError(InputError):
    """A table without the wanted columns; `names` are those it has."""

    names: Sequence[str] = ()


@dataclass(frozen=True)
class TableFormat:
    """How a table of fixations is to be read; for the parameters see `Fixations.from_csv`."""

    image: str | None = None
    x: str | None = None
    y: str | None = None
    subject: str | None = None
    preset: str | None = None
    units: str | None = None
    origin: str | None = None
    one_based: bool = False
    missing: str = "error"
    unknown_images: str = "error"
    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    comment: str | None = None
    image_name: str | None = None

    def given(self) -> list[str]:
        """Return the names of the parameters that are not left at their defaults."""
        return [f.name for f in fields(self) if getattr(self, f.name) != f.default]


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
    """

    columns: Mapping[str, list[str]]
    lines: NDArray[np.int64]
    separator: str = "\t"
    n_refused: int = 0
    unit: str = "line"

    def where(self, row: int) -> str:
        """Return the place of a row for a message."""
        return f"{self.unit} {self.lines[row]}"

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
    keep: Callable[[list[str]], Callable[[list[str]], bool]] | None = None,
) -> Table:
    """Read a table from a file of text.

    The header is the first line that has all wanted columns, which also shows the separator.

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
    separators = list(_SEPARATORS) if separator is None else [_separator(separator)]
    if Path(path).suffix.lower() in (".feather", ".parquet"):
        return _of_frame(Path(path), wanted, keep)
    text = decoded(_content(Path(path)), encoding)
    lines = list(io.StringIO(text, newline=""))
    declared = re.fullmatch(r"sep=(.)\s*", lines[0]) if lines else None  # written by Excel
    if declared and separator is None:
        separators = [declared[1]]
    found = _header(lines, wanted, separators, comment)
    if found is None:
        raise _refusal(lines, wanted, separators, comment)
    start, mark, names = found
    check_columns(names, wanted)
    return _rows(lines, start, mark, names, comment, keep)


def decoded(content: bytes, encoding: str | None = None) -> str:
    """Return the text of a file's bytes.

    Parameters
    ----------
    content
        All bytes of the file.
    encoding
        Encoding; by default that of the byte order mark; UTF-16 if every second of the first bytes
        is 0; UTF-8 if the bytes are valid; else that of Windows for Western European languages,
        which includes Latin-1.

    Raises
    ------
    InputError
        If the encoding is unknown, the bytes are invalid in it, or they are not text.
    """
    if encoding is not None:
        try:
            return content.decode(encoding).removeprefix("\ufeff")
        except (LookupError, UnicodeDecodeError) as error:
            raise InputError(f"encoding={encoding!r} does not fit: {error}") from error
    for start, kind in _BINARY.items():
        if content.startswith(start):
            raise InputError(f"this is {kind}")
    encoding = next((name for bom, name in _BOMS if content.startswith(bom)), None)
    encoding = encoding or _utf16_without_mark(content)
    if encoding is not None:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            raise InputError(f"this is no text in {encoding}: {error}; give encoding=") from error
    if b"\0" in content:
        raise InputError("this is not a table of text: it has bytes that are 0")
    for encoding in ("utf-8", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _utf16_without_mark(content: bytes) -> str | None:
    """Return "utf-16-le" or "utf-16-be" for mostly Western text in it, else None."""
    head = np.frombuffer(content[: 2 * (min(len(content), 4096) // 2)], np.uint8)
    if head.size < 4:
        return None
    even, odd = (head[::2] == 0).mean(), (head[1::2] == 0).mean()
    if even == 0 and odd > 0.5:
        return "utf-16-le"
    return "utf-16-be" if odd == 0 and even > 0.5 else None


def _content(path: Path) -> bytes:
    """Return the bytes of a file, unpacked."""
    openers: dict[str, Any] = {".bz2": bz2.open, ".gz": gzip.open, ".xz": lzma.open}
    suffix = path.suffix.lower()
    try:
        if suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                names = [info.filename for info in archive.infolist() if not _is_aside(info)]
                if len(names) != 1:
                    raise InputError(
                        f"a zip archive with one table is read; this one has {len(names)} files"
                    )
                return archive.read(names[0])
        with openers.get(suffix, partial(open, mode="rb"))(path) as file:
            content: bytes = file.read()
            return content
    except (EOFError, lzma.LZMAError, zipfile.BadZipFile, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"it cannot be unpacked: {error}") from error
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror or error}") from error


def _is_aside(info: zipfile.ZipInfo) -> bool:
    """Whether an entry of a zip archive is a folder or a file that systems add by themselves."""
    parts = info.filename.split("/")
    return info.is_dir() or "__MACOSX" in parts or parts[-1].startswith(".")


def _of_frame(
    path: Path,
    wanted: Mapping[str, Sequence[str]],
    keep: Callable[[list[str]], Callable[[list[str]], bool]] | None,
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
    check_columns(names, wanted)
    cells = [
        ["" if absent else str(cell).strip() for cell, absent in zip(values, isna, strict=True)]
        for values, isna in (
            (frame.iloc[:, k].tolist(), frame.iloc[:, k].isna()) for k in range(len(names))
        )
    ]
    is_kept = None if keep is None else keep(names)
    rows = [k for k in range(len(frame)) if is_kept is None or is_kept([c[k] for c in cells])]
    table = Table(dict(zip(names, cells, strict=True)), np.arange(len(frame)), unit="row")
    return replace(table.select(rows), n_refused=len(frame) - len(rows))


def _separator(given: str) -> str:
    separator = _SEPARATOR_NAMES.get(given, given)
    if len(separator) != 1 or separator in '"\r\n':
        raise InputError(f"separator= takes one character, 'tab' or 'space'; got {given!r}")
    return separator


# ---- the header


def _header(
    lines: Sequence[str],
    wanted: Mapping[str, Sequence[str]],
    separators: Sequence[str],
    comment: str | None,
) -> tuple[int, str, list[str]] | None:
    """Find the header: index of its line, separator, and names; None without all columns."""
    for i, line in enumerate(lines[:_HEAD]):
        is_comment = _is_marked(line, comment)
        if is_comment and comment is not None:
            continue
        # NumPy writes the names of columns as a comment
        text = line.lstrip().lstrip("#%/") if is_comment else line
        for separator in separators:
            for candidate in dict.fromkeys((line, text)):
                names = _names(_split(candidate, separator))
                if all(any(name in names for name in options) for options in wanted.values()):
                    if is_comment and not _fits(lines[i + 1 :], len(names), separator, comment):
                        continue
                    return i, separator, names
    return None


def _fits(lines: Sequence[str], n: int, separator: str, comment: str | None) -> bool:
    """Whether the first row below a comment has as many cells as the comment."""
    below = (line for line in lines if line.strip() and not _is_marked(line, comment))
    row = next(below, None)
    return row is None or len(_names(_split(row, separator))) == n


def _is_marked(line: str, comment: str | None) -> bool:
    """Whether a line begins like a comment."""
    markers = _MARKERS if comment is None else (comment,) if comment else ()
    return line.lstrip().startswith(markers) if markers else False


def _names(cells: Sequence[str]) -> list[str]:
    """Return the names of columns, without those of empty columns at the end."""
    n = len(cells)
    while n and not cells[n - 1]:
        n -= 1
    return [name or f"column {i + 1}" for i, name in enumerate(cells[:n])]


def _split(line: str, separator: str) -> list[str]:
    """Return the cells of a line; a line that is not valid CSV is one cell."""
    if separator == " " and '"' not in line:
        return line.split()
    try:
        return next(_reader([line.strip("\r\n")], separator), [])
    except csv.Error:
        return [line.strip()]


def _reader(lines: Any, separator: str) -> Iterator[list[str]]:
    """Yield the cells of each row, without outer blanks."""
    if separator == " ":
        lines = (line.strip() for line in lines)
    csv.field_size_limit(max(csv.field_size_limit(), _LARGEST_CELL))
    for row in csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True):
        yield [cell.strip() for cell in row]


def _refusal(
    lines: Sequence[str],
    wanted: Mapping[str, Sequence[str]],
    separators: Sequence[str],
    comment: str | None,
) -> InputError:
    """Return the error for a file without the wanted columns."""
    written = [line for line in lines if line.strip() and not _is_marked(line, comment)]
    if not written:
        return InputError("the file is empty; the first line of a table names its columns")
    first = written[0].strip()
    if first[0] in "{[":
        return InputError(
            "this looks like JSON; a table has one line per fixation, and cells that are separated "
            "by commas, semicolons or tabs"
        )
    separator = max(separators, key=lambda mark: _n_cells(written[:_HEAD], mark))
    if "\t" in separators and first.count("\t") >= max(2, *map(first.count, ",;|")):
        separator = "\t"  # blanks are parts of cells
    names = _names(_split(first, separator))
    if len(names) < len(wanted):
        marks = ", ".join(_SEPARATORS.values())
        tried = marks if len(separators) > 1 else _SEPARATORS.get(separator, repr(separator))
        return InputError(
            f"the first line has {len(names)} column{'s' * (len(names) != 1)}, {shown(names)}, if "
            f"cells are separated by {tried}; needed are {shown([n[0] for n in wanted.values()])}. "
            "Give another separator with separator=, and other names with "
            + ", ".join(f"{role}=" for role in wanted)
        )
    if any(_NUMBER.fullmatch(name) or _WITH_COMMA.fullmatch(name) for name in names):
        return InputError(
            f"the first line must name the columns, such as "
            f"{','.join(n[0] for n in wanted.values())}; it is {_cut(first)!r}"
        )
    return _lacking(names, wanted)


def _n_cells(lines: Sequence[str], separator: str) -> tuple[bool, int]:
    """Rate a separator: whether all lines have as many cells as the first, and how many."""
    counts = [len(_names(_split(line, separator))) for line in lines]
    return counts[0] > 1 and len(set(counts)) == 1, counts[0]


def check_columns(names: Sequence[str], wanted: Mapping[str, Sequence[str]]) -> None:
    """Raise `InputError` if a table lacks columns, or has one of them twice.

    Parameters
    ----------
    names
        Names of the columns.
    wanted
        For each role, such as "x", the names that its column may have.
    """
    if not all(set(options) & set(names) for options in wanted.values()):
        raise _lacking(names, wanted)
    for options in wanted.values():
        name = next(option for option in options if option in names)
        if list(names).count(name) > 1:
            raise InputError(f"the table has {list(names).count(name)} columns {name!r}; keep one")


def _lacking(names: Sequence[str], wanted: Mapping[str, Sequence[str]]) -> ColumnsError:
    """Return the error for a table that lacks columns."""
    missing = {role: options for role, options in wanted.items() if not set(options) & set(names)}
    nearest = {role: _nearest(options, names) for role, options in missing.items()}
    like = [f"{role}={name!r}" for role, name in nearest.items() if name is not None]
    lacking = ", ".join(" or ".join(map(repr, options[:3])) for options in missing.values())
    error = ColumnsError(
        f"the table has no column {lacking}; its columns are {shown(names)}. Name yours with "
        f"{', '.join(f'{role}=' for role in missing)}"
        + (f", perhaps {', '.join(like)}" if like else "")
    )
    error.names = names
    return error


def _nearest(options: Sequence[str], names: Sequence[str]) -> str | None:
    """Return the column that is most probably meant, if there is one."""
    for option in options:
        with_word = [n for n in names if option.lower() in re.split(r"[^a-z0-9]+", n.lower())]
        if len(with_word) == 1:
            return with_word[0]
        lower = {name.lower(): name for name in names}
        close = difflib.get_close_matches(option.lower(), lower, n=1)
        if close:
            return lower[close[0]]
    return None


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


def _rows(
    lines: Sequence[str],
    start: int,
    separator: str,
    names: list[str],
    comment: str | None,
    keep: Callable[[list[str]], Callable[[list[str]], bool]] | None,
) -> Table:
    """Read the rows below the header, which is `lines[start]`."""
    n = len(names)

    def is_comment(line: str) -> bool:
        if not _is_marked(line, comment):
            return False
        if comment is not None:
            return True
        n_cells = len(_split(line, separator))
        return n_cells != n and (n_cells == 1 or line.lstrip().lstrip("#%/")[:1].isspace())

    source = _Lines(lines, start + 1, is_comment)
    is_kept = None if keep is None else keep(names)
    rows: list[list[str]] = []
    numbers: list[int] = []
    n_refused = 0
    uneven: list[tuple[int, int]] = []
    reader = _reader(source, separator)
    try:
        for row in reader:
            line, source.first = source.first, 0
            if len(row) > n and not any(row[n:]):
                row = row[:n]  # separators at the end of the line
            if not any(row) or row == names:
                continue  # an empty line, or the header of a file that was appended
            if len(row) != n:
                uneven.append((line, len(row)))
            elif is_kept is None or is_kept(row):
                rows.append(row)
                numbers.append(line)
            else:
                n_refused += 1
    except csv.Error as error:
        raise InputError(
            f"line {source.first or source.number} cannot be read: {error}; a cell that begins "
            "with a double quote must end with one"
        ) from error
    if uneven:
        _refuse_uneven(uneven, n, separator)
    columns: dict[str, list[str]] = {}
    cells = list(zip(*rows, strict=True)) or [()] * n
    for name, values in zip(names, cells, strict=True):
        k, unique = 1, name
        while unique in columns:
            unique, k = f"{name}.{k}", k + 1
        columns[unique] = list(values)
    return Table(columns, np.array(numbers, np.int64), separator, n_refused)


def _refuse_uneven(uneven: Sequence[tuple[int, int]], n: int, separator: str) -> None:
    examples = ", ".join(f"line {line} has {count}" for line, count in uneven[:_N_EXAMPLES])
    more = " ..." if len(uneven) > _N_EXAMPLES else ""
    hint = ""
    if separator == "," and all(count > n for _, count in uneven):
        hint = ". If commas are decimal marks, separate the cells by something else, or quote them"
    elif all(count == n + 1 for _, count in uneven):
        hint = ". If the first cell is the number of the row, name that column in the header, too"
    raise InputError(
        f"the header has {n} columns, separated by {_SEPARATORS.get(separator, repr(separator))}, "
        f"but {len(uneven)} rows have another number of cells: {examples}{more}{hint}"
    )


# ---- columns


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
    if not n_with or separator == ",":
        return "."
    if len(grouped) == n_with and n_without:
        raise InputError(
            f"a comma may be a decimal mark or separate thousands: "
            f"{', '.join(grouped[:_N_EXAMPLES])}; give decimal=',' or write thousands without it"
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
        try:  # NumPy reads the same numbers, faster
            numbers = np.array(cells, dtype=str).astype(np.float64)
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
    return all(isinstance(cell, str) for cell in cells) and set("".join(cells)) <= _DIGITS


def as_column(cells: Sequence[str], decimal: str = ".") -> NDArray[Any]:
    """Return further cells as integers, numbers or truth values if all are, else as text.

    A column with digits after a leading zero, such as "007", holds names. Missing numbers are NaN.
    """
    values = set(cells)
    if values and values <= {"True", "False", "TRUE", "FALSE", "true", "false"}:
        return np.array([cell.lower() == "true" for cell in cells])
    if not any(map(_CODE.fullmatch, values)):
        if values and all(map(_WHOLE.fullmatch, values)):
            return np.array(cells, dtype=str).astype(np.int64)
        numbers, bad = as_numbers(cells, decimal)
        if not bad.size and (np.isfinite(numbers).any() or not len(cells)):
            return numbers
    return np.array(cells, dtype=object)


# ---- messages


def listed(rows: Any, where: Callable[[int], str], content: Callable[[int], str]) -> str:
    """Return at most three rows for a message, with their contents."""
    examples = [f"{where(int(row))} ({content(int(row))})" for row in rows[:_N_EXAMPLES]]
    return ", ".join(examples) + (" ..." if len(rows) > _N_EXAMPLES else "")


def shown(names: Sequence[Any], n: int = _N_NAMES) -> str:
    """Return at most n names for a message, each cut to a readable length."""
    return ", ".join(repr(_cut(str(name))) for name in names[:n]) + (
        " ..." if len(names) > n else ""
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
