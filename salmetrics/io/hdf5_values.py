"""Text and numbers as HDF5 files hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_text", "restored", "storable"]


def storable(array: NDArray[Any]) -> Any:
    """Return an array as HDF5 can hold it: text as such, other objects as text."""
    import h5py

    if array.dtype.kind in "UOST":
        return np.array([str(value) for value in array], dtype=h5py.string_dtype())
    return array


def restored(dataset: Any) -> NDArray[Any]:
    """Return the array in a data set."""
    import h5py

    if h5py.check_string_dtype(dataset.dtype) is not None:
        return np.array(dataset.asstr()[()], dtype=str)
    return np.asarray(dataset[()])


def as_text(value: Any) -> str:
    """Return the text of an attribute, which other programs may have written as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)
