"""Checkpoints: round trips, damaged chunks, other conditions, several writers."""

import json
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from salmetrics import InputError
from salmetrics.io.checkpoint import Checkpoint

ARRAYS = {"values NSS": np.array([1.5, np.nan, -np.inf]), "failures": np.array("{}")}


def test_round_trip(tmp_path):
    store = Checkpoint(tmp_path / "new" / "folder", "a model: 1/2", {"seed": 1})
    assert store.load("first-000000") is None
    store.save("first-000000", ARRAYS)
    again = Checkpoint(tmp_path / "new" / "folder", "a model: 1/2", {"seed": 1})
    for found in (store.load("first-000000"), again.load("first-000000")):
        assert list(found) == list(ARRAYS)
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_chunk_is_computed_again(tmp_path, damage):
    store = Checkpoint(tmp_path, "m", {})
    store.save("c", ARRAYS)
    (path,) = tmp_path.glob("*/c.chunk")
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    cut = path.read_bytes()[:-1]
    path.write_bytes({"cut": cut, "flipped": data, "empty": b"", "other": b"PK" + data}[damage])
    with pytest.warns(UserWarning, match=r"c\.chunk' is damaged and will be computed again"):
        assert store.load("c") is None
    store.save("c", ARRAYS)
    assert store.load("c") is not None


def test_other_conditions_start_from_scratch_with_a_warning(tmp_path):
    Checkpoint(tmp_path, "m", {"seed": 1, "protocol": {"sigma": 2}}).save("c", ARRAYS)
    with pytest.warns(
        UserWarning, match="has m with another protocol, seed; starting from scratch"
    ):
        other = Checkpoint(tmp_path, "m", {"seed": 2, "protocol": {"sigma": 3}})
    assert other.load("c") is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Checkpoint(tmp_path, "m2", {"seed": 9}).load("c") is None  # another name
        back = Checkpoint(tmp_path, "m", {"seed": 1, "protocol": {"sigma": 2}})
    assert back.load("c") is not None


def test_a_manifest_that_is_not_ours_is_left_alone(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "manifest.json").write_text("[1")
    (tmp_path / "y").mkdir()
    (tmp_path / "y" / "manifest.json").write_text(json.dumps(["m"]))
    Checkpoint(tmp_path, "m", {})
    assert (tmp_path / "x" / "manifest.json").read_text() == "[1"


@pytest.mark.parametrize("key", ["salmetrics", "version", "neither"])
def test_another_format_is_refused(tmp_path, key):
    Checkpoint(tmp_path, "m", {"seed": 1, key: "0.1.0"}).save("c", ARRAYS)
    (path,) = tmp_path.glob("*/manifest.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 1}))
    path.parent.rename(tmp_path / "m-0123456789abcdef")  # the name that format 1 gave it
    by = "another version" if key == "neither" else "0.1.0"
    with pytest.raises(InputError) as error:
        Checkpoint(tmp_path, "m", {"seed": 1, key: "0.1.0"})
    assert str(error.value) == (
        f"checkpoint {str(tmp_path)!r} has m in format 1, written by salmetrics {by}; this version "
        "resumes format 2 only: name a new folder, or remove this one"
    )
    assert [p.name for p in tmp_path.iterdir()] == ["m-0123456789abcdef"]
    assert Checkpoint(tmp_path, "m2", {"seed": 1}).load("c") is None  # another computation


def test_several_writers(tmp_path):
    def write(_):
        store = Checkpoint(tmp_path, "m", {"a": 1})
        for k in range(5):
            store.save(str(k), ARRAYS)
        return [store.load(str(k)) is not None for k in range(5)]

    with ThreadPoolExecutor(8) as pool:
        assert all(all(found) for found in pool.map(write, range(16)))
    assert not list(tmp_path.glob("*/.*"))  # no temporary file is left


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"checkpoint must be a folder; '.*file' is a file"):
        Checkpoint(tmp_path / "file", "m", {})
