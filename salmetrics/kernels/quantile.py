"""What quantiles are computed from: many blurred fixation maps on a grid, and mass by density."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.kernels.jit import kernel

__all__ = ["blurred_on_grid", "mass_below", "sampled_maps", "searched"]

_BUCKETS = 2**16  # of a table of first positions: a search then looks at a few values only


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


def blurred_on_grid(
    pixels: NDArray[np.int32],
    down: NDArray[np.float64],
    right: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Blur many points and evaluate the result on a grid.

    Points are first blurred along their rows, then all rows along columns: 20 additions for each
    point, where `sampled_maps` needs 250 for a blur of 24 pixels.

    Parameters
    ----------
    pixels
        Flat indices of the points, shape (n,).
    down
        Kernel between each row of the image and each row of the grid, shape (h, n_rows).
    right
        Kernel between each column of the image and each column of the grid, shape (w, n_columns).

    Returns
    -------
    blurred : ndarray of float64, shape (n_rows, n_columns)
        Blurred points at the points of the grid.
    """
    lines = np.zeros((down.shape[0], right.shape[1]))
    result = np.zeros((down.shape[1], right.shape[1]))
    _blur_on_grid(pixels, down, *_bands(down), right, *_bands(right), lines, result)
    return result


def searched(
    ascending: NDArray[np.float64], values: NDArray[np.float64], result: NDArray[np.int32]
) -> None:
    """Set result to ``np.searchsorted(ascending, values, side="right")``, with a table of starts.

    Parameters
    ----------
    ascending
        Ascending numbers, at least 0, shape (n,).
    values
        Values from 0 to the last of them, shape (m,).
    result
        Array of shape (m,), overwritten.
    """
    edges = np.arange(_BUCKETS + 1) * (ascending[-1] / _BUCKETS)
    starts = np.searchsorted(ascending, edges, side="right")
    _search(ascending, values, starts, _BUCKETS / ascending[-1], result)


def _bands(matrix: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first column that is not 0, and the end of these columns, for each row."""
    filled = matrix != 0
    first = np.where(filled.any(axis=1), filled.argmax(axis=1), matrix.shape[1])
    return first, matrix.shape[1] - filled[:, ::-1].argmax(axis=1)


@kernel()
def _blur_on_grid(  # type: ignore[no-untyped-def]
    pixels, down, top, bottom, right, left, end, lines, result
):
    """Add points to lines, along their rows, and lines to the grid, along columns."""
    width = right.shape[0]
    used = np.zeros(lines.shape[0], np.bool_)
    for p in range(pixels.size):
        y = pixels[p] // width
        if top[y] >= bottom[y]:  # the grid may be some of its rows only
            continue
        x = pixels[p] - y * width
        used[y] = True
        line = lines[y, left[x] : end[x]]
        weights = right[x, left[x] : end[x]]
        for c in range(line.size):
            line[c] += weights[c]
    for y in range(lines.shape[0]):
        if used[y]:
            for r in range(top[y], bottom[y]):
                weight = down[y, r]
                for c in range(lines.shape[1]):
                    result[r, c] += weight * lines[y, c]


@kernel()
def _search(ascending, values, starts, per_value, result):  # type: ignore[no-untyped-def]
    """Set result to the number of ascending numbers up to each value."""
    for k in range(values.size):
        value = values[k]
        bucket = min(int(value * per_value), starts.size - 2)
        low, high = starts[bucket], starts[bucket + 1]
        if low > 0 and ascending[low - 1] > value:  # rounding put it into the bucket above
            low = 0
        if high < ascending.size and ascending[high] <= value:
            high = ascending.size
        while low < high:
            middle = (low + high) // 2
            if ascending[middle] <= value:
                low = middle + 1
            else:
                high = middle
        result[k] = low


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
