"""Tests of predictions stored between two passes."""

import pickle
import tempfile

import numpy as np
import pytest

from salmetrics.io.spill import Spill

SIZES = np.array([[4, 5], [2, 3], [10, 10]])  # 80, 24 and 400 bytes as float32


def a_map(i, value=0.5):
    return [np.full(SIZES[i], value, dtype=np.float32)]


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_maps_come_back_as_they_were():
    with Spill(SIZES, ["a", "b"], 10_000) as spill:
        spill.save("a", 1, a_map(1))
        spill.save("b", 1, a_map(1, 0.25))
        for model, value in (("a", 0.5), ("b", 0.25)):
            (loaded,) = spill.load(model, 1, 1)
            assert loaded.dtype == np.float32
            assert loaded.shape == (2, 3)
            assert (loaded == value).all()
        assert spill.load("a", 0, 1) is None  # was not saved


@pytest.mark.parametrize(
    ("n_bytes", "stored"), [(79, []), (80, [0]), (104, [0, 1]), (503, [0, 1]), (504, [0, 1, 2])]
)
def test_the_limit_decides_by_size_and_not_by_order(n_bytes, stored):
    with Spill(SIZES, ["a"], n_bytes) as spill:
        for i in (2, 0, 1):
            spill.save("a", i, a_map(i))
        assert [i for i in range(3) if spill.load("a", i, 1) is not None] == stored


def test_several_models_share_the_limit():
    with Spill(SIZES, ["a", "b"], 160) as spill:  # both maps of image 0
        for model in ("a", "b"):
            for i in range(3):
                spill.save(model, i, a_map(i))
        assert [spill.load(m, i, 1) is not None for m in "ab" for i in range(3)] == [
            *(True, False, False),
            *(True, False, False),
        ]


def test_maps_for_several_subjects_are_not_stored():
    with Spill(SIZES, ["a"], 10_000) as spill:
        spill.save("a", 0, a_map(0) * 2)
        assert spill.load("a", 0, 2) is None
        assert spill.load("a", 0, 1) is None


def test_the_folder_ends_with_the_block(temporary):
    with Spill(SIZES, ["a"], 10_000) as spill:
        spill.save("a", 0, a_map(0))
        assert len(list(temporary.iterdir())) == 1
    assert list(temporary.iterdir()) == []
    assert spill.load("a", 0, 1) is None
    spill.save("a", 0, a_map(0))  # nothing to store into, and no error
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(("models", "n_bytes"), [([], 10_000), (["a"], 79)])
def test_no_folder_without_anything_to_store(temporary, models, n_bytes):
    with Spill(SIZES, models, n_bytes):
        assert list(temporary.iterdir()) == []


def test_copies_share_the_folder():
    with Spill(SIZES, ["a"], 10_000) as spill:
        copy = pickle.loads(pickle.dumps(spill))
        copy.save("a", 0, a_map(0))
        assert spill.load("a", 0, 1) is not None


def test_no_images():
    with Spill(np.zeros((0, 2), np.int64), ["a"], 100) as spill:
        assert spill._folder is None
