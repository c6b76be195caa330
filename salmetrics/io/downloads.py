"""Files from the web: resumed, checked, and there as a whole or not at all."""

from __future__ import annotations

import hashlib
import os
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from salmetrics.errors import InputError

__all__ = ["cache_folder", "download", "file_digest"]

_BLOCK = 2**16  # bytes; less than this is lost when a connection breaks
_TRIES = 4  # of a connection that breaks
_WAIT = 1.0  # seconds before the second, and twice as many before each next
_TIMEOUT = 30  # seconds without a byte
_LATER = (408, 429)  # what servers say that can't now


def cache_folder() -> Path:
    """Return the folder SALMETRICS_CACHE, or ``salmetrics`` in the user's cache folder."""
    from platformdirs import user_cache_path

    given = os.environ.get("SALMETRICS_CACHE")
    return Path(given) if given else user_cache_path("salmetrics")


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Return the digest of a file, in hexadecimal digits."""
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
    """Get a file; what was got of it before an interruption is not got again.

    Parameters
    ----------
    url
        Where it is.
    target
        Where it goes; nothing is done if it is there. What is there in part is beside it, in a
        file that ends in ``.part``.
    digests
        Those it may have, such as ``"md5:0d7d..."``; none: any.
    check
        Whether another digest is an error; a warning else.
    by_hand
        What a message says can be done instead.
    progress
        Show a bar on standard error when it takes more than two seconds.

    Raises
    ------
    InputError
        If it can't be got, or is another file.
    """
    from filelock import FileLock

    if target.exists():
        return target
    part = target.with_name(f"{target.name}.part")
    lock = target.with_name(f".{target.name}.lock")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):  # two processes would write into one part
            if not target.exists():
                resumed = part.exists()
                _complete(url, part, by_hand, progress=progress)
                if resumed and digests and not _is_one_of(part, digests):
                    part.unlink()  # perhaps it was a part of another file
                    _complete(url, part, by_hand, progress=progress)
                _check(part, url, digests, by_hand, check=check)
                os.replace(part, target)
            _tag_of(part).unlink(missing_ok=True)
            lock.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{url} can't be saved in {str(target.parent)!r}: {error.strerror or error}. What is "
            "there of it is kept; the same call goes on from there"
        ) from error
    return target


def _complete(url: str, part: Path, by_hand: str, *, progress: bool) -> None:
    """Get what is missing of a file; try again when the connection breaks."""
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
                    f"{url} can't be got: the server says {answer.status_code} {answer.reason}. "
                    f"{by_hand}"
                ) from error
        except (requests.RequestException, _CutOffError) as error:
            if last or isinstance(error, requests.exceptions.SSLError):
                there = part.stat().st_size if part.exists() else 0
                raise InputError(
                    f"{url} can't be got ({_reason(error)}); {there} bytes are kept, and the same "
                    f"call goes on from there. {by_hand}"
                ) from error
        else:
            return
        moved = part.exists() and part.stat().st_size > before
        wait = _WAIT if moved else 2 * wait
        time.sleep(wait)


class _CutOffError(Exception):
    """The connection ended before the file did, or the file is not what it was."""


def _get(url: str, part: Path, *, progress: bool) -> None:
    """Append to a part what is missing of it, or begin again if the server can't go on."""
    import requests
    from tqdm import tqdm

    there = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity", "User-Agent": "salmetrics"}
    if there:
        headers["Range"] = f"bytes={there}-"
        if _tag_of(part).exists():  # else all of it comes again, if it has changed meanwhile
            headers["If-Range"] = _tag_of(part).read_text("utf-8")
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        if answer.status_code == 416:  # nothing is behind the part: it is whole, or another file's
            whole = answer.headers.get("Content-Range", "").rpartition("/")[2]
            if whole == str(there):
                return
            part.unlink()
            raise _CutOffError("the file has changed")
        answer.raise_for_status()
        if answer.status_code != 206 or not _goes_on(answer, there):
            there = 0
            _remember(answer, part)
        length = answer.headers.get("Content-Length")
        size = None if length is None else there + int(length)
        bar = tqdm(
            total=size,
            initial=there,
            desc=part.name.removesuffix(".part"),
            unit="B",
            unit_scale=True,
            delay=2,
            disable=not progress,
        )
        with part.open("ab" if there else "wb") as file, bar:
            for block in answer.iter_content(_BLOCK):
                file.write(block)
                bar.update(len(block))
        found = part.stat().st_size
        if size is not None and found < size:
            raise _CutOffError(f"cut off after {found} of {size} bytes")
        if size is not None and found > size:
            part.unlink()
            raise _CutOffError(f"{found} bytes came, of {size}")


def _tag_of(part: Path) -> Path:
    """Where the server's mark of the version is, that a part is of."""
    return part.with_name(f".{part.name}-tag")


def _remember(answer: Any, part: Path) -> None:
    """Keep the mark of the version that a part is of; weak ones can't tell."""
    tag = answer.headers.get("ETag", "")
    if not tag or tag.startswith("W/"):
        tag = answer.headers.get("Last-Modified", "")
    if tag:
        _tag_of(part).write_text(tag, "utf-8")
    else:
        _tag_of(part).unlink(missing_ok=True)


def _goes_on(answer: Any, there: int) -> bool:
    """Whether an answer with part of a file begins where it was asked to."""
    return str(answer.headers.get("Content-Range", "")).startswith(f"bytes {there}-")


def _reason(error: Exception) -> str:
    """Say in a few words what went wrong."""
    import requests

    words: list[tuple[type[Exception], str]] = [
        (requests.Timeout, f"no answer within {_TIMEOUT} s"),
        (requests.exceptions.SSLError, "its certificate is not trusted"),
        (requests.exceptions.ChunkedEncodingError, "the connection broke"),
        (requests.ConnectionError, "it can't be reached, or the connection broke"),
    ]
    known = [text for kind, text in words if isinstance(error, kind)]
    return known[0] if known else str(error)


def _is_one_of(path: Path, digests: Sequence[str]) -> bool:
    return any(f"{kind}:{file_digest(path, kind)}" in digests for kind in _kinds(digests))


def _kinds(digests: Sequence[str]) -> set[str]:
    return {digest.partition(":")[0] for digest in digests}


def _check(part: Path, url: str, digests: Sequence[str], by_hand: str, *, check: bool) -> None:
    """Check the digest of a file that has come; remove another one."""
    if not digests:
        return
    if _is_one_of(part, digests):
        return
    found = [f"{kind}:{file_digest(part, kind)}" for kind in sorted(_kinds(digests))]
    text = f"{url} is another file than expected: {', '.join(found)}, not {digests[0]}"
    if check:
        part.unlink()
        raise InputError(f"{text}. It was removed; check=False takes it as it is. {by_hand}")
    warnings.warn(text, stacklevel=4)
