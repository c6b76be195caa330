"""Ranks of thresholds among many values: the counts behind every AUC."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.kernels.jit import kernel, kernel_input

__all__ = ["count_at_least_steps", "count_below", "count_below_by_sorting", "count_below_weighted"]

_BLOCK = 32768  # bucket numbers of one block (64 kB) stay in the level-2 cache
_MOST_BUCKETS = 8192  # their 4-byte counters (32 kB) stay in the level-1 cache
_MOST_HELD = 4  # thresholds in one bucket; with more, sorting wins
_FEW_THRESHOLDS = 3  # up to so few are counted directly, 0.1 ms each for 800x600 pixels


def count_below(
    values: NDArray[Any], thresholds: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the values below and equal to each threshold.

    Parameters
    ----------
    values
        One-dimensional, float32, float64 or uint8, without NaN; infinities are fine.
    thresholds
        Ascending and without repetition, of the dtype of `values`.

    Returns
    -------
    below, equal : ndarray of int64
        Number of values below and equal to each threshold, shape of `thresholds`.

    Notes
    -----
    One pass puts each value into one of up to 8192 buckets of equal width and compares exactly
    only in buckets that hold a threshold: 0.6 ms for 480 000 float32 values and 140 thresholds,
    where sorting the values takes 2.1 ms. If a bucket holds many thresholds, the values are sorted
    instead.
    """
    values, thresholds = kernel_input(values), kernel_input(thresholds)
    if values.dtype == np.uint8:
        return _count_below_bytes(values, thresholds)
    first, last = _finite_range(thresholds)
    if thresholds.size <= _FEW_THRESHOLDS:
        return _count_below_directly(values, thresholds)
    n_buckets = _bucket_count(values.size)
    scale = _bucket_scale(thresholds, first, last, n_buckets)
    if scale is None:
        return count_below_by_sorting(values, thresholds)
    slots = np.zeros(2 * thresholds.size + 1, np.int64)
    _count_slots(values, thresholds, first, last, scale, n_buckets, slots)
    return _below_and_equal(slots)


def count_below_by_sorting(
    values: NDArray[Any], thresholds: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Do the same as `count_below`, for few values of any real dtype, by sorting them."""
    ordered = np.sort(values)
    below = np.searchsorted(ordered, thresholds, side="left")
    return below, np.searchsorted(ordered, thresholds, side="right") - below


def count_below_weighted(
    values: NDArray[Any], weights: NDArray[np.int64], thresholds: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Add up the integer weights of the values below and equal to each threshold.

    Parameters
    ----------
    values
        One-dimensional, float32, float64 or uint8, without NaN.
    weights
        int64, the shape of `values`.
    thresholds
        Ascending and without repetition, of the dtype of `values`.

    Returns
    -------
    below, equal : ndarray of int64
        Number of values below and equal to each threshold, shape of `thresholds`.
    """
    values, thresholds = kernel_input(values), kernel_input(thresholds)
    if values.dtype == np.uint8:
        values, thresholds = kernel_input(values, np.float32), kernel_input(thresholds, np.float32)
    weights = kernel_input(weights, np.int64)
    first, last = _finite_range(thresholds)
    n_buckets = _bucket_count(values.size)
    scale = _bucket_scale(thresholds, first, last, n_buckets)
    if scale is None:
        return _count_below_weighted_sorted(values, weights, thresholds)
    slots = np.zeros(2 * thresholds.size + 1, np.int64)
    _count_slots_weighted(values, weights, thresholds, first, last, scale, n_buckets, slots)
    return _below_and_equal(slots)


def count_at_least_steps(
    values: NDArray[Any], low: float, high: float, step: float
) -> NDArray[np.int64]:
    """Count the values whose min-max normalised form is at least 0, step, 2 step, ... up to 1.

    Parameters
    ----------
    values
        One-dimensional, float32, float64 or uint8.
    low, high
        Minimum and maximum that the normalisation uses, low < high.
    step
        Distance of the thresholds, computed as k * step in float64.

    Returns
    -------
    counts : ndarray of int64, shape (floor(1 / step) + 1,)
        Number of values at or above each threshold.
    """
    n_steps = int(np.floor(1.0 / step + 1e-9)) + 1
    counts = np.zeros(n_steps, np.int64)
    values, low, high = kernel_input(values), float(low), float(high)
    if np.isinf(high - low):  # too far apart for float64; halves are not
        values, low, high = kernel_input(values * 0.5), low * 0.5, high * 0.5
    _count_steps(values, low, high, float(step), counts)
    return np.cumsum(counts[::-1])[::-1]


def _finite_range(thresholds: NDArray[Any]) -> tuple[int, int]:
    finite = np.flatnonzero(np.isfinite(thresholds))
    return (int(finite[0]), int(finite[-1]) + 1) if finite.size else (0, 0)


def _bucket_count(n_values: int) -> int:
    count = 64
    while count < _MOST_BUCKETS and 16 * count < n_values:
        count *= 2
    return count


def _bucket_scale(thresholds: NDArray[Any], first: int, last: int, n_buckets: int) -> Any:
    """Return the buckets per unit, in the dtype of the values; None if sorting is better.

    A bucket that holds many thresholds makes every value in it slow (a narrow density has nearly
    all of its pixels in the lowest bucket); sorting is then faster.
    """
    if last - first < 2:
        return None
    kind = thresholds.dtype.type
    with np.errstate(over="ignore"):
        scale = kind(n_buckets - 3) / (thresholds[last - 1] - thresholds[first])
    if not (np.isfinite(scale) and scale > 0):
        return None
    places = ((thresholds[first:last] - thresholds[first]) * scale).astype(np.int64)
    return scale if np.bincount(places).max() <= _MOST_HELD else None


def _below_and_equal(slots: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the counts below and at thresholds from slots.

    Slot 2k counts the values between thresholds k - 1 and k, slot 2k + 1 those that equal k.
    """
    return np.cumsum(slots)[:-1:2], slots[1::2].copy()


def _count_below_weighted_sorted(
    values: NDArray[Any], weights: NDArray[np.int64], thresholds: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.argsort(values, kind="stable")
    totals = np.concatenate([[0], np.cumsum(weights[order])])
    below = totals[np.searchsorted(values[order], thresholds, side="left")]
    return below, totals[np.searchsorted(values[order], thresholds, side="right")] - below


def _count_below_bytes(
    values: NDArray[np.uint8], thresholds: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    counts = np.zeros(256, np.int64)
    _histogram_bytes(values, counts)
    return (np.cumsum(counts) - counts)[thresholds], counts[thresholds]


@kernel()
def _histogram_bytes(values, counts):  # type: ignore[no-untyped-def]
    """Histogram of uint8 values.

    Each value has four counters, so that equal neighbours do not wait for each other.
    """
    four = np.zeros((4, 256), np.int64)
    n = values.size
    quarter = n // 4
    for i in range(quarter):
        four[0, values[i]] += 1
        four[1, values[i + quarter]] += 1
        four[2, values[i + 2 * quarter]] += 1
        four[3, values[i + 3 * quarter]] += 1
    for i in range(4 * quarter, n):
        four[0, values[i]] += 1
    for value in range(256):
        counts[value] = four[0, value] + four[1, value] + four[2, value] + four[3, value]


@kernel()
def _count_below_directly(values, thresholds):  # type: ignore[no-untyped-def]
    """One vectorised pass over the values for each threshold."""
    below = np.zeros(thresholds.size, np.int64)
    equal = np.zeros(thresholds.size, np.int64)
    for k in range(thresholds.size):
        threshold = thresholds[k]
        n_below = 0
        n_equal = 0
        for i in range(values.size):
            n_below += values[i] < threshold
            n_equal += values[i] == threshold
        below[k] = n_below
        equal[k] = n_equal
    return below, equal


@kernel()
def _assign_buckets(values, low, scale, n_buckets, buckets):  # type: ignore[no-untyped-def]
    """Set `buckets` to each value's: 0 below `low`, n_buckets - 1 far above the thresholds."""
    zero = low - low
    one = zero + 1
    top = zero + (n_buckets - 1)
    for i in range(values.size):
        position = (values[i] - low) * scale + one
        position = position if position > zero else zero
        position = position if position < top else top
        buckets[i] = np.int32(position)


@kernel()
def _thresholds_of_buckets(thresholds, first, last, scale, counts):  # type: ignore[no-untyped-def]
    """Return the first threshold of each bucket; mark counters of buckets that hold any.

    Such a bucket's counter starts at a number so low that it stays negative: the sign of the
    counter, which is incremented anyway, shows that a value needs an exact comparison (0.23 ms for
    480 000 values, where a separate table of flags takes 0.28 ms).
    """
    held = np.zeros(counts.size + 1, np.int64)
    buckets = np.empty(last - first, np.uint16)
    _assign_buckets(thresholds[first:last], thresholds[first], scale, counts.size, buckets)
    for k in range(last - first):
        held[buckets[k] + 1] += 1
    lowest = -(2 ** (8 * counts.itemsize - 2))
    held[0] = first
    for bucket in range(counts.size):
        counts[bucket] = lowest if held[bucket + 1] > 0 else 0
        held[bucket + 1] += held[bucket]
    return held


@kernel()
def _count_buckets(buckets, counts, marked):  # type: ignore[no-untyped-def]
    """Count the values per bucket; list the positions of values in a bucket with a threshold.

    Unsigned indices spare Numba's test for negative ones.
    """
    one = np.int32(1)
    n_marked = np.uintp(0)
    for i in range(np.uintp(buckets.size)):
        bucket = buckets[i]
        count = counts[bucket]
        counts[bucket] = count + one
        if count < 0:
            marked[n_marked] = i
            n_marked += np.uintp(1)
    return n_marked


@kernel()
def _add_up_buckets(buckets, weights, counts, marked):  # type: ignore[no-untyped-def]
    """Do the same as `_count_buckets` for weighted values."""
    n_marked = np.uintp(0)
    for i in range(np.uintp(buckets.size)):
        bucket = buckets[i]
        count = counts[bucket]
        counts[bucket] = count + weights[i]
        if count < 0:
            marked[n_marked] = i
            n_marked += np.uintp(1)
    return n_marked


@kernel()
def _slot(value, bucket, held, thresholds):  # type: ignore[no-untyped-def]
    """Return a value's slot, from comparisons with the thresholds of its bucket."""
    slot = 2 * held[bucket]
    for k in range(held[bucket], held[bucket + 1]):
        slot += np.int64(value >= thresholds[k]) + np.int64(value > thresholds[k])
    return slot


@kernel()
def _add_buckets_without_threshold(held, counts, slots):  # type: ignore[no-untyped-def]
    """Add the count of each bucket without a threshold to the slot between its neighbours."""
    for bucket in range(counts.size):
        if held[bucket + 1] == held[bucket]:
            slots[2 * held[bucket]] += counts[bucket]


@kernel()
def _count_slots(  # type: ignore[no-untyped-def]
    values, thresholds, first, last, scale, n_buckets, slots
):
    """Fill the 2P + 1 slots between and at P thresholds; those in first:last are finite."""
    low = thresholds[first]
    counts = np.empty(n_buckets, np.int32)
    held = _thresholds_of_buckets(thresholds, first, last, scale, counts)
    buckets = np.empty(_BLOCK, np.uint16)
    marked = np.empty(_BLOCK, np.uint16)
    for start in range(0, values.size, _BLOCK):
        block = values[start : start + _BLOCK]
        block_buckets = buckets[: block.size]
        _assign_buckets(block, low, scale, n_buckets, block_buckets)
        n_marked = _count_buckets(block_buckets, counts, marked)
        for i in range(n_marked):
            slots[_slot(block[marked[i]], block_buckets[marked[i]], held, thresholds)] += 1
    _add_buckets_without_threshold(held, counts, slots)
    n_low = 0
    n_high = 0
    if first > 0 or last < thresholds.size:
        for i in range(values.size):
            n_low += values[i] == -np.inf
            n_high += values[i] == np.inf
    _move_infinite(n_low, n_high, first, last, slots)


@kernel()
def _count_slots_weighted(  # type: ignore[no-untyped-def]
    values, weights, thresholds, first, last, scale, n_buckets, slots
):
    """Do the same as `_count_slots` for weighted values."""
    low = thresholds[first]
    counts = np.empty(n_buckets, np.int64)
    held = _thresholds_of_buckets(thresholds, first, last, scale, counts)
    buckets = np.empty(_BLOCK, np.uint16)
    marked = np.empty(_BLOCK, np.uint16)
    for start in range(0, values.size, _BLOCK):
        block = values[start : start + _BLOCK]
        block_weights = weights[start : start + _BLOCK]
        block_buckets = buckets[: block.size]
        _assign_buckets(block, low, scale, n_buckets, block_buckets)
        n_marked = _add_up_buckets(block_buckets, block_weights, counts, marked)
        for i in range(n_marked):
            slot = _slot(block[marked[i]], block_buckets[marked[i]], held, thresholds)
            slots[slot] += block_weights[marked[i]]
    _add_buckets_without_threshold(held, counts, slots)
    n_low = 0
    n_high = 0
    if first > 0 or last < thresholds.size:
        for i in range(values.size):
            n_low += weights[i] if values[i] == -np.inf else 0
            n_high += weights[i] if values[i] == np.inf else 0
    _move_infinite(n_low, n_high, first, last, slots)


@kernel()
def _move_infinite(n_low, n_high, first, last, slots):  # type: ignore[no-untyped-def]
    """Move the counts of infinite values to the slots of infinite thresholds."""
    if first > 0:
        slots[2 * first] -= n_low
        slots[1] += n_low
    if 2 * last + 1 < slots.size:
        slots[2 * last] -= n_high
        slots[slots.size - 2] += n_high


@kernel()
def _count_steps(values, low, high, step, counts):  # type: ignore[no-untyped-def]
    """Histogram of (value - low) / (high - low) over the intervals [k step, (k + 1) step)."""
    span = high - low
    last = counts.size - 1
    for i in range(values.size):
        share = (np.float64(values[i]) - low) / span
        k = min(np.int64(share / step), last)
        # division and multiplication round differently: the product k * step decides
        if k < last and share >= (k + 1) * step:
            k += 1
        elif k > 0 and share < k * step:
            k -= 1
        counts[k] += 1
