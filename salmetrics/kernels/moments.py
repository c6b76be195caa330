"""Extremes, sums, variances and the covariance of maps, accumulated in float64."""

import numpy as np

from salmetrics.kernels.jit import kernel

__all__ = ["extremes_and_total", "pair_moments", "squares_about", "total", "total_above"]

_LANES = 128  # running minima and maxima: enough to fill vector registers, few enough to fit


@kernel(fast_sums=True)
def total(values):  # type: ignore[no-untyped-def]
    """Sum of the values."""
    result = 0.0
    for i in range(values.size):
        result += float(values[i])
    return result


@kernel(fast_sums=True)
def total_above(values, low):  # type: ignore[no-untyped-def]
    """Sum of values - low: no cancellation when `low` is large and the differences are small."""
    result = 0.0
    for i in range(values.size):
        result += float(values[i]) - low
    return result


@kernel(fast_sums=True)
def extremes_and_total(values):  # type: ignore[no-untyped-def]
    """Smallest and largest value and the sum, in one pass; if the sum is NaN, ignore the extremes.

    The compiler vectorises a single minimum only if it may assume that there is no NaN, which
    would break the sum; one running minimum per lane is always vectorised: 0.07 ms for 480 000
    float32 values, where NumPy's three passes take 0.23 ms.
    """
    low = np.empty(_LANES, values.dtype)
    high = np.empty(_LANES, values.dtype)
    for j in range(_LANES):
        low[j] = values[0]
        high[j] = values[0]
    result = 0.0
    rest = values.size - values.size % _LANES
    for start in range(0, rest, _LANES):
        block = values[start : start + _LANES]
        for j in range(_LANES):
            low[j] = block[j] if block[j] < low[j] else low[j]
            high[j] = block[j] if block[j] > high[j] else high[j]
        for j in range(_LANES):
            result += float(block[j])
    for i in range(rest, values.size):
        low[0] = values[i] if values[i] < low[0] else low[0]
        high[0] = values[i] if values[i] > high[0] else high[0]
        result += float(values[i])
    return low.min(), high.max(), result


@kernel(fast_sums=True)
def squares_about(values, mean):  # type: ignore[no-untyped-def]
    """Sum of squared deviations from the mean."""
    squares = 0.0
    for i in range(values.size):
        deviation = float(values[i]) - mean
        squares += deviation * deviation
    return squares


@kernel(fast_sums=True)
def pair_moments(first, mean_first, second, mean_second):  # type: ignore[no-untyped-def]
    """Add up squared deviations of two arrays from their means, and their products."""
    squares_first = 0.0
    squares_second = 0.0
    products = 0.0
    for i in range(first.size):
        a = float(first[i]) - mean_first
        b = float(second[i]) - mean_second
        squares_first += a * a
        squares_second += b * b
        products += a * b
    return squares_first, squares_second, products
