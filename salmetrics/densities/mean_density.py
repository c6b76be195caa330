"""Mean predictions over images of any sizes, on one grid, as shuffled AUC needs them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from salmetrics.array_types import AnyArray, Array, Size, to_numpy
from salmetrics.protocols import MeanGrid

__all__ = [
    "GRID",
    "MeanDensity",
    "from_grid",
    "from_grid_by_logs",
    "mean_of_others",
    "mean_on_grid",
    "others_mean",
    "to_grid",
    "to_grid_by_logs",
]

GRID = 500  # rows and columns, as in the MIT/Tuebingen benchmark

_NOTHING = -1e30  # replaces the log of 0, which cannot be interpolated


def to_grid(density: Array) -> Array:
    """Bring a density to the grid; each cell gets the mass of the pixels that it covers.

    Parameters
    ----------
    density
        Density of shape (h, w), sum 1.

    Returns
    -------
    density : ndarray of shape (GRID, GRID)
        Its sum is the same.
    """
    height, width = density.shape
    return np.asarray(_mass(width).dot(_mass(height).dot(density).T).T)


def from_grid(density: Array, size: Size) -> Array:
    """Interpolate a density on the grid at the pixel centres of an image.

    Parameters
    ----------
    density
        Density of shape (GRID, GRID), sum 1.
    size
        (height, width) of the image.

    Returns
    -------
    density : ndarray of shape (h, w)
        Density per pixel; its sum is 1 up to errors of interpolation.
    """
    height, width = size
    values = _linear(width).dot(_linear(height).dot(density).T).T
    return np.asarray(values * (GRID / height * GRID / width))


def to_grid_by_logs(log_density: Array) -> Array:
    """Bring a density to the grid as the MIT/Tuebingen benchmark does.

    Its log is interpolated linearly, corner pixels at corner cells, and normalised again. A cell
    beside a pixel of probability 0 gets 0.

    Parameters
    ----------
    log_density
        Natural log of a density, shape (h, w), logsumexp 0.

    Returns
    -------
    density : ndarray of shape (GRID, GRID)
        Its sum is 1.
    """
    return _interpolated_logs(log_density, (GRID, GRID))


def from_grid_by_logs(density: Array, size: Size) -> Array:
    """Bring a density from the grid to an image's size by interpolating its log; sum 1."""
    with np.errstate(divide="ignore"):  # probability 0 is legal
        return _interpolated_logs(np.log(density), size)


def _interpolated_logs(log_density: Array, size: Size) -> Array:
    """Interpolate a log density, corners at corners, and return the normalised density."""
    logs = np.maximum(np.asarray(log_density, dtype=np.float64), _NOTHING)
    if logs.shape != size:
        rows, columns = (_corners(new, old) for new, old in zip(size, logs.shape, strict=True))
        logs = columns.dot(rows.dot(logs).T).T
    density = np.exp(logs - logs.max())
    return np.asarray(density / density.sum())


def mean_of_others(total: Array, own: Array, n: int) -> Array:
    """Return the mean of n - 1 of n densities, from the sum of all and the one left out.

    Where the other densities are smaller than 1e-16 times the one left out, they are lost in
    rounding; negative differences become 0.
    """
    return np.asarray(np.maximum(total - own, 0.0) / (n - 1))


@lru_cache(maxsize=64)
def _mass(length: int) -> Any:
    """Return a sparse matrix (GRID, length): the share of each pixel that lies in each cell."""
    from scipy.sparse import csr_array

    edges = np.union1d(np.arange(length + 1) * GRID, np.arange(GRID + 1) * length)
    middles = (edges[:-1] + edges[1:]) / 2
    cells, pixels = (middles // length).astype(int), (middles // GRID).astype(int)
    return csr_array((np.diff(edges) / GRID, (cells, pixels)), shape=(GRID, length))


@lru_cache(maxsize=64)
def _linear(length: int) -> Any:
    """Return a sparse matrix (length, GRID) that interpolates between cells, flat outside."""
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
    """Return a sparse matrix (new, old) that interpolates linearly, end points at end points."""
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


@dataclass(frozen=True)
class MeanDensity:
    """Sum of the predictions of a model over images, on the grid.

    Attributes
    ----------
    total : ndarray of shape (GRID, GRID)
        Sum of the predictions; the number 0 if there is none.
    n : int
        Number of images.
    """

    total: Array = field(default_factory=lambda: np.zeros(()))
    n: int = 0

    def plus(self, other: MeanDensity) -> MeanDensity:
        """Return the sum over the images of both."""
        return MeanDensity(self.total + other.total, self.n + other.n)

    def digest(self) -> str:
        """Return a digest of the sum and the number of images."""
        return hashlib.sha256(self.total.tobytes()).hexdigest()[:32] + f"-{self.n}"

    def add(self, density: Array) -> MeanDensity:
        """Return the sum with the prediction for one more image."""
        return self.plus(MeanDensity(density, 1))


def mean_on_grid(log_densities: Sequence[AnyArray], mean_grid: MeanGrid) -> Array:
    """Return the mean, on the grid, of the densities of one image, one per subject.

    Parameters
    ----------
    log_densities
        Natural logs of the densities, each of shape (h, w).
    mean_grid
        How densities are brought to the grid, "mass" or "log"; see `salmetrics.Protocol`.

    Returns
    -------
    density : ndarray of shape (GRID, GRID)
        Its sum is 1.
    """
    logs = (to_numpy(log_density).astype(np.float64) for log_density in log_densities)
    if mean_grid == "mass":
        grids = [to_grid(np.exp(log_density)) for log_density in logs]
    else:
        grids = [to_grid_by_logs(log_density) for log_density in logs]
    return np.asarray(sum(grids[1:], grids[0]) / len(grids))


def others_mean(mean: MeanDensity, own: Array, size: Size, mean_grid: MeanGrid) -> Array:
    """Return the mean density over the other images, at the size of this one.

    Parameters
    ----------
    mean
        Sum over all images, at least two.
    own
        Density of this image on the grid, from `mean_on_grid`.
    size
        (height, width) of this image.
    mean_grid
        How densities are brought back from the grid, "mass" or "log"; see `salmetrics.Protocol`.

    Returns
    -------
    density : ndarray of shape (h, w)
        Density per pixel.
    """
    others = mean_of_others(mean.total, own, mean.n)
    return from_grid(others, size) if mean_grid == "mass" else from_grid_by_logs(others, size)
