"""Pearson correlation of two maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from salmetrics.checked_map import CheckedMap, as_map, check_same_shape
from salmetrics.kernels import moments

__all__ = ["score"]


def score(saliency_map: ArrayLike | CheckedMap, empirical_map: ArrayLike | CheckedMap) -> float:
    """Compute the Pearson correlation of a saliency map and an empirical map over pixels.

    Parameters
    ----------
    saliency_map
        Predicted map, shape (h, w).
    empirical_map
        Blurred fixations, shape (h, w).

    Returns
    -------
    correlation : float
        From -1 to 1; higher is better. 0 if only the saliency map is constant, NaN if the
        empirical map is.

    Raises
    ------
    InputError
        If a map is not finite, or their shapes differ.

    References
    ----------
    Bylinskii, Judd, Oliva, Torralba and Durand (2019), IEEE TPAMI 41, 740-757,
    doi:10.1109/TPAMI.2018.2815601.

    Examples
    --------
    >>> score([[1.0, 2.0, 4.0]], [[2.0, 4.0, 8.0]])
    1.0
    """
    m, q = as_map(saliency_map).moderate, as_map(empirical_map, "empirical_map").moderate
    check_same_shape(m, q, "empirical_map")
    if q.is_constant:
        return np.nan
    if m.is_constant:
        return 0.0
    squares_m, squares_q, products = moments.pair_moments(m.flat, m.mean, q.flat, q.mean)
    correlation = products / np.sqrt(squares_m) / np.sqrt(squares_q)
    return float(np.clip(correlation, -1.0, 1.0))
