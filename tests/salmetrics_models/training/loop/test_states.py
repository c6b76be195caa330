"""States read again: damaged ones, those of other conditions, those of other formats."""

from pathlib import Path

import pytest
import torch

from salmetrics import InputError
from salmetrics_models.training.loop.states import check_conditions, read_state


def test_what_differs_is_cut_at_four():
    found, wanted = {str(i): i for i in range(9)}, {str(i): -i for i in range(9)}
    with pytest.raises(InputError, match=r"4 \(was 4, is -4\) and 4 more. Choose another folder"):
        check_conditions(Path("folder/final.pth"), found, wanted)


def test_what_differs_is_named_by_its_place():
    found = {"seed": 1, "stages": [{"name": "a"}, {"name": "b", "weights": None}]}
    check_conditions(Path("folder/final.pth"), found, {**found, "seed": 1.0})  # as JSON has it
    wanted = {"seed": 1, "stages": [{"name": "a"}, {"name": "c", "more": "x"}]}
    text = (
        r"'folder' holds a training under other conditions: stages.1.more \(was None, is 'x'\), "
        r"stages.1.name \(was 'b', is 'c'\). Choose another folder, or remove it"
    )
    with pytest.raises(InputError, match=text):
        check_conditions(Path("folder/final.pth"), found, wanted)


def test_states(tmp_path):
    path = tmp_path / "state.pth"
    assert read_state(path) is None
    torch.save({"a": torch.arange(3), "b": [1, "x"]}, path)
    state = read_state(path)
    assert state["a"].tolist() == [0, 1, 2]
    assert state["b"] == [1, "x"]


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 cut off"])
def test_damaged_files(tmp_path, content):
    path = tmp_path / "state.pth"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"state.pth' is damaged; remove it to start again"):
        read_state(path)


def test_files_of_something_else(tmp_path):
    path = tmp_path / "state.pth"
    torch.save([1, 2], path)
    with pytest.raises(InputError, match="is no state of a training"):
        read_state(path)
    torch.save({"code": Path("x")}, path)  # would have to be run
    with pytest.raises(InputError, match="is damaged; remove it"):
        read_state(path)
