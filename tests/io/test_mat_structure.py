"""The structure of .mat files of version 5: whole files pass, and lengths that do not fit fail."""

import io
import struct

import numpy as np
import pytest
import scipy.sparse
from scipy.io import loadmat, savemat

from salmetrics.io.mat_structure import check_structure


def saved(compressed=False, **variables):
    stream = io.BytesIO()
    savemat(stream, variables, do_compression=compressed)
    return stream.getvalue()


def cells(*contents):
    array = np.empty((1, len(contents)), object)
    array[0, :] = contents
    return array


VARIABLES = {
    "numbers": np.arange(6.0).reshape(2, 3),
    "small": np.uint8(3),
    "complex": np.array([1 + 2j, 3.0]),
    "logical": np.array([True, False]),
    "three_axes": np.zeros((2, 3, 4), np.int16),
    "empty": np.zeros((0, 0)),
    "text": "words",
    "accents": "é",
    "cells": cells(np.ones(3), "text", cells("inner")),
    "structs": np.zeros(2, [("a", "O"), ("b", "O")]),
    "struct": {"a": 1.0, "inner": {"b": "text"}},
    "sparse": scipy.sparse.csc_array(np.eye(3)),
}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", VARIABLES)
def test_whole_files(name, compressed):
    stream = io.BytesIO(saved(compressed, **{name: VARIABLES[name]}))
    check_structure(stream)
    assert stream.tell() == 0
    assert name in loadmat(stream)


def test_several_variables_and_none():
    check_structure(io.BytesIO(saved(**VARIABLES)))
    check_structure(io.BytesIO(saved()))
    check_structure(io.BytesIO(b"text"))  # SciPy says what it is not


def test_the_other_order_of_bytes():
    """A matrix of one number, as a big-endian computer writes it."""
    header = b" " * 124 + struct.pack(">H", 0x0100) + b"MI"
    parts = [
        struct.pack(">IIII", 6, 8, 6, 0),
        struct.pack(">IIii", 5, 8, 1, 1),
        struct.pack(">HH4s", 1, 1, b"x\0\0\0"),
        struct.pack(">IId", 9, 8, 2.5),
    ]
    content = b"".join(parts)
    stream = io.BytesIO(header + struct.pack(">II", 14, len(content)) + content)
    check_structure(stream)
    assert loadmat(stream)["x"].item() == 2.5


@pytest.mark.parametrize("name", ["numbers", "cells", "struct", "sparse", "text"])
def test_every_length_that_is_too_large_is_found(name):
    """SciPy would read beyond the end of the memory of some of these."""
    data = saved(**{name: VARIABLES[name]})
    refused = 0
    for at in range(128, len(data) - 4, 4):
        changed = bytearray(data)
        changed[at : at + 4] = struct.pack("<i", 2**28)
        try:
            check_structure(io.BytesIO(bytes(changed)))
        except ValueError:
            refused += 1
    assert refused >= 5  # tags, flags, shapes; values may be any


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("compressed", [False, True])
def test_truncated_files(share, compressed):
    data = saved(compressed, **VARIABLES)
    with pytest.raises(ValueError, match="truncated"):
        check_structure(io.BytesIO(data[: 128 + int(share * (len(data) - 128))]))


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (struct.pack("<iiii", 5, 8, 2, 3), struct.pack("<iiii", 5, 8, 2, 4), "holds \\[6\\] numb"),
        (struct.pack("<iiii", 5, 8, 2, 3), struct.pack("<iiii", 5, 8, -2, 3), "the shape \\[-2, 3"),
        (struct.pack("<iii", 6, 8, 6), struct.pack("<iii", 6, 8, 99), "of class 99, which does"),
        (struct.pack("<iii", 6, 8, 6), struct.pack("<iii", 7, 8, 6), "type 7 is in place of"),
        (struct.pack("<ii", 9, 48), struct.pack("<ii", 99, 48), "of a type that does not exist"),
    ],
)
def test_what_is_wrong(old, new, text):
    data = saved(x=VARIABLES["numbers"])
    assert data.count(old) == 1
    with pytest.raises(ValueError, match=text):
        check_structure(io.BytesIO(data.replace(old, new)))


def test_more_than_is_declared():
    data = bytearray(saved(x=cells(np.ones(2), np.ones(2))))
    at = data.index(struct.pack("<iiii", 5, 8, 1, 2))
    data[at : at + 16] = struct.pack("<iiii", 5, 8, 1, 1)
    with pytest.raises(ValueError, match="holds more than it declares"):
        check_structure(io.BytesIO(bytes(data)))
