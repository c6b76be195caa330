"""Photographs that a model was trained on, found again by what they show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from salmetrics.array_types import Array
from salmetrics.errors import InputError

__all__ = ["KnownImages", "thumbnail"]

_SIZE = (12, 16)  # (height, width) of thumbnails
_LUMA = (0.299, 0.587, 0.114)
_SAME = 0.33  # largest distance of copies; different photographs of OSIE are .36 apart or more


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the luminance of an image at 12 x 16 pixels, whatever its size.

    Parameters
    ----------
    pixels
        RGB from 0 to 255, shape (h, w, 3).
    """
    small = Image.fromarray(pixels).resize(_SIZE[::-1], Image.Resampling.BOX)
    return np.rint(np.asarray(small, dtype=np.float64) @ _LUMA).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class KnownImages:
    """Images that readouts were trained on, and the fold in which each was held out.

    Images are found by their thumbnails, so that other names, other compression, other sizes,
    and the loss of colour do not hide them.

    Attributes
    ----------
    thumbnails
        Result of `thumbnail` for each image, shape (n, 12, 16).
    folds
        Fold of each image, shape (n,).
    """

    thumbnails: NDArray[np.uint8]
    folds: NDArray[np.uint8]

    def __post_init__(self) -> None:
        shape = np.shape(self.thumbnails)
        if shape[1:] != _SIZE or np.shape(self.folds) != shape[:1]:
            raise InputError(
                f"thumbnails must have shape (n, 12, 16) and folds (n,); got {shape} and "
                f"{np.shape(self.folds)}"
            )

    def find(self, pixels: NDArray[np.uint8]) -> int | None:
        """Return the number of the image of which these pixels are a copy; None if it is new.

        Parameters
        ----------
        pixels
            RGB from 0 to 255, shape (h, w, 3).
        """
        distances = self.distances(pixels)
        nearest = int(distances.argmin())
        return nearest if distances[nearest] <= _SAME else None

    def fold_of(self, pixels: NDArray[np.uint8]) -> int | None:
        """Return the fold in which an image was held out; None if it is new.

        Parameters
        ----------
        pixels
            RGB from 0 to 255, shape (h, w, 3).
        """
        found = self.find(pixels)
        return None if found is None else int(self.folds[found])

    def distances(self, pixels: NDArray[np.uint8]) -> Array:
        """Return the distance of an image to each known one, shape (n,).

        It is the root of the mean square difference of thumbnails with mean 0 and variance 1: 0 for
        the same image, about 1.4 for two that have nothing in common.

        Parameters
        ----------
        pixels
            RGB from 0 to 255, shape (h, w, 3).
        """
        own = _standardised(thumbnail(pixels)[None])[0]
        return np.sqrt(np.mean((self._values - own) ** 2, axis=1))

    @cached_property
    def _values(self) -> Array:
        return _standardised(self.thumbnails)


def _standardised(thumbnails: NDArray[np.uint8]) -> Array:
    values = thumbnails.reshape(len(thumbnails), -1).astype(np.float64)
    values -= values.mean(1, keepdims=True)
    deviations = values.std(1, keepdims=True)
    return values / np.where(deviations > 0, deviations, 1.0)
