"""Logs of a training: CSV, and TensorBoard if it is installed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from salmetrics.io.files import replacing

__all__ = ["add_row", "board_of", "has_tensorboard", "write_rows"]

Row = Mapping[str, Any]


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as CSV, atomically.

    Parameters
    ----------
    path
        Path of the file.
    rows
        Values by column; columns that a row lacks are left empty.
    """
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with replacing(path) as temporary:
        temporary.write_text(text.getvalue(), "utf-8")


def has_tensorboard() -> bool:
    """Return whether TensorBoard is installed."""
    return find_spec("tensorboard") is not None


@contextmanager
def board_of(folder: Path | None, rows: Sequence[Row]) -> Iterator[Any]:
    """Open a TensorBoard writer that has all rows so far, and close it at the end.

    Parameters
    ----------
    folder
        Folder of the training; the logs go to ``tensorboard`` in it. None: there is no writer.
    rows
        The rows so far.
    """
    if folder is None:
        yield None
        return
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder / "tensorboard"), purge_step=0)
    try:
        for row in rows:
            add_row(writer, row)
        yield writer
    finally:
        writer.close()


def add_row(board: Any, row: Row) -> None:
    """Add the row of an epoch to a TensorBoard writer; missing values are left out."""
    for key, value in row.items():
        if value is not None:
            board.add_scalar(key, value, row["epoch"])
