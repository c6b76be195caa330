"""Files of a training: each is there as a whole, and nothing in it is run when it is read."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from salmetrics.errors import InputError
from salmetrics.io.files import replacing

__all__ = ["check_conditions", "read_state", "write_state"]


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


def read_state(path: Path) -> dict[str, Any] | None:
    """Read what `write_state` wrote; None if there is no file.

    Raises
    ------
    InputError
        If it is damaged.
    """
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise InputError(f"{str(path)!r} is damaged; remove it to start again") from error
    if not isinstance(state, dict):
        raise InputError(f"{str(path)!r} is no state of a training; remove it to start again")
    return state


def check_conditions(path: Path, found: str, wanted: str) -> None:
    """Raise `InputError` if a file is of a training under other conditions, naming what differs.

    Parameters
    ----------
    path
        Of the file.
    found, wanted
        Conditions as JSON.
    """
    if found == wanted:
        return
    before, now = json.loads(found), json.loads(wanted)
    differs = sorted(k for k in {*before, *now} if before.get(k) != now.get(k))
    parts = ", ".join(f"{k} (was {before.get(k)!r}, is {now.get(k)!r})"[:120] for k in differs)
    raise InputError(
        f"{str(path.parent)!r} holds a training under other conditions: {parts}. Choose another "
        "folder, or remove it"
    )
