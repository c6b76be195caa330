"""Groups of fixations or images by the values of a column: each value, or ranges of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from salmetrics.array_types import AnyArray, Array, Rows
from salmetrics.errors import InputError, check_whole, is_number
from salmetrics.statistics.cells import Cells, Sample

__all__ = ["Bins", "grouped", "kept_columns", "sample_of_fixations"]

Bins = int | Sequence[float] | None

_MANY = 20  # distinct numbers; more of them are grouped into ranges
_RANGES = 4


def kept_columns(columns: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """Return the columns of fixations that results keep: numbers and texts, but no codes.

    Parameters
    ----------
    columns
        Columns of fixations by name. Subjects and images are in the cells of a result already.
    """
    kept = {}
    for name, values in columns.items():
        if name in ("image", "subject") or "/" in name:
            continue
        if values.dtype.kind == "O" and all(isinstance(value, str) for value in values):
            kept[name] = values.astype(str)
        elif values.dtype.kind in "biufU":
            kept[name] = values
    return kept


def grouped(
    values: AnyArray, bins: Bins = None, *, by_value: bool = False
) -> tuple[Rows, list[Any]]:
    """Divide values into groups.

    Parameters
    ----------
    values
        Numbers or texts, shape (n,).
    bins
        None for one group per value, or for four ranges that hold equally many if they are
        fractional numbers with more than 20 values; a number of such ranges; or the limits between
        ranges. What lies beyond the first or the last limit is a group, too.
    by_value
        Whether there is one group per value in any case, unless there are `bins`.

    Returns
    -------
    codes : ndarray of int64, shape (n,)
        Group of each value.
    labels : list
        The value, or the range as text, of each group, in order; NaN is a group, the last one.

    Raises
    ------
    InputError
        If ranges are wanted and the values are texts, or the limits do not ascend.
    """
    numbers = values.dtype.kind in "iuf"
    if bins is not None and not numbers:
        raise InputError(f"bins are for numbers; the values are {values.dtype}")
    distinct = np.unique(values)
    if bins is None:
        if by_value or values.dtype.kind != "f" or distinct.size <= _MANY:
            return _by_value(values, distinct)
        bins = _RANGES
    known = values[~np.isnan(values.astype(np.float64))]
    edges = _edges(known, bins)
    codes = np.searchsorted(edges, values.astype(np.float64), side="right")
    missing = np.isnan(values.astype(np.float64))
    limits = _written(edges.tolist())
    labels: list[Any] = [
        _label(low, high) for low, high in zip([None, *limits], [*limits, None], strict=True)
    ]
    if missing.any():
        codes[missing] = len(labels)
        labels.append(np.nan)
    return codes.astype(np.int64), labels


def _by_value(values: AnyArray, distinct: AnyArray) -> tuple[Rows, list[Any]]:
    codes = np.searchsorted(distinct, values)
    if values.dtype.kind == "f" and distinct.size and np.isnan(distinct[-1]):
        codes[np.isnan(values)] = distinct.size - 1
    return codes.astype(np.int64), distinct.tolist()


def _edges(known: AnyArray, bins: int | Sequence[float]) -> Array:
    """Return the limits between ranges, ascending."""
    if is_number(bins):
        n = check_whole("bins", bins, 2)
        if known.size == 0:
            return np.zeros(0)
        inner = np.quantile(known.astype(np.float64), np.linspace(0, 1, n + 1)[1:-1])
        # a limit at the smallest value would leave nothing below it
        return np.unique(inner[inner > known.min()])
    try:
        edges = np.asarray(bins, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"bins must be a whole number or numbers; got {bins!r}") from error
    if (
        edges.ndim != 1
        or edges.size == 0
        or not (np.diff(edges) > 0).all()
        or np.isnan(edges).any()
    ):
        raise InputError(f"bins must be a whole number, or numbers that ascend; got {bins!r}")
    return edges


def _written(edges: Sequence[float]) -> list[str]:
    """Return numbers as texts that differ, with four digits if that is enough."""
    for digits in range(4, 17):
        texts = [f"{edge:.{digits}g}" for edge in edges]
        if len(set(texts)) == len(texts):
            return texts
    return [repr(edge) for edge in edges]


def _label(low: str | None, high: str | None) -> str:
    if low is None or high is None:
        return "all" if low is high else f"below {high}" if low is None else f"from {low}"
    return f"{low} to {high}"


def sample_of_fixations(cells: Cells, whole: Sample, values: Array, chosen: AnyArray) -> Sample:
    """Return what a score on some of the fixations is computed from.

    Parameters
    ----------
    cells
        Cells of all fixations.
    whole
        Sample of the score on all fixations, which tells how it is averaged.
    values
        Score of each fixation, shape (n,); NaN where the model has none.
    chosen
        Mask of fixations, shape (n,).
    """
    assert cells.of_fixation is not None
    of_chosen = cells.of_fixation[chosen]
    sums: Array = np.zeros(len(cells))
    np.add.at(sums, of_chosen, values[chosen])
    counts = np.bincount(of_chosen, minlength=len(cells)).astype(np.float64)
    sample = replace(whole, image=cells.image, subject=cells.subject, sums=sums, counts=counts)
    return sample.select(counts > 0).valid()
