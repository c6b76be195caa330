"""MATLAB files of both versions: the same variables, however they are stored."""

import io

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from salmetrics import InputError
from salmetrics.io.matlab import open_mat, sole_array, texts

MATRIX = np.arange(6.0).reshape(2, 3)
CELLS = np.empty((2, 2), object)  # as MATLAB shows them; counted column by column
for k, index in enumerate([(0, 0), (1, 0), (0, 1), (1, 1)]):
    CELLS[index] = np.full((k + 1, 2), k, np.uint8)


def write_5(path):
    names = np.empty((1, 2), object)
    names[0, :] = "first", "second"
    savemat(path, {"matrix": MATRIX, "cells": CELLS, "names": names})


def write_73(path):
    """As MATLAB 7.3 writes them: axes reversed, cells as references, characters as numbers."""
    with h5py.File(path, "w", userblock_size=512) as file:
        file["matrix"] = MATRIX.T
        cells = file.create_dataset("cells", (2, 2), dtype=h5py.ref_dtype)
        cells.attrs["MATLAB_class"] = np.bytes_("cell")
        for i, j in np.ndindex(2, 2):
            cells[j, i] = file.create_dataset(f"#refs#/{i}{j}", data=CELLS[i, j].T).ref
        names = file.create_dataset("names", (2, 1), dtype=h5py.ref_dtype)
        names.attrs["MATLAB_class"] = np.bytes_("cell")
        for k, word in enumerate(("first", "second")):
            codes = np.array([[ord(c)] for c in word], np.uint16)
            names[k, 0] = file.create_dataset(f"#refs#/n{k}", data=codes).ref


@pytest.fixture(params=[write_5, write_73], ids=["5", "7.3"])
def path(request, tmp_path):
    request.param(tmp_path / "x.mat")
    return tmp_path / "x.mat"


@pytest.fixture(params=[False, True], ids=["path", "stream"])
def file(request, path):
    return open_mat(io.BytesIO(path.read_bytes()) if request.param else path)


def test_names(file):
    assert sorted(file.names) == ["cells", "matrix", "names"]


def test_arrays(file):
    for _ in range(2):  # reading does not change anything
        np.testing.assert_array_equal(file.array("matrix"), MATRIX)
    assert file.length("matrix") is None


def test_cells_are_counted_column_by_column(file):
    assert file.length("cells") == 4
    for i in range(4):
        np.testing.assert_array_equal(file.cell("cells", i), np.full((i + 1, 2), i))
    array = file.array("cells")
    assert array.shape == (2, 2)
    for index in np.ndindex(2, 2):
        np.testing.assert_array_equal(array[index], CELLS[index])


def test_texts(file):
    assert texts(file, "names") == ["first", "second"]
    assert texts(file, "matrix") is None
    assert texts(file, "cells") is None  # cells of numbers
    assert texts(file, "none") is None


@pytest.mark.parametrize("write", [write_5, write_73])
def test_the_only_variable(write, tmp_path):
    write(tmp_path / "x.mat")
    with pytest.raises(InputError, match=r"the map must hold one variable; it holds .*matrix"):
        sole_array(open_mat(tmp_path / "x.mat"), "the map")
    if write is write_5:
        savemat(tmp_path / "one.mat", {"a": MATRIX})
        savemat(tmp_path / "none.mat", {})
    else:
        with h5py.File(tmp_path / "one.mat", "w") as file:
            file["a"] = MATRIX.T
        h5py.File(tmp_path / "none.mat", "w").close()
    np.testing.assert_array_equal(sole_array(open_mat(tmp_path / "one.mat"), "x"), MATRIX)
    with pytest.raises(InputError, match="the map must hold one variable; it holds none"):
        sole_array(open_mat(tmp_path / "none.mat"), "the map")


def test_a_struct_in_place_of_numbers(tmp_path):
    with h5py.File(tmp_path / "x.mat", "w", userblock_size=512) as file:
        file["a/field"] = MATRIX
    opened = open_mat(tmp_path / "x.mat")
    with pytest.raises(InputError, match="variable 'a' holds a struct; expected numbers"):
        opened.array("a")
