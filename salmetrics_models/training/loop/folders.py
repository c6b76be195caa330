"""The folder of a training: one process at a time, and nothing left of a kill."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from salmetrics.errors import InputError

__all__ = ["alone_in", "swept"]


def swept(folder: Path, *pieces: str) -> None:
    """Remove what a kill in the midst of writing left, where nobody else writes.

    Parameters
    ----------
    folder
        Of the training.
    *pieces
        Patterns of the folders in it that are its own.
    """
    owned = [folder, *(path for pattern in pieces for path in folder.glob(pattern))]
    for path in (found for own in owned for found in own.glob(".*")):
        if re.fullmatch(r"\..+-[0-9a-f]{12}", path.name) and path.is_file():
            path.unlink(missing_ok=True)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Make a folder, and keep other processes from training in it."""
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"folder {str(folder)!r} can't be made: {error.strerror or error}"
        ) from error
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(f"another process trains in {str(folder)!r}") from error
    try:
        yield
    finally:
        lock.release()
