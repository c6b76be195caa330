"""Sums of Gaussian kernels of fixations, in whichever way is the least work."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from salmetrics.array_types import Array, Rows, Size
from salmetrics.kernels import kde
from salmetrics.kernels.gaussian_grid import (
    grid_shape,
    spread_on_grid,
    sums_from_grid,
    sums_on_lines,
)

__all__ = ["held_out_sums", "map_of_kernels"]

# up to here all pairs are added up, one by one
_MANY_PAIRS = 4_000_000  # of a kernel and a place on one image: 2000 fixations
# in units of the work for one pair, as measured
_PER_POINT = 60  # to spread one kernel over a grid, or to take one sum from it
_PER_GRID_POINT = 0.5  # and holder, to add up the grids of all others
_PER_CELL = 0.3  # that a pair is looked at and found too far apart or not

_REACH = 10.0  # standard deviations: exp(-10^2 / 2) = 2e-22
_WHOLE = 38.7  # beyond it, exp(-d^2 / 2) is 0 in float64
# sums below these are computed again without a cut-off, so that all are exact to 1e-12
_LEAST_NEAR = 1e-4  # of near pairs
_LEAST_BY_GRIDS = 1e-11  # of grids, for each kernel
_LEAST_SHARE = 0.05  # of a difference, as a share of the sum over all holders
_MAX_BYTES = 128 * 2**20  # of grids in memory
_BLOCK = 4_000_000  # values of lines in memory: 32 MB


class _Points(NamedTuple):
    """Places or kernels: their positions, and the holder whom they leave out or belong to."""

    y: Array
    x: Array
    holder: Rows

    def rows(self, rows: Rows) -> _Points:
        return _Points(self.y[rows], self.x[rows], self.holder[rows])


def held_out_sums(
    size: Size,
    at_y: Array,
    at_x: Array,
    at_holder: Rows,
    ys: Array,
    xs: Array,
    holder: Rows,
    masses: Array,
    sigma: float,
) -> tuple[Array, Array]:
    """Add up kernels at some places, each place without the kernels of one holder.

    Up to four million pairs of a kernel and a place are added up one by one. With more, pairs far
    apart are left out, or kernels are spread over a grid, whichever is less work; sums then agree
    with those of all pairs to 1e-12 of their value.

    Parameters
    ----------
    size
        Size (h, w) of the image, which all places and kernels are within.
    at_y, at_x
        Places in pixels, shape (m,).
    at_holder
        Holder, such as a subject, whose kernels are left out at each place, shape (m,); -1 for
        nobody.
    ys, xs
        Centres of the kernels in pixels, shape (n,).
    holder
        Holder of each kernel, from 0, shape (n,).
    masses
        Sum of each kernel over the image, shape (n,).
    sigma
        Standard deviation in pixels.

    Returns
    -------
    sums : ndarray of float64, shape (m,)
        Sum of the kernels, each 1 at its centre.
    masses : ndarray of float64, shape (m,)
        Sum of their masses.
    """
    if at_y.size * ys.size <= _MANY_PAIRS:
        return kde.held_out_sums(at_y, at_x, at_holder, ys, xs, holder, masses, sigma)
    places, kernels = _Points(at_y, at_x, at_holder), _Points(ys, xs, holder)
    n_holders = 1 + int(max(holder.max(), at_holder.max(initial=0)))
    by_holder = np.bincount(holder, masses, n_holders).astype(np.float64)
    others = _others(by_holder)[at_holder]
    cells = kde.cells_of(size, ys, xs, max(_REACH * sigma / 3, 1.0))
    pairs = kde.n_near(cells, at_y, at_x, _REACH * sigma)
    points, work_by_grids, work_by_difference = _work(size, sigma, at_holder, holder, n_holders)
    by_grids = points + min(work_by_grids, work_by_difference)
    if _PER_CELL * pairs < by_grids:
        sums = kde.near_sums(cells, *places, *kernels, sigma, _REACH * sigma)
        uncertain = sums < _LEAST_NEAR
    elif work_by_grids <= work_by_difference:
        near = kde.cells_of(size, at_y, at_x, cells.side).order  # what is near stays in the cache
        sums = np.empty(at_y.size)
        near_kernels = kernels.rows(cells.order)
        sums[near] = _sums_by_grids(size, places.rows(near), near_kernels, n_holders, sigma)
        uncertain = sums < _LEAST_BY_GRIDS * ys.size
    else:
        grid = np.zeros(grid_shape(size, sigma))
        spread_on_grid(ys[cells.order], xs[cells.order], sigma, grid)
        everybody = sums_from_grid(grid, at_y, at_x, sigma)
        order = np.argsort(holder, kind="stable")
        ends = np.cumsum(np.bincount(holder, minlength=n_holders))
        sums = everybody - kde.sums_of_holder(*places, ys[order], xs[order], ends, sigma)
        uncertain = (sums < _LEAST_BY_GRIDS * ys.size) | (sums < _LEAST_SHARE * everybody)
    uncertain &= others > 0
    if uncertain.any():
        again = places.rows(np.flatnonzero(uncertain))
        sums[uncertain] = kde.near_sums(cells, *again, *kernels, sigma, _WHOLE * sigma)
    sums[others == 0] = 0.0
    return sums, others


def map_of_kernels(size: Size, ys: Array, xs: Array, sigma: float) -> Array:
    """Add up kernels, each 1 at its centre, at all pixel centres of an image.

    The kernels of more than 2000 points go by way of a grid if that is less work: the map is the
    same to 1e-12.

    Parameters
    ----------
    size
        Size (h, w) of the image, which all kernels are within.
    ys, xs
        Centres of the kernels in pixels, shape (n,).
    sigma
        Standard deviation in pixels.

    Returns
    -------
    sums : ndarray of float64, shape (h, w)
        Sum of the kernels.
    """
    if ys.size**2 <= _MANY_PAIRS:
        return kde.map_of_kernels(size, ys, xs, sigma)
    if 2 * np.prod(grid_shape(size, sigma)) < np.prod(size):
        return sums_on_lines(size, ys, xs, sigma)
    total = np.zeros(size)
    step = max(1, _BLOCK // sum(size))
    for first in range(0, ys.size, step):
        block = slice(first, first + step)
        total += kde.map_of_kernels(size, ys[block], xs[block], sigma)
    return total


def _work(
    size: Size, sigma: float, at_holder: Rows, holder: Rows, n_holders: int
) -> tuple[float, float, float]:
    """Return the work of grids: for kernels and places; to leave out holders, in two ways."""
    area = float(np.prod(grid_shape(size, sigma)))
    held, asked = (np.bincount(h[h >= 0], minlength=n_holders) for h in (holder, at_holder))
    one_more = _PER_POINT * holder.size  # for each further block of grids
    n_blocks = -(-n_holders // _per_block(area))
    points = _PER_POINT * float(holder.size + at_holder.size)
    by_grids = 3 * _PER_GRID_POINT * area * n_holders + one_more * (n_blocks - 1)
    return points, by_grids, float(held @ asked) + _PER_GRID_POINT * area


def _per_block(area: float) -> int:
    return max(1, int(_MAX_BYTES // (8 * area)))


def _sums_by_grids(
    size: Size, places: _Points, kernels: _Points, n_holders: int, sigma: float
) -> Array:
    """Take sums from grids of the kernels of all holders but one.

    Grids are only added up, so that nothing cancels: those of the holders before one, and those of
    the holders after it.
    """
    at_y, at_x, at_holder = places
    ys, xs, holder = kernels
    sums = np.empty(at_y.size)
    shape = grid_shape(size, sigma)

    rows_of = _rows_of(holder, n_holders)
    places_of = _rows_of(at_holder + 1, n_holders + 1)

    def spread(rows: Rows, grid: Array) -> None:
        spread_on_grid(ys[rows], xs[rows], sigma, grid)

    def take(rows: Rows, grid: Array) -> None:
        sums[rows] = sums_from_grid(grid, at_y[rows], at_x[rows], sigma)

    if places_of[0].size:
        everybody = np.zeros(shape)
        spread(np.arange(ys.size), everybody)
        take(places_of[0], everybody)
    if places_of[0].size == at_y.size:
        return sums
    per_block = _per_block(float(np.prod(shape)))
    for first in range(0, n_holders, per_block):
        block = range(first, min(first + per_block, n_holders))
        before = np.zeros(shape)
        spread(np.flatnonzero((holder < block.start) | (holder >= block.stop)), before)
        after = np.zeros((len(block) + 1, *shape))  # of each and all later ones
        for grid, who in zip(after, block, strict=False):
            spread(rows_of[who], grid)
        for k in range(len(block) - 1, 0, -1):
            after[k] += after[k + 1]
        for grid, who in zip(after[1:], block, strict=True):
            if places_of[who + 1].size:
                grid += before
                take(places_of[who + 1], grid)
            spread(rows_of[who], before)
    return sums


def _rows_of(codes: Rows, n: int) -> list[Rows]:
    """Return the rows of each code from 0 to n - 1."""
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(codes, minlength=n))[:-1])


def _others(masses: Array) -> Array:
    """Return the sum of all masses but one, for each of them; the last is the sum of all.

    Nothing cancels: it is the sum of those before and that of those after.
    """
    before = np.concatenate([[0.0], np.cumsum(masses)[:-1]])
    after = np.concatenate([np.cumsum(masses[::-1])[::-1][1:], [0.0]])
    return np.append(before + after, masses.sum())
