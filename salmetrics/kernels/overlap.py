"""Comparisons of two maps, which are shifted and scaled to sum 1 in the same pass."""

import numpy as np

from salmetrics.kernels.jit import kernel

__all__ = ["regularised_ratio", "sum_of_minima", "weighted_sum"]


@kernel(fast_sums=True)
def sum_of_minima(p, q, shift_p, scale_p, shift_q, scale_q):  # type: ignore[no-untyped-def]
    """Sum of min((p - shift_p) * scale_p, (q - shift_q) * scale_q)."""
    result = 0.0
    for i in range(p.size):
        a = (float(p[i]) - shift_p) * scale_p
        b = (float(q[i]) - shift_q) * scale_q
        result += a if a < b else b
    return result


@kernel()
def regularised_ratio(  # type: ignore[no-untyped-def]
    p, q, shift_p, scale_p, shift_q, scale_q, epsilon
):
    """Epsilon + q / (p + epsilon), the argument of the regularised KL divergence's logarithm."""
    ratio = np.empty(p.size)
    for i in range(p.size):
        a = (float(p[i]) - shift_p) * scale_p
        b = (float(q[i]) - shift_q) * scale_q
        ratio[i] = epsilon + b / (a + epsilon)
    return ratio


@kernel(fast_sums=True)
def weighted_sum(weights, shift, scale, values):  # type: ignore[no-untyped-def]
    """Sum of (weights - shift) * scale * values; a weight of 0 gives 0 even with infinities."""
    result = 0.0
    for i in range(weights.size):
        weight = (float(weights[i]) - shift) * scale
        result += weight * values[i] if weight != 0.0 else 0.0
    return result
