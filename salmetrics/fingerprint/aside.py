"""Attributes that are no part of what an object is."""

from __future__ import annotations

from functools import cached_property
from typing import TypeVar

__all__ = ["Aside"]

T = TypeVar("T")


class Aside(cached_property[T]):
    """An attribute that may be set and that digests leave out, such as notes on an object.

    Parameters
    ----------
    usual
        Its value until it is set; nothing changes it in place.
    doc
        Its docstring.

    Examples
    --------
    >>> from salmetrics.fingerprint import fingerprint
    >>> class Noted:
    ...     notes: Aside[tuple[str, ...]] = Aside((), "What was noticed.")
    >>> noted = Noted()
    >>> before = fingerprint(noted), noted.notes
    >>> noted.notes = ("something",)
    >>> before == (fingerprint(noted), ())
    True
    """

    def __init__(self, usual: T, doc: str) -> None:
        super().__init__(lambda _: usual)
        self.__doc__ = doc
