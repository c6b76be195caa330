"""MATLAB files of both versions: the same variables, however they are stored."""

import io

import h5py
import numpy as np
import pytest
import scipy.sparse
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
    assert file.holds("matrix") == "numbers"


def test_cells_are_counted_column_by_column(file):
    assert file.length("cells") == 4
    for i in range(4):
        np.testing.assert_array_equal(file.cell("cells", i), np.full((i + 1, 2), i))
    assert file.holds("cells") == "cells"
    with pytest.raises(InputError, match="variable 'cells' is a cell array; expected numbers"):
        file.array("cells")


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


# ---- what is neither numbers nor cells of numbers

SPARSE = scipy.sparse.csc_array(np.array([[0, 2.0, 0], [0, 0, 0], [5.0, 0, 7.0]]))


def other_5(path):
    one, text = np.empty((1, 1), object), np.empty((1, 1), object)
    one[0, 0], text[0, 0] = {"a": 1.0}, "words"
    variables = {
        "struct": {"first": MATRIX, "second": 2.0},
        "several": np.zeros(3, [(name, "O") for name in "abcd"]),
        "sparse": SPARSE,
        "text": "words",
        "empty": np.zeros((0, 0)),
        "cell_struct": one,
        "cell_text": text,
    }
    savemat(path, variables)


def other_73(path):
    with h5py.File(path, "w", userblock_size=512) as file:
        file["struct/first"], file["struct/second"] = MATRIX.T, 2.0
        file["struct"].attrs["MATLAB_class"] = np.bytes_("struct")
        for name in "abcd":
            file[f"several/{name}"] = np.zeros((1, 3))
        sparse = file.create_group("sparse")
        sparse.attrs["MATLAB_class"], sparse.attrs["MATLAB_sparse"] = np.bytes_("double"), 3
        sparse["data"], sparse["ir"], sparse["jc"] = SPARSE.data, SPARSE.indices, SPARSE.indptr
        file["text"] = np.array([[ord(c)] for c in "words"], np.uint16)
        file["text"].attrs["MATLAB_class"] = np.bytes_("char")
        file["empty"] = np.zeros(2, np.uint64)  # its size
        file["empty"].attrs["MATLAB_empty"] = 1
        file["object"] = np.zeros((1, 6), np.uint32)
        file["object"].attrs["MATLAB_class"] = np.bytes_("string")
        file["none"] = 1.0
        file["none"].attrs["MATLAB_class"] = np.bytes_("function_handle")
        for name, content in (("cell_struct", "struct"), ("cell_text", "text")):
            cell = file.create_dataset(name, (1, 1), dtype=h5py.ref_dtype)
            cell.attrs["MATLAB_class"] = np.bytes_("cell")
            cell[0, 0] = file[content].ref
        group = file.create_group("zeros")
        group.attrs["MATLAB_sparse"], group["jc"] = 2, np.zeros(4, np.uint64)


@pytest.fixture(params=[other_5, other_73], ids=["5", "7.3"])
def other(request, tmp_path):
    request.param(tmp_path / "x.mat")
    return open_mat(tmp_path / "x.mat")


def test_structs(other):
    assert other.holds("struct") == "a struct with the fields 'first', 'second'"
    assert other.holds("several") == "a struct with the fields 'a', 'b', 'c' ..."
    with pytest.raises(
        InputError, match=r"^variable 'struct' is a struct with the fields 'first', 's"
    ):
        other.array("struct")
    assert other.holds("cell_struct") == "cells"
    with pytest.raises(InputError, match=r"^cell 1 of 'cell_struct' is a struct with the fields"):
        other.cell("cell_struct", 0)


def test_sparse_matrices(other):
    np.testing.assert_array_equal(other.array("sparse"), SPARSE.toarray())
    if "zeros" in other.names:
        np.testing.assert_array_equal(other.array("zeros"), np.zeros((2, 3)))


def test_text_is_no_map(other):
    assert other.holds("text") == "text"
    assert "".join(other.array("text")) == "words"
    assert texts(other, "cell_text") == ["words"]


def test_nothing(other):
    assert other.array("empty").shape == (0, 0)


def test_objects_of_matlab(tmp_path):
    other_73(tmp_path / "x.mat")
    opened = open_mat(tmp_path / "x.mat")
    assert opened.holds("object") == "an object of MATLAB's class string"
    assert opened.holds("none") == "an object of MATLAB's class function_handle"
    with pytest.raises(InputError, match="'object' is an object of MATLAB's class string; exp"):
        opened.array("object")


def test_a_sparse_matrix_that_declares_a_large_map(tmp_path):
    with h5py.File(tmp_path / "x.mat", "w", userblock_size=512) as file:
        group = file.create_group("map")
        group.attrs["MATLAB_sparse"], group["jc"] = 2**40, np.zeros(4, np.uint64)
    with pytest.raises(InputError, match="is too large"):
        open_mat(tmp_path / "x.mat").array("map")


def test_one_variable_that_is_no_map(tmp_path):
    savemat(tmp_path / "x.mat", {"map": {"a": 1.0}})
    text = "m must hold numbers; its variable 'map' is a struct with the fields 'a'"
    with pytest.raises(InputError, match=text):
        sole_array(open_mat(tmp_path / "x.mat"), "m")
