"""Files of data sets: located, downloaded, verified and unpacked, each atomically."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from salmetrics.datasets.description import Description, SourceFile
from salmetrics.datasets.reading import find_path
from salmetrics.errors import InputError, check_choice
from salmetrics.io.archives import unpack
from salmetrics.io.downloads import download, file_digest
from salmetrics.io.files import check_file, replacing, write_text

__all__ = ["Getting", "named_archives"]

_RECORD = "salmetrics.json"  # in folders that salmetrics filled
_LOCK = ".salmetrics-lock"
_WORK = ".salmetrics-unpacking"


def named_archives(
    archive: str | Path | Sequence[str | Path] | None, description: Description
) -> dict[str, Path]:
    """Return the archives of the user by their published names."""
    if archive is None:
        return {}
    if not description.files:
        raise InputError(
            f"{description.name!r} comes with salmetrics and has no archives; leave archive= out"
        )
    paths = [archive] if isinstance(archive, (str, Path)) else list(archive)
    names = [source.name for source in description.files]
    if len(paths) == 1 == len(names):  # its name does not matter
        return {names[0]: check_file(paths[0])}
    archives = {}
    for path in paths:
        check_choice(f"name of archive {str(path)!r}", Path(path).name, names)
        archives[Path(path).name] = check_file(path)
    return archives


@dataclass(frozen=True)
class Getting:
    """Brings the files of a data set into its folder.

    Parameters
    ----------
    description
        Facts about the data set.
    folder
        Folder of its files, created when needed.
    archives
        Archives of the user, by published name.
    web
        Whether missing files are downloaded.
    check
        Whether another checksum is an error; otherwise there is a warning.
    progress
        Whether to show progress bars.
    """

    description: Description
    folder: Path
    archives: Mapping[str, Path]
    web: bool
    check: bool
    progress: bool

    @property
    def filled_here(self) -> bool:
        """Whether this class has put files into the folder."""
        return (self.folder / _RECORD).exists()

    def get(self, source: SourceFile) -> None:
        """Ensure that the content of a published file is in the folder, and has its checksum.

        Raises
        ------
        InputError
            If the file cannot be downloaded or written, or fails its checks; the folder then holds
            nothing of it.
        """
        try:
            if not self._is_present(source):
                self._fetch(source)
        except OSError as error:
            raise InputError(
                f"{source.name!r} of {self.description.title} cannot be written to "
                f"{str(self.folder)!r}: {error.strerror or error}"
            ) from error

    def _is_present(self, source: SourceFile) -> bool:
        path = find_path(self.folder, source.holds)
        if path is None:
            return False
        entry = self._record().get(source.name)
        if entry is not None:
            self._compare(str(path), entry["digest"], source.digests)
        elif not source.is_archive:
            self._check(path, source.digests)
        return True

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Lock the folder for writing, and remove what killed processes left in it."""
        from filelock import FileLock

        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / _LOCK):
            shutil.rmtree(self.folder / _WORK, ignore_errors=True)
            for name in (_RECORD, f"{self.description.name}-*.h5"):
                for temporary in self.folder.glob(f".{name}-{'[0-9a-f]' * 12}"):
                    temporary.unlink(missing_ok=True)
            yield

    def _fetch(self, source: SourceFile) -> None:
        """Copy, unpack or download a file into the folder."""
        user_path = self.archives.get(source.name)
        target = self.folder / source.name
        if user_path is None and not target.is_file():
            self._check_web(source)
        with self.alone():
            if self._is_present(source):  # another process was faster
                return
            is_new = user_path is None and not target.is_file()
            path = self._download(source, target) if is_new else user_path or target
            digest = self._check(path, source.digests)
            if source.is_archive:
                self._unpack(source, path, digest, keep=not is_new)
            else:
                self._add_to_record(source, path, digest)
                if path != target:
                    with replacing(target) as temporary:
                        shutil.copyfile(path, temporary)

    def _unpack(self, source: SourceFile, path: Path, digest: str, *, keep: bool) -> None:
        """Unpack an archive, check its content, and only then move it to its place."""
        work, name = self.folder / _WORK, source.folder or source.name.replace(".", "-")
        try:
            work.mkdir()
            unpacked = unpack(path, work / name, progress=self.progress)
            if find_path(work, source.holds) is None:
                raise InputError(
                    f"{str(path)!r} lacks {source.holds!r}, so it is not the archive of "
                    f"{self.description.title}"
                )
            for inside, expected in source.inside.items():
                inner = find_path(work, inside)
                if inner is not None:
                    self._check(inner, (expected,))
            if (self.folder / name).exists():  # its content was removed
                shutil.rmtree(self.folder / name)
            # before the move, so that the record holds everything in the folder
            self._add_to_record(source, path, digest)
            os.replace(unpacked, self.folder / name)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        if not keep:
            path.unlink(missing_ok=True)  # its content is unpacked

    def _by_hand(self, source: SourceFile) -> str:
        place = f"put {source.name!r} into {str(self.folder)!r}, or pass its path as archive="
        if source.url is None:
            return f"{source.by_hand}; {place}"
        return f"By hand: download it from {self.description.homepage}, and {place}"

    def _check_web(self, source: SourceFile) -> None:
        """Raise `InputError` unless a file may be downloaded."""
        title = self.description.title
        if source.url is None:
            raise InputError(
                f"{title} needs {source.name!r}, which can only be downloaded by hand. "
                f"{self._by_hand(source)}"
            )
        if not self.web:
            raise InputError(
                f"{str(self.folder)!r} lacks {source.holds!r} of {title}; `salmetrics datasets get "
                f"{self.description.name}` downloads it. {self._by_hand(source)}"
            )

    def _download(self, source: SourceFile, target: Path) -> Path:
        assert source.url is not None
        return download(
            source.url,
            target,
            digests=source.digests,
            check=self.check,
            by_hand=self._by_hand(source),
            progress=self.progress,
        )

    def _check(self, path: Path, digests: Sequence[str]) -> str:
        """Return the digest of a file, after comparing it with the accepted ones."""
        digest = f"md5:{file_digest(path, 'md5')}"
        self._compare(str(path), digest, digests)
        return digest

    def _compare(self, path: str, digest: str, digests: Sequence[str]) -> None:
        if not digests or digest in digests:
            return
        text = f"{path!r} has {digest}, not {' or '.join(digests)}"
        if self.check:
            raise InputError(f"{text}: it is damaged, or another file. check=False accepts it")
        warnings.warn(text, stacklevel=6)

    def _record(self) -> dict[str, Any]:
        """Return the files that salmetrics has put into the folder, by name."""
        path = self.folder / _RECORD
        if not path.exists():
            return {}
        try:
            record: dict[str, Any] = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise InputError(f"{str(path)!r} is damaged; remove it") from error
        return record

    def _add_to_record(self, source: SourceFile, path: Path, digest: str) -> None:
        record = self._record()
        record[source.name] = {"bytes": path.stat().st_size, "url": source.url, "digest": digest}
        write_text(self.folder / _RECORD, json.dumps(record, indent=1) + "\n")
