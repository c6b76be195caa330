"""Paths of users checked, folders listed, and files written atomically."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from salmetrics.errors import InputError
from salmetrics.io.names import is_junk

__all__ = ["check_file", "check_target", "files_below", "replacing", "write_text"]


def files_below(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """List the files below a folder with one of the suffixes, sorted, without hidden and junk."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes
        and not is_junk(path.relative_to(folder).as_posix())
        and path.is_file()
    )


def check_file(path: str | Path) -> Path:
    """Return the path of a file; raise `InputError` unless the file exists."""
    if not Path(path).is_file():
        raise InputError(f"there is no file {str(path)!r}")
    return Path(path)


def check_target(path: str | Path) -> Path:
    """Return the path of a file to write; raise `InputError` unless its folder can hold it."""
    target = Path(path)
    if target.is_dir():
        raise InputError(f"{str(target)!r} is a folder; name a file in it")
    if not target.absolute().parent.is_dir():
        raise InputError(f"folder {str(target.parent)!r} does not exist; create it first")
    try:
        with tempfile.TemporaryFile(dir=target.absolute().parent):
            pass
    except OSError as error:
        raise InputError(
            f"folder {str(target.parent)!r} cannot be written: {error.strerror or error}"
        ) from error
    return target


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a temporary file, which replaces `path` unless an error occurs.

    The replacement is atomic: at any moment `path` is the old file or the whole new one.
    """
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(6)}")
    # with the mode of open(), so that the umask decides who may read the file
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except BaseException:  # a KeyboardInterrupt, too, must leave no partial file behind
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8; an existing file is replaced only by the whole new one."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
