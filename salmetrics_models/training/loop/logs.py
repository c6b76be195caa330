"""Logs of a training: CSV, and TensorBoard where it is installed."""

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
    """Write rows as CSV, in one step; not all need have the same entries."""
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with replacing(path) as temporary:
        temporary.write_text(text.getvalue(), "utf-8")


def has_tensorboard() -> bool:
    """Whether TensorBoard is installed."""
    return find_spec("tensorboard") is not None


@contextmanager
def board_of(folder: Path | None, rows: Sequence[Row]) -> Iterator[Any]:
    """Give what writes logs for TensorBoard, with all rows so far; None without a folder."""
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
    """Show the row of an epoch in TensorBoard."""
    for key, value in row.items():
        if value is not None:
            board.add_scalar(key, value, row["epoch"])
