"""Files of weights: found, checked, read without running anything in them."""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from salmetrics.errors import InputError
from salmetrics.io.files import check_file, replacing

__all__ = [
    "Weights",
    "load_renamed",
    "load_state",
    "read_tensors",
    "read_weights",
    "unfilled",
    "write_state",
    "write_weights",
]


_Module = TypeVar("_Module", bound=torch.nn.Module)

_WIDEST = 1000  # blur, in pixels of the map


@dataclass(frozen=True)
class Weights:
    """What is in a file of weights.

    Attributes
    ----------
    tensors
        By name.
    about
        What `write_weights` was told about them; None in files of others.
    """

    tensors: dict[str, Tensor]
    about: dict[str, Any] | None = None


def write_weights(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write tensors, and what there is to say about them, in one step.

    Parameters
    ----------
    path
        Of the file.
    tensors
        By name; they are written from the CPU.
    about
        As JSON can hold it.
    """
    state = {name: tensor.detach().cpu() for name, tensor in tensors.items()}
    write_state(path, {"state_dict": state, "about": json.dumps(dict(about))})


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write tensors, numbers and text in one step; the same values make the same bytes.

    Raises
    ------
    InputError
        If it can't be written, such as to a full disk; the file of before is still there.
    """
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            torch.save(dict(state), file)  # to a path, it would write the name too
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
        kept = f"; {path.name} is as it was before" if path.exists() else ""
        raise InputError(f"{str(path)!r} can't be written ({reason}){kept}") from error


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of `read_weights` alone."""
    return read_weights(path).tensors


def read_weights(path: str | Path) -> Weights:
    """Read a state dict in torch's format, on the CPU; no code in it is run.

    Raises
    ------
    InputError
        If it is no such file, cut off, or holds anything but tensors by name.
    """
    given = check_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd pickles, which are refused below
            state: Any = torch.load(given, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if any(word in str(error) for word in ("Unsupported global", "Unsupported class")):
            raise InputError(
                f"{str(given)!r} holds more than tensors, and was not read: code in it would be run"
            ) from error
        raise InputError(f"{str(given)!r} is no file of weights") from error
    except Exception as error:  # whatever a parser says of other bytes
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{str(given)!r} can't be read ({first}). It is no file of weights, or was cut off"
        ) from error
    about = None
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        about = _about(state.get("about"), given)
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not all(isinstance(t, Tensor) for t in state.values()):
        raise InputError(f"{str(given)!r} must hold tensors by name")
    return Weights({str(key): tensor for key, tensor in state.items()}, about)


def _about(text: Any, path: Path) -> dict[str, Any] | None:
    if not isinstance(text, str):
        return None
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{str(path)!r} is damaged: what it says about itself") from error
    return found if isinstance(found, dict) else None


def unfilled(make: Callable[[], _Module]) -> _Module:
    """Return a network whose tensors hold nothing yet; random ones take longer than a file.

    Counts of batches that were seen, which old files lack, are 0.
    """
    with torch.device("meta"):
        network = make()
    held = network.state_dict().keys()
    if any(name not in held for name, _ in network.named_buffers()):
        return make()  # no file has those
    network = network.to_empty(device="cpu")
    for key, tensor in network.state_dict().items():
        if key.endswith("num_batches_tracked"):
            tensor.zero_()
    return network


def load_renamed(
    module: torch.nn.Module, names: Mapping[str, str], tensors: Mapping[str, Tensor], what: str
) -> None:
    """Load a checkpoint with other names; all of it, or nothing.

    Parameters
    ----------
    module
        What to load into.
    names
        Published name of each tensor, and its own. Numbers of batches that were seen, which old
        files lack, may be missing.
    tensors
        As `read_tensors` gives them; names may begin with "module.".
    what
        What messages call the file.

    Raises
    ------
    InputError
        Naming the first missing and unexpected names, or tensors of another shape.
    """
    own = module.state_dict()
    given = {key.removeprefix("module."): tensor for key, tensor in tensors.items()}
    for theirs, ours in names.items():
        if theirs.endswith("num_batches_tracked"):
            given.setdefault(theirs, own[ours])
    _check({theirs: tuple(own[ours].shape) for theirs, ours in names.items()}, given, what)
    module.load_state_dict({ours: given[theirs] for theirs, ours in names.items()})


def load_state(network: torch.nn.Module, state: Mapping[str, Tensor], what: str) -> None:
    """Load a checkpoint with our own names; all of it, or nothing."""
    own = network.state_dict()
    _check({name: tuple(tensor.shape) for name, tensor in own.items()}, state, what)
    network.load_state_dict(dict(state))


def _check(shapes: Mapping[str, tuple[int, ...]], state: Mapping[str, Tensor], what: str) -> None:
    """Raise `InputError` unless a file has just these tensors, with values that can be."""
    missing, extra = sorted(set(shapes) - set(state)), sorted(set(state) - set(shapes))
    if missing or extra:
        parts = [
            f"{len(names)} {word}, the first {names[0]!r}"
            for word, names in (("missing", missing), ("unexpected", extra))
            if names
        ]
        raise InputError(f"{what} is of another model: of its tensors, {'; '.join(parts)}")
    for name, tensor in state.items():
        if tuple(tensor.shape) != shapes[name]:
            raise InputError(
                f"{what} is of another model: {name} has shape {tuple(tensor.shape)}, not "
                f"{shapes[name]}"
            )
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise InputError(f"{what} is damaged: {name} is not finite")
        if name.endswith(".sigma") and not bool(((tensor > 0) & (tensor < _WIDEST)).all()):
            raise InputError(f"{what} is damaged: {name} must be from 0 to {_WIDEST} pixels")
