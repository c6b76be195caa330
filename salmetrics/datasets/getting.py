"""Files of data sets: found, got and unpacked, each as a whole or not at all."""

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
from salmetrics.datasets.reading import place
from salmetrics.errors import InputError, check_choice
from salmetrics.io.archives import unpack
from salmetrics.io.downloads import download, file_digest
from salmetrics.io.files import check_file, replacing

__all__ = ["Getting", "named_archives"]

_RECORD = "salmetrics.json"  # in folders that were filled here
_LOCK = ".salmetrics-lock"
_WORK = ".salmetrics-unpacking"


def named_archives(
    archive: str | Path | Sequence[str | Path] | None, description: Description
) -> dict[str, Path]:
    """Return the archives that a user has, by the names that they have on the web."""
    if archive is None:
        return {}
    given = [archive] if isinstance(archive, (str, Path)) else list(archive)
    known = [source.name for source in description.files]
    if len(given) == 1 == len(known):  # whatever it is called
        return {known[0]: check_file(given[0])}
    found = {}
    for path in given:
        check_choice(f"name of archive {str(path)!r}", Path(path).name, known)
        found[Path(path).name] = check_file(path)
    return found


@dataclass(frozen=True)
class Getting:
    """How the files of a data set come into its folder.

    Attributes
    ----------
    description
        Of the data set.
    folder
        Where its files are, or go.
    archives
        Those that the user has, by name.
    web
        Whether others are got from the web.
    check
        Whether another checksum is an error; a warning else.
    progress
        Whether bars are shown.
    """

    description: Description
    folder: Path
    archives: Mapping[str, Path]
    web: bool
    check: bool
    progress: bool

    @property
    def filled_here(self) -> bool:
        """Whether something was put into the folder by this class."""
        return (self.folder / _RECORD).exists()

    def get(self, source: SourceFile) -> None:
        """See to it that what a file holds is in the folder, and is what was published.

        Raises
        ------
        InputError
            If it can't be got, written or trusted; nothing of it is in its place then.
        """
        try:
            if not self._is_there(source):
                self._fetch(source)
        except OSError as error:
            raise InputError(
                f"{source.name!r} of {self.description.title} can't be put into "
                f"{str(self.folder)!r}: {error.strerror or error}"
            ) from error

    def _is_there(self, source: SourceFile) -> bool:
        found = place(self.folder, source.holds)
        if found is None:
            return False
        known = self._record().get(source.name)
        if known is not None:
            self._compare(str(found), known["digest"], source.digests)
        elif not source.is_archive:
            self._check(found, source.digests)
        return True

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let one process at a time write into the folder; what killed ones left is removed."""
        from filelock import FileLock

        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / _LOCK):
            shutil.rmtree(self.folder / _WORK, ignore_errors=True)
            for name in (_RECORD, f"{self.description.name}-*.h5"):
                for left in self.folder.glob(f".{name}-{'[0-9a-f]' * 12}"):
                    left.unlink(missing_ok=True)
            yield

    def _fetch(self, source: SourceFile) -> None:
        """Bring a file into its place."""
        given = self.archives.get(source.name)
        here = self.folder / source.name
        if given is None and not here.is_file():
            self._check_web(source)
        with self.alone():
            if self._is_there(source):  # another process was faster
                return
            is_new = given is None and not here.is_file()
            path = self._downloaded(source, here) if is_new else given or here
            digest = self._check(path, source.digests)
            if source.is_archive:
                self._unpacked(source, path, digest, keep=not is_new)
            else:
                self._note(source, path, digest)
                if path != here:
                    with replacing(here) as temporary:
                        shutil.copyfile(path, temporary)

    def _unpacked(self, source: SourceFile, path: Path, digest: str, *, keep: bool) -> None:
        """Unpack an archive, check what it holds, and only then give that its place."""
        work, name = self.folder / _WORK, source.folder or source.name.replace(".", "-")
        try:
            work.mkdir()
            made = unpack(path, work / name, progress=self.progress)
            if place(work, source.holds) is None:
                raise InputError(
                    f"{str(path)!r} holds no {source.holds!r}; it is not that of "
                    f"{self.description.title}"
                )
            for inside, expected in source.inside.items():
                inner = place(work, inside)
                if inner is not None:
                    self._check(inner, (expected,))
            if (self.folder / name).exists():  # what was in it is gone
                shutil.rmtree(self.folder / name)
            self._note(source, path, digest)  # first: what has its place is noted
            os.replace(made, self.folder / name)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        if not keep:
            path.unlink(missing_ok=True)  # all of it is unpacked

    def _by_hand(self, source: SourceFile) -> str:
        where = f"put {source.name!r} into {str(self.folder)!r}, or give it as archive="
        if source.url is None:
            return f"{source.by_hand}; {where}"
        return f"By hand: get it from {self.description.homepage}, and {where}"

    def _check_web(self, source: SourceFile) -> None:
        """Raise `InputError` unless a file may come from the web."""
        title = self.description.title
        if source.url is None:
            raise InputError(
                f"{title} needs {source.name!r}, which no program can get. {self._by_hand(source)}"
            )
        if not self.web:
            raise InputError(
                f"{str(self.folder)!r} holds no {source.holds!r} of {title}; `salmetrics datasets "
                f"get {self.description.name}` gets it. {self._by_hand(source)}"
            )

    def _downloaded(self, source: SourceFile, here: Path) -> Path:
        assert source.url is not None
        return download(
            source.url,
            here,
            digests=source.digests,
            check=self.check,
            by_hand=self._by_hand(source),
            progress=self.progress,
        )

    def _check(self, path: Path, digests: Sequence[str]) -> str:
        """Return the digest of a file; complain if it should be another."""
        found = f"md5:{file_digest(path, 'md5')}"
        self._compare(str(path), found, digests)
        return found

    def _compare(self, what: str, found: str, digests: Sequence[str]) -> None:
        if not digests or found in digests:
            return
        text = f"{what!r} has {found}, not {' or '.join(digests)}"
        if self.check:
            raise InputError(
                f"{text}: it is damaged, or another file. check=False takes it as it is"
            )
        warnings.warn(text, stacklevel=6)

    def _record(self) -> dict[str, Any]:
        """Return what was put into the folder here."""
        path = self.folder / _RECORD
        if not path.exists():
            return {}
        try:
            known: dict[str, Any] = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise InputError(f"{str(path)!r} is damaged; remove it") from error
        return known

    def _note(self, source: SourceFile, path: Path, digest: str) -> None:
        known = self._record()
        known[source.name] = {"bytes": path.stat().st_size, "url": source.url, "digest": digest}
        with replacing(self.folder / _RECORD) as temporary:
            temporary.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
