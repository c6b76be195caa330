"""Earth mover's distance of two maps on a coarse grid."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from salmetrics.array_types import Array
from salmetrics.checked_map import CheckedMap, as_map, check_same_shape
from salmetrics.errors import InputError

__all__ = ["coarse_density", "distance", "score"]

Scaling = Literal["factor", "fit"]
_FACTOR = 32  # pixels per grid cell, as in the benchmark
_CUBIC = -0.5  # parameter a of Keys's kernel, as in MATLAB's imresize


def score(saliency_map: ArrayLike | CheckedMap, empirical_map: ArrayLike | CheckedMap) -> float:
    """Compute the earth mover's distance of a saliency map and an empirical map.

    As in the older MIT benchmark, the empirical map is scaled by 1/32 and the saliency map to the
    same grid (MATLAB's bicubic imresize with antialiasing), and both are clipped at 0 and divided
    by their sum. The distance between cells is Euclidean, in cells; the optimal transport is
    exact.

    Parameters
    ----------
    saliency_map
        Predicted map, shape (h, w).
    empirical_map
        Blurred fixations, shape (h, w).

    Returns
    -------
    distance : float
        Grid cells of 32 pixels; 0 at best, lower is better. NaN if a map has no positive cell.

    Raises
    ------
    InputError
        If a map is not finite, their shapes differ, or the package POT is missing.

    References
    ----------
    Rubner, Tomasi and Guibas (2000), IJCV 40, 99-121, doi:10.1023/A:1026543900054; Pele and Werman
    (2009), ICCV, 460-467, doi:10.1109/ICCV.2009.5459199.
    """
    m, q = as_map(saliency_map), as_map(empirical_map, "empirical_map")
    check_same_shape(m, q, "empirical_map")
    return distance(coarse_density(m, "fit"), coarse_density(q, "factor"))


def coarse_density(m: CheckedMap, scaling: Scaling) -> Array:
    """Return a map on the coarse grid, with sum 1.

    Parameters
    ----------
    m
        Map of shape (h, w).
    scaling
        "factor": scaled by 1/32 exactly, so that the last cells may extend beyond the edge;
        "fit": scaled to fill the grid. They differ if a side is not a multiple of 32.

    Returns
    -------
    density : ndarray of float64, shape (ceil(h / 32), ceil(w / 32))
        NaN everywhere if no cell is positive.
    """
    height, width = m.shape
    rows = _resize_matrix(height, -(-height // _FACTOR), scaling)
    columns = _resize_matrix(width, -(-width // _FACTOR), scaling)
    coarse = np.maximum(rows @ m.values.astype(np.float64) @ columns.T, 0.0)
    total = coarse.sum()
    return coarse / total if total > 0 else np.full(coarse.shape, np.nan)


def distance(p: Array, q: Array) -> float:
    """Compute the exact optimal transport between two coarse densities of one shape.

    Parameters
    ----------
    p, q
        Densities, shape (rows, columns).

    Returns
    -------
    distance : float
        Mean distance of the transport in cells; NaN if a density is not finite.

    Raises
    ------
    InputError
        If the package POT is missing.
    """
    try:
        import ot
    except ImportError as error:
        raise InputError(
            "EMD needs the package POT: pip install 'salmetrics[emd]', or leave EMD out of metrics="
        ) from error
    if not (np.isfinite(p).all() and np.isfinite(q).all()):
        return np.nan
    cells = np.argwhere(np.ones(p.shape)).astype(np.float64)
    offsets = cells[:, np.newaxis] - cells
    costs = np.sqrt((offsets**2).sum(-1))
    return float(ot.emd2(p.ravel() / p.sum(), q.ravel() / q.sum(), costs, numItermax=10_000_000))


def _resize_matrix(n: int, n_new: int, scaling: Scaling) -> Array:
    """Return the weights of MATLAB's antialiased bicubic imresize along one axis, (n_new, n)."""
    scale = 1 / _FACTOR if scaling == "factor" else n_new / n
    centres = (np.arange(n_new) + 0.5) / scale - 0.5
    half_width = 2.0 / min(scale, 1.0)
    first = np.floor(centres - half_width).astype(np.int64)
    taps = first[:, np.newaxis] + np.arange(int(np.ceil(2 * half_width)) + 2)
    weights = _cubic((centres[:, np.newaxis] - taps) * min(scale, 1.0))
    weights /= weights.sum(1, keepdims=True)
    folded = taps % (2 * n)  # the image continues by reflection
    folded = np.where(folded < n, folded, 2 * n - 1 - folded)
    matrix = np.zeros((n_new, n))
    np.add.at(matrix, (np.arange(n_new)[:, np.newaxis], folded), weights)
    return matrix


def _cubic(t: Array) -> Array:
    """Evaluate the kernel of Keys (1981), doi:10.1109/TASSP.1981.1163711, equation 4, a = -1/2."""
    a, d = _CUBIC, np.abs(t)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = a * (((d - 5) * d + 8) * d - 4)
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))
