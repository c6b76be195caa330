"""Means, variances and the covariance of maps, accumulated in float64."""

from salmetrics.kernels.jit import kernel

__all__ = ["mean_and_squares", "pair_moments", "total"]


@kernel(fast_sums=True)
def total(values):  # type: ignore[no-untyped-def]
    """Sum of the values."""
    result = 0.0
    for i in range(values.size):
        result += float(values[i])
    return result


@kernel(fast_sums=True)
def mean_and_squares(values):  # type: ignore[no-untyped-def]
    """Mean, and sum of squared deviations from it (two passes: no cancellation)."""
    result = 0.0
    for i in range(values.size):
        result += float(values[i])
    mean = result / values.size
    squares = 0.0
    for i in range(values.size):
        deviation = float(values[i]) - mean
        squares += deviation * deviation
    return mean, squares


@kernel(fast_sums=True)
def pair_moments(first, second):  # type: ignore[no-untyped-def]
    """Add up squared deviations of two arrays, and the products of their deviations."""
    sum_first = 0.0
    sum_second = 0.0
    for i in range(first.size):
        sum_first += float(first[i])
        sum_second += float(second[i])
    mean_first = sum_first / first.size
    mean_second = sum_second / first.size
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
