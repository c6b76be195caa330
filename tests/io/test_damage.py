"""Errors of damaged files: those of libraries become one line, mistakes of programs stay."""

import io
import json
import lzma
import re
import struct
import tarfile
import tokenize
import zipfile
import zlib

import pytest
from PIL import Image, UnidentifiedImageError
from scipy.io.matlab import MatReadError

from salmetrics import InputError
from salmetrics.io.damage import reading, why

DAMAGE = [
    AttributeError("x"),
    EOFError(),
    IndexError("x"),
    KeyError("x"),
    MatReadError("x"),
    MemoryError(),
    NotImplementedError("x"),
    OSError(5, "x"),
    OverflowError("x"),
    RecursionError("x"),
    SyntaxError("x"),
    TypeError("x"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
    lzma.LZMAError("x"),
    struct.error("x"),
    tarfile.ReadError("x"),
    tokenize.TokenError("x", (1, 2)),
    zipfile.BadZipFile("x"),
    zlib.error("x"),
]


@pytest.mark.parametrize("error", DAMAGE, ids=lambda error: type(error).__name__)
def test_errors_of_libraries(error):
    with (
        pytest.raises(InputError, match=r"^the map cannot be read: ") as caught,
        reading("the map"),
    ):
        raise error
    assert caught.value.__cause__ is error
    assert str(caught.value).count("\n") == 0
    assert not re.search(r": *$", str(caught.value))


@pytest.mark.parametrize("error", [NameError("x"), AssertionError(), ZeroDivisionError()])
def test_mistakes_of_programs_stay(error):
    with pytest.raises(type(error)), reading("x"):
        raise error


def test_errors_that_say_enough_stay():
    with pytest.raises(InputError, match=r"^mine$"), reading("x"):
        raise InputError("mine")


def test_parts_of_the_message():
    with (
        pytest.raises(InputError, match=r"^x is damaged: KeyError 'y'\. Try again$"),
        reading("x", "is damaged", hint=". Try again"),
    ):
        raise KeyError("y")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("two\n  lines: "), "two lines"),
        (EOFError(), "EOFError"),
        (IndexError("list index out of range"), "IndexError list index out of range"),
        (ValueError("x" * 1000), "x" * 200 + " ..."),
    ],
)
def test_why(error, text):
    assert why(error) == text


def test_words_of_libraries_that_say_little():
    with pytest.raises(UnidentifiedImageError) as image:
        Image.open(io.BytesIO(b"no image"))
    assert why(image.value) == "it is no image, or of an unknown format"
    with pytest.raises(json.JSONDecodeError) as text:
        json.loads("{")
    assert why(text.value).startswith("it is not JSON (Expecting property name")
