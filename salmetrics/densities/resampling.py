"""A model's mean prediction over images of any sizes, on one grid."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.errors import InputError

__all__ = [
    "GRID",
    "MeanDensity",
    "from_grid",
    "from_grid_by_logs",
    "mean_of_others",
    "resize_log_density",
    "resize_map",
    "to_grid",
    "to_grid_by_logs",
]

GRID = 500  # rows and columns, as in the MIT/Tuebingen benchmark

Array = NDArray[np.float64]

_NOTHING = -1e30  # stands for the log of 0, which can't be interpolated


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


def to_grid_by_logs(log_density: Array) -> Array:
    """Bring a density to the grid as the MIT/Tuebingen benchmark does.

    Its log is interpolated linearly, corner pixels on corner cells, and normalised again. A cell
    beside a pixel of probability 0 gets 0.

    Parameters
    ----------
    log_density
        Shape (h, w), logsumexp 0.

    Returns
    -------
    Density of shape (GRID, GRID), sum 1.
    """
    return _interpolated_logs(log_density, (GRID, GRID))


def from_grid_by_logs(density: Array, size: tuple[int, int]) -> Array:
    """Bring a density from the grid to the size of an image, as `to_grid_by_logs`; sum 1."""
    with np.errstate(divide="ignore"):  # probability 0 is legal
        return _interpolated_logs(np.log(density), size)


def _interpolated_logs(log_density: Array, size: tuple[int, int]) -> Array:
    logs = np.maximum(np.asarray(log_density, dtype=np.float64), _NOTHING)
    if logs.shape != size:
        rows, columns = (_corners(new, old) for new, old in zip(size, logs.shape, strict=True))
        logs = columns.dot(rows.dot(logs).T).T
    density = np.exp(logs - logs.max())
    return np.asarray(density / density.sum())


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


@lru_cache(maxsize=64)
def _corners(new: int, old: int) -> Any:
    """Sparse (new, old): linear interpolation, the first and last at the first and last."""
    from scipy.sparse import csr_array

    at = np.arange(new) * ((old - 1) / max(new - 1, 1))
    left = np.minimum(at.astype(int), max(old - 2, 0))
    right_share = at - left
    rows = np.arange(new)
    return csr_array(
        (
            np.concatenate([1 - right_share, right_share]),
            (np.concatenate([rows, rows]), np.concatenate([left, np.minimum(left + 1, old - 1)])),
        ),
        shape=(new, old),
    )


_ORDERS = {"nearest": 0, "bilinear": 1, "bicubic": 3}


def resize_map(
    array: NDArray[Any], size: tuple[int, int], resize: str = "bilinear"
) -> NDArray[np.float64]:
    """Interpolate a map of shape (h, w) at the pixels of another size, (height, width)."""
    from scipy.ndimage import zoom

    if array.ndim != 2:
        raise InputError(f"only maps of shape (h, w) can be resized; got {array.shape}")
    factors = (size[0] / array.shape[0], size[1] / array.shape[1])
    resized: NDArray[np.float64] = zoom(
        array.astype(np.float64), factors, order=_ORDERS[resize], mode="nearest", grid_mode=True
    )
    return resized


def resize_log_density(
    log_density: NDArray[Any], size: tuple[int, int], resize: str = "bilinear"
) -> NDArray[np.float64]:
    """Interpolate the density, not its log (which may be -inf), and normalise it again."""
    density = np.maximum(resize_map(np.exp(log_density), size, resize), 0.0)
    with np.errstate(divide="ignore"):  # probability 0 is legal
        logarithm: NDArray[np.float64] = np.log(density / density.sum())
    return logarithm


@dataclass(frozen=True)
class MeanDensity:
    """Sum of a model's predictions over n images, on the grid of `mean_density`."""

    total: Array = field(default_factory=lambda: np.zeros(()))
    n: int = 0

    def plus(self, other: MeanDensity) -> MeanDensity:
        """Return the sum over the images of both."""
        return MeanDensity(self.total + other.total, self.n + other.n)

    def digest(self) -> str:
        """Tell this sum from others."""
        return hashlib.sha256(self.total.tobytes()).hexdigest()[:32] + f"-{self.n}"
