"""Messages that name arguments of Python, in the words of the command line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from salmetrics.errors import InputError

__all__ = ["as_options", "naming_options"]


def as_options(message: str, options: Mapping[str, str]) -> str:
    """Return a message with options in place of arguments.

    Parameters
    ----------
    message
        Message that writes arguments as ``name=`` or ``name='value'``.
    options
        Options by argument; an option that is a switch takes no value, so ``True`` is dropped.

    Examples
    --------
    >>> as_options("use missing='drop' or x=; separator=';'", {"missing": "--missing", "x": "--x"})
    "use --missing drop or --x; separator=';'"
    """
    names = "|".join(re.escape(name) for name in sorted(options, key=len, reverse=True))
    value = r"""True\b|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|(?![\w.+-])"""
    # "x=12.5" is a value, not an argument
    return re.sub(
        rf"(?<![\w'\"-])({names})=({value})",
        lambda found: " ".join([options[found[1]], *_spelled(found[2])]),
        message,
    )


def _spelled(value: str) -> list[str]:
    return [] if value in ("", "True") else [shlex.quote(value[1:-1])]


@contextmanager
def naming_options(options: Mapping[str, str]) -> Iterator[None]:
    """Name options instead of arguments in the message of an `InputError` within the block."""
    try:
        yield
    except InputError as error:
        raise type(error)(as_options(str(error), options)) from error
