"""Predictions kept in a temporary folder between two passes, as far as there is room."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["Spill"]


class Spill:
    """A folder of float32 predictions; what is not in it has to be made again.

    Which images are kept is settled beforehand from their sizes, so it doesn't depend on the order
    in which they are done. Copies in other processes use the same folder if they see it.

    Parameters
    ----------
    sizes
        (height, width) of each image, shape (n_images, 2).
    models
        Names of the models whose predictions are kept.
    n_bytes
        At most so much is written.
    """

    def __init__(self, sizes: NDArray[np.int64], models: Sequence[str], n_bytes: int) -> None:
        self._models = list(models)
        pixels = np.prod(sizes, axis=1) * max(len(self._models), 1)
        self._kept = np.cumsum(pixels) * 4 <= n_bytes
        self._folder: Path | None = None

    def __enter__(self) -> Spill:
        if self._models and self._kept.any():
            self._folder = Path(tempfile.mkdtemp(prefix="salmetrics-"))
        return self

    def __exit__(self, *exception: object) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def save(self, model: str, i: int, maps: Sequence[NDArray[np.float32]]) -> None:
        """Keep a model's maps of image i if there is room."""
        path = self._path(model, i)
        if path is not None and len(maps) == 1:
            np.save(path, maps[0])

    def load(self, model: str, i: int, n_maps: int) -> list[NDArray[np.float32]] | None:
        """Return the maps of image i; None if they were not kept."""
        path = self._path(model, i)
        if n_maps != 1 or path is None or not path.exists():
            return None
        return [np.load(path, allow_pickle=False)]

    def _path(self, model: str, i: int) -> Path | None:
        if self._folder is None or not self._kept[i] or not self._folder.exists():
            return None
        return self._folder / f"{self._models.index(model)}-{i}.npy"
