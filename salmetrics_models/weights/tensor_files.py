"""Tensors with a description in the safetensors format, in which no code can hide."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from salmetrics.errors import InputError
from salmetrics.io.files import check_file, replacing
from salmetrics_models.weights.files import Weights

__all__ = ["read_safetensors", "write_safetensors"]

_ABOUT = "about"


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write tensors and their description atomically.

    Parameters
    ----------
    path
        Path of the file.
    tensors
        Tensors by name.
    about
        Description, of values that JSON can hold.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    state = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        with replacing(path) as temporary:
            save_file(state, temporary, {_ABOUT: json.dumps(dict(about), sort_keys=True)})
    except (SafetensorError, OSError) as error:
        raise InputError(f"{str(path)!r} cannot be written: {error}") from error


def read_safetensors(path: str | Path) -> Weights:
    """Read tensors and the description that `write_safetensors` wrote.

    Parameters
    ----------
    path
        Path of the file.

    Raises
    ------
    InputError
        If the file is missing or damaged, or has no description.
    """
    from safetensors import SafetensorError, safe_open

    checked = check_file(path)
    try:
        with safe_open(checked, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{str(checked)!r} is damaged, or is not a safetensors file: {error}"
        ) from error
    try:
        about = json.loads(metadata[_ABOUT])
    except (KeyError, json.JSONDecodeError) as error:
        raise InputError(f"{str(checked)!r} has no description that can be read") from error
    if not isinstance(about, dict):
        raise InputError(f"{str(checked)!r} has no description that can be read")
    return Weights(tensors, about)
