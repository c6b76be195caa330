"""The folder of a training: one process at a time, and no leftovers of a killed one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from salmetrics.errors import InputError

__all__ = ["alone_in", "swept"]


def swept(folder: Path, *pieces: str) -> None:
    """Remove half-written files that a killed process left.

    Parameters
    ----------
    folder
        Folder of the training.
    *pieces
        Glob patterns of the folders in it to which no other training writes.
    """
    owned = [folder, *(path for pattern in pieces for path in folder.glob(pattern))]
    for path in (hidden for own in owned for hidden in own.glob(".*")):
        if re.fullmatch(r"\..+-[0-9a-f]{12}", path.name) and path.is_file():
            path.unlink(missing_ok=True)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Create a folder and lock it, so that no other process trains in it.

    Parameters
    ----------
    folder
        Folder of the training.

    Raises
    ------
    InputError
        If the folder cannot be created, or another process trains in it.
    """
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"folder {str(folder)!r} cannot be created: {error.strerror or error}"
        ) from error
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"another process trains in {str(folder)!r}: wait for it, or choose another folder"
        ) from error
    try:
        yield
    finally:
        lock.release()
