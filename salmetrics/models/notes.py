"""What is noticed about models, such as while their predictions are read; results record it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import MethodType
from typing import Any

from salmetrics.models.base import DensityModel, Model, SaliencyMapModel

__all__ = ["notes_of"]


def notes_of(model: Model) -> tuple[str, ...]:
    """Return what was noticed about a model, and about those within it.

    Parameters
    ----------
    model
        A model, or one that combines or transforms others.

    Returns
    -------
    notes : tuple of str
        One line each, without repeats.
    """
    found: dict[str, None] = {}
    visited: set[int] = set()
    waiting: list[Model] = [model]
    while waiting:
        each = waiting.pop(0)
        if id(each) in visited:
            continue
        visited.add(id(each))
        notes = getattr(each, "notes", ())
        if isinstance(notes, tuple):  # an attribute of this name may be anything
            found |= dict.fromkeys(note for note in notes if isinstance(note, str))
        for part in getattr(each, "__dict__", {}).values():
            waiting += _models_in(part)
    return tuple(found)


def _models_in(part: Any) -> Iterator[Model]:
    """Yield the models that an attribute of a model holds, or whose method it is."""
    parts: Iterable[Any] = [part]
    if isinstance(part, MethodType):
        parts = [part.__self__]
    elif isinstance(part, (list, tuple)):
        parts = part
    elif isinstance(part, dict):
        parts = part.values()
    yield from (each for each in parts if isinstance(each, (DensityModel, SaliencyMapModel)))
