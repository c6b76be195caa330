"""The error a user can mend, and the helpers that check options."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

__all__ = [
    "InputError",
    "NeedsDensityError",
    "check_choice",
    "check_list",
    "check_whole",
    "described",
    "is_number",
    "is_whole",
    "some",
]


class InputError(ValueError):
    """Something in the input that the user can mend; the message says which part and how."""


class NeedsDensityError(InputError, TypeError):
    """A model that gives saliency maps, or no density per image, where a density is needed."""


def check_choice(name: str, value: Any, choices: Iterable[Any]) -> None:
    """Raise `InputError` unless `value` is one of `choices`."""
    allowed = list(choices)
    if value not in allowed:
        listed = ", ".join(repr(choice) for choice in allowed)
        raise InputError(f"{name} must be one of {listed}; got {value!r}")


def check_list(name: str, values: Any) -> list[Any]:
    """Return several values as a list; raise `InputError` for one alone, text included."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise InputError(f"{name} must be a list; got {values!r}")
    return list(values)


def check_whole(name: str, value: Any, least: int) -> int:
    """Return a whole number as Python's; raise `InputError` unless it is at least `least`."""
    if not is_whole(value) or value < least:
        raise InputError(f"{name} must be a whole number >= {least}; got {value!r}")
    return int(value)


def some(names: Sequence[Any], n: int = 5) -> str:
    """Return the first n names or values for a message, and dots if there are more."""
    return ", ".join(map(repr, names[:n])) + (" ..." if len(names) > n else "")


def is_number(value: Any) -> bool:
    """Whether a value is a number, Python's or NumPy's; no truth value, no text."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, Python's or NumPy's."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def described(error: Exception) -> str:
    """Return an error as results record it."""
    return f"{type(error).__name__}: {error}"
