"""Text and numbers in HDF5: what goes in comes out."""

import h5py
import numpy as np
import pytest

from salmetrics import InputError
from salmetrics.io.hdf5_values import as_text, check_format, restored, storable


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        yield file


@pytest.mark.parametrize(
    "array",
    [
        np.array([1.5, np.nan, -np.inf]),
        np.array([[1, 2], [3, 4]], np.int16),
        np.array([True, False]),
        np.array(["a", "", "größer", "日本"]),
        np.array([], "<U5"),
        np.zeros((0, 3)),
        np.array(2.5),
    ],
    ids=["floats", "integers", "booleans", "text", "no text", "no rows", "scalar"],
)
def test_round_trip(file, array):
    file["x"] = storable(array)
    found = restored(file["x"])
    np.testing.assert_array_equal(found, array)
    assert found.dtype.kind == array.dtype.kind
    assert found.shape == array.shape
    if array.dtype.kind != "U":
        assert found.dtype == array.dtype


@pytest.mark.parametrize(
    ("array", "texts"),
    [
        (np.array(["a", 1, None, 2.5], object), ["a", "1", "None", "2.5"]),
        (np.array([b"a", b"b"]), ["b'a'", "b'b'"]),
    ],
)
def test_other_objects_become_text(file, array, texts):
    file["x"] = storable(array)
    assert restored(file["x"]).tolist() == texts


def test_text_of_other_programs(file):
    file["x"] = np.array([b"one", b"two"])  # of fixed length
    assert restored(file["x"]).tolist() == ["one", "two"]
    file.attrs["bytes"], file.attrs["text"] = np.bytes_("größer".encode()), "größer"
    assert as_text(file.attrs["bytes"]) == as_text(file.attrs["text"]) == "größer"
    assert as_text(3) == "3"


def test_formats(file):
    for version in (0, 1, 2):
        file.attrs["format"] = version
        check_format(file, "x.h5", 2)
    file.attrs["format"] = 3
    with pytest.raises(
        InputError, match=r"'x\.h5' has format 3, newer than this version of salmetrics knows \(2\)"
    ):
        check_format(file, "x.h5", 2)
