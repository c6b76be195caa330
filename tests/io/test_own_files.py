"""Files of salmetrics: opened if kind and format are right, refused with a reason if not."""

import h5py
import pytest

from salmetrics import InputError
from salmetrics.io.own_files import open_ours


def write(path, **attributes):
    with h5py.File(path, "w") as file:
        file["x"] = [1, 2]
        file.attrs.update(attributes)
    return path


@pytest.mark.parametrize("version", [1, 2])
def test_open(tmp_path, version):
    path = write(tmp_path / "x.h5", salmetrics="centre bias", format=version)
    with open_ours(str(path), "centre bias", 2) as file:
        assert file["x"][()].tolist() == [1, 2]
        assert file.mode == "r"
    assert not file  # closed


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({}, "is an HDF5 file, but holds no centre bias"),
        ({"salmetrics": "evaluation", "format": 1}, "but holds no centre bias"),
        ({"salmetrics": "centre bias", "format": 3}, r"has format 3, newer than .*knows \(2\)"),
        ({"salmetrics": "centre bias"}, "can't be read as a centre bias"),
    ],
)
def test_other_files(tmp_path, attributes, text):
    path = write(tmp_path / "x.h5", **attributes)
    with pytest.raises(InputError, match=text), open_ours(path, "centre bias", 2):
        pass


@pytest.mark.parametrize(
    ("kind", "text"),
    [("gold standard", "as a gold standard: "), ("evaluation", "as an evaluation: ")],
)
def test_missing_parts_and_other_bytes(tmp_path, kind, text):
    path = write(tmp_path / "x.h5", salmetrics=kind, format=1)
    with pytest.raises(InputError, match=text), open_ours(path, kind, 1) as file:
        file["y"]
    path.write_bytes(b"no HDF5")
    with pytest.raises(InputError, match=text), open_ours(path, kind, 1):
        pass
    with pytest.raises(InputError, match="there is no file"), open_ours("none.h5", kind, 1):
        pass


def test_errors_of_the_block_stay(tmp_path):
    path = write(tmp_path / "x.h5", salmetrics="x", format=1)
    with pytest.raises(ZeroDivisionError), open_ours(path, "x", 1):
        1 / 0  # noqa: B018
