"""The text of files of any encoding, packed or not."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from salmetrics.errors import InputError

__all__ = ["content_of", "decoded"]

_BINARY = {
    b"PK\x03\x04": "an Excel workbook or a zip archive; save the table as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save the table as CSV",
    b"\x89HDF": "an HDF5 file; a data set of salmetrics is read with salmetrics.read_hdf5",
    b"PAR1": "a Parquet file; its name must end in .parquet",
    b"ARROW1": "a Feather file; its name must end in .feather",
    b"%PDF": "a PDF document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
}
_BOMS = (  # UTF-32 first, because its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded(content: bytes, encoding: str | None = None) -> tuple[str, str | None]:
    """Return the text of a file's bytes, and what is to be said if the encoding is a guess.

    Parameters
    ----------
    content
        All bytes of the file.
    encoding
        Encoding; by default that of the byte order mark; UTF-16 if every second of the first bytes
        is 0; UTF-8 if the bytes are valid; else that of Windows for Western European languages,
        which includes Latin-1.

    Raises
    ------
    InputError
        If the encoding is unknown, the bytes are invalid in it, or they are not text.
    """
    if encoding is not None:
        try:
            return content.decode(encoding).removeprefix("\ufeff"), None
        except (LookupError, UnicodeDecodeError) as error:
            raise InputError(f"encoding={encoding!r} does not fit: {error}") from error
    for start, kind in _BINARY.items():
        if content.startswith(start):
            raise InputError(f"this is {kind}")
    encoding = next((name for bom, name in _BOMS if content.startswith(bom)), None)
    encoding = encoding or _utf16_without_mark(content)
    if encoding is not None:
        try:
            return content.decode(encoding), None
        except UnicodeDecodeError as error:
            raise InputError(f"this is no text in {encoding}: {error}; give encoding=") from error
    if b"\0" in content:
        raise InputError("this is not a table of text: it has bytes that are 0")
    for encoding in ("utf-8", "cp1252", "latin-1"):  # the last one has a character for each byte
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        break
    if encoding == "utf-8":
        return text, None
    said = (
        f"the text is not UTF-8, and is read as {encoding}, of Western European languages; if it "
        "is in another encoding, give encoding="
    )
    return text, said


def _utf16_without_mark(content: bytes) -> str | None:
    """Return "utf-16-le" or "utf-16-be" for mostly Western text in it, else None."""
    head = np.frombuffer(content[: 2 * (min(len(content), 4096) // 2)], np.uint8)
    if head.size < 4:
        return None
    even, odd = (head[::2] == 0).mean(), (head[1::2] == 0).mean()
    if even == 0 and odd > 0.5:
        return "utf-16-le"
    return "utf-16-be" if odd == 0 and even > 0.5 else None


def content_of(path: Path) -> bytes:
    """Return the bytes of a file, unpacked.

    Parameters
    ----------
    path
        Path of the file; .gz, .bz2, .xz and .zip with one file are unpacked.

    Raises
    ------
    InputError
        If the file cannot be read or unpacked, or an archive has several files.
    """
    openers: dict[str, Any] = {".bz2": bz2.open, ".gz": gzip.open, ".xz": lzma.open}
    suffix = path.suffix.lower()
    try:
        if suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                names = [info.filename for info in archive.infolist() if not _is_aside(info)]
                if len(names) != 1:
                    raise InputError(
                        f"a zip archive with one table is read; this one has {len(names)} files"
                    )
                return archive.read(names[0])
        with openers.get(suffix, partial(open, mode="rb"))(path) as file:
            content: bytes = file.read()
            return content
    except (EOFError, lzma.LZMAError, zipfile.BadZipFile, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"it cannot be unpacked: {error}") from error
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror or error}") from error


def _is_aside(info: zipfile.ZipInfo) -> bool:
    """Whether an entry of a zip archive is a folder or a file that systems add by themselves."""
    parts = info.filename.split("/")
    return info.is_dir() or "__MACOSX" in parts or parts[-1].startswith(".")
