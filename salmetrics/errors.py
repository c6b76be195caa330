"""The error a user can mend, and the helpers that check options."""

from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["InputError", "check_choice", "is_number", "is_whole"]


class InputError(ValueError):
    """Something in the input that the user can mend; the message says which part and how."""


def check_choice(name: str, value: Any, choices: Iterable[Any]) -> None:
    """Raise `InputError` unless `value` is one of `choices`."""
    allowed = list(choices)
    if value not in allowed:
        listed = ", ".join(repr(choice) for choice in allowed)
        raise InputError(f"{name} must be one of {listed}; got {value!r}")


def is_number(value: Any) -> bool:
    """Whether a value is a number, Python's or NumPy's; no truth value, no text."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, Python's or NumPy's."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
