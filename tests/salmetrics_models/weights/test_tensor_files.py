"""Safetensors files with a description: written, read, refused."""

import pytest
import torch

from salmetrics import InputError
from salmetrics_models.weights.tensor_files import read_safetensors, write_safetensors

TENSORS = {"a": torch.arange(3.0), "b": torch.ones(2, 2, dtype=torch.float16)}


@pytest.fixture
def path(tmp_path):
    write_safetensors(tmp_path / "file.safetensors", TENSORS, {"n": 1, "names": ["é"]})
    return tmp_path / "file.safetensors"


def test_round_trip(path):
    weights = read_safetensors(path)
    assert weights.about == {"n": 1, "names": ["é"]}
    assert weights.tensors.keys() == TENSORS.keys()
    assert all(torch.equal(weights.tensors[name], TENSORS[name]) for name in TENSORS)


def test_the_same_content_is_the_same_file(path, tmp_path):
    write_safetensors(tmp_path / "again", TENSORS, {"names": ["é"], "n": 1})
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("n", [0, 5, 40, -1])
def test_truncated(path, n):
    path.write_bytes(path.read_bytes()[:n])
    with pytest.raises(InputError, match="is damaged, or is not a safetensors file"):
        read_safetensors(path)


def test_without_a_description(tmp_path):
    from safetensors.torch import save_file

    for number, metadata in enumerate([None, {"about": "{"}, {"about": "[1]"}]):
        save_file(TENSORS, tmp_path / f"{number}.safetensors", metadata)
        with pytest.raises(InputError, match="has no description that can be read"):
            read_safetensors(tmp_path / f"{number}.safetensors")


def test_missing(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        read_safetensors(tmp_path / "none.safetensors")


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_safetensors(tmp_path / "none" / "file.safetensors", TENSORS, {})
