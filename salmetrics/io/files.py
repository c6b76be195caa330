"""Paths of users checked, folders listed, and files written atomically."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from salmetrics.errors import InputError
from salmetrics.io.name_parts import is_junk

# suffixes that promise a format
_PROMISES = (
    *(".csv", ".h5", ".hdf5", ".jpeg", ".jpg", ".json", ".mat", ".md", ".npy", ".npz", ".parquet"),
    *(".pdf", ".pickle", ".pkl", ".png", ".svg", ".tex", ".tif", ".tsv", ".txt", ".xls", ".xlsx"),
    ".zip",
)

__all__ = ["check_file", "check_target", "checked_path", "files_below", "replacing", "write_text"]


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
    source = checked_path(path)
    if os.path.isdir(source):
        raise InputError(f"there is no file {str(path)!r}, but a folder; name a file in it")
    if not os.path.isfile(source):
        raise InputError(f"there is no file {str(path)!r}")
    return source


def checked_path(path: Any) -> Path:
    """Return a path as a `Path`; raise `InputError` for anything else."""
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(f"path must be the path of a file; got {path!r}")
    return Path(path)


def check_target(path: str | Path, suffixes: Collection[str] = (), hint: str = "") -> Path:
    """Return the path of a file to write; raise `InputError` unless its folder can hold it.

    Parameters
    ----------
    path
        Path of the file.
    suffixes
        Suffixes of the format that is written, the first the usual one; names that promise another
        format are refused. Empty for any.
    hint
        What writes other formats, which ends the message.
    """
    target = checked_path(path)
    suffix = target.suffix.lower()
    if suffixes and suffix in _PROMISES and suffix not in suffixes:
        usual, *_ = suffixes
        raise InputError(
            f"{str(target)!r} must end in {usual}, the format that is written, not in {suffix}"
            f"{hint}"
        )
    try:
        target.lstat()
    except FileNotFoundError:
        pass  # as it should be
    except OSError as error:  # its name is too long, for example
        raise InputError(f"{str(target)!r} cannot be written: {error.strerror}") from error
    if target.is_dir():
        raise InputError(f"{str(target)!r} is a folder; name a file in it")
    if not os.path.isdir(target.absolute().parent):
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
    # of a name as long as is allowed, only the beginning: at most 160 bytes
    temporary = path.with_name(f".{path.name[:40]}-{secrets.token_hex(6)}")
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
