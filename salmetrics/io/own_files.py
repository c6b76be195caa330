"""HDF5 files written by salmetrics, opened after checks of their kind and format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from salmetrics.errors import InputError
from salmetrics.io.damage import reading
from salmetrics.io.files import check_file
from salmetrics.io.hdf5_values import as_text, check_format

HDF5_SUFFIXES = (".h5", ".hdf5")

__all__ = ["HDF5_SUFFIXES", "open_ours"]


@contextmanager
def open_ours(path: str | Path, kind: str, newest: int) -> Iterator[Any]:
    """Open an HDF5 file that salmetrics wrote for reading.

    Such files have the attributes `salmetrics`, the kind of their content, and `format`, a number.

    Parameters
    ----------
    path
        Path of the file.
    kind
        Expected value of the attribute `salmetrics`, such as "centre bias".
    newest
        Newest format that this version reads.

    Yields
    ------
    file : h5py.File
        The open file; it is closed at the end of the block.

    Raises
    ------
    InputError
        If the file does not exist, is damaged, is of another kind, or has a newer format. The file
        also counts as damaged if the block reads a part that is missing, or not what it should be.
    """
    import h5py

    source = check_file(path)
    if source.suffix.lower() not in HDF5_SUFFIXES and not h5py.is_hdf5(source):
        raise InputError(
            f"{str(path)!r} is not a readable {kind}: it is no HDF5 file; name the one that was "
            "saved, which ends in .h5"
        )
    with reading(repr(str(path)), f"is not a readable {kind}"), h5py.File(path, "r") as file:
        if as_text(file.attrs.get("salmetrics", "")) != kind:
            raise InputError(f"{str(path)!r} is an HDF5 file, but holds no {kind}")
        check_format(file, path, newest)
        yield file
