"""The error a user can mend, and the one helper that checks options."""

from collections.abc import Iterable
from typing import Any

__all__ = ["InputError", "check_choice"]


class InputError(ValueError):
    """Something in the input that the user can mend; the message says which part and how."""


def check_choice(name: str, value: Any, choices: Iterable[Any]) -> None:
    """Raise `InputError` unless `value` is one of `choices`."""
    allowed = list(choices)
    if value not in allowed:
        listed = ", ".join(repr(choice) for choice in allowed)
        raise InputError(f"{name} must be one of {listed}; got {value!r}")
