"""Names of images and files in their parts, and the orders that numbers in them give."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from salmetrics.io.images import without_image_suffix

__all__ = [
    "Name",
    "as_name",
    "is_junk",
    "natural_key",
    "number_at_end",
    "slashed",
    "two_orders",
]

_JUNK = frozenset(
    {"#recycle", "$recycle.bin", "@eadir", "__macosx", "lost+found", "system volume information"}
)


@dataclass(frozen=True)
class Name:
    """A name, and its parts as they are compared: folders, and the last part without suffix."""

    raw: str
    parts: tuple[str, ...]  # in composed Unicode
    last: str  # with its suffix

    @cached_property
    def folded(self) -> tuple[str, ...]:
        """The parts without case."""
        return tuple(part.casefold() for part in self.parts)


def as_name(raw: str) -> Name:
    """Return a name in its parts: with slashes, composed, and without a drive."""
    path = PurePosixPath(unicodedata.normalize("NFC", slashed(raw)))
    parts = [part for part in path.parts if part not in ("/", ".")]
    if parts and re.fullmatch("[A-Za-z]:", parts[0]):
        del parts[0]  # a drive of Windows
    last = parts.pop() if parts else ""
    return Name(raw, (*parts, without_image_suffix(last)), last)


def slashed(name: str) -> str:
    """Return a path with slashes."""
    return name.replace("\\", "/")


def is_junk(name: str) -> bool:
    """Whether a path is hidden, or in a folder that systems add for themselves."""
    parts = PurePosixPath(slashed(name)).parts
    return any(part.startswith(".") or part.casefold() in _JUNK for part in parts)


def number_at_end(name: str) -> int | None:
    """Return the number at the end of a name, or None."""
    digits = re.search(r"[0-9]+$", name)
    return int(digits.group()) if digits else None


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """Return a sort key that compares runs of digits as numbers: i2 before i10."""
    parts = re.split(r"([0-9]+)", name)  # text and digits alternate
    key: list[tuple[int, int | str]] = []
    for i, part in enumerate(parts):
        if part:
            key.append((0, int(part)) if i % 2 else (1, part))
    return key


def two_orders(ids: Sequence[str]) -> tuple[str, str] | None:
    """Return the start of two orders that may be meant where images are sorted by name, or None.

    Parameters
    ----------
    ids
        Ids of the images, in their order.

    Examples
    --------
    >>> two_orders(["i1.png", "i10.png", "i2.png"])
    ('i1.png, i10.png, i2.png ...', 'i1.png, i2.png, i10.png ...')
    """
    numbered = sorted(ids, key=natural_key)
    if list(ids) == numbered or list(ids) != sorted(ids):
        return None
    first = next(i for i, name in enumerate(ids) if name != numbered[i])
    start = max(0, min(first - 1, len(ids) - 3))
    given, other = (", ".join(names[start : start + 3]) for names in (list(ids), numbered))
    dots = "... " if start else ""
    return f"{dots}{given} ...", f"{dots}{other} ..."
