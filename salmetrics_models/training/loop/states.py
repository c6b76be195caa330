"""States of a training, read again: nothing in them is run, and only the same training goes on."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from salmetrics.errors import InputError

__all__ = ["check_conditions", "read_state"]


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


def check_conditions(path: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raise `InputError` if a file is of a training under other conditions, naming what differs.

    Parameters
    ----------
    path
        Of the file.
    found, wanted
        Conditions, as JSON holds them.
    """
    if found == wanted:
        return
    before, now = _leaves(found), _leaves(wanted)
    differs = sorted(k for k in {*before, *now} if before.get(k) != now.get(k))
    parts = [f"{k} (was {before.get(k)!r}, is {now.get(k)!r})" for k in differs[:4]]
    more = f" and {len(differs) - 4} more" if len(differs) > 4 else ""
    raise InputError(
        f"{str(path.parent)!r} holds a training under other conditions: {', '.join(parts)}{more}. "
        "Choose another folder, or remove it"
    )


def _leaves(conditions: Any, name: str = "") -> dict[str, Any]:
    """Return values that are no tables or lists, by all names on the way to them."""
    if isinstance(conditions, dict):
        items = list(conditions.items())
    elif isinstance(conditions, list):
        items = [(str(i), value) for i, value in enumerate(conditions)]
    else:
        return {name: conditions}
    found: dict[str, Any] = {}
    for key, value in items:
        found |= _leaves(value, f"{name}.{key}" if name else key)
    return found
