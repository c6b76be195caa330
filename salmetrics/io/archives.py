"""Zip and tar archives that somebody else made: listed, read and unpacked with suspicion."""

from __future__ import annotations

import lzma
import os
import secrets
import shutil
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

from salmetrics.errors import InputError

__all__ = ["ARCHIVE_SUFFIXES", "Archive", "is_junk", "unpack"]

ARCHIVE_SUFFIXES = (".tar", ".tar.bz2", ".tar.gz", ".tar.xz", ".tbz2", ".tgz", ".txz", ".zip")
MAX_MEMBER = 2 * 2**30
MAX_TOTAL = 200 * 2**30
_BLOCK = 2**20
_DAMAGE = (
    EOFError,
    NotImplementedError,  # a compression that Python does not know
    OSError,
    RuntimeError,  # a password is needed
    ValueError,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


class Archive:
    """The files in a zip or tar archive; safe to use from several threads, pickles small.

    Parameters
    ----------
    path
        Of the archive; zip and tar are told apart by content.
    max_member
        Most bytes that one file may declare.
    max_total
        Most bytes that all files together may declare.

    Attributes
    ----------
    sizes
        Bytes of each file by name. Folders are not listed.

    Raises
    ------
    InputError
        If it can't be read, or holds links, devices, absolute names, names that lead out of it
        (``../x``), the same name twice, or more bytes than allowed.
    """

    def __init__(
        self, path: str | Path, *, max_member: int = MAX_MEMBER, max_total: int = MAX_TOTAL
    ) -> None:
        self._file: Any = None
        self._lock = threading.Lock()
        self.path = Path(path)
        with self._explained():
            self._is_zip = zipfile.is_zipfile(self.path)
            members = list(_members(self._open()))
        self.sizes: dict[str, int] = {}
        for name, kind, size in members:
            self._check(name, kind, size, max_member)
            if kind == "file":
                if name in self.sizes:
                    raise InputError(f"archive {str(self.path)!r} holds {name!r} twice")
                self.sizes[name] = size
        total = sum(self.sizes.values())
        if total > max_total:
            raise InputError(
                f"archive {str(self.path)!r} declares {total} bytes, more than the limit of "
                f"{max_total}"
            )

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_lock": None, "_file": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def read(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises
        ------
        InputError
            If the archive is damaged there.
        """
        return b"".join(self.blocks(name))

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file, block by block."""
        left = self.sizes[name]
        with self._lock:
            with self._explained(name):
                stream = self._stream(name)
            with stream:
                while True:
                    with self._explained(name):
                        block = stream.read(min(_BLOCK, left + 1))
                        left -= len(block)
                        if left < 0 or (not block and left > 0):
                            raise ValueError(f"it hasn't the {self.sizes[name]} bytes it declares")
                    if not block:
                        return
                    yield block

    def close(self) -> None:
        """Close the file; it is opened again when something is read."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _open(self) -> zipfile.ZipFile | tarfile.TarFile:
        if self._file is None:
            how: Any = zipfile.ZipFile if self._is_zip else tarfile.open
            self._file = how(self.path, "r")
        return self._file

    def _stream(self, name: str) -> IO[bytes]:
        archive = self._open()
        if isinstance(archive, zipfile.ZipFile):
            return archive.open(name)
        stream = archive.extractfile(name)
        assert stream is not None  # links and folders are not in `sizes`
        return stream

    def _check(self, name: str, kind: str, size: int, max_member: int) -> None:
        where = f"archive {str(self.path)!r}"
        if kind not in ("file", "folder"):
            raise InputError(f"{where} holds a {kind}, {name!r}; only files and folders are read")
        windows = PureWindowsPath(name)
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if windows.drive or windows.root or ".." in parts or "\0" in name:
            raise InputError(f"{where} holds {name!r}, which leads out of the folder it is read to")
        if size > max_member:
            raise InputError(
                f"{where} holds {name!r} of {size} bytes, more than the limit of {max_member}"
            )

    @contextmanager
    def _explained(self, name: str | None = None) -> Iterator[None]:
        try:
            yield
        except InputError:
            raise
        except FileNotFoundError as error:
            raise InputError(f"there is no archive {str(self.path)!r}") from error
        except _DAMAGE as error:
            what = f"archive {str(self.path)!r}" + (f", file {name!r}," if name else "")
            why = str(error).partition("\n")[0].rstrip(": ") or type(error).__name__
            raise InputError(
                f"{what} can't be read: {why}. It may have been cut off on its way; get it again"
            ) from error


def unpack(
    archive: str | Path,
    folder: str | Path,
    *,
    max_member: int = MAX_MEMBER,
    max_total: int = MAX_TOTAL,
) -> Path:
    """Unpack an archive into a new folder, which is there as a whole or not at all.

    Parameters
    ----------
    archive
        Zip or tar.
    folder
        Must not exist.
    max_member, max_total
        Most bytes of one file, and of all.

    Raises
    ------
    InputError
        If the archive is not to be trusted (see `Archive`), or the folder exists or can't be
        written.
    """
    target = Path(folder)
    if target.exists() or target.is_symlink():
        raise InputError(f"{str(target)!r} exists already; name a new folder")
    members = Archive(archive, max_member=max_member, max_total=max_total)
    temporary = target.with_name(f".{target.name}-{secrets.token_hex(6)}")
    try:
        try:
            temporary.mkdir(parents=True)
            for name in members.sizes:
                path = temporary.joinpath(*PurePosixPath(name.replace("\\", "/")).parts)
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("xb") as file:
                    for block in members.blocks(name):
                        file.write(block)
            os.replace(temporary, target)
        except OSError as error:
            raise InputError(
                f"{str(archive)!r} can't be unpacked to {str(target)!r}: {error.strerror or error}"
            ) from error
    except BaseException:  # an interruption too leaves nothing half unpacked behind
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    finally:
        members.close()
    return target


def is_junk(name: str) -> bool:
    """Whether a name is hidden, or what macOS puts beside files."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or any(part.startswith(".") for part in parts)


def _members(archive: zipfile.ZipFile | tarfile.TarFile) -> Iterator[tuple[str, str, int]]:
    """Name, kind and declared bytes of each member."""
    if isinstance(archive, zipfile.ZipFile):
        for info in archive.infolist():
            mode = info.external_attr >> 16
            is_link = (mode & 0o170000) == 0o120000
            kind = "folder" if info.is_dir() else "link" if is_link else "file"
            yield info.filename, kind, info.file_size
        return
    for member in archive:
        kind = (
            "file"
            if member.isfile()
            else "folder"
            if member.isdir()
            else "link"
            if member.issym() or member.islnk()
            else "device"
        )
        yield member.name, kind, member.size
