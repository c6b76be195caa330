"""What can be done with densities besides scoring them: draw, cut, quantise, compare."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_fixations", "draw_pixels"]

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
    pixels = draw_pixels(np.exp(log_density, dtype=np.float64), n, stream)
    ys, xs = np.divmod(pixels, log_density.shape[1])
    return xs + stream.random(n), ys + stream.random(n)


def draw_pixels(density: Array, n: int, stream: np.random.Generator) -> NDArray[np.int64]:
    """Draw pixels from a density of shape (h, w), any positive sum; flat indices, shape (n,)."""
    cumulative = np.cumsum(density.reshape(-1))
    shares = stream.random(n) * cumulative[-1]
    drawn = np.searchsorted(cumulative, shares, side="right")
    return np.minimum(drawn, cumulative.size - 1)


def image_stream(seed: int, image_id: str) -> np.random.Generator:
    """Return the random stream of an image."""
    key = zlib.crc32(image_id.encode())
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key,)))
