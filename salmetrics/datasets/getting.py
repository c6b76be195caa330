"""Files of data sets: found, got and unpacked, each as a whole or not at all."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from salmetrics.datasets.description import Description, SourceFile
from salmetrics.datasets.reading import place
from salmetrics.errors import InputError, check_choice
from salmetrics.io.archives import unpack
from salmetrics.io.downloads import download, file_digest
from salmetrics.io.files import check_file, replacing

__all__ = ["RECORD", "Getting", "named_archives"]

RECORD = "salmetrics.json"  # in folders that were filled here


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

    def get(self, source: SourceFile) -> None:
        """See to it that what a file holds is in the folder."""
        if place(self.folder, source.holds) is not None:
            return
        given = self.archives.get(source.name)
        path = self._kept(source) if given is None else given
        if given is not None:
            self._check(path, source.digests)
        self.folder.mkdir(parents=True, exist_ok=True)
        if source.is_archive:
            unpack(path, self.folder / (source.folder or source.name.replace(".", "-")))
        elif given is not None:
            with replacing(self.folder / source.name) as temporary:
                shutil.copyfile(given, temporary)
        if place(self.folder, source.holds) is None:
            raise InputError(
                f"{str(path)!r} holds no {source.holds!r}; it is not that of "
                f"{self.description.title}"
            )
        for name, digest in source.inside.items():
            inner = place(self.folder, name)
            if inner is not None:
                self._check(inner, (digest,))
        self._note(source, path)
        if given is None and source.is_archive:
            path.unlink()  # all of it is unpacked

    def _kept(self, source: SourceFile) -> Path:
        """Return a file that is in the folder already, or comes from the web now."""
        path = self.folder / source.name
        if path.is_file():
            self._check(path, source.digests)
            return path
        title, where = self.description.title, self.description.homepage
        then = f"put {source.name!r} into {str(self.folder)!r}, or give it as archive="
        if source.url is None:
            raise InputError(
                f"{title} needs {source.name!r}, which no program can get. {source.by_hand}; {then}"
            )
        by_hand = f"By hand: get it from {where}, and {then}"
        if not self.web:
            raise InputError(
                f"{str(self.folder)!r} holds no {source.holds!r} of {title}. {by_hand}"
            )
        return download(
            source.url,
            path,
            digests=source.digests,
            check=self.check,
            by_hand=by_hand,
            progress=self.progress,
        )

    def _check(self, path: Path, digests: Sequence[str]) -> None:
        if not digests:
            return
        found = f"md5:{file_digest(path, 'md5')}"
        if found in digests:
            return
        text = f"{str(path)!r} has {found}, not {' or '.join(digests)}"
        if self.check:
            raise InputError(
                f"{text}: it is damaged, or another file. check=False takes it as it is"
            )
        warnings.warn(text, stacklevel=5)

    def _note(self, source: SourceFile, path: Path) -> None:
        record = self.folder / RECORD
        known = json.loads(record.read_text("utf-8")) if record.exists() else {}
        known[source.name] = {"bytes": path.stat().st_size, "url": source.url}
        with replacing(record) as temporary:
            temporary.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
