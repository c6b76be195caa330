"""States of a training, read again: no code in them is run, and only the same training resumes."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from salmetrics.errors import InputError

__all__ = ["FORMAT", "check_conditions", "format_of", "read_state"]

FORMAT = 2
"""Format of the states that are written.

Format 1, of development versions of salmetrics 0.1.0, has no number; its digests of code depended
on the modules that the code was in.
"""

_CODE = ("code", "centre_bias")  # conditions that are digests of code, perhaps a user's


def read_state(path: Path) -> dict[str, Any] | None:
    """Read what `write_state` wrote; None if there is no such file.

    Parameters
    ----------
    path
        Path of the file.

    Raises
    ------
    InputError
        If the file is damaged, or a later version of salmetrics wrote it.
    """
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise InputError(f"{str(path)!r} is damaged; remove it to start again") from error
    if not isinstance(state, dict):
        raise InputError(f"{str(path)!r} is not the state of a training; remove it to start again")
    if format_of(state) > FORMAT:
        raise InputError(
            f"{str(path)!r} was written by a later version of salmetrics, in format "
            f"{format_of(state)}; this one reads formats up to {FORMAT}"
        )
    return state


def format_of(state: dict[str, Any]) -> int:
    """Return the number of a state's format."""
    return int(state.get("format", 1))


def check_conditions(
    path: Path, found: dict[str, Any], wanted: dict[str, Any], number: int = FORMAT
) -> None:
    """Raise `InputError` if a file is of a training under other conditions, naming what differs.

    Parameters
    ----------
    path
        Path of the file.
    found, wanted
        Conditions, as JSON holds them.
    number
        Format of the file.
    """
    if found == wanted:
        return
    before, now = _leaves(found), _leaves(wanted)
    differing = sorted(k for k in {*before, *now} if before.get(k) != now.get(k))
    if number < FORMAT and all(name.rsplit(".", 1)[-1] in _CODE for name in differing):
        raise InputError(
            f"{str(path.parent)!r} holds a training that a development version of salmetrics 0.1.0 "
            f"wrote in format {number}, whose digest of {differing[0]} cannot be compared with "
            f"those of format {FORMAT}. Finish it with that version, choose another folder, or "
            "remove it"
        )
    parts = [f"{k} (was {before.get(k)!r}, is {now.get(k)!r})" for k in differing[:4]]
    more = f" and {len(differing) - 4} more" if len(differing) > 4 else ""
    raise InputError(
        f"{str(path.parent)!r} holds a training under other conditions: {', '.join(parts)}{more}. "
        "Choose another folder, or remove it"
    )


def _leaves(conditions: Any, name: str = "") -> dict[str, Any]:
    """Return all values that are neither tables nor lists, by their dotted names."""
    if isinstance(conditions, dict):
        items = list(conditions.items())
    elif isinstance(conditions, list):
        items = [(str(i), value) for i, value in enumerate(conditions)]
    else:
        return {name: conditions}
    leaves: dict[str, Any] = {}
    for key, value in items:
        leaves |= _leaves(value, f"{name}.{key}" if name else key)
    return leaves
