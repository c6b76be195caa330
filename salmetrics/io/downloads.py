"""Downloads: resumable, verified by checksum, written atomically."""

from __future__ import annotations

import hashlib
import os
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from salmetrics.errors import InputError
from salmetrics.progress import progress_bar

__all__ = ["cache_folder", "download", "file_digest"]

_BLOCK = 2**16  # bytes; a connection that breaks loses less than this
_TRIES = 4  # attempts before a connection that breaks is an error
_WAIT = 1.0  # seconds before the second attempt; doubled before each further one without progress
_TIMEOUT = 30  # seconds without a byte
_LATER = (408, 429)  # HTTP status codes of servers that ask to try again later


def cache_folder() -> Path:
    """Return the folder of the variable SALMETRICS_CACHE, or the user's cache folder by default."""
    from platformdirs import user_cache_path

    folder = os.environ.get("SALMETRICS_CACHE")
    return Path(folder) if folder else user_cache_path("salmetrics")


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Return the digest of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def download(
    url: str,
    target: Path,
    *,
    digests: Sequence[str] = (),
    check: bool = True,
    by_hand: str,
    progress: bool = True,
) -> Path:
    """Download a file, resuming an interrupted download.

    Parameters
    ----------
    url
        Address of the file.
    target
        Path of the downloaded file; if it exists, nothing is downloaded. An incomplete download is
        stored beside it, in a file with the suffix ``.part``.
    digests
        Accepted digests, such as ``"md5:0d7d..."``; any file is accepted if there are none.
    check
        Whether a file with another digest is an error; otherwise there is a warning.
    by_hand
        Advice for error messages: how to get the file without this program.
    progress
        Whether to show a progress bar when the download takes more than two seconds.

    Returns
    -------
    path : pathlib.Path
        `target`.

    Raises
    ------
    InputError
        If the download fails, or the file has none of the digests.
    """
    from filelock import FileLock

    if target.exists():
        return target
    part = target.with_name(f"{target.name}.part")
    lock = target.with_name(f".{target.name}.lock")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):  # else two processes would append to the same file
            if not target.exists():
                resumed = part.exists()
                _complete(url, part, by_hand, progress=progress)
                if resumed and digests and not _is_one_of(part, digests):
                    part.unlink()  # its first bytes may be those of another file
                    _complete(url, part, by_hand, progress=progress)
                _check(part, url, digests, by_hand, check=check)
                os.replace(part, target)
            _tag_of(part).unlink(missing_ok=True)
            lock.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{url} cannot be saved in {str(target.parent)!r}: {error.strerror or error}. The part "
            "that was downloaded is kept; the same call resumes the download"
        ) from error
    return target


def _complete(url: str, part: Path, by_hand: str, *, progress: bool) -> None:
    """Download the missing rest of a file; retry when the connection breaks."""
    import requests

    wait = _WAIT
    for attempt in range(_TRIES):
        last = attempt == _TRIES - 1
        before = part.stat().st_size if part.exists() else 0
        try:
            _get(url, part, progress=progress)
        except requests.HTTPError as error:
            answer = error.response
            if last or (answer.status_code < 500 and answer.status_code not in _LATER):
                raise InputError(
                    f"{url} cannot be downloaded: the server answers {answer.status_code} "
                    f"{answer.reason}. {by_hand}"
                ) from error
        except (requests.RequestException, _CutOffError) as error:
            if last or isinstance(error, requests.exceptions.SSLError):
                n_bytes = part.stat().st_size if part.exists() else 0
                raise InputError(
                    f"{url} cannot be downloaded ({_reason(error)}); {n_bytes} bytes are kept, and "
                    f"the same call resumes the download. {by_hand}"
                ) from error
        else:
            return
        progressed = part.exists() and part.stat().st_size > before
        wait = _WAIT if progressed else 2 * wait
        time.sleep(wait)


class _CutOffError(Exception):
    """The connection ended before the file was complete, or the file on the server has changed."""


def _get(url: str, part: Path, *, progress: bool) -> None:
    """Append the missing bytes to a part, or start over if the server cannot resume."""
    import requests

    offset = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity", "User-Agent": "salmetrics"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if _tag_of(part).exists():  # the server sends the whole file if it has changed since
            headers["If-Range"] = _tag_of(part).read_text("utf-8")
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        if answer.status_code == 416:  # no bytes after the part: it is complete, or another file's
            length_in_full = answer.headers.get("Content-Range", "").rpartition("/")[2]
            if length_in_full == str(offset):
                return
            part.unlink()
            raise _CutOffError("the file has changed")
        answer.raise_for_status()
        if answer.status_code != 206 or not _resumes(answer, offset):
            offset = 0
            _store_tag(answer, part)
        length = answer.headers.get("Content-Length")
        size = None if length is None else offset + int(length)
        bar = progress_bar(
            show=progress,
            total=size,
            initial=offset,
            description=part.name.removesuffix(".part"),
            unit="B",
            unit_scale=True,
        )
        with part.open("ab" if offset else "wb") as file, bar:
            for block in answer.iter_content(_BLOCK):
                file.write(block)
                bar.update(len(block))
        n_bytes = part.stat().st_size
        if size is not None and n_bytes < size:
            raise _CutOffError(f"cut off after {n_bytes} of {size} bytes")
        if size is not None and n_bytes > size:
            part.unlink()
            raise _CutOffError(f"the server sent {n_bytes} bytes instead of {size}")


def _tag_of(part: Path) -> Path:
    """Return the path of the server's version tag for a part."""
    return part.with_name(f".{part.name}-tag")


def _store_tag(answer: Any, part: Path) -> None:
    """Store the server's tag of the version being downloaded; weak tags don't identify bytes."""
    tag = answer.headers.get("ETag", "")
    if not tag or tag.startswith("W/"):
        tag = answer.headers.get("Last-Modified", "")
    if tag:
        _tag_of(part).write_text(tag, "utf-8")
    else:
        _tag_of(part).unlink(missing_ok=True)


def _resumes(answer: Any, offset: int) -> bool:
    """Whether a partial answer begins at the requested byte."""
    return str(answer.headers.get("Content-Range", "")).startswith(f"bytes {offset}-")


def _reason(error: Exception) -> str:
    """Describe a network error in a few words."""
    import requests

    words: list[tuple[type[Exception], str]] = [
        (requests.Timeout, f"no answer within {_TIMEOUT} s"),
        (requests.exceptions.SSLError, "its certificate is not trusted"),
        (requests.exceptions.ChunkedEncodingError, "the connection broke"),
        (requests.ConnectionError, "the server cannot be reached, or the connection broke"),
    ]
    known = [text for kind, text in words if isinstance(error, kind)]
    return known[0] if known else str(error)


def _is_one_of(path: Path, digests: Sequence[str]) -> bool:
    return any(f"{kind}:{file_digest(path, kind)}" in digests for kind in _kinds(digests))


def _kinds(digests: Sequence[str]) -> set[str]:
    return {digest.partition(":")[0] for digest in digests}


def _check(part: Path, url: str, digests: Sequence[str], by_hand: str, *, check: bool) -> None:
    """Check the digest of a downloaded file; remove the file if it is another one."""
    if not digests:
        return
    if _is_one_of(part, digests):
        return
    actual = [f"{kind}:{file_digest(part, kind)}" for kind in sorted(_kinds(digests))]
    text = f"{url} is another file than expected: {', '.join(actual)}, not {digests[0]}"
    if check:
        part.unlink()
        raise InputError(f"{text}. It was removed; check=False accepts it. {by_hand}")
    warnings.warn(text, stacklevel=4)
