"""The header of a table of text: its line, the separator that it shows, and its columns."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from salmetrics.data.table_cells import LISTS, beginning, is_list, is_number, shown
from salmetrics.errors import InputError

__all__ = [
    "SEPARATORS",
    "ColumnsError",
    "cells_of",
    "check_columns",
    "find_header",
    "is_marked",
    "markers",
    "refusal",
    "separator_of",
    "split",
]

SEPARATORS = {",": "','", ";": "';'", "\t": "a tab", "|": "'|'", " ": "blanks"}
_SEPARATOR_NAMES = {"\\t": "\t", "comma": ",", "semicolon": ";", "space": " ", "tab": "\t"}
_MARKERS = ("#", "%", "//")  # which comments begin with
_HEAD = 200  # lines among which the header is looked for
_LARGEST_CELL = 2**31 - 1  # such as all samples of a trial


class ColumnsError(InputError):
    """A table without the wanted columns; `names` are those it has."""

    names: Sequence[str] = ()


def separator_of(given: str) -> str:
    """Return the character that an argument stands for, such as "tab"."""
    separator = _SEPARATOR_NAMES.get(given, given)
    if len(separator) != 1 or separator in '"\r\n':
        raise InputError(f"separator= takes one character, 'tab' or 'space'; got {given!r}")
    return separator


def find_header(
    lines: Sequence[str],
    wanted: Mapping[str, Sequence[str]],
    separators: Sequence[str],
    comment: str | None,
) -> tuple[int, str, list[str]] | None:
    """Find the header: index of its line, separator, and names; None without all columns."""
    for i, line in enumerate(lines[:_HEAD]):
        is_comment = is_marked(line, comment)
        if is_comment and comment is not None:
            continue
        # NumPy writes the names of columns as a comment
        text = line.lstrip().lstrip("#%/") if is_comment else line
        for separator in separators:
            for candidate in dict.fromkeys((line, text)):
                names = _names(split(candidate, separator))
                if all(any(name in names for name in options) for options in wanted.values()):
                    if is_comment and not _fits(lines[i + 1 :], len(names), separator, comment):
                        continue
                    return i, separator, names
    return None


def _fits(lines: Sequence[str], n: int, separator: str, comment: str | None) -> bool:
    """Whether the first row below a comment has as many cells as the comment."""
    below = (line for line in lines if line.strip() and not is_marked(line, comment))
    row = next(below, None)
    return row is None or len(_names(split(row, separator))) == n


def is_marked(line: str, comment: str | None) -> bool:
    """Whether a line begins like a comment."""
    return line.lstrip().startswith(markers(comment))


def markers(comment: str | None) -> tuple[str, ...]:
    """Return what comments may begin with."""
    return _MARKERS if comment is None else (comment,) if comment else ()


def _names(cells: Sequence[str]) -> list[str]:
    """Return the names of columns, without those of empty columns at the end."""
    n = len(cells)
    while n and not cells[n - 1]:
        n -= 1
    return [name or f"column {i + 1}" for i, name in enumerate(cells[:n])]


def split(line: str, separator: str) -> list[str]:
    """Return the cells of a line; a line that is not valid CSV is one cell."""
    if separator == " " and '"' not in line:
        return line.split()
    try:
        return next(cells_of([line.strip("\r\n")], separator), [])
    except csv.Error:
        return [line.strip()]


def cells_of(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    """Yield the cells of each row, without outer blanks."""
    if separator == " ":
        lines = (line.strip() for line in lines)
    csv.field_size_limit(max(csv.field_size_limit(), _LARGEST_CELL))
    for row in csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True):
        yield [cell.strip() for cell in row]


def refusal(
    lines: Sequence[str],
    wanted: Mapping[str, Sequence[str]],
    separators: Sequence[str],
    comment: str | None,
) -> InputError:
    """Return the error for a file without the wanted columns."""
    written = [line for line in lines if line.strip() and not is_marked(line, comment)]
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
    names = _names(split(first, separator))
    below = split(written[1], separator) if len(written) > 1 else []
    lists = [name for name, cell in zip(names, below, strict=False) if is_list(cell)]
    if len(names) < len(wanted) and not lists:
        marks = ", ".join(SEPARATORS.values())
        tried = marks if len(separators) > 1 else SEPARATORS.get(separator, repr(separator))
        return InputError(
            f"the first line has {len(names)} column{'s' * (len(names) != 1)}, {shown(names)}, if "
            f"cells are separated by {tried}; needed are {shown([n[0] for n in wanted.values()])}. "
            "Give another separator with separator=, and other names with "
            + ", ".join(f"{role}=" for role in wanted)
        )
    if any(is_number(name) for name in names):
        return InputError(
            f"the first line must name the columns, such as "
            f"{','.join(n[0] for n in wanted.values())}; it is {beginning(first)!r}"
        )
    return _lacking(names, wanted, lists)


def _n_cells(lines: Sequence[str], separator: str) -> tuple[bool, int]:
    """Rate a separator: whether all lines have as many cells as the first, and how many."""
    counts = [len(_names(split(line, separator))) for line in lines]
    return counts[0] > 1 and len(set(counts)) == 1, counts[0]


def check_columns(
    names: Sequence[str], wanted: Mapping[str, Sequence[str]], lists: Sequence[str] = ()
) -> None:
    """Raise `InputError` if a table lacks columns, or has one of them twice.

    Parameters
    ----------
    names
        Names of the columns.
    wanted
        For each role, such as "x", the names that its column may have.
    lists
        Names of the columns that hold lists.
    """
    if not all(set(options) & set(names) for options in wanted.values()):
        raise _lacking(names, wanted, lists)
    for options in wanted.values():
        name = next(option for option in options if option in names)
        if list(names).count(name) > 1:
            raise InputError(f"the table has {list(names).count(name)} columns {name!r}; keep one")


def _lacking(
    names: Sequence[str], wanted: Mapping[str, Sequence[str]], lists: Sequence[str] = ()
) -> ColumnsError:
    """Return the error for a table that lacks columns; those that hold lists are none of them."""
    missing = {role: options for role, options in wanted.items() if not set(options) & set(names)}
    single = [name for name in names if name not in lists]
    nearest = {role: _nearest(options, single) for role, options in missing.items()}
    if nearest.get("x") == nearest.get("y"):  # one column is not both
        nearest |= dict.fromkeys({"x", "y"} & set(nearest))
    like = [f"{role}={name!r}" for role, name in nearest.items() if name is not None]
    lacking = ", ".join(" or ".join(map(repr, options[:3])) for options in missing.values())
    error = ColumnsError(
        f"the table has no column {lacking}; its columns are {shown(names)}. Name yours with "
        f"{', '.join(f'{role}=' for role in missing)}"
        + (f", perhaps {', '.join(like)}" if like else "")
        + (f". As to {shown(lists)}: {LISTS}" if lists else "")
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
