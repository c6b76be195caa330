"""The checks of options: what passes, what comes back, and what each message says."""

import errno

import numpy as np
import pytest

import salmetrics
from salmetrics.errors import (
    CollectedInputError,
    InputError,
    NeedsDensityError,
    NotSavedWarning,
    call_all,
    check_choice,
    check_list,
    check_whole,
    described,
    is_number,
    is_whole,
    quoted,
    shortened,
    some,
    why_not_written,
)


def test_the_error_is_a_value_error_that_users_can_import():
    assert salmetrics.InputError is InputError
    assert issubclass(InputError, ValueError)
    assert issubclass(NeedsDensityError, InputError)
    assert issubclass(NeedsDensityError, TypeError)


def test_choice():
    check_choice("step", None, (None, 1))
    check_choice("key", "a", {"a": 1})
    with pytest.raises(InputError) as error:
        check_choice("key", "c", iter("ab"))  # an iterator is read once
    assert str(error.value) == "key must be one of 'a', 'b'; got 'c'"


@pytest.mark.parametrize("values", [["a"], ("a",), {"a": 1}, (x for x in "a")])
def test_list(values):
    assert check_list("names", values) == ["a"]


@pytest.mark.parametrize("value", ["ab", b"ab", 3, None])
def test_one_value_is_no_list(value):
    with pytest.raises(InputError) as error:
        check_list("names", value)
    assert str(error.value) == f"names must be a list; got {value!r}"


@pytest.mark.parametrize("value", [2, np.int64(2), np.uint8(2)])
def test_whole(value):
    checked = check_whole("n", value, 2)
    assert (checked, type(checked)) == (2, int)


@pytest.mark.parametrize("value", [1, -3, 2.0, np.float64(3), True, "3", None, float("nan")])
def test_not_whole_or_too_small(value):
    with pytest.raises(InputError) as error:
        check_whole("n", value, 2)
    assert str(error.value) == f"n must be a whole number >= 2; got {value!r}"


def test_some():
    assert some(["a", 1]) == "'a', 1"
    assert some([]) == ""
    assert some(list("abcdef")) == "'a', 'b', 'c', 'd', 'e' ..."
    assert some(list("abc"), 3) == "'a', 'b', 'c'"
    assert some(list("abc"), 1) == "'a' ..."


@pytest.mark.parametrize(
    ("value", "number", "whole"),
    [
        (1, True, True),
        (np.int16(1), True, True),
        (1.0, True, False),
        (np.float32(1), True, False),
        (float("nan"), True, False),
        (True, False, False),
        (np.True_, False, False),
        ("1", False, False),
        (1j, False, False),
        (None, False, False),
        (np.array([1]), False, False),
    ],
)
def test_numbers(value, number, whole):
    assert is_number(value) is number
    assert is_whole(value) is whole


def test_described():
    assert described(InputError("sigma is missing")) == "InputError: sigma is missing"
    assert described(KeyError("x")) == "KeyError: 'x'"


def test_why_a_file_is_not_written():
    assert why_not_written(OSError(errno.EDQUOT, "Disk quota exceeded", "a")) == "the disk is full"
    assert why_not_written(OSError(errno.EACCES, "no", "a")) == "Permission denied"
    assert why_not_written(OSError("in words")) == "in words"
    warning = NotSavedWarning("out", "boards", OSError(errno.ENOSPC, "full"))
    text = "out=: the disk is full, so 'boards' is not written; the result is complete"
    assert str(warning) == text
    assert (warning.argument, warning.path, warning.reason) == ("out", "boards", "the disk is full")


def test_long_values_in_messages():
    assert quoted("a" * 78) == repr("a" * 78)
    assert quoted("a" * 40 + "b" * 40) == "'" + "a" * 38 + "..." + "b" * 37 + "'"
    assert shortened("abcdefghij", 10) == "abcdefghij"
    assert shortened("abcdefghijk", 10) == "abcd...ijk"
    assert len(some(["a" * 999] * 3)) == 3 * 80 + 4
    with pytest.raises(InputError) as error:
        check_choice("key", "c" * 999, "ab")
    assert len(str(error.value)) < 150


def test_errors_of_several_calls():
    def fail(text, kind=InputError):
        raise kind(text)

    assert call_all({"a": lambda: 1}) == {"a": 1}
    with pytest.raises(InputError, match=r"^one$") as error:
        call_all({"a": lambda: fail("one"), "b": lambda: 2})
    assert type(error.value) is InputError
    calls = {"a": lambda: fail("one\n line"), "b": lambda: fail("two", OSError)}
    with pytest.raises(CollectedInputError) as error:
        call_all(calls)
    assert error.value.messages == ("a: one line", "b: two")
    assert str(error.value) == "a: one line\nb: two"
    with pytest.raises(CollectedInputError, match=r"^one line\ntwo$"):
        call_all(calls, named=False)
    with pytest.raises(ZeroDivisionError):
        call_all({"a": lambda: 1 / 0})
