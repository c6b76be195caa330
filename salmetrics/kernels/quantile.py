"""Many blurred fixation maps at the points of a grid, for quantiles over them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.kernels.jit import kernel

__all__ = ["sampled_maps"]


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
    """Blur samples of points, which end at `ends`, at grid points; (n_samples, rows, columns)."""
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
