"""Leaderboards that an earlier run has left in the folder of a new one."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path

from salmetrics.errors import InputError, some
from salmetrics.io.damage import reading
from salmetrics.io.hdf5_values import as_text
from salmetrics.results.layouts import LAYOUTS

_COLUMNS = ["model", "group"]  # the first two of a leaderboard

__all__ = ["check_folder", "earlier_models", "remove_stale"]


def check_folder(
    folder: Path, datasets: Collection[str], models: Collection[str], golds: Collection[str]
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
        for path in (folder / f"{name}.h5", folder / f"{name}.csv"):
            if path.exists() and not _is_ours(path):
                raise InputError(
                    f"the results of {name} would replace {str(path)!r}, which is no result of a "
                    "benchmark; name another folder, or another data set"
                )
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
    try:
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    except (UnicodeDecodeError, csv.Error):
        return []  # something else, of which there is nothing to tell
    return [row[0] for row in rows[1:] if row] if rows[:1] and rows[0][:2] == _COLUMNS else []


def remove_stale(folder: Path, datasets: Collection[str]) -> None:
    """Remove the tables of an earlier run that new leaderboards of data sets would contradict.

    Parameters
    ----------
    folder
        Folder of the tables.
    datasets
        Names of the data sets whose tables are about to be written.
    """
    stale = []
    across = folder / "generalisation.csv"
    if across.is_file():
        first, *_ = [*across.read_text(encoding="utf-8").splitlines(), ""]
        stale += [across] if set(first.split(",")) & set(datasets) else []
    for name in datasets:
        stale += [folder / f"{name}.{key}{end}" for key in LAYOUTS for end in (".md", ".tex")]
    for path in stale:
        path.unlink(missing_ok=True)


def _is_ours(path: Path) -> bool:
    """Whether a file is a result that a benchmark may replace."""
    import h5py

    if path.suffix == ".csv":
        return path.is_file() and bool(earlier_models(path))
    if not h5py.is_hdf5(path):
        return False
    with reading(repr(str(path))), h5py.File(path, "r") as file:
        return as_text(file.attrs.get("salmetrics", "")) == "evaluation"
