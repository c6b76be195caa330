"""Weights that the authors of models published: downloaded once, and verified ever after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from salmetrics.errors import InputError, some
from salmetrics.io.downloads import cache_folder, download, file_digest
from salmetrics.io.files import replacing

__all__ = ["PUBLISHED", "PublishedFile", "cached"]


@dataclass(frozen=True)
class PublishedFile:
    """A file on the web.

    Attributes
    ----------
    name
        Name of the file in the cache.
    url
        Address of the file.
    """

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
    """Return the path of a published file in the cache, after downloading it if it is missing.

    The cache is the folder SALMETRICS_CACHE, or ``salmetrics`` in the user's cache folder. The
    SHA-256 of a file is recorded when it is downloaded, and verified in every later call.

    Parameters
    ----------
    name
        A key of `PUBLISHED`.

    Returns
    -------
    path : pathlib.Path

    Raises
    ------
    InputError
        If nothing is published under that name, the download fails, or the file has changed.
    """
    if name not in PUBLISHED:
        raise InputError(
            f"no published weights are called {name!r}; the published ones are {some([*PUBLISHED])}"
        )
    published = PUBLISHED[name]
    folder = cache_folder()
    target, record = folder / published.name, folder / "sha256.json"
    pinned = _recorded(record)
    known = pinned.get(published.name)
    if target.exists() and known not in (None, file_digest(target)):
        raise InputError(
            f"{str(target)!r} has changed since it was downloaded; remove it to download it again"
        )
    download(
        published.url,
        target,
        digests=() if known is None else [f"sha256:{known}"],
        by_hand=(
            f"Download it on another machine, and give its path or put it into {str(folder)!r}"
        ),
    )
    if known is None:  # downloaded just now, or put into the folder by hand
        _record(record, pinned | {published.name: file_digest(target)})
    return target


def _recorded(path: Path) -> dict[str, str]:
    try:
        digests: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    except json.JSONDecodeError as error:
        raise InputError(f"{str(path)!r} is damaged; remove it") from error
    return digests


def _record(path: Path, digests: Mapping[str, str]) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(dict(digests), indent=1), "utf-8")
