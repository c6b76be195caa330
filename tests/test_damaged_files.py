"""Damaged files of every kind are read, or refused by one line that is documented.

A short version of checks/damaged_files.py.
"""

import importlib.util
import itertools
import warnings
from pathlib import Path

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


@pytest.mark.slow
def test_random_damage(kinds, tmp_path):
    wrong = [(name, problem) for name, _, problem in check.tried(kinds, 0, tmp_path, 12) if problem]
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
