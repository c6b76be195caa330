"""What can be done with a density besides scoring it: drawing fixations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_fixations"]

Array = NDArray[np.float64]


def draw_fixations(log_density: Array, n: int, stream: np.random.Generator) -> tuple[Array, Array]:
    """Draw fixations from a density.

    Parameters
    ----------
    log_density
        Natural log, shape (h, w).
    n
        How many.
    stream
        Where randomness comes from.

    Returns
    -------
    x, y: in pixels, shape (n,), anywhere in their pixel.
    """
    cumulative = np.cumsum(np.exp(log_density, dtype=np.float64).reshape(-1))
    shares = stream.random(n) * cumulative[-1]
    pixels = np.minimum(np.searchsorted(cumulative, shares, side="right"), cumulative.size - 1)
    ys, xs = np.divmod(pixels, log_density.shape[1])
    return xs + stream.random(n), ys + stream.random(n)
