"""The error for invalid input, which the user can fix, and the helpers that check options."""

import difflib
import errno
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

__all__ = [
    "CannotFitError",
    "CollectedInputError",
    "InputError",
    "InputWarning",
    "NeedsDensityError",
    "NotSavedWarning",
    "call_all",
    "check_choice",
    "check_list",
    "check_whole",
    "described",
    "is_number",
    "is_whole",
    "nearest",
    "quoted",
    "shortened",
    "some",
    "why_not_written",
]


T = TypeVar("T")

_LONGEST = 80  # characters of a value in a message


class InputError(ValueError):
    """Invalid input, which the user can fix; messages say what was expected and what was given."""


class InputWarning(UserWarning):
    """Input that is used, but may be meant otherwise; messages say how it is used.

    Examples
    --------
    >>> import warnings
    >>> warnings.simplefilter("error", InputWarning)  # stop instead
    >>> warnings.simplefilter("default", InputWarning)
    """


class NotSavedWarning(UserWarning):
    """A file that could not be written, although what belongs in it is computed and returned.

    Parameters
    ----------
    argument
        Argument that names the place of the file.
    path
        The file or folder.
    failure
        The error of the disk.

    Examples
    --------
    >>> import warnings
    >>> warnings.simplefilter("error", NotSavedWarning)  # stop instead
    >>> warnings.simplefilter("default", NotSavedWarning)
    """

    def __init__(self, argument: str, path: object, failure: OSError) -> None:
        self.argument = argument
        self.path = str(path)
        self.reason = why_not_written(failure)
        super().__init__(
            f"{argument}=: {self.reason}, so {self.path!r} is not written; the result is complete"
        )


class CollectedInputError(InputError):
    r"""Several errors at once, such as those of all models, each with a line of its own.

    Parameters
    ----------
    messages
        One text for each; line breaks in them become spaces.

    Attributes
    ----------
    messages : tuple of str
        The texts, of one line each.

    Examples
    --------
    >>> print(CollectedInputError(["sam: no maps", "eml: no\nmaps"]))
    sam: no maps
    eml: no maps
    """

    def __init__(self, messages: Iterable[str]) -> None:
        self.messages = tuple(" ".join(text.split()) for text in messages)
        super().__init__("\n".join(self.messages))


class CannotFitError(InputError):
    """A model that cannot be fitted to these data, while others may be scored on them."""


class NeedsDensityError(InputError, TypeError):
    """A model that predicts saliency maps, or no density per image, where a density is needed."""


def call_all(calls: Mapping[str, Callable[[], T]], *, named: bool = True) -> dict[str, T]:
    """Return what several functions return, by their names.

    Parameters
    ----------
    calls
        The functions by name.
    named
        Whether the line of each of several errors begins with the name.

    Raises
    ------
    CollectedInputError
        If several functions raise an `InputError` or `OSError`; that of one alone stays as it is.

    Examples
    --------
    >>> call_all({"a": lambda: 1, "b": lambda: 2})
    {'a': 1, 'b': 2}
    """
    results: dict[str, T] = {}
    failed: dict[str, InputError | OSError] = {}
    for name, call in calls.items():
        try:
            results[name] = call()
        except (InputError, OSError) as error:
            failed[name] = error
    if len(failed) == 1:
        raise next(iter(failed.values()))
    if failed:
        raise CollectedInputError(
            f"{name}: {error}" if named else str(error) for name, error in failed.items()
        )
    return results


def check_choice(name: str, value: Any, choices: Iterable[Any]) -> None:
    """Raise `InputError` unless `value` is one of `choices`.

    Examples
    --------
    >>> check_choice("average", "mean", ("fixation", "image"))
    Traceback (most recent call last):
    salmetrics.errors.InputError: average must be one of 'fixation', 'image'; got 'mean'
    """
    allowed = list(choices)
    if value not in allowed:
        hint = nearest(value, allowed)
        raise InputError(f"{name} must be one of {some(allowed, 30)}; got {quoted(value)}{hint}")


def nearest(value: Any, choices: Iterable[Any], *, quoted: bool = True) -> str:
    """Return the end of a message that names the choice nearest to a text; empty if none is near.

    Examples
    --------
    >>> nearest("auc", ["IG", "AUC"])
    "; did you mean 'AUC'?"
    >>> nearest("x", ["IG", "AUC"])
    ''
    """
    known = {text.casefold(): text for text in choices if isinstance(text, str)}
    folded = value.casefold() if isinstance(value, str) else ""
    near = difflib.get_close_matches(folded, known, n=1, cutoff=0.65)
    if not near:
        return ""
    name = known[near[0]]
    return f"; did you mean {name!r}?" if quoted else f"; did you mean {name}?"


def check_list(name: str, values: Any) -> list[Any]:
    """Return several values as a list; raise `InputError` for a single one, such as a string."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise InputError(f"{name} must be a list; got {quoted(values)}")
    return list(values)


def check_whole(name: str, value: Any, least: int) -> int:
    """Return a whole number as an `int`; raise `InputError` unless it is at least `least`."""
    if not is_whole(value) or value < least:
        raise InputError(f"{name} must be a whole number >= {least}; got {quoted(value)}")
    return int(value)


def quoted(value: Any, longest: int = _LONGEST) -> str:
    """Return a value for a message, as Python writes it, with dots in the middle of a long one.

    Examples
    --------
    >>> quoted("images/0001.png")
    "'images/0001.png'"
    >>> quoted("a" * 1000 + ".png", 20)
    "'aaaaaaaa...aaa.png'"
    """
    return shortened(repr(value), longest)


def shortened(text: str, longest: int = _LONGEST) -> str:
    """Return a text of at most `longest` characters, with dots in the middle of a longer one."""
    n = longest - 3
    return text if len(text) <= longest else f"{text[: n - n // 2]}...{text[-(n // 2) :]}"


def some(names: Sequence[Any], n: int = 5) -> str:
    """Return the first n names or values for a message, with dots if there are more.

    Examples
    --------
    >>> some(["a", "b", "c"], 2)
    "'a', 'b' ..."
    """
    return ", ".join(map(quoted, names[:n])) + (" ..." if len(names) > n else "")


def is_number(value: Any) -> bool:
    """Whether a value is a real number of Python or NumPy; a bool is not."""
    import numpy as np  # here, so that the help of the command line does not load it

    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Whether a value is an integer of Python or NumPy; a bool is not."""
    import numpy as np

    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def why_not_written(failure: Exception) -> str:
    """Return why a file could not be written, without the name of a temporary file.

    Examples
    --------
    >>> why_not_written(OSError(errno.ENOSPC, "No space left on device", "/data/.r.h5-1f"))
    'the disk is full'
    """
    number = getattr(failure, "errno", None)
    if number is None:
        return str(failure)
    return "the disk is full" if number in (errno.ENOSPC, errno.EDQUOT) else os.strerror(number)


def described(error: BaseException) -> str:
    """Return an error as text, as results record it: its class and its message."""
    return f"{type(error).__name__}: {error}"
