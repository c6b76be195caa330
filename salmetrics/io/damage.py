"""Errors of damaged and unusual files: those of all libraries that read files, as one."""

from __future__ import annotations

import json
import lzma
import struct
import tarfile
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

from salmetrics.errors import InputError

__all__ = ["reading", "why"]

_LONGEST = 200  # characters of a library's message that are quoted
# NameError and AssertionError are missing: they are mistakes of programs, whatever a file holds
_DAMAGE: tuple[type[Exception], ...] = (
    AttributeError,
    EOFError,
    Image.DecompressionBombError,
    LookupError,
    MemoryError,  # a header that declares a large array
    OSError,
    OverflowError,
    RuntimeError,  # also NotImplementedError, and the RecursionError of nested JSON
    SyntaxError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    tarfile.TarError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


@contextmanager
def reading(what: str, problem: str = "cannot be read", *, hint: str = "") -> Iterator[None]:
    """Turn errors of the libraries that read files into an `InputError` of one line.

    Only statements that read or convert the content of a file belong into the block, as their
    mistakes would be reported as damage, too.

    Parameters
    ----------
    what
        What is read, which begins the message.
    problem
        What is wrong with it.
    hint
        What to do, which ends the message.

    Raises
    ------
    InputError
        Instead of an error that a file of unexpected content causes.
    """
    from scipy.io.matlab import MatReadError

    try:
        yield
    except InputError:
        raise
    except (*_DAMAGE, MatReadError) as error:
        raise InputError(f"{what} {problem}: {why(error)}{hint}") from error


def why(error: BaseException) -> str:
    """Return the message of an error in one line; with its class where it alone says little."""
    if isinstance(error, UnidentifiedImageError):
        return "it is no image, or of an unknown format"
    if isinstance(error, json.JSONDecodeError):
        return f"it is not JSON ({error})"
    text = " ".join(str(error).split()).rstrip(": ")
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]} ..."
    if not text or isinstance(error, (AttributeError, LookupError, TypeError)):
        return f"{type(error).__name__} {text}".rstrip()
    return text
