"""A model's mean prediction over images of any sizes, on one grid."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["GRID", "from_grid", "mean_of_others", "to_grid"]

GRID = 500  # rows and columns, as in the MIT/Tuebingen benchmark

Array = NDArray[np.float64]


def to_grid(density: Array) -> Array:
    """Bring a density to the grid; each of its cells gets the mass of what it covers.

    Parameters
    ----------
    density
        Shape (h, w), sum 1.

    Returns
    -------
    Shape (GRID, GRID), the same sum.
    """
    height, width = density.shape
    return np.asarray(_mass(width).dot(_mass(height).dot(density).T).T)


def from_grid(density: Array, size: tuple[int, int]) -> Array:
    """Interpolate a density on the grid at the pixel centres of an image.

    Parameters
    ----------
    density
        Shape (GRID, GRID), sum 1.
    size
        (h, w).

    Returns
    -------
    Density per pixel, shape (h, w); its sum is 1 but for the interpolation.
    """
    height, width = size
    values = _linear(width).dot(_linear(height).dot(density).T).T
    return np.asarray(values * (GRID / height * GRID / width))


def mean_of_others(total: Array, own: Array, n: int) -> Array:
    """Mean over n densities without one of them, from their sum.

    A cell where the others are lower than a 1e-16th of the own one is lost in rounding; what
    falls below 0 there becomes 0.
    """
    return np.asarray(np.maximum(total - own, 0.0) / (n - 1))


@lru_cache(maxsize=64)
def _mass(length: int) -> Any:
    """Sparse (GRID, length): how much of each pixel lies in each cell."""
    from scipy.sparse import csr_array

    edges = np.union1d(np.arange(length + 1) * GRID, np.arange(GRID + 1) * length)
    middles = (edges[:-1] + edges[1:]) / 2
    cells, pixels = (middles // length).astype(int), (middles // GRID).astype(int)
    return csr_array((np.diff(edges) / GRID, (cells, pixels)), shape=(GRID, length))


@lru_cache(maxsize=64)
def _linear(length: int) -> Any:
    """Sparse (length, GRID): linear interpolation between cell centres, flat beyond the last."""
    from scipy.sparse import csr_array

    at = np.clip((np.arange(length) + 0.5) * GRID / length - 0.5, 0, GRID - 1)
    left = np.minimum(at.astype(int), GRID - 2)
    right_share = at - left
    rows = np.arange(length)
    return csr_array(
        (
            np.concatenate([1 - right_share, right_share]),
            (np.concatenate([rows, rows]), np.concatenate([left, left + 1])),
        ),
        shape=(length, GRID),
    )
