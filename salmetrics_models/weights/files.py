"""Files of weights: written atomically, read without running code in them, loaded completely."""

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
    "check_state",
    "load_renamed",
    "load_state",
    "read_tensors",
    "read_weights",
    "unfilled",
    "write_state",
    "write_weights",
]


_Module = TypeVar("_Module", bound=torch.nn.Module)

_WIDEST = 1000  # largest standard deviation of a blur, in pixels of the map


@dataclass(frozen=True)
class Weights:
    """The content of a file of weights.

    Attributes
    ----------
    tensors
        Tensors by name.
    about
        Description that `write_weights` wrote with them; None in files of other programs.
    """

    tensors: dict[str, Tensor]
    about: dict[str, Any] | None = None


def write_weights(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write tensors and their description atomically.

    Parameters
    ----------
    path
        Path of the file.
    tensors
        Tensors by name; they are copied to the CPU first.
    about
        Description, of values that JSON can hold.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    state = {name: tensor.detach().cpu() for name, tensor in tensors.items()}
    write_state(path, {"state_dict": state, "about": json.dumps(dict(about))})


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write tensors, numbers and text atomically; the same values give the same bytes.

    Raises
    ------
    InputError
        If the file cannot be written, for example to a full disk; an earlier file stays as it is.
    """
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            torch.save(dict(state), file)  # given a path, it would also write the file's name
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
        kept = f"; {path.name} is unchanged" if path.exists() else ""
        raise InputError(f"{str(path)!r} cannot be written ({reason}){kept}") from error


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """Read a state dict in torch's format as `read_weights` does, without its description."""
    return read_weights(path).tensors


def read_weights(path: str | Path) -> Weights:
    """Read a state dict in torch's format to the CPU, without running code in it.

    Raises
    ------
    InputError
        If the file is missing, is not such a file, is truncated, or holds anything but tensors by
        name.
    """
    checked = check_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd pickles, which are refused below
            state: Any = torch.load(checked, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if any(word in str(error) for word in ("Unsupported global", "Unsupported class")):
            raise InputError(
                f"{str(checked)!r} holds more than tensors, and was not read: that could run code "
                "in it"
            ) from error
        raise InputError(f"{str(checked)!r} is not a file of weights") from error
    except Exception as error:  # whatever a parser raises on other bytes
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{str(checked)!r} cannot be read ({first}). It is not a file of weights, or is "
            "truncated"
        ) from error
    about = None
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        about = _about(state.get("about"), checked)
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not all(isinstance(t, Tensor) for t in state.values()):
        raise InputError(f"{str(checked)!r} must hold tensors by name")
    return Weights({str(key): tensor for key, tensor in state.items()}, about)


def _about(text: Any, path: Path) -> dict[str, Any] | None:
    if not isinstance(text, str):
        return None
    try:
        about = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{str(path)!r} is damaged: its description is not JSON ({error})"
        ) from error
    return about if isinstance(about, dict) else None


def unfilled(make: Callable[[], _Module]) -> _Module:
    """Return a network with uninitialised tensors, to be filled from a file.

    Random weights would take longer than reading the file. The counts of batches that a
    normalisation has seen, which old files lack, are 0.
    """
    with torch.device("meta"):
        network = make()
    held = network.state_dict().keys()
    if any(name not in held for name, _ in network.named_buffers()):
        return make()  # a file does not have buffers that are not persistent
    network = network.to_empty(device="cpu")
    for key, tensor in network.state_dict().items():
        if key.endswith("num_batches_tracked"):
            tensor.zero_()
    return network


def load_renamed(
    module: torch.nn.Module, names: Mapping[str, str], tensors: Mapping[str, Tensor], what: str
) -> None:
    """Load weights under other names; all of them, or none.

    Parameters
    ----------
    module
        Module that receives the tensors.
    names
        The module's own name of each tensor, by its name in the file. The counts of batches that
        a normalisation has seen may be missing, as in old files.
    tensors
        Tensors by name, from `read_tensors`; names may begin with "module.".
    what
        Name of the file in error messages.

    Raises
    ------
    InputError
        If names are missing or unexpected, or a tensor has another shape or an invalid value.
    """
    own = module.state_dict()
    state = {key.removeprefix("module."): tensor for key, tensor in tensors.items()}
    for theirs, ours in names.items():
        if theirs.endswith("num_batches_tracked"):
            state.setdefault(theirs, own[ours])
    check_state({theirs: tuple(own[ours].shape) for theirs, ours in names.items()}, state, what)
    module.load_state_dict({ours: state[theirs] for theirs, ours in names.items()})


def load_state(network: torch.nn.Module, state: Mapping[str, Tensor], what: str) -> None:
    """Load weights under the network's own names; all of them, or none.

    Parameters
    ----------
    network
        Network that receives the tensors.
    state
        Tensors by name, from `read_tensors`.
    what
        Name of the file in error messages.

    Raises
    ------
    InputError
        If names are missing or unexpected, or a tensor has another shape or an invalid value.
    """
    own = network.state_dict()
    check_state({name: tuple(tensor.shape) for name, tensor in own.items()}, state, what)
    network.load_state_dict(dict(state))


def check_state(
    shapes: Mapping[str, tuple[int, ...]], state: Mapping[str, Tensor], what: str
) -> None:
    """Raise `InputError` unless a file has exactly these tensors, with valid values.

    Parameters
    ----------
    shapes
        Shape of each tensor by name.
    state
        Tensors of the file.
    what
        Name of the file in error messages.
    """
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
