"""Stores of maps: what they hold, and that they appear as a whole or not at all."""

import base64
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import loadmat

from salmetrics.io.map_writing import (
    HOLDS_ARRAYS,
    HOLDS_FILES,
    STORE_SUFFIXES,
    store_suffix,
    write_maps,
)

MAPS = {"a": np.arange(6.0).reshape(2, 3), "sub/b": np.ones((2, 2), np.float32)}
FILES = {"a.png": b"first", "sub/b.png": b"second"}
KIND = {"kind": "log_density", "model": "mine"}


def as_bytes(files=FILES):
    return [(name, np.frombuffer(data, np.uint8)) for name, data in files.items()]


def from_folder(path):
    files = (file for file in sorted(path.rglob("*")) if file.is_file())
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


def from_zip(path):
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def from_tar(path):
    with tarfile.open(path) as file:
        return {member.name: file.extractfile(member).read() for member in file}


READERS = {
    "": from_folder,
    ".zip": from_zip,
    ".tar": from_tar,
    ".tar.gz": from_tar,
    ".tgz": from_tar,
}


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("maps", ""),
        ("maps.ZIP", ".zip"),
        ("maps.tar.gz", ".tar.gz"),
        ("maps.v2.TAR.GZ", ".tar.gz"),
        ("maps.gz", ".gz"),
        ("maps.h5", ".h5"),
        ("a.b/maps", ""),
        ("maps.other", ".other"),
    ],
)
def test_suffixes(name, suffix):
    assert store_suffix(Path(name)) == suffix


def test_all_suffixes_are_known():
    assert set(STORE_SUFFIXES) == {*HOLDS_FILES, *HOLDS_ARRAYS, ".json"}
    assert set(READERS) == set(HOLDS_FILES)


@pytest.mark.parametrize("suffix", HOLDS_FILES)
def test_files(suffix, tmp_path):
    path = tmp_path / f"maps{suffix}"
    write_maps(path, as_bytes(), KIND)
    found = READERS[suffix](path)
    assert json.loads(found.pop("salmetrics.json")) == KIND
    assert found == FILES
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", HOLDS_FILES)
def test_saliency_maps_need_no_marker(suffix, tmp_path):
    path = tmp_path / f"maps{suffix}"
    write_maps(path, as_bytes(), {"kind": "saliency_map"})
    assert READERS[suffix](path) == FILES


def test_npz(tmp_path):
    write_maps(tmp_path / "x.npz", MAPS.items(), KIND)
    with zipfile.ZipFile(tmp_path / "x.npz") as file:
        assert json.loads(file.read("salmetrics.json")) == KIND
        assert sorted(file.namelist()) == ["a.npy", "salmetrics.json", "sub/b.npy"]
        for name, array in MAPS.items():
            found = np.load(io.BytesIO(file.read(f"{name}.npy")))
            np.testing.assert_array_equal(found, array)
            assert found.dtype == array.dtype


@pytest.mark.parametrize("suffix", [".h5", ".hdf5"])
def test_hdf5(suffix, tmp_path):
    write_maps(tmp_path / f"x{suffix}", MAPS.items(), KIND)
    with h5py.File(tmp_path / f"x{suffix}") as file:
        assert dict(file.attrs) == {"salmetrics": "predictions", "format": 1, **KIND}
        for name, array in MAPS.items():
            np.testing.assert_array_equal(file[name][()], array)
            assert file[name].dtype == array.dtype


def test_mat(tmp_path):
    write_maps(tmp_path / "x.mat", MAPS.items(), KIND)
    found = loadmat(tmp_path / "x.mat")
    assert [str(name[0]) for name in found["names"].ravel()] == list(MAPS)
    assert str(found["kind"][0, 0][0]) == "log_density"
    for cell, array in zip(found["results"].ravel(), MAPS.values(), strict=True):
        np.testing.assert_array_equal(cell, array)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_json(n, tmp_path):
    files = {str(7 * k): b"png %d" % k for k in range(n)}
    if n == 0:
        files = {"5": b""}
    write_maps(tmp_path / "x.json", as_bytes(files), {"kind": "saliency_map"})
    entries = json.loads((tmp_path / "x.json").read_text())
    assert [entry["image_id"] for entry in entries] == [int(name) for name in files]
    assert [base64.b64decode(entry["saliency_map"]) for entry in entries] == list(files.values())


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".npz"])
def test_the_same_maps_give_the_same_file(suffix, tmp_path):
    items = list(MAPS.items()) if suffix == ".npz" else as_bytes()
    for name in ("one", "two"):
        write_maps(tmp_path / f"{name}{suffix}", items, KIND)
    one, two = (tmp_path / f"{name}{suffix}" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("suffix", STORE_SUFFIXES)
@pytest.mark.parametrize("error", [OSError(28, "full"), KeyboardInterrupt()])
def test_an_error_leaves_what_was_there(suffix, error, tmp_path):
    path = tmp_path / f"maps{suffix}"
    if suffix:
        path.write_bytes(b"old")

    def items():
        yield next(iter(MAPS.items())) if suffix in HOLDS_ARRAYS else ("1", np.zeros(3, np.uint8))
        raise error

    with pytest.raises(type(error)):
        write_maps(path, items(), KIND)
    if suffix:
        assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ([path.name] if suffix else [])
