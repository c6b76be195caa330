"""Conversion of text and numbers between NumPy and HDF5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.errors import InputError

__all__ = ["as_text", "check_format", "restored", "storable"]


def storable(array: NDArray[Any]) -> Any:
    """Return an array of a type that HDF5 stores; text and objects become HDF5 strings."""
    import h5py

    if array.dtype.kind in "UOST":
        return np.array([str(value) for value in array], dtype=h5py.string_dtype())
    return array


def restored(dataset: Any) -> NDArray[Any]:
    """Return the array in an HDF5 data set; strings become str."""
    import h5py

    if h5py.check_string_dtype(dataset.dtype) is not None:
        return np.array(dataset.asstr()[()], dtype=str)
    return np.asarray(dataset[()])


def check_format(file: Any, path: str | Path, known: int) -> None:
    """Raise `InputError` if the format of a file of salmetrics is newer than `known`."""
    if file.attrs["format"] > known:
        raise InputError(
            f"{str(path)!r} has format {file.attrs['format']}, newer than this version of "
            f"salmetrics knows ({known}); update salmetrics"
        )


def as_text(value: Any) -> str:
    """Return the text of an attribute, which other programs may have stored as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)
