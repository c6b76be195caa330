"""What quantiles are computed from: many blurred fixation maps on a grid, and mass by density."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.kernels.jit import kernel

__all__ = ["mass_below", "sampled_maps"]


@kernel()
def sampled_maps(
    ys: NDArray[np.int64],
    xs: NDArray[np.int64],
    masses: NDArray[np.float32],
    ends: NDArray[np.int64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    row_weights: NDArray[np.float32],
    column_weights: NDArray[np.float32],
) -> NDArray[Any]:
    """Blur samples of points and evaluate them on a grid.

    Parameters
    ----------
    ys, xs
        Rows and columns of the points, sample by sample, shape (n,).
    masses
        Factor of each point's kernel, shape (n,).
    ends
        End of each sample's points in these arrays, shape (n_samples,).
    rows, columns
        Rows and columns of the grid, ascending, shapes (n_rows,) and (n_columns,).
    row_weights, column_weights
        Half kernels along y and along x, from distance 0 up.

    Returns
    -------
    maps : ndarray of float32, shape (n_samples, n_rows, n_columns)
        Blurred map of each sample at the points of the grid.
    """
    maps = np.zeros((ends.size, rows.size, columns.size), np.float32)
    line = np.empty(columns.size, np.float32)
    start = 0
    for s in range(ends.size):
        for p in range(start, ends[s]):
            y, x = ys[p], xs[p]
            top = np.searchsorted(rows, y - row_weights.size + 1)
            bottom = np.searchsorted(rows, y + row_weights.size)
            left = np.searchsorted(columns, x - column_weights.size + 1)
            right = np.searchsorted(columns, x + column_weights.size)
            for c in range(left, right):
                line[c] = masses[p] * column_weights[abs(columns[c] - x)]
            for r in range(top, bottom):
                weight = row_weights[abs(rows[r] - y)]
                for c in range(left, right):
                    maps[s, r, c] += weight * line[c]
        start = ends[s]
    return maps


@kernel()
def mass_below(
    log_density: NDArray[Any], thresholds: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Add up exp(log_density) below and at each of the ascending thresholds.

    Parameters
    ----------
    log_density
        One-dimensional; without NaN.
    thresholds
        Ascending and without repetition, of the dtype of `log_density`.

    Returns
    -------
    below : ndarray of float64
        Mass of the values below each threshold.
    tied : ndarray of float64
        Mass of the values equal to each threshold.
    """
    between = np.zeros(thresholds.size + 1)  # element k: above threshold k - 1 and below k
    tied = np.zeros(thresholds.size)
    for value in log_density:
        low, high = 0, thresholds.size
        while low < high:
            middle = (low + high) // 2
            if thresholds[middle] < value:
                low = middle + 1
            else:
                high = middle
        mass = np.exp(np.float64(value))
        if low < thresholds.size and thresholds[low] == value:
            tied[low] += mass
        else:
            between[low] += mass
    below = np.empty(thresholds.size)
    total = 0.0
    for k in range(thresholds.size):
        total += between[k]
        below[k] = total
        total += tied[k]
    return below, tied
