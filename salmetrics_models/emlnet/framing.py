"""Images of any shape resized to one size, and maps of that size cropped to the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salmetrics.array_types import AnyArray, Rows, Size
from salmetrics.errors import InputError, check_choice, check_list, check_whole

__all__ = ["Frame"]

_LEAST = 32  # smallest side in pixels, for which the coarsest layers of networks have one pixel


@dataclass(frozen=True)
class Frame:
    """The size to which images are resized.

    Attributes
    ----------
    size
        (height, width) in pixels.
    pad
        Whether images keep their aspect ratio, with zeros added on two sides; otherwise they are
        stretched.
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

    def inner(self, size: Size) -> tuple[slice, slice]:
        """Return the rows and columns of the frame that an image of a size covers."""
        if not self.pad:
            return slice(0, self.size[0]), slice(0, self.size[1])
        factor = min(self.size[0] / size[0], self.size[1] / size[1])
        parts = []
        for full, own in zip(self.size, size, strict=True):
            length = min(full, max(1, round(own * factor)))
            start = (full - length) // 2
            parts.append(slice(start, start + length))
        return parts[0], parts[1]

    def framed(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return an image of shape (h, w, 3) at the size of the frame.

        Interpolation is linear, with a support that grows with the reduction: that of Pillow, as in
        torchvision.
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

    def points(self, x: AnyArray, y: AnyArray, size: Size) -> tuple[Rows, Rows]:
        """Return the pixels of the frame that contain points of an image.

        Parameters
        ----------
        x, y
            Positions in pixels of the image, shape (n,).
        size
            (height, width) of the image.

        Returns
        -------
        columns, rows : ndarray of shape (n,), int64
        """
        rows, columns = self.inner(size)
        parts = []
        for values, own, place in ((x, size[1], columns), (y, size[0], rows)):
            length = place.stop - place.start
            pixels = np.floor(np.asarray(values) * (length / own)).astype(np.int64)
            parts.append(place.start + np.minimum(pixels, length - 1))
        return parts[0], parts[1]

    def unframed(self, values: AnyArray, size: Size) -> AnyArray:
        """Return the part of a map of the frame's size that an image of a size covers."""
        rows, columns = self.inner(size)
        return values[rows, columns]
