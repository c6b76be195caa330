"""Zip and tar archives from untrusted sources: listed, read and unpacked with checks."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import secrets
import shutil
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

from salmetrics.errors import InputError
from salmetrics.io.damage import reading
from salmetrics.progress import progress_bar

__all__ = ["ARCHIVE_SUFFIXES", "Archive", "unpack"]

ARCHIVE_SUFFIXES = (".tar", ".tar.bz2", ".tar.gz", ".tar.xz", ".tbz2", ".tgz", ".txz", ".zip")
MAX_MEMBER = 2 * 2**30
MAX_TOTAL = 200 * 2**30
_BLOCK = 2**20
_TAR_OVERHEAD = 2**24  # bytes of headers and padding
_COMPRESSED: dict[bytes, Any] = {
    b"BZh": bz2.open,
    b"\x1f\x8b": gzip.open,
    b"\xfd7zXZ\x00": lzma.open,
}


class Archive:
    """The files in a zip or tar archive; safe to use from several threads, pickles small.

    Parameters
    ----------
    path
        Path of the archive; its content decides whether it is a zip or a tar.
    max_member
        Largest size that one file may declare, in bytes.
    max_total
        Largest size that all files together may declare, in bytes.

    Attributes
    ----------
    sizes
        Size of each file in bytes, by name; folders are not listed.

    Raises
    ------
    InputError
        If the archive is not readable, or holds links, devices, absolute names, names that lead out
        of it (``../x``), the same name twice, or more bytes than allowed.
    """

    def __init__(
        self, path: str | Path, *, max_member: int = MAX_MEMBER, max_total: int = MAX_TOTAL
    ) -> None:
        self._file: Any = None
        self._lock = threading.Lock()
        self.path = Path(path)
        self._max_total = max_total
        with self._explained():
            self._is_zip = zipfile.is_zipfile(self.path)
            members = list(_members(self._opened()))
            if isinstance(self._file, tarfile.TarFile):
                _check_end(self._file)
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
        self._close()

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
            If the archive is damaged at that file.
        """
        return b"".join(self.blocks(name))

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file, block by block."""
        remaining = self.sizes[name]
        with self.opened(name) as stream:
            while True:
                with self._explained(name):
                    block = stream.read(min(_BLOCK, remaining + 1))
                    remaining -= len(block)
                    if remaining < 0 or (not block and remaining > 0):
                        raise ValueError(f"it does not hold the {self.sizes[name]} bytes declared")
                if not block:
                    return
                yield block

    @contextmanager
    def opened(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file to read part of it; other threads wait until it is closed."""
        with self._lock:
            with self._explained(name):
                stream = self._stream(name)
            with stream:
                yield stream

    def close(self) -> None:
        """Close the archive; the next read opens it again."""
        with self._lock:
            self._close()

    def _opened(self) -> zipfile.ZipFile | tarfile.TarFile:
        if self._file is None:
            if self._is_zip:
                self._file = zipfile.ZipFile(self.path)
            else:
                with ExitStack() as unless_opened:
                    plain = unless_opened.enter_context(self._plain_tar())
                    self._file = tarfile.open(fileobj=plain, mode="r:")  # noqa: SIM115
                    unless_opened.pop_all()
        return self._file

    def _plain_tar(self) -> IO[bytes]:
        """Open a tar; a compressed one is first decompressed to a seekable temporary file."""
        with self.path.open("rb") as file:
            head = file.read(6)
        decompress = next(
            (opener for magic, opener in _COMPRESSED.items() if head.startswith(magic)), None
        )
        if decompress is None:
            return self.path.open("rb")
        with ExitStack() as unless_whole, decompress(self.path) as stream:
            plain = unless_whole.enter_context(tempfile.TemporaryFile())
            while block := stream.read(_BLOCK):
                if plain.tell() + len(block) > self._max_total + _TAR_OVERHEAD:
                    raise InputError(
                        f"archive {str(self.path)!r} holds more bytes than the limit of "
                        f"{self._max_total}"
                    )
                plain.write(block)
            plain.seek(0)
            unless_whole.pop_all()
            return plain

    def _stream(self, name: str) -> IO[bytes]:
        archive = self._opened()
        if isinstance(archive, zipfile.ZipFile):
            return archive.open(name)
        stream = archive.extractfile(name)
        assert stream is not None  # links and folders are not in `sizes`
        return stream

    def _close(self) -> None:
        if self._file is not None:
            inner = getattr(self._file, "fileobj", None)
            self._file.close()
            if inner is not None:
                inner.close()
            self._file = None

    def _check(self, name: str, kind: str, size: int, max_member: int) -> None:
        archive = f"archive {str(self.path)!r}"
        if kind not in ("file", "folder"):
            raise InputError(f"{archive} holds a {kind}, {name!r}; only files and folders are read")
        windows = PureWindowsPath(name)
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if windows.drive or windows.root or ".." in parts or "\0" in name:
            raise InputError(
                f"{archive} holds {name!r}, which leads out of the folder that it is unpacked to"
            )
        if size > max_member:
            raise InputError(
                f"{archive} holds {name!r} of {size} bytes, more than the limit of {max_member}"
            )

    @contextmanager
    def _explained(self, name: str | None = None) -> Iterator[None]:
        what = f"archive {str(self.path)!r}" + (f", file {name!r}," if name else "")
        with reading(what, hint=". It may be an incomplete download; download it again"):
            try:
                yield
            except FileNotFoundError as error:
                raise InputError(f"there is no archive {str(self.path)!r}") from error


def unpack(
    archive: str | Path,
    folder: str | Path,
    *,
    max_member: int = MAX_MEMBER,
    max_total: int = MAX_TOTAL,
    progress: bool = False,
) -> Path:
    """Unpack an archive into a new folder atomically: the whole folder appears, or nothing.

    Parameters
    ----------
    archive
        Path of a zip or tar.
    folder
        Path of the new folder, which must not exist.
    max_member, max_total
        Largest size of one file, and of all files together, in bytes.
    progress
        Whether to show a progress bar when unpacking takes more than two seconds.

    Returns
    -------
    path : pathlib.Path
        The new folder.

    Raises
    ------
    InputError
        If the archive fails the checks of `Archive`, or the folder exists or is not writable.
    """
    target = Path(folder)
    if target.exists() or target.is_symlink():
        raise InputError(f"{str(target)!r} exists already; name a new folder")
    members = Archive(archive, max_member=max_member, max_total=max_total)
    temporary = target.with_name(f".{target.name}-{secrets.token_hex(6)}")
    bar = progress_bar(
        show=progress,
        total=sum(members.sizes.values()),
        description=f"unpacking {Path(archive).name}",
        unit="B",
        unit_scale=True,
    )
    try:
        try:
            temporary.mkdir(parents=True)
            for name in members.sizes:
                path = temporary.joinpath(*PurePosixPath(name.replace("\\", "/")).parts)
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("xb") as file:
                    for block in members.blocks(name):
                        file.write(block)
                        bar.update(len(block))
            os.replace(temporary, target)
        except OSError as error:
            raise InputError(
                f"{str(archive)!r} cannot be unpacked to {str(target)!r}: {error.strerror or error}"
            ) from error
    except BaseException:  # a KeyboardInterrupt, too, must leave no partial folder behind
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    finally:
        bar.close()
        members.close()
    return target


def _check_end(archive: tarfile.TarFile) -> None:
    """Check for the block of zeros that ends a tar; a truncated tar lacks it."""
    assert archive.fileobj is not None
    archive.fileobj.seek(archive.offset)
    if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise EOFError("its end is missing")


def _members(archive: zipfile.ZipFile | tarfile.TarFile) -> Iterator[tuple[str, str, int]]:
    """Yield name, kind and declared size in bytes of each member."""
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
