"""Maps and log densities that were checked once, and the sums that several metrics share."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from salmetrics.array_types import AnyArray, Rows, Size, to_numpy
from salmetrics.errors import InputError
from salmetrics.kernels import moments
from salmetrics.kernels.jit import kernel_input
from salmetrics.protocols import KLDivMethod

__all__ = [
    "NORMALIZATION_TOLERANCE",
    "CheckedMap",
    "as_log_density",
    "as_map",
    "check_same_shape",
    "pixel_indices",
    "share_of_sum",
]

NORMALIZATION_TOLERANCE = 1e-3  # largest absolute logsumexp of a log density


class CheckedMap:
    """A map without NaN, ready for the kernels, with the sums that several metrics share.

    Metrics accept it in place of an array and then skip their checks.

    Parameters
    ----------
    values
        The map, shape (h, w), from `salmetrics.kernels.jit.kernel_input`: C-contiguous, read-only,
        float32, float64 or uint8.

    Attributes
    ----------
    values
        The map, shape (h, w).
    flat
        The same memory, shape (h * w,).
    low, high
        Smallest and largest value.
    total
        Sum over pixels.
    """

    def __init__(self, values: AnyArray) -> None:
        self.values = values
        self.flat = values.reshape(-1)
        low, high, total = moments.extremes_and_total(self.flat)
        if np.isnan(total):  # NaN, or infinities of both signs, or overflow
            low, high = values.min(), values.max()
        self.low, self.high, self.total = float(low), float(high), float(total)

    @property
    def shape(self) -> Size:
        """(height, width)."""
        return self.values.shape

    @property
    def is_constant(self) -> bool:
        """Whether all pixels are equal."""
        return self.low == self.high

    @property
    def mean(self) -> float:
        """Mean over pixels."""
        return self.total / self.flat.size

    @cached_property
    def squares(self) -> float:
        """Sum of squared deviations from the mean."""
        return float(moments.squares_about(self.flat, self.mean))

    @cached_property
    def total_above_low(self) -> float:
        """Sum of the differences from the smallest value."""
        return float(moments.total_above(self.flat, self.low))

    @property
    def moderate(self) -> CheckedMap:
        """The map, multiplied by a power of two if squares of its values would overflow or vanish.

        For metrics that do not depend on the scale.
        """
        # not cached: an object that refers to itself is freed only by the garbage collector
        largest = max(abs(self.low), abs(self.high))
        if largest == 0 or 2.0**-300 < largest < 2.0**300:
            return self
        scaled = np.ldexp(self.values.astype(np.float64), -int(np.frexp(largest)[1]))
        return CheckedMap(kernel_input(scaled))


def as_map(saliency_map: ArrayLike | CheckedMap, name: str = "saliency_map") -> CheckedMap:
    """Check that a map is two-dimensional, not empty, real and finite.

    Parameters
    ----------
    saliency_map
        Map of shape (h, w); a `CheckedMap` is returned as it is.
    name
        Name of the argument in error messages.

    Returns
    -------
    checked : CheckedMap
        The map.

    Raises
    ------
    InputError
        If the map is invalid.
    """
    if isinstance(saliency_map, CheckedMap):
        return saliency_map
    checked = _checked(saliency_map, name)
    if not (np.isfinite(checked.low) and np.isfinite(checked.high)):
        raise InputError(f"{name} must be finite; {_census(checked.values)}")
    return checked


def as_log_density(
    log_density: ArrayLike | CheckedMap, name: str = "log_density", *, normalize: bool = False
) -> CheckedMap:
    """Check the natural log of a density over pixels: logsumexp 0 within 1e-3; -inf is allowed.

    Parameters
    ----------
    log_density
        Natural log of the density, shape (h, w); a `CheckedMap` is returned as it is.
    name
        Name of the argument in error messages.
    normalize
        Subtract the logsumexp instead of refusing one that is not 0.

    Returns
    -------
    checked : CheckedMap
        The log density.

    Raises
    ------
    InputError
        If a value is NaN or +inf, all are -inf, or the density does not sum to 1.
    """
    if isinstance(log_density, CheckedMap):
        return log_density
    checked = _checked(log_density, name)
    if np.isnan(checked.low) or checked.high == np.inf:
        raise InputError(f"{name} must not hold NaN or +inf; {_census(checked.values)}")
    if checked.high == -np.inf:
        raise InputError(f"{name} is -inf everywhere, so no pixel has any probability")
    shifted = np.subtract(checked.flat, checked.high, dtype=np.float64)
    log_total = checked.high + float(np.log(moments.total(np.exp(shifted, out=shifted))))
    if normalize:
        return _checked(checked.values - log_total, name)
    if abs(log_total) > NORMALIZATION_TOLERANCE:
        raise InputError(
            f"{name} must be the natural log of a density that sums to 1; its sum is "
            f"{np.exp(min(log_total, 700.0)):.6g} (logsumexp {log_total:.6g}). "
            f"{_density_hint(checked, log_total)}"
        )
    return checked


def check_same_shape(first: CheckedMap, second: CheckedMap, name: str) -> None:
    """Raise `InputError` unless both maps have the same shape."""
    if first.shape != second.shape:
        raise InputError(
            f"saliency_map and {name} must have the same shape; got {first.shape} and "
            f"{second.shape}"
        )


def pixel_indices(x: ArrayLike, y: ArrayLike, shape: Size) -> Rows:
    """Return the flat index floor(y) * width + floor(x) of the pixel under each point.

    Parameters
    ----------
    x, y
        Positions in pixels, shape (n,).
    shape
        (height, width) of the map.

    Returns
    -------
    pixels : ndarray of int64, shape (n,)
        Flat indices.

    Raises
    ------
    InputError
        If positions are not finite or outside the map, or `x` and `y` differ in length.

    Examples
    --------
    >>> pixel_indices([0.5, 2.9], [0, 1.2], (2, 3))
    array([0, 5])
    """
    xs = np.atleast_1d(to_numpy(x).astype(np.float64, copy=False))
    ys = np.atleast_1d(to_numpy(y).astype(np.float64, copy=False))
    if xs.ndim != 1 or xs.shape != ys.shape:
        raise InputError(
            f"x and y must be arrays of the same length; got {xs.shape} and {ys.shape}"
        )
    height, width = shape
    inside = (xs >= 0) & (xs < width) & (ys >= 0) & (ys < height)  # False for NaN
    if not inside.all():
        bad = np.flatnonzero(~inside)
        raise InputError(
            f"{bad.size} of {xs.size} fixations are outside the map of width {width} and height "
            f"{height}; the first is number {bad[0]}: x={xs[bad[0]]:g}, y={ys[bad[0]]:g}"
        )
    return ys.astype(np.int64) * width + xs.astype(np.int64)


def _of_what(values: AnyArray) -> str:
    """Return the end of a message on an array of objects: what they are, and what to do."""
    if values.dtype != object:
        return ""
    if values.ndim == 0:
        return f", a {type(values.item()).__name__}: return an array of shape (height, width)"
    kinds = sorted({type(value).__name__ for value in values.ravel()[:1000].tolist()})
    return (
        f" ({', '.join(kinds[:3])}): rows of different lengths, None and objects are no map; make "
        "it with numpy.asarray(map, dtype=float)"
    )


def _checked(array: ArrayLike, name: str) -> CheckedMap:
    if isinstance(array, np.ma.MaskedArray):
        raise InputError(
            f"{name} must not be a masked array: the mask would be ignored; use .filled(value)"
        )
    values = to_numpy(array)
    if values.dtype.kind not in "fiub":
        raise InputError(f"{name} must hold real numbers; got {values.dtype}{_of_what(values)}")
    if values.ndim != 2 or values.size == 0:
        raise InputError(
            f"{name} must have shape (height, width) with at least one pixel; got {values.shape}"
        )
    return CheckedMap(kernel_input(values))


def _census(values: AnyArray) -> str:
    """Return the number of NaN and infinite values, and the place of the first, for a message."""
    n_nan, n_infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    row, column = np.argwhere(~np.isfinite(values))[0]
    return (
        f"got {n_nan} NaN and {n_infinite} infinite of {values.size} pixels, the first at row "
        f"{row}, column {column}"
    )


def _density_hint(checked: CheckedMap, log_total: float) -> str:
    if checked.low >= 0 and abs(checked.total - 1) <= NORMALIZATION_TOLERANCE:
        return "This looks like a density itself: pass kind='density', or its logarithm"
    if checked.low >= 0:
        return "This looks like a saliency map: pass kind='saliency_map'"
    return "Subtract scipy.special.logsumexp(log_density)"


def share_of_sum(m: CheckedMap, method: KLDivMethod) -> tuple[float, float]:
    """Return (shift, scale) that turn a map into a density, (m - shift) * scale.

    Parameters
    ----------
    m
        Map of shape (h, w).
    method
        "benchmark" or "matlab"; see `salmetrics.metrics.kldiv.score`.

    Returns
    -------
    shift : float
        Number to subtract.
    scale : float
        Factor afterwards.
    """
    if m.is_constant and method == "benchmark" and m.low <= 0:
        return m.low - 1.0, 1.0 / m.flat.size  # all zero after the shift: uniform
    if method == "benchmark" and m.low < 0:
        return m.low, 1.0 / m.total_above_low
    return 0.0, 1.0 / m.total if m.total != 0 else 0.0
