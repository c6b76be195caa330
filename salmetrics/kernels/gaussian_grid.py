"""Gaussian kernel sums by way of a grid: near linear in the number of kernels and places.

A Gaussian of standard deviation sigma is the convolution of two of sigma / sqrt(2), and the
trapezoidal rule for that integral is exact to 5e-16 of the value if grid points are sigma / 2.7
apart: exp(-2 pi^2 (2.7 / 2)^2) = 2e-16. Kernels are spread over the grid by the first Gaussian,
and sums at places are taken from it by the second.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.kernels.jit import kernel

__all__ = ["REACH", "grid_shape", "spread_on_grid", "sums_from_grid", "sums_on_lines"]

REACH = 20  # grid points on either side: each kernel loses less than 2e-24 of its peak

_PER_SIGMA = 2.7
_DECAY = 1.0 / _PER_SIGMA**2  # exp(-_DECAY u^2) at u grid points from the centre
_SCALE = 2.0 / (math.pi * _PER_SIGMA**2)  # of the sum over the grid, in two dimensions
_BLOCK = 2_000_000  # values of factors in memory: 16 MB
_DECAYS = np.exp(-_DECAY * np.arange(-REACH + 1, REACH + 1) ** 2)


def grid_shape(size: tuple[int, int], sigma: float) -> tuple[int, int]:
    """Return the shape of the grid for an image of `size`, with a margin on all sides."""
    height, width = (math.ceil(length / _spacing(sigma)) + 2 * REACH + 1 for length in size)
    return height, width


def spread_on_grid(
    ys: NDArray[np.float64], xs: NDArray[np.float64], sigma: float, grid: NDArray[np.float64]
) -> None:
    """Add kernels to a grid of the shape `grid_shape`.

    Parameters
    ----------
    ys, xs
        Centres of the kernels in pixels, within the image, shape (n,).
    sigma
        Standard deviation in pixels.
    grid
        Grid that the kernels are added to, in place.
    """
    _spread(ys, xs, 1.0 / _spacing(sigma), _DECAYS, _DECAY, grid)


def sums_from_grid(
    grid: NDArray[np.float64], at_y: NDArray[np.float64], at_x: NDArray[np.float64], sigma: float
) -> NDArray[np.float64]:
    """Return the sum of the kernels of a grid, each 1 at its centre, at places; shape (m,).

    Parameters
    ----------
    grid
        From `spread_on_grid`.
    at_y, at_x
        Places in pixels, within the image, shape (m,).
    sigma
        Standard deviation in pixels.

    Returns
    -------
    sums : ndarray of float64, shape (m,)
        At most 2e-24 n too small for n kernels, and otherwise exact to 1e-14 of the value.
    """
    sums = np.empty(at_y.size)
    _gather(grid, at_y, at_x, 1.0 / _spacing(sigma), _DECAYS, _DECAY, sums)
    sums *= _SCALE
    return sums


def sums_on_lines(
    size: tuple[int, int], ys: NDArray[np.float64], xs: NDArray[np.float64], sigma: float
) -> NDArray[np.float64]:
    """Return the sum of kernels at all pixel centres of an image, of shape `size`.

    Nothing is cut off, so that each kernel has all its digits, however far away.
    """
    shape = grid_shape(size, sigma)
    down, across = ((np.arange(n) - REACH) * _spacing(sigma) for n in shape)
    rows, columns = (np.arange(length) + 0.5 for length in size)
    grid = np.zeros(shape)
    step = max(1, _BLOCK // sum(shape))
    for first in range(0, ys.size, step):
        block = slice(first, first + step)
        grid += _factors(ys[block], down, sigma).T @ _factors(xs[block], across, sigma)
    taken = _factors(rows, down, sigma) @ grid @ _factors(columns, across, sigma).T
    return np.asarray(_SCALE * taken)


def _factors(positions: NDArray[Any], points: NDArray[Any], sigma: float) -> NDArray[np.float64]:
    """Return the narrower Gaussian between positions and grid points, shape (n, n_points)."""
    return np.asarray(np.exp(-(((positions[:, np.newaxis] - points) / sigma) ** 2)))


def _spacing(sigma: float) -> float:
    """Return the distance between grid points in pixels."""
    return sigma / _PER_SIGMA


@kernel()
def _set_line(position, decays, decay, line):  # type: ignore[no-untyped-def]
    """Set line to a Gaussian at the grid points around a position; return the first of them.

    exp(-decay (m - t)^2) is a tabulated value times a power of exp(2 decay t), times a constant:
    two exponentials instead of one for each point.
    """
    below = math.floor(position)
    t = position - below
    half = decays.size // 2
    middle = half - 1
    constant = math.exp(-decay * t * t)
    ratio = math.exp(2.0 * decay * t)
    power = constant
    for m in range(middle, decays.size):
        line[m] = decays[m] * power
        power *= ratio
    power = constant
    for m in range(middle - 1, -1, -1):
        power /= ratio
        line[m] = decays[m] * power
    return below - half + 1


@kernel(fast_sums=True)
def _spread(ys, xs, per_pixel, decays, decay, grid):  # type: ignore[no-untyped-def]
    """Add kernels to the grid, whose first points lie half a width before the image."""
    width = decays.size
    down = np.empty(width)
    right = np.empty(width)
    margin = width // 2
    for k in range(ys.size):
        top = _set_line(ys[k] * per_pixel + margin, decays, decay, down)
        left = _set_line(xs[k] * per_pixel + margin, decays, decay, right)
        for i in range(width):
            line = grid[top + i, left : left + width]
            weight = down[i]
            for j in range(width):
                line[j] += weight * right[j]


@kernel(fast_sums=True)
def _gather(grid, at_y, at_x, per_pixel, decays, decay, sums):  # type: ignore[no-untyped-def]
    """Set sums to the weighted sum of the grid around each place."""
    width = decays.size
    down = np.empty(width)
    right = np.empty(width)
    margin = width // 2
    for k in range(at_y.size):
        top = _set_line(at_y[k] * per_pixel + margin, decays, decay, down)
        left = _set_line(at_x[k] * per_pixel + margin, decays, decay, right)
        total = 0.0
        for i in range(width):
            line = grid[top + i, left : left + width]
            along = 0.0
            for j in range(width):
                along += right[j] * line[j]
            total += down[i] * along
        sums[k] = total
