"""MATLAB files without MATLAB: version 5 by SciPy, version 7.3 (HDF5) by h5py."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from salmetrics.errors import InputError

__all__ = ["MatFile", "open_mat", "sole_array", "texts"]

_HDF5 = b"\x89HDF\r\n\x1a\n"
_USER_BLOCK = 512  # bytes that MATLAB writes in front of HDF5


class MatFile(Protocol):
    """Variables of a .mat file.

    Attributes
    ----------
    names
        Names of the variables.
    """

    names: list[str]

    def length(self, name: str) -> int | None:
        """Return the number of cells of a variable; None if it is not a cell array."""

    def array(self, name: str) -> NDArray[Any]:
        """Return a variable with the axes in MATLAB's order; cells as an array of objects."""

    def cell(self, name: str, i: int) -> NDArray[Any]:
        """Return the content of cell i of a variable, counted column by column from 0."""


def open_mat(source: Path | IO[bytes]) -> MatFile:
    """Open a .mat file; errors of SciPy or h5py mean that it is not a .mat file."""
    if isinstance(source, Path):
        with source.open("rb") as stream:
            is_hdf5 = _is_hdf5(stream)
    else:
        is_hdf5 = _is_hdf5(source)
        source.seek(0)
    return _Mat73(source) if is_hdf5 else _Mat5(source)


def sole_array(file: MatFile, what: str) -> NDArray[Any]:
    """Return the only variable of a file.

    Raises
    ------
    InputError
        If the file has no variable, or several; the message calls the file `what`.
    """
    if len(file.names) != 1:
        listed = ", ".join(file.names) or "none"
        raise InputError(f"{what} must hold one variable; it holds {listed}")
    return file.array(file.names[0])


def texts(file: MatFile, name: str) -> list[str] | None:
    """Return the cells of a variable as text; None if it is not a cell array of text."""
    n = file.length(name) if name in file.names else None
    if n is None:
        return None
    cells = []
    for i in range(n):
        cell = file.cell(name, i)
        if cell.dtype.kind == "U":
            cells.append("".join(cell.ravel().tolist()))
        elif cell.dtype == np.uint16:  # version 7.3 stores characters as numbers
            cells.append("".join(map(chr, cell.ravel(order="F").tolist())))
        else:
            return None
    return cells


def _is_hdf5(stream: IO[bytes]) -> bool:
    head = stream.read(_USER_BLOCK + len(_HDF5))
    return head.startswith(_HDF5) or head[_USER_BLOCK:] == _HDF5


class _Mat5:
    """Versions up to 7: each variable is read once, as a whole."""

    def __init__(self, source: Path | IO[bytes]) -> None:
        from scipy.io import whosmat

        self._source = source
        self.names = [name for name, _, _ in whosmat(source)]
        self._read: dict[str, NDArray[Any]] = {}

    def length(self, name: str) -> int | None:
        array = self.array(name)
        return array.size if array.dtype == object else None

    def array(self, name: str) -> NDArray[Any]:
        from scipy.io import loadmat

        if name not in self._read:
            if not isinstance(self._source, Path):
                self._source.seek(0)
            variables = loadmat(self._source, variable_names=[name], spmatrix=False)
            self._read[name] = np.asarray(variables[name])
        return self._read[name]

    def cell(self, name: str, i: int) -> NDArray[Any]:
        return np.asarray(self.array(name).ravel(order="F")[i])


class _Mat73:
    """Version 7.3: variables and cells are read on demand."""

    def __init__(self, source: Path | IO[bytes]) -> None:
        self._source = source
        with self._opened() as file:
            self.names = [name for name in file if not name.startswith("#")]

    def length(self, name: str) -> int | None:
        with self._opened() as file:
            variable = file[name]
            return int(variable.size) if _is_cell(variable) else None

    def array(self, name: str) -> NDArray[Any]:
        with self._opened() as file:
            variable = file[name]
            if not _is_cell(variable):
                return _transposed(variable, name)
            cells = np.empty(variable.size, dtype=object)
            for i, reference in enumerate(variable[()].ravel()):
                cells[i] = _transposed(file[reference], name)
            return cells.reshape(variable.shape).T

    def cell(self, name: str, i: int) -> NDArray[Any]:
        with self._opened() as file:
            # the axes of HDF5 are reversed, so its rows are MATLAB's columns
            return _transposed(file[file[name][()].ravel()[i]], name)

    def _opened(self) -> Any:
        import h5py

        return h5py.File(self._source, "r")


def _is_cell(variable: Any) -> bool:
    if not hasattr(variable, "dtype"):  # a struct
        return False
    return bool(variable.attrs.get("MATLAB_class") == b"cell" or variable.dtype.kind == "O")


def _transposed(variable: Any, name: str) -> NDArray[Any]:
    if not hasattr(variable, "dtype"):
        raise InputError(f"variable {name!r} holds a struct; expected numbers")
    return np.asarray(variable[()]).T
