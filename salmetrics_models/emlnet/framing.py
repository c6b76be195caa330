"""Images of any shape brought to one size, and maps of that size back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.errors import InputError, check_choice, check_list, check_whole

__all__ = ["Frame"]

_LEAST = 32  # pixels; the coarsest layers of networks have one for these


@dataclass(frozen=True)
class Frame:
    """The size that images are brought to.

    Attributes
    ----------
    size
        (height, width) in pixels.
    pad
        Whether images keep their shape, and zeros are added on two sides; else they are stretched.
    """

    size: Sequence[int] = (480, 640)
    pad: bool = False

    def __post_init__(self) -> None:
        size = tuple(check_whole("size", n, 1) for n in check_list("size", self.size))
        if len(size) != 2 or min(size) < _LEAST:
            raise InputError(
                f"size must be (height, width), at least {_LEAST} pixels each; got {size}"
            )
        check_choice("pad", self.pad, (True, False))
        object.__setattr__(self, "size", size)

    def inner(self, size: tuple[int, int]) -> tuple[slice, slice]:
        """Return the rows and columns of the frame that an image of a size is on."""
        if not self.pad:
            return slice(0, self.size[0]), slice(0, self.size[1])
        factor = min(self.size[0] / size[0], self.size[1] / size[1])
        found = []
        for full, own in zip(self.size, size, strict=True):
            length = min(full, max(1, round(own * factor)))
            start = (full - length) // 2
            found.append(slice(start, start + length))
        return found[0], found[1]

    def framed(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return an image of shape (h, w, 3) at the size of the frame.

        Interpolation is linear, over as many pixels as become one (Pillow's, as torchvision's
        resizing of images).
        """
        from PIL import Image

        rows, columns = self.inner((pixels.shape[0], pixels.shape[1]))
        inner = (columns.stop - columns.start, rows.stop - rows.start)
        resized = np.asarray(Image.fromarray(pixels).resize(inner, Image.Resampling.BILINEAR))
        if resized.shape[:2] == tuple(self.size):
            return resized
        framed = np.zeros((*self.size, 3), np.uint8)
        framed[rows, columns] = resized
        return framed

    def points(
        self, x: NDArray[Any], y: NDArray[Any], size: tuple[int, int]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return columns and rows of the frame's pixels that points of an image are in.

        Parameters
        ----------
        x, y
            In pixels of the image.
        size
            (height, width) of the image.
        """
        rows, columns = self.inner(size)
        found = []
        for values, own, place in ((x, size[1], columns), (y, size[0], rows)):
            length = place.stop - place.start
            pixels = np.floor(np.asarray(values) * (length / own)).astype(np.int64)
            found.append(place.start + np.minimum(pixels, length - 1))
        return found[0], found[1]

    def unframed(self, made: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
        """Return the part of a map of the frame's size that an image of a size is on."""
        rows, columns = self.inner(size)
        return made[rows, columns]
