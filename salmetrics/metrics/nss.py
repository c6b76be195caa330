"""Normalised scanpath saliency."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from salmetrics.array_types import Array, to_numpy
from salmetrics.checked_map import CheckedMap, as_map, pixel_indices
from salmetrics.errors import InputError
from salmetrics.protocols import DEFAULT

__all__ = ["matlab", "score"]


def score(
    saliency_map: ArrayLike | CheckedMap,
    x: ArrayLike,
    y: ArrayLike,
    *,
    ddof: int = DEFAULT.nss_ddof,
) -> Array:
    """Compute the NSS of each fixation: the map's value there in standard deviations from its mean.

    NSS_i = (m(y_i, x_i) - mean(m)) / std(m)

    Parameters
    ----------
    saliency_map
        Predicted map, shape (h, w).
    x, y
        Positions of the fixations in pixels, shape (n,).
    ddof
        Number that is subtracted from the number of pixels in the denominator of the variance.

    Returns
    -------
    saliencies : ndarray of float64, shape (n,)
        Standard deviations; higher is better, 0 is chance. 0 for a constant map.

    Raises
    ------
    InputError
        If the map is not finite, fixations are outside it, or `ddof` is too large.

    References
    ----------
    Peters, Iyer, Itti and Koch (2005), Vision Research 45, 2397-2416,
    doi:10.1016/j.visres.2005.03.019.

    Examples
    --------
    >>> score([[1.0, 2.0, 3.0]], [2, 0], [0, 0])
    array([ 1.22474487, -1.22474487])
    """
    m = as_map(saliency_map).moderate
    pixels = pixel_indices(x, y, m.shape)
    if m.is_constant:
        return np.zeros(pixels.size)
    if ddof >= m.flat.size:
        raise InputError(f"ddof must be below the number of pixels, {m.flat.size}; got {ddof}")
    deviations = m.flat[pixels].astype(np.float64) - m.mean
    return deviations / np.sqrt(m.squares / (m.flat.size - ddof))


def matlab(saliency_map: ArrayLike | CheckedMap, x: ArrayLike, y: ArrayLike) -> float:
    """Compute NSS of the older MIT benchmark's MATLAB code: N - 1, mean over unique fixated pixels.

    Parameters
    ----------
    saliency_map
        Predicted map, shape (h, w).
    x, y
        Positions of the fixations in pixels, shape (n,).

    Returns
    -------
    saliency : float
        Standard deviations; higher is better. NaN without fixations, 0 for a constant map.

    Raises
    ------
    InputError
        If the map is not finite, or fixations are outside it.
    """
    m = as_map(saliency_map)
    _, first = np.unique(pixel_indices(x, y, m.shape), return_index=True)
    if first.size == 0:
        return np.nan
    rows = np.sort(first)
    values = score(m, to_numpy(x)[rows], to_numpy(y)[rows], ddof=1)
    # added one by one like image means, so that nss(ddof=1, unique=True) has the same last bits
    return float(np.add.accumulate(values)[-1] / values.size)
