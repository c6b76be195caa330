"""Damaged files of every kind are read, or refused by one line that is documented.

A short version of checks/damaged_files.py.
"""

import importlib.util
import itertools
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest

from salmetrics import InputError

SPEC = importlib.util.spec_from_file_location(
    "damaged_files", Path(__file__).parents[1] / "checks" / "damaged_files.py"
)
check = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(check)


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    return check.kinds(tmp_path_factory.mktemp("whole"))


def test_whole_files_are_read(kinds, tmp_path):
    for name, kind in kinds.items():
        (tmp_path / f"x{kind.suffix}").write_bytes(kind.content)
        kind.read(tmp_path / f"x{kind.suffix}")
        assert check.outcome(kind, kind.content, tmp_path / f"y{kind.suffix}") is None, name


def is_hdf5(kind):
    return b"\x89HDF\r\n\x1a\n" in kind.content[:520]


def test_random_damage(kinds, tmp_path):
    """Of HDF5 files only the check does so: the library of HDF5 crashes on some of them."""
    others = {name: kind for name, kind in kinds.items() if not is_hdf5(kind)}
    assert len(others) > 15
    wrong = [
        (name, problem) for name, _, problem in check.tried(others, 0, tmp_path, 12) if problem
    ]
    assert wrong == []


def parts_of(path):
    """Names of all groups and data sets of an HDF5 file, and of its attributes by their owner."""
    names, attributes = [], []
    with h5py.File(path) as file:
        file.visit(names.append)
        for name in ["/", *names]:
            attributes += [(name, key) for key in file[name].attrs]
    return names, attributes


REPLACEMENTS = (np.float64(2.5), b"text", "\u00e4", np.arange(3), np.zeros((2, 0)), 2**40, -1)


@pytest.mark.parametrize(
    "name",
    [
        "bias.h5",
        "fixations.h5",
        "maps.h5",
        pytest.param("cells73.mat", marks=pytest.mark.slow),
        pytest.param("data.h5", marks=pytest.mark.slow),
        pytest.param("result.h5", marks=pytest.mark.slow),
    ],
)
def test_parts_of_hdf5_files_that_are_missing_or_something_else(kinds, name, tmp_path):
    kind, path = kinds[name], tmp_path / f"x{kinds[name].suffix}"
    path.write_bytes(kind.content)
    names, attributes = parts_of(path)
    wrong = []
    changes = [(None, part) for part in names] + attributes
    for k, (owner, part) in enumerate(changes):
        for new in (None, REPLACEMENTS[k % len(REPLACEMENTS)]):
            path.write_bytes(kind.content)
            with h5py.File(path, "r+") as file:
                holder = file if owner is None else file[owner].attrs
                del holder[part]
                if new is not None:
                    holder[part] = new
            problem = check.outcome(kind, path.read_bytes(), path)
            wrong += [(owner, part, new, problem)] if problem else []
    assert wrong == []


def test_every_byte_of_the_header_of_an_array(kinds, tmp_path):
    kind, path = kinds["map.npy"], tmp_path / "x.npy"
    length = kind.content.index(b"\n") + 1
    refused = 0
    for at, value in itertools.product(range(length), (0, 1, 0x27, 0x28, 0x39, 0x80, 0xFF)):
        data = bytearray(kind.content)
        data[at] = value
        assert check.outcome(kind, bytes(data), path) is None, (at, value)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                kind.read(path)
        except InputError:
            refused += 1
    assert refused > 3 * length  # spaces at the end may be anything


def test_every_truncation_of_a_result(kinds, tmp_path):
    kind = kinds["result.h5"]
    for n in np.linspace(0, len(kind.content) - 1, 40).astype(int).tolist():
        assert check.outcome(kind, kind.content[:n], tmp_path / "x.h5") is None, n
        with pytest.raises(InputError):
            kind.read(tmp_path / "x.h5")


def test_another_error_is_noticed(kinds, tmp_path):
    def fails(path):
        raise ZeroDivisionError

    kind = kinds["map.npy"]._replace(read=fails)
    assert "ZeroDivisionError" in check.outcome(kind, b"", tmp_path / "x")
