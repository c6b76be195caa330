"""Random streams: one an image, whatever the order of the images."""

from __future__ import annotations

import zlib

import numpy as np

__all__ = ["image_stream"]


def image_stream(seed: int, image_id: str) -> np.random.Generator:
    """Return the random stream of an image."""
    key = zlib.crc32(image_id.encode())
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key,)))
