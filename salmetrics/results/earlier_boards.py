"""Leaderboards that an earlier run has left in the folder of a new one."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path

from salmetrics.errors import InputError, some
from salmetrics.io.damage import reading
from salmetrics.io.hdf5_values import as_text
from salmetrics.results.layouts import LAYOUTS

__all__ = ["check_folder", "earlier_models", "remove_stale"]

_COLUMNS = "model,group"  # the first two of a leaderboard
_SKIPPED = "dataset\tmodel\treason"
_LONGEST = 1_000_000  # bytes of a line, which other files may not end
_MARKDOWN = "| model | ", "protocol "  # the beginnings of the first line, and of a later one
_LATEX = r"\begin{tabular}{lr", "% protocol "


def check_folder(
    folder: Path,
    datasets: Collection[str],
    models: Collection[str],
    golds: Collection[str],
    layout: str | None = None,
) -> str | None:
    """Check that a folder can take new leaderboards, and return what is there of an earlier run.

    Parameters
    ----------
    folder
        Folder of the tables, which need not exist.
    datasets, models
        Names of the data sets and models of the new run.
    golds
        Names of gold standards, which come and go with options.
    layout
        Name of the layout whose tables are written, too.

    Returns
    -------
    text : str or None
        One line on models whose tables are replaced, and on data sets that are not of this run;
        None if nothing is there, or the new run has all of it.

    Raises
    ------
    InputError
        If a file that would be replaced is something else, such as the data set itself.
    """
    for name in datasets:
        ends = ("h5", "csv", "md", *(() if layout is None else (f"{layout}.md", f"{layout}.tex")))
        for path in (folder / f"{name}.{end}" for end in ends):
            _check_ours(path, f"the results of {name}", ", or another data set")
    if len(datasets) > 1:
        _check_ours(folder / "generalisation.csv", "the results")
    _check_ours(folder / "skipped.tsv", "the results")
    earlier = {
        path.stem: earlier_models(path) for path in sorted(folder.glob("*.csv")) if path.is_file()
    }
    lost = {
        name: [model for model in names if model not in {*models, *golds}]
        for name, names in earlier.items()
        if name in datasets
    }
    replaced = [f"{name} ({some(names, 3)})" for name, names in lost.items() if names]
    kept = [name for name, names in earlier.items() if names and name not in datasets]
    parts = []
    if replaced:
        parts.append(f"the tables of {', '.join(replaced)} are replaced, without these models")
    if kept:
        parts.append(f"those of {', '.join(kept)} stay as they are")
    if not parts:
        return None
    return f"{str(folder)!r} holds results of another run: {'; '.join(parts)}"


def earlier_models(path: Path) -> list[str]:
    """Return the models of a leaderboard; none for files that hold something else.

    Parameters
    ----------
    path
        Path of a .csv file.
    """
    if not path.is_file() or not _first_lines(path)[0].startswith(_COLUMNS):
        return []
    with path.open(encoding="utf-8", newline="") as file:
        try:
            first, *rows = csv.reader(file)
        except (UnicodeDecodeError, csv.Error):
            return []  # something else, of which there is nothing to tell
    return [row[0] for row in rows if row] if first[:2] == _COLUMNS.split(",") else []


def remove_stale(folder: Path, datasets: Collection[str]) -> None:
    """Remove the tables of an earlier run that new leaderboards of data sets would contradict.

    Parameters
    ----------
    folder
        Folder of the tables.
    datasets
        Names of the data sets whose tables are about to be written.
    """
    across = folder / "generalisation.csv"
    if set(_across(across)) & set(datasets):
        across.unlink()
    for name in datasets:
        for path in (folder / f"{name}.{key}{end}" for key in LAYOUTS for end in (".md", ".tex")):
            if _is_ours(path):
                path.unlink()


def _check_ours(path: Path, what: str, more: str = "") -> None:
    """Raise `InputError` for a file that would be replaced, and is no result."""
    if path.exists() and not _is_ours(path):
        raise InputError(
            f"{what} would replace {str(path)!r}, which is no result of a benchmark; name another "
            f"folder{more}"
        )


def _is_ours(path: Path) -> bool:
    """Whether a file is a result that a benchmark may replace."""
    import h5py

    if not path.is_file():
        return False
    if path.suffix == ".h5":
        if not h5py.is_hdf5(path):
            return False
        with reading(repr(str(path))), h5py.File(path, "r") as file:
            return as_text(file.attrs.get("salmetrics", "")) == "evaluation"
    if path.suffix == ".csv":
        return bool(_across(path) or earlier_models(path))
    first = _first_lines(path)[0]
    if path.suffix == ".tsv":
        return first == _SKIPPED
    begins, follows = _LATEX if path.suffix == ".tex" else _MARKDOWN
    if not first.startswith(begins):
        return False
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(line.startswith(follows) for line in lines)


def _across(path: Path) -> list[str]:
    """Return the data sets of a table of all of them; none for files that hold something else."""
    if not path.is_file():
        return []
    try:
        rows = list(csv.reader(_first_lines(path, 3)))
    except csv.Error:
        return []  # something else
    if len(rows) < 3:
        return []
    names, parts, last = rows
    n = len(names) // 3 if len(names) % 3 == 2 else 0
    is_table = (
        n > 0
        and names == ["", *(name for name in names[1:-1:3] for _ in range(3)), "mean rank"]
        and parts == ["", *["value", "low", "high"] * n, ""]
        and last == ["model", *[""] * (len(names) - 1)]
    )
    return names[1:-1:3] if is_table else []


def _first_lines(path: Path, n: int = 1) -> list[str]:
    """Return the first lines of a file that may hold anything."""
    with path.open("rb") as file:
        lines = [file.readline(_LONGEST) for _ in range(n)]
    return [line.decode(errors="replace").rstrip("\r\n") for line in lines]
