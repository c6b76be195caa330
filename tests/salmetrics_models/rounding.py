"""Tolerances that follow from the rounding of a computation, not from one machine's last digits.

Another processor adds in another order. So what two orders of the same sum may differ by is
measured here, on the machine that runs the test, by doing the same in float32 and in float64.
"""

import numpy as np

EPS32 = float(np.finfo(np.float32).eps)
EPS64 = float(np.finfo(np.float64).eps)

# Errors of two orders of one computation are equally large up to this factor. Measured with SSE,
# AVX2 and AVX-512, of torch and of oneDNN, with one and two threads: from 0.5 to 4.7.
FACTOR = 16


def largest_difference(one, other):
    """Largest absolute difference of two arrays, taken in float64."""
    return float(np.abs(as_float64(one) - as_float64(other)).max())


def as_float64(array):
    return np.asarray(array, dtype=np.float64)


def assert_equal_in_float64(found, expected, single):
    """Two float64 results of one computation differ by no more than its rounding.

    Parameters
    ----------
    found, expected
        The results.
    single
        The same computation in float32. What that loses, float64 loses 2 ** 29 times less of.
    """
    rounding = largest_difference(single, expected) * EPS64 / EPS32
    own = EPS64 * np.abs(as_float64(expected)).max()  # of a result that float32 holds exactly
    assert largest_difference(found, expected) <= FACTOR * (rounding + own)


def assert_equal_in_float32(found, recorded, exact):
    """Two float32 results of one computation are equally far from the exact result.

    Parameters
    ----------
    found, recorded
        The results; each counts as the measure of what the other may lose.
    exact
        The same computation in float64.
    """
    lost, lost_there = largest_difference(found, exact), largest_difference(recorded, exact)
    own = EPS32 * np.abs(as_float64(exact)).max()
    assert lost <= FACTOR * (lost_there + own)
    assert lost_there <= FACTOR * (lost + own)


def assert_sums_to_one(log_density):
    """A density is normalised, up to the rounding of its logs."""
    log = np.asarray(log_density)
    # each log is rounded to eps of its size, and the sum moves by that share
    tolerance = 4 * np.finfo(log.dtype).eps * np.abs(log).max()
    assert abs(np.exp(log.astype(np.float64)).sum() - 1) <= tolerance
