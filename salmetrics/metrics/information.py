"""Log likelihood and information gain."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from salmetrics.array_types import Array, Rows
from salmetrics.checked_map import (
    CheckedMap,
    as_log_density,
    as_map,
    check_same_shape,
    pixel_indices,
)
from salmetrics.errors import check_choice

__all__ = ["UNITS", "Unit", "in_unit", "matlab", "score"]

Unit = Literal["bit", "nat"]
UNITS: tuple[Unit, ...] = get_args(Unit)
_EPSILON = 2.0**-52


def score(
    log_density: ArrayLike | CheckedMap,
    x: ArrayLike,
    y: ArrayLike,
    baseline: ArrayLike | CheckedMap | None = None,
) -> Array:
    """Compute each fixation's information gain over a baseline, or log likelihood without one.

    IG_i = log2 p(y_i, x_i) - log2 p_baseline(y_i, x_i)

    Parameters
    ----------
    log_density
        Natural log of the model's density, shape (h, w), logsumexp 0; -inf is allowed.
    x, y
        Positions of the fixations in pixels, shape (n,).
    baseline
        Natural log of the baseline's density, shape (h, w).

    Returns
    -------
    gains : ndarray of float64, shape (n,)
        Bits per fixation; higher is better. -inf where the model's density is 0.

    Raises
    ------
    InputError
        If a map is not a log density, their shapes differ, or fixations are outside them.

    References
    ----------
    Kümmerer, Wallis and Bethge (2015), PNAS 112, 16054-16059, doi:10.1073/pnas.1510393112.

    Examples
    --------
    >>> score(np.log([[0.5, 0.25], [0.125, 0.125]]), [0, 1], [0, 0], np.log(np.full((2, 2), 0.25)))
    array([1., 0.])
    """
    model = as_log_density(log_density)
    pixels = pixel_indices(x, y, model.shape)
    gain = model.flat[pixels].astype(np.float64)
    if baseline is not None:
        reference = as_log_density(baseline, "baseline")
        check_same_shape(model, reference, "baseline")
        gain -= reference.flat[pixels]
    return gain / np.log(2)


def matlab(
    saliency_map: ArrayLike | CheckedMap,
    x: ArrayLike,
    y: ArrayLike,
    baseline: ArrayLike | CheckedMap,
) -> float:
    """Compute InfoGain of the older MIT benchmark's MATLAB code, which is not an information gain.

    Both maps are min-max scaled and divided by their sum; the score is the mean over unique
    fixated pixels of log2(2^-52 + p) - log2(2^-52 + p_baseline). A constant map counts as uniform
    (NaN in MATLAB).

    Parameters
    ----------
    saliency_map
        Predicted map, shape (h, w).
    x, y
        Positions of the fixations in pixels, shape (n,).
    baseline
        Map of the baseline, shape (h, w).

    Returns
    -------
    gain : float
        Bits per fixated pixel; higher is better. NaN without fixations.

    Raises
    ------
    InputError
        If a map is not finite, their shapes differ, or fixations are outside them.

    References
    ----------
    Bylinskii et al., MIT saliency benchmark, InfoGain.m (2016).
    """
    model, reference = as_map(saliency_map).moderate, as_map(baseline, "baseline").moderate
    check_same_shape(model, reference, "baseline")
    pixels = np.unique(pixel_indices(x, y, model.shape))
    if pixels.size == 0:
        return np.nan
    gains = np.log2(_EPSILON + _scaled_density(model, pixels))
    gains -= np.log2(_EPSILON + _scaled_density(reference, pixels))
    return float(gains.mean())


def in_unit(bits: Array, unit: Unit) -> Array:
    """Convert bits to a unit.

    Parameters
    ----------
    bits
        Values in bits, of any shape.
    unit
        "bit" or "nat".

    Returns
    -------
    values : ndarray of float64
        The values in `unit`.

    Raises
    ------
    InputError
        If `unit` is invalid.
    """
    check_choice("unit", unit, UNITS)
    return bits if unit == "bit" else bits * np.log(2)


def _scaled_density(m: CheckedMap, pixels: Rows) -> Array:
    if m.is_constant:
        return np.full(pixels.size, 1.0 / m.flat.size)
    return (m.flat[pixels].astype(np.float64) - m.low) / m.total_above_low
