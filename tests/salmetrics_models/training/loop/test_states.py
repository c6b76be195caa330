"""States read again: damaged ones, those of other conditions, those of other formats."""

from pathlib import Path

import pytest
import torch

from salmetrics import InputError
from salmetrics_models.training.loop.states import FORMAT, check_conditions, format_of, read_state


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
    with pytest.raises(InputError, match="is not the state of a training"):
        read_state(path)
    torch.save({"code": Path("x")}, path)  # would have to be run
    with pytest.raises(InputError, match="is damaged; remove it"):
        read_state(path)


def test_formats(tmp_path):
    path = tmp_path / "state.pth"
    for state, number in (({}, 1), ({"format": 1}, 1), ({"format": FORMAT}, FORMAT)):
        torch.save(state, path)
        assert format_of(read_state(path)) == number
    torch.save({"format": FORMAT + 1}, path)
    text = rf"'.*state.pth' was written by a later version of salmetrics, in format {FORMAT + 1}; "
    with pytest.raises(InputError, match=text + f"this one reads formats up to {FORMAT}"):
        read_state(path)


@pytest.mark.parametrize(
    ("found", "name"),
    [
        ({"seed": 1, "stages": [{"centre_bias": "old"}]}, "stages.0.centre_bias"),
        ({"seed": 1, "stages": [{"centre_bias": "fit"}], "features": {"code": "old"}}, "features"),
    ],
)
def test_digests_of_code_of_the_first_format(found, name):
    """They depended on modules that have moved: one line says who wrote them."""
    wanted = {"seed": 1, "stages": [{"centre_bias": "fit"}]}
    path = Path("folder/final.pth")
    text = r"'folder' holds a training that a development version of salmetrics 0.1.0 wrote in "
    with pytest.raises(InputError, match=rf"{text}format 1, whose digest of {name}") as caught:
        check_conditions(path, found, wanted, 1)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="under other conditions"):
        check_conditions(path, found, wanted)  # of this format
    with pytest.raises(InputError, match=r"under other conditions: .*seed \(was 2, is 1\)"):
        check_conditions(path, found | {"seed": 2}, wanted, 1)  # not the code alone
    check_conditions(path, wanted, wanted, 1)
