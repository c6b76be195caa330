"""Random draws from densities, with one reproducible stream per image."""

from __future__ import annotations

import zlib

import numpy as np

from salmetrics.array_types import Array, Rows

__all__ = ["draw_fixations", "draw_pixels", "image_stream"]


def draw_fixations(log_density: Array, n: int, stream: np.random.Generator) -> tuple[Array, Array]:
    """Draw fixations from a density.

    Parameters
    ----------
    log_density
        Natural log of the density, shape (h, w).
    n
        Number of fixations.
    stream
        Random number generator.

    Returns
    -------
    x, y : ndarray of shape (n,)
        Positions in pixels, uniformly distributed within their pixels.
    """
    pixels = draw_pixels(np.exp(log_density, dtype=np.float64), n, stream)
    ys, xs = np.divmod(pixels, log_density.shape[1])
    return xs + stream.random(n), ys + stream.random(n)


def draw_pixels(density: Array, n: int, stream: np.random.Generator) -> Rows:
    """Draw pixels from a density.

    Parameters
    ----------
    density
        Density of shape (h, w), with any positive sum.
    n
        Number of pixels.
    stream
        Random number generator.

    Returns
    -------
    pixels : ndarray of shape (n,)
        Flat indices.
    """
    cumulative = np.cumsum(density.reshape(-1))
    shares = stream.random(n) * cumulative[-1]
    drawn = np.searchsorted(cumulative, shares, side="right")
    return np.minimum(drawn, cumulative.size - 1)


def image_stream(seed: int, image_id: str) -> np.random.Generator:
    """Return the random number generator that belongs to a seed and an image."""
    key = zlib.crc32(image_id.encode())
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key,)))
