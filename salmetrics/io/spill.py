"""A temporary folder of predictions between two passes over the images, limited in size."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from salmetrics.array_types import Rows

__all__ = ["Spill"]


class Spill:
    """A temporary folder of float32 predictions; those that do not fit are predicted again.

    Which images are stored is decided beforehand from their sizes, so it does not depend on the
    order in which they are processed. Copies of a `Spill` in other processes share its folder.
    The folder exists from entering to leaving the ``with`` statement.

    Parameters
    ----------
    sizes
        (height, width) of each image, int64, shape (n_images, 2).
    models
        Names of the models whose predictions are stored.
    n_bytes
        Largest total size of the predictions, in bytes.
    """

    def __init__(self, sizes: Rows, models: Sequence[str], n_bytes: int) -> None:
        self._models = list(models)
        pixels = np.prod(sizes, axis=1) * max(len(self._models), 1)
        self._is_stored = np.cumsum(pixels) * 4 <= n_bytes
        self._folder: Path | None = None

    def __enter__(self) -> Spill:
        if self._models and self._is_stored.any():
            self._folder = Path(tempfile.mkdtemp(prefix="salmetrics-"))
        return self

    def __exit__(self, *exception: object) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def save(self, model: str, i: int, maps: Sequence[NDArray[np.float32]]) -> None:
        """Store the maps of a model for image i, if it is one map and there is room."""
        path = self._path(model, i)
        if path is not None and len(maps) == 1:
            np.save(path, maps[0])

    def load(self, model: str, i: int, n_maps: int) -> list[NDArray[np.float32]] | None:
        """Return the stored maps of image i; None if they are not stored."""
        path = self._path(model, i)
        if n_maps != 1 or path is None or not path.exists():
            return None
        return [np.load(path, allow_pickle=False)]

    def _path(self, model: str, i: int) -> Path | None:
        if self._folder is None or not self._is_stored[i] or not self._folder.exists():
            return None
        return self._folder / f"{self._models.index(model)}-{i}.npy"
