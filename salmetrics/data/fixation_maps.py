"""Fixations in maps of counts or marks: where they are, and whether the values may be counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salmetrics.array_types import to_numpy
from salmetrics.errors import InputError, check_choice

__all__ = ["MapValues", "pixels_of_maps"]

MapValues = Literal["counts", "marks"]

_LARGE_COUNT = 50  # of fixations on one pixel
_MARK = 100  # values of marks are at least this, such as 255
_SEVERAL = 20  # pixels from which on their places say something
_ORDINAL = 5  # values 1 to n, once each, that are not counts by chance
_APART = 0.01  # share of fixated pixels without a neighbour, of the densest counts
_MOST = 1_000_000  # fixations on an image
_BLOCK = 16  # pixels within which a JPEG spreads the noise of a mark
_LOSSY = (".jpeg", ".jpg")
_BLURRED = (
    "looks like a blurred map, which is ground truth for CC, KLDiv and SIM (empirical=, on the "
    "command line --empirical), not fixations"
)
_NOISY = (
    "it looks like a mask with the noise of lossy compression (JPEG), so that pixels beside the "
    "marks are not 0; save masks as PNG"
)
_OF_JPEG = (
    "it is a JPEG with several values besides 0, and lossy compression changes the pixels beside "
    "marks; save masks as PNG"
)


@dataclass(frozen=True)
class _Called:
    """The name of a map, or its number."""

    name: str | int

    def __str__(self) -> str:
        return f"fixation map {self.name!r}"

    def is_lossy(self, array: NDArray[Any]) -> bool:
        """Whether its file is of lossy compression, and it has several values besides 0."""
        suffix = PurePath(str(self.name)).suffix.lower()
        return suffix in _LOSSY and np.unique(array).size > 2


@dataclass(frozen=True)
class _Problem:
    """Why the values of a map are probably not counts."""

    text: str
    is_noise: bool = False  # so that they are no marks either


Place = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def pixels_of_maps(
    maps: Sequence[ArrayLike],
    values: MapValues | None = None,
    names: Sequence[str] | None = None,
) -> tuple[Place, tuple[str, ...]]:
    """Return row, column and image of each fixation in maps, in the order of the images.

    Parameters
    ----------
    maps
        One map per image, shape (height, width).
    values
        Meaning of the values; see `Fixations.from_maps`.
    names
        Names of the maps for messages; their numbers by default.

    Returns
    -------
    places : tuple of ndarray
        Row, column and image.
    notes : tuple of str
        What is implausible about values whose meaning is given.

    Raises
    ------
    InputError
        If a map is invalid or implausible.
    """
    check_choice("values", values, (None, *get_args(MapValues)))
    arrays = [to_numpy(each) for each in maps]
    called = [_Called(name) for name in (range(len(arrays)) if names is None else names)]
    for array, what in zip(arrays, called, strict=True):
        if array.ndim != 2:
            raise InputError(f"{what} must be two-dimensional; got {array.shape}")
        if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
            raise InputError(f"{what} must hold finite numbers")
    are_marks = _are_marks(arrays)
    notes = () if values is None else _overridden(arrays, called, values, are_marks)
    if values == "marks" or (values is None and are_marks):
        arrays = [array != 0 for array in arrays]
    for array, what in zip(arrays, called, strict=True):
        _check_counts(array, what)
    if values is None:
        _check_plausible(arrays, called)
    rows, columns, images = [], [], []
    for i, array in enumerate(arrays):
        _check_number(array, called[i])
        flat = np.repeat(np.arange(array.size), array.ravel().astype(np.int64))
        rows.append(flat // array.shape[1])
        columns.append(flat % array.shape[1])
        images.append(np.full(flat.size, i, np.int64))
    if not images:
        return (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)), notes
    return (np.concatenate(rows), np.concatenate(columns), np.concatenate(images)), notes


def _are_marks(maps: Sequence[NDArray[Any]]) -> bool:
    """Whether maps have one value besides 0, above 1, as images of fixated pixels do."""
    found: set[float] = set()
    for array in maps:
        found.update(np.unique(array).tolist())
        found.discard(0)
        if len(found) > 1:
            return False
    return len(found) == 1 and found.pop() > 1


def _check_counts(counts: NDArray[Any], what: _Called) -> None:
    """Raise `InputError` for a map that does not hold whole numbers."""
    if (counts < 0).any() or (counts != np.floor(counts)).any():
        raise InputError(f"{what} must hold whole numbers >= 0; this one {_BLURRED}")


def _check_number(counts: NDArray[Any], what: _Called) -> None:
    """Raise `InputError` for a map with more fixations than an image has."""
    n = counts.sum(dtype=np.float64)
    if n > _MOST:
        raise InputError(
            f"{what} would hold {n:.0f} fixations, more than {_MOST}. If it is a blurred map, it "
            "is ground truth (empirical=, on the command line --empirical), not fixations; if it "
            "holds fixations, divide it by the value of one"
        )


def _overridden(
    maps: Sequence[NDArray[Any]], called: Sequence[_Called], values: MapValues, are_marks: bool
) -> tuple[str, ...]:
    """Return a note of what is implausible about maps that are read as `values` all the same.

    Raises
    ------
    InputError
        If they are certainly not marks.
    """
    problems: list[str] = []
    for array, what in zip(maps, called, strict=True):
        problem = _implausible(array != 0 if are_marks else array)
        is_noise = problem is not None and problem.is_noise
        if values == "marks" and (is_noise or what.is_lossy(array)):
            raise InputError(f"{what} does not hold marks: {_NOISY if is_noise else _OF_JPEG}")
        if values == "counts" and are_marks and array.max(initial=0) > _LARGE_COUNT:
            problem = _Problem(f"all its pixels that are not 0 hold {array.max():g}, as marks do")
        if problem is not None:
            problems.append(f"{what}: {problem.text}")
    if not problems:
        return ()
    return (
        f"{len(problems)} of {len(maps)} fixation maps are read with values={values!r} though they "
        f"look otherwise; {problems[0]}",
    )


def _check_plausible(maps: Sequence[NDArray[Any]], called: Sequence[_Called]) -> None:
    """Raise `InputError` for maps whose values are probably not counts of fixations."""
    for array, what in zip(maps, called, strict=True):
        problem = _implausible(array)
        if problem is not None and problem.is_noise:
            raise InputError(f"{what}: {problem.text}")
        if problem is not None:
            marks = "; if each pixel that is not 0 is one fixation, give values='marks'"
            raise InputError(
                f"{what}: {problem.text}. If it holds counts, give values='counts'"
                + ("" if what.is_lossy(array) else marks)
            )
    filled = [array[array > 0] for array in maps]
    n = sum(each.size for each in filled)
    ones = sum(int((each == 1).sum()) for each in filled)
    beside = sum(int(_beside(array > 0).sum()) for array in maps)
    if n >= _SEVERAL and ones < n / 2 and beside < n / 2:
        raise InputError(
            f"only {ones} of {n} fixated pixels of the fixation maps hold 1, though they lie "
            "apart: the values look like ordinal numbers or durations. If they are counts, give "
            "values='counts'; if each pixel that is not 0 is one fixation, give values='marks'"
        )


def _implausible(counts: NDArray[Any]) -> _Problem | None:
    """Return why the values of one map are probably not counts; None if they may be."""
    filled = counts > 0
    levels, often = np.unique(counts[filled], return_counts=True)
    n, top = int(filled.sum()), int(counts.max(initial=0))
    if levels.size >= _ORDINAL and (often == 1).all() and top == levels.size:
        return _Problem(f"its values are 1 to {top}, once each, which look like ordinal numbers")
    if n >= _SEVERAL and _is_noisy(counts):
        return _Problem(_NOISY, is_noise=True)
    if n >= _SEVERAL and _looks_blurred(counts.astype(np.float64), filled):
        return _Problem(f"this one {_BLURRED}")
    if levels.size > 1 and levels[0] >= _MARK and (levels % levels[0] == 0).all():
        return _Problem(
            f"all its values are multiples of {levels[0]:g}, as of marks that were added up"
        )
    if top > _LARGE_COUNT and counts.dtype.kind != "b" and levels.size > 1:
        return _Problem(
            f"one pixel holds {top}, more fixations than are likely; it may be a duration"
        )
    if n < _SEVERAL:
        return None
    if n > counts.size / 3:
        return _Problem(f"{n} of its {counts.size} pixels are not 0; it may be inverted")
    beside = _beside(filled)[filled]
    if beside.mean() > 1 and (beside == 0).mean() < _APART:
        return _Problem(
            "its pixels that are not 0 lie together in areas, as discs around fixations do"
        )
    return None


def _is_noisy(counts: NDArray[Any]) -> bool:
    """Whether values are near 0 or near the largest, the former in blocks of a JPEG with marks."""
    top = float(counts.max(initial=0))
    low, high = (counts > 0) & (counts < top / 4), counts > 3 * top / 4
    n_between = int((counts > 0).sum() - low.sum() - high.sum())
    if top < _MARK or not low.any() or n_between >= high.sum() / 10:
        return False
    rows, columns = (-length % _BLOCK for length in counts.shape)
    of_low, of_high = (
        np.pad(part, ((0, rows), (0, columns)))
        .reshape((counts.shape[0] + rows) // _BLOCK, _BLOCK, -1, _BLOCK)
        .sum(axis=(1, 3))
        for part in (low, high)
    )
    return bool(of_low[of_high > 0].sum() > 0.95 * of_low.sum() and low.sum() > high.sum() / 100)


def _beside(filled: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many of the four neighbours of each filled pixel are filled, 0 elsewhere."""
    around = np.pad(filled, 1).astype(np.int64)
    return filled * (around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:])


def _looks_blurred(counts: NDArray[np.float64], filled: NDArray[np.bool_]) -> bool:
    """Whether neighbours differ less than counts do, or large values lie side by side."""
    steps = [np.diff(counts, axis=axis) for axis in (0, 1)]
    sums = [counts[1:] + counts[:-1], counts[:, 1:] + counts[:, :-1]]
    # the expected square of the difference of independent counts is their sum or more
    squares, total = (
        sum(float(part.sum()) for part in parts) for parts in ([step**2 for step in steps], sums)
    )
    several = np.unique(counts[filled]).size > 3
    if several and squares < total / 2:
        return True
    together = _beside(filled)[filled].mean() > 2
    return bool(several and together and counts.max() > _LARGE_COUNT)
