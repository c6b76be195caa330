"""MATLAB files without MATLAB: version 5 by SciPy, version 7.3 (HDF5) by h5py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from salmetrics.array_types import Array
from salmetrics.errors import InputError, some
from salmetrics.io.hdf5_values import as_text
from salmetrics.io.mat_structure import check_structure

__all__ = ["MatFile", "open_mat", "sole_array", "texts"]

_HDF5 = b"\x89HDF\r\n\x1a\n"
_USER_BLOCK = 512  # bytes that MATLAB writes in front of HDF5
_NUMBERS = (
    "double",
    "logical",
    "single",
    *(f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64)),
)
_LARGEST = 2**28  # pixels of a sparse map, of which a file may declare any number


class MatFile(Protocol):
    """Variables of a .mat file.

    Attributes
    ----------
    names
        Names of the variables.
    """

    names: list[str]

    def holds(self, name: str) -> str:
        """Return "numbers", "text", "cells", or a description such as "a struct with ..."."""

    def length(self, name: str) -> int:
        """Return the number of cells of a cell array."""

    def array(self, name: str) -> NDArray[Any]:
        """Return numbers or text with the axes in MATLAB's order; a sparse matrix in full."""

    def cell(self, name: str, i: int) -> NDArray[Any]:
        """Return the content of cell i of a variable, counted column by column from 0.

        Raises
        ------
        InputError
            If the cell holds neither numbers nor text.
        """


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
        If the file has no variable, or several, or one of something else than numbers; the message
        calls the file `what`.
    """
    if len(file.names) != 1:
        listed = some(file.names, 3) or "none"
        raise InputError(f"{what} must hold one variable; it holds {listed}")
    (name,) = file.names
    holds = file.holds(name)
    if holds != "numbers":
        raise InputError(f"{what} must hold numbers; its variable {name!r} is {_named(holds)}")
    return file.array(name)


def texts(file: MatFile, name: str) -> list[str] | None:
    """Return the cells of a variable as text; None if it is not a cell array of text."""
    if name not in file.names or file.holds(name) != "cells":
        return None
    cells = []
    for i in range(file.length(name)):
        cell = file.cell(name, i)
        if cell.dtype.kind == "U":
            cells.append("".join(cell.ravel().tolist()))
        elif cell.dtype == np.uint16:  # text of version 7.3 that does not declare its class
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

        try:
            if isinstance(source, Path):
                with source.open("rb") as stream:
                    check_structure(stream)
            else:
                check_structure(source)
            self.names = [name for name, _, _ in whosmat(source)]
        except IndexError as error:
            raise ValueError("the file is no .mat file, or ends within its header") from error
        self._source = source
        self._read: dict[str, Any] = {}

    def holds(self, name: str) -> str:
        return _holds(self._variable(name))

    def length(self, name: str) -> int:
        return int(self._variable(name).size)

    def array(self, name: str) -> NDArray[Any]:
        return _numbers_or_text(self._variable(name), f"variable {name!r}")

    def cell(self, name: str, i: int) -> NDArray[Any]:
        content = self._variable(name).ravel(order="F")[i]
        return _numbers_or_text(content, f"cell {i + 1} of {name!r}")

    def _variable(self, name: str) -> Any:
        from scipy.io import loadmat

        if name not in self._read:
            if not isinstance(self._source, Path):
                self._source.seek(0)
            self._read[name] = loadmat(self._source, variable_names=[name], spmatrix=False)[name]
        return self._read[name]


def _holds(variable: Any) -> str:
    """Return what a variable of version 5 holds, as `MatFile.holds` does."""
    from scipy.io.matlab import MatlabFunction, MatlabOpaque
    from scipy.sparse import issparse

    if issparse(variable):
        return "numbers"
    if isinstance(variable, (MatlabFunction, MatlabOpaque)):
        return "an object of MATLAB"
    if variable.dtype.names is not None:
        return _a_struct(variable.dtype.names)
    if variable.dtype == object:
        return "cells"
    return "text" if variable.dtype.kind == "U" else "numbers"


def _numbers_or_text(variable: Any, what: str) -> NDArray[Any]:
    from scipy.sparse import issparse

    holds = _holds(variable)
    if holds not in ("numbers", "text"):
        raise InputError(f"{what} is {_named(holds)}; expected numbers")
    if issparse(variable):
        return _in_full(variable)
    return np.asarray(variable)


class _Mat73:
    """Version 7.3: variables and cells are read on demand."""

    def __init__(self, source: Path | IO[bytes]) -> None:
        self._source = source
        with self._opened() as file:
            self.names = [name for name in file if not name.startswith("#")]

    def holds(self, name: str) -> str:
        with self._opened() as file:
            return _holds_in_hdf5(file[name])

    def length(self, name: str) -> int:
        with self._opened() as file:
            return 0 if _is_empty(file[name]) else int(file[name].size)

    def array(self, name: str) -> NDArray[Any]:
        with self._opened() as file:
            return _from_hdf5(file[name], f"variable {name!r}")

    def cell(self, name: str, i: int) -> NDArray[Any]:
        with self._opened() as file:
            # the axes of HDF5 are reversed, so its rows are MATLAB's columns
            content = file[file[name][()].ravel()[i]]
            return _from_hdf5(content, f"cell {i + 1} of {name!r}")

    def _opened(self) -> Any:
        import h5py

        return h5py.File(self._source, "r")


def _holds_in_hdf5(variable: Any) -> str:
    """Return what a variable of version 7.3 holds, as `MatFile.holds` does."""
    declared = as_text(variable.attrs.get("MATLAB_class", ""))
    if "MATLAB_sparse" in variable.attrs:
        return "numbers"
    if not hasattr(variable, "dtype"):
        return _a_struct([name for name in variable if not name.startswith("#")])
    if declared == "cell" or (not declared and variable.dtype.kind == "O"):
        return "cells"
    if declared == "char":
        return "text"
    if (declared and declared not in _NUMBERS) or variable.dtype.kind not in "biuf":
        return f"an object of MATLAB's class {declared}" if declared else "something else"
    return "numbers"


def _from_hdf5(variable: Any, what: str) -> NDArray[Any]:
    """Return numbers or text of a variable or a cell, with the axes in MATLAB's order."""
    from scipy.sparse import csc_array

    holds = _holds_in_hdf5(variable)
    if holds not in ("numbers", "text"):
        raise InputError(f"{what} is {_named(holds)}; expected numbers")
    if "MATLAB_sparse" in variable.attrs:
        n_rows = int(variable.attrs["MATLAB_sparse"])
        starts = variable["jc"][()].astype(np.int64)
        if "data" not in variable:  # all zeros
            return _in_full(csc_array((n_rows, starts.size - 1)))
        rows = variable["ir"][()].astype(np.int64)
        parts = variable["data"][()], rows, starts
        return _in_full(csc_array(parts, shape=(n_rows, starts.size - 1)))
    if _is_empty(variable):  # then it stores its size
        return np.zeros((0, 0), "U1" if holds == "text" else variable.dtype)
    values = np.asarray(variable[()]).T
    if holds == "numbers":
        return values
    characters = values.ravel(order="F").tolist()
    return np.array(list(map(chr, characters)), "U1")


def _is_empty(variable: Any) -> bool:
    return bool(np.any(variable.attrs.get("MATLAB_empty", 0)))


def _in_full(matrix: Any) -> Array:
    """Return a sparse matrix as an array."""
    n_rows, n_columns = matrix.shape
    if n_rows * n_columns > _LARGEST:
        raise InputError(f"a sparse map of size {matrix.shape} is too large")
    matrix.check_format(full_check=True)
    return np.asarray(matrix.toarray())


def _a_struct(fields: Sequence[str]) -> str:
    return f"a struct with the fields {some(fields, 3)}" if fields else "a struct without fields"


def _named(holds: str) -> str:
    return "a cell array" if holds == "cells" else holds
