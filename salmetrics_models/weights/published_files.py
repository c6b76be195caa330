"""Published files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from salmetrics.errors import InputError, some
from salmetrics.io.downloads import cache_folder, download, file_digest
from salmetrics.io.files import replacing


@dataclass(frozen=True)
class PublishedFile:
    """A file of weights on the web."""

    name: str
    url: str


_RELEASES = "https://github.com/matthias-k/DeepGaze/releases/download"


PUBLISHED = {
    "deepgaze1": PublishedFile("deepgaze1.pth", f"{_RELEASES}/v1.01/deepgaze1.pth"),
    "deepgaze2e": PublishedFile("deepgaze2e.pth", f"{_RELEASES}/v1.0.0/deepgaze2e.pth"),
    "centerbias_mit1003": PublishedFile(
        "centerbias_mit1003.npy", f"{_RELEASES}/v1.0.0/centerbias_mit1003.npy"
    ),
}


def cached(name: str) -> Path:
    """Return the path of a published file in the cache; get it first, if it isn't there.

    The cache is the folder SALMETRICS_CACHE, or ``salmetrics`` in the user's cache folder. The
    SHA-256 of a file is recorded when it is got, and checked ever after.

    Raises
    ------
    InputError
        If there is no such file, it can't be got, or it has changed since.
    """
    if name not in PUBLISHED:
        raise InputError(
            f"no published weights are called {name!r}; there are {some([*PUBLISHED])}"
        )
    published = PUBLISHED[name]
    folder = cache_folder()
    target, record = folder / published.name, folder / "sha256.json"
    pinned = _recorded(record)
    known = pinned.get(published.name)
    if target.exists() and known not in (None, file_digest(target)):
        raise InputError(f"{str(target)!r} has changed since it was got; remove it to get it anew")
    download(
        published.url,
        target,
        digests=() if known is None else [f"sha256:{known}"],
        by_hand=f"Get it on another machine, and give its path, or put it into {str(folder)!r}",
    )
    if known is None:  # it came just now, or somebody put it there
        _record(record, pinned | {published.name: file_digest(target)})
    return target


def _recorded(path: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    except json.JSONDecodeError as error:
        raise InputError(f"{str(path)!r} is damaged; remove it") from error
    return found


def _record(path: Path, digests: Mapping[str, str]) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(dict(digests), indent=1), "utf-8")
