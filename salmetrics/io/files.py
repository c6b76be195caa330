"""Folders to read, and files that are there as a whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from salmetrics.errors import InputError

__all__ = ["check_file", "check_target", "files_below", "replacing"]


def files_below(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """List the files below a folder, sorted, that end so and don't begin with a dot."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()
    )


def check_file(path: str | Path) -> Path:
    """Return a path; raise `InputError` unless there is a file."""
    if not Path(path).is_file():
        raise InputError(f"there is no file {str(path)!r}")
    return Path(path)


def check_target(path: str | Path) -> Path:
    """Return a path; raise `InputError` unless a file can be there: no folder, and in a folder."""
    target = Path(path)
    if target.is_dir():
        raise InputError(f"{str(target)!r} is a folder; name a file in it")
    if not target.absolute().parent.is_dir():
        raise InputError(f"folder {str(target.parent)!r} does not exist; make it first")
    return target


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the path of a new file, which takes the place of `path` if nothing goes wrong.

    At any moment `path` is what it was, or the whole new file.
    """
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(6)}")
    # as open() does it, so that the user's umask decides who may read the file
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except BaseException:  # an interruption too leaves no half file behind
        temporary.unlink(missing_ok=True)
        raise
