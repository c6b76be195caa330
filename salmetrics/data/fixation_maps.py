"""Fixations in maps of counts or marks: where they are, and whether the values may be counts."""

from __future__ import annotations

from collections.abc import Sequence
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
_BLURRED = (
    "looks like a blurred map, which is ground truth for cc, kldiv and sim (empirical=), "
    "not fixations"
)


def pixels_of_maps(
    maps: Sequence[ArrayLike], values: MapValues | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return row, column and image of each fixation in maps, in the order of the images.

    Parameters
    ----------
    maps
        One map per image, shape (height, width).
    values
        Meaning of the values; see `Fixations.from_maps`.

    Raises
    ------
    InputError
        If a map is invalid or implausible.
    """
    check_choice("values", values, (None, *get_args(MapValues)))
    arrays = [to_numpy(each) for each in maps]
    for i, array in enumerate(arrays):
        if array.ndim != 2:
            raise InputError(f"fixation map {i} must be two-dimensional; got {array.shape}")
        if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
            raise InputError(f"fixation map {i} must hold finite numbers")
    if values == "marks" or (values is None and _are_marks(arrays)):
        arrays = [array != 0 for array in arrays]
    for i, array in enumerate(arrays):
        _check_counts(array, i)
    if values is None:
        _check_plausible(arrays)
    rows, columns, images = [], [], []
    for i, array in enumerate(arrays):
        flat = np.repeat(np.arange(array.size), array.ravel().astype(np.int64))
        rows.append(flat // array.shape[1])
        columns.append(flat % array.shape[1])
        images.append(np.full(flat.size, i, np.int64))
    if not images:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(images)


def _are_marks(maps: Sequence[NDArray[Any]]) -> bool:
    """Whether maps have one value besides 0, above 1, as images of fixated pixels do."""
    found: set[float] = set()
    for array in maps:
        found.update(np.unique(array).tolist())
        found.discard(0)
        if len(found) > 1:
            return False
    return len(found) == 1 and found.pop() > 1


def _check_counts(counts: NDArray[Any], i: int) -> None:
    """Raise `InputError` for a map that does not hold whole numbers."""
    if (counts < 0).any() or (counts != np.floor(counts)).any():
        raise InputError(f"fixation map {i} must hold whole numbers >= 0; this one {_BLURRED}")


def _check_plausible(maps: Sequence[NDArray[Any]]) -> None:
    """Raise `InputError` for maps whose values are probably not counts of fixations."""
    for i, array in enumerate(maps):
        problem = _implausible(array)
        if problem:
            raise InputError(
                f"fixation map {i}: {problem}. If it holds counts, give values='counts'; if each "
                "pixel that is not 0 is one fixation, give values='marks'"
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


def _implausible(counts: NDArray[Any]) -> str | None:
    """Return why the values of one map are probably not counts; None if they may be."""
    filled = counts > 0
    levels, often = np.unique(counts[filled], return_counts=True)
    n, top = int(filled.sum()), int(counts.max(initial=0))
    if levels.size >= _ORDINAL and (often == 1).all() and top == levels.size:
        return f"its values are 1 to {top}, once each, which look like ordinal numbers"
    if n >= _SEVERAL and _looks_blurred(counts.astype(np.float64), filled):
        return f"this one {_BLURRED}"
    if levels.size > 1 and levels[0] >= _MARK and (levels % levels[0] == 0).all():
        return f"all its values are multiples of {levels[0]:g}, as of marks that were added up"
    if top > _LARGE_COUNT and counts.dtype.kind != "b" and levels.size > 1:
        return (
            f"one pixel holds {top}, which is more fixations than are likely; it may be a mask "
            "with noise of compression, or hold durations"
        )
    if n < _SEVERAL:
        return None
    if n > counts.size / 3:
        return f"{n} of its {counts.size} pixels are not 0; it may be inverted"
    beside = _beside(filled)[filled]
    if beside.mean() > 1 and (beside == 0).mean() < _APART:
        return "its pixels that are not 0 lie together in areas, as discs around fixations do"
    return None


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
