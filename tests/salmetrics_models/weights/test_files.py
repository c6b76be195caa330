"""Files of weights: written at once, read without running anything, all of it or nothing."""

import pickle
from typing import ClassVar
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torch import nn

from salmetrics import InputError
from salmetrics_models.weights.files import (
    load_renamed,
    load_state,
    read_tensors,
    read_weights,
    unfilled,
    write_state,
    write_weights,
)
from tests.salmetrics_models.toy_models import OPTIONS, ToyDeepGazeI


class Bomb:
    """Runs code when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_code_in_a_pickle_is_refused_and_not_run(tmp_path):
    mark = tmp_path / "ran"
    for name, state in (
        ("plain.pth", Bomb(mark)),
        ("inside.pth", {"features.features.1.features.0.weight": Bomb(mark)}),
    ):
        torch.save(state, tmp_path / name)
        with pytest.raises(InputError, match="holds more than tensors, and was not read"):
            ToyDeepGazeI(tmp_path / name, **OPTIONS)
    (tmp_path / "raw.pth").write_bytes(pickle.dumps(Bomb(mark), protocol=2))
    with pytest.raises(InputError, match=r"raw\.pth"):
        ToyDeepGazeI(tmp_path / "raw.pth", **OPTIONS)
    assert not mark.exists()


def test_truncated_at_any_place(toy_file_1, tmp_path):
    whole = toy_file_1.read_bytes()
    for n in (0, 1, 1000, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.pth").write_bytes(whole[:n])
        with pytest.raises(InputError, match=r"cut\.pth"):
            read_tensors(tmp_path / "cut.pth")


def test_bytes_that_are_no_weights(tmp_path):
    path = tmp_path / "x.pth"
    rng = np.random.default_rng(0)
    for content in (b"hello world this is text", b"<html>404</html>", b"{}", rng.bytes(500), b"PK"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"x\.pth' (is not a file of weights|cannot be read)"):
            read_tensors(path)
    np.save(tmp_path / "y.npy", np.zeros(5))
    with pytest.raises(InputError, match=r"y\.npy' (is not a file of weights|cannot be read)"):
        read_tensors(tmp_path / "y.npy")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("finalizer.gauss.sigma", -5.0, "finalizer.gauss.sigma must be from 0 to 1000"),
        ("finalizer.gauss.sigma", 0.0, "finalizer.gauss.sigma must be from 0 to 1000"),
        ("finalizer.gauss.sigma", 3e9, "finalizer.gauss.sigma must be from 0 to 1000"),
        ("readout_network.conv0.weight", np.nan, "readout_network.conv0.weight is not finite"),
    ],
)
def test_values_out_of_range(toy_state_1, tmp_path, name, value, text):
    torch.save(toy_state_1 | {name: torch.full_like(toy_state_1[name], value)}, tmp_path / "x.pth")
    with pytest.raises(InputError, match=text):
        ToyDeepGazeI(tmp_path / "x.pth", **OPTIONS)


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ([1, 2], "must hold tensors by name"),
        ({"a": "text"}, "must hold tensors by name"),
        (
            {"a": torch.zeros(2)},
            "of another model: of its tensors, 7 missing, the first '.*'; 1 unexp",
        ),
        ({"branches.0.x": torch.zeros(2)}, "of another model: of its tensors, .* missing"),
    ],
)
def test_other_contents(tmp_path, state, text):
    torch.save(state, tmp_path / "other.pth")
    with pytest.raises(InputError, match=text):
        ToyDeepGazeI(tmp_path / "other.pth", **OPTIONS)


def test_another_models_weights(toy_1, toy_state_1, tmp_path):
    wrong = dict(toy_state_1)
    wrong["readout_network.conv0.weight"] = torch.zeros(1, 11, 1, 1)
    torch.save(wrong, tmp_path / "wrong.pth")
    with pytest.raises(InputError, match=r"has shape \(1, 11, 1, 1\), not \(1, 12, 1, 1\)"):
        ToyDeepGazeI(tmp_path / "wrong.pth", **OPTIONS)
    with pytest.raises(InputError, match=r"there is no file 'nothing\.pth'"):
        ToyDeepGazeI("nothing.pth", **OPTIONS)
    own = dict(toy_1.network.state_dict())
    own["branches.0.finaliser.sigma"] = torch.ones(2)
    torch.save(own, tmp_path / "own.pth")
    with pytest.raises(InputError, match=r"finaliser.sigma has shape \(2,\), not \(1,\)"):
        ToyDeepGazeI(tmp_path / "own.pth", **OPTIONS)


def test_a_state_dict_in_a_dict(toy_state_1, tmp_path, toy_1):
    torch.save({"state_dict": toy_state_1, "epoch": 3}, tmp_path / "wrapped.pth")
    again = ToyDeepGazeI(tmp_path / "wrapped.pth", **OPTIONS)
    assert again.weights_digest == toy_1.weights_digest


class TestWriting:
    STATE: ClassVar = {"a": torch.arange(3.0), "b": torch.ones(2, 2, requires_grad=True)}

    def test_what_was_written_is_read(self, tmp_path):
        write_weights(tmp_path / "x.pth", self.STATE, {"n": 3, "names": ["é", "b"]})
        found = read_weights(tmp_path / "x.pth")
        assert found.about == {"n": 3, "names": ["é", "b"]}
        assert found.tensors.keys() == self.STATE.keys()
        assert all(torch.equal(found.tensors[key], t) for key, t in self.STATE.items())
        assert not any(tensor.requires_grad for tensor in found.tensors.values())
        assert read_tensors(tmp_path / "x.pth").keys() == self.STATE.keys()

    def test_the_same_values_make_the_same_bytes(self, tmp_path):
        for name in ("x.pth", "another name.pth"):
            write_weights(tmp_path / name, self.STATE, {"n": 3})
        assert (tmp_path / "x.pth").read_bytes() == (tmp_path / "another name.pth").read_bytes()

    def test_what_cannot_be_written_leaves_the_file_of_before(self, tmp_path, monkeypatch):
        path = tmp_path / "x.pth"
        path.write_text("before")
        full = Mock(side_effect=OSError(28, "No space left on device"))
        monkeypatch.setattr(torch, "save", full)
        text = r"x\.pth' cannot be written \(No space left on device\); x.pth is unchanged"
        with pytest.raises(InputError, match=text):
            write_state(path, self.STATE)
        assert path.read_text() == "before"
        assert [p.name for p in tmp_path.iterdir()] == ["x.pth"]
        path.unlink()
        with pytest.raises(InputError, match=r"\(No space left on device\)$"):
            write_state(path, self.STATE)

    def test_a_damaged_description(self, tmp_path):
        torch.save({"state_dict": self.STATE, "about": "{"}, tmp_path / "x.pth")
        with pytest.raises(InputError, match=r"x\.pth' is damaged"):
            read_weights(tmp_path / "x.pth")

    @pytest.mark.parametrize("about", [None, 3, "[1, 2]"])
    def test_files_of_others_have_no_description(self, tmp_path, about):
        torch.save({"state_dict": self.STATE, "about": about}, tmp_path / "x.pth")
        assert read_weights(tmp_path / "x.pth").about is None


class TestUnfilled:
    def test_tensors_have_their_shapes_and_counts_are_0(self):
        network = unfilled(lambda: nn.Sequential(nn.Conv2d(3, 4, 5), nn.BatchNorm2d(4)))
        shapes = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
        assert shapes["0.weight"] == (4, 3, 5, 5)
        assert network[1].num_batches_tracked.item() == 0
        assert all(parameter.device.type == "cpu" for parameter in network.parameters())

    def test_buffers_that_no_file_has_are_made(self):
        class Fixed(nn.Module):
            def __init__(self):
                super().__init__()
                self.weight = nn.Parameter(torch.zeros(2))
                self.register_buffer("line", torch.arange(3.0), persistent=False)

        assert unfilled(Fixed).line.tolist() == [0, 1, 2]


class TestLoadRenamed:
    NAMES: ClassVar = {
        "w": "0.weight",
        "b": "0.bias",
        "m": "1.running_mean",
        "v": "1.running_var",
        "num_batches_tracked": "1.num_batches_tracked",
    }

    def network(self):
        return nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, affine=False))

    def test_prefixes_and_counts(self):
        """Names may begin with "module."; files of before torch 0.4.1 have no counts."""
        network = self.network()
        state = {f"module.{key}": torch.full((1,), 2.0) for key in "bmv"}
        state["module.w"] = torch.full((1, 1, 1, 1), 3.0)
        load_renamed(network, self.NAMES, state, "the file")
        assert network[0].weight.item() == 3
        assert network[1].running_var.item() == 2
        assert network[1].num_batches_tracked.item() == 0

    def test_all_of_it_or_nothing(self):
        network = self.network()
        before = network[0].weight.item()
        state = {"w": torch.full((1, 1, 1, 1), 3.0), "more": torch.zeros(1)}
        with pytest.raises(InputError, match=r"the file is of another model: .* 3 missing, .*; 1 "):
            load_renamed(network, self.NAMES, state, "the file")
        assert network[0].weight.item() == before


def test_load_state_is_all_or_nothing():
    network = nn.Linear(2, 1)
    before = network.weight.detach().clone()
    good = {"weight": torch.ones(1, 2), "bias": torch.ones(1)}
    for wrong, text in (
        ({"bias": torch.full((1,), torch.inf)}, "the file is damaged: bias is not finite"),
        ({"bias": torch.ones(2)}, r"bias has shape \(2,\), not \(1,\)"),
    ):
        with pytest.raises(InputError, match=text):
            load_state(network, good | wrong, "the file")
        assert torch.equal(network.weight, before)
    load_state(network, good, "the file")
    assert network.weight.tolist() == [[1, 1]]
