"""Similarity, or histogram intersection, of two maps."""

from __future__ import annotations

from typing import Literal, get_args

from numpy.typing import ArrayLike

from salmetrics.checked_map import CheckedMap, as_map, check_same_shape, share_of_sum
from salmetrics.errors import check_choice
from salmetrics.kernels import overlap

__all__ = ["METHODS", "SimMethod", "score"]

SimMethod = Literal["benchmark", "matlab"]
METHODS: tuple[SimMethod, ...] = get_args(SimMethod)


def score(
    saliency_map: ArrayLike | CheckedMap,
    empirical_map: ArrayLike | CheckedMap,
    *,
    method: SimMethod = "benchmark",
) -> float:
    """Compute the similarity of a saliency map and an empirical map.

    SIM = sum min(p, q), where p and q are the maps scaled to sum 1

    Parameters
    ----------
    saliency_map
        Predicted map, shape (h, w).
    empirical_map
        Blurred fixations, shape (h, w).
    method
        "benchmark" (MIT/Tuebingen): a map with negative values is shifted up to 0, an all-zero map
        becomes uniform. "matlab" (older MIT benchmark): each map's minimum becomes 0 first; an
        all-zero map stays zero, another constant map counts as uniform (NaN in MATLAB).

    Returns
    -------
    similarity : float
        From 0 to 1; higher is better.

    Raises
    ------
    InputError
        If a map is not finite, their shapes differ, or `method` is invalid.

    References
    ----------
    Bylinskii, Judd, Oliva, Torralba and Durand (2019), IEEE TPAMI 41, 740-757,
    doi:10.1109/TPAMI.2018.2815601.

    Examples
    --------
    >>> score([[1.0, 1.0]], [[3.0, 1.0]])
    0.75
    """
    check_choice("method", method, METHODS)
    m, q = as_map(saliency_map).moderate, as_map(empirical_map, "empirical_map").moderate
    check_same_shape(m, q, "empirical_map")
    scaling = share_of_sum if method == "benchmark" else _share_of_range
    shift_m, scale_m = scaling(m, method)
    shift_q, scale_q = scaling(q, method)
    return float(overlap.sum_of_minima(m.flat, q.flat, shift_m, scale_m, shift_q, scale_q))


def _share_of_range(m: CheckedMap, method: SimMethod) -> tuple[float, float]:
    """Do the same as `share_of_sum` after subtracting the minimum."""
    if m.is_constant:
        return (0.0, 0.0) if m.low == 0 else (m.low - 1.0, 1.0 / m.flat.size)
    return m.low, 1.0 / m.total_above_low
