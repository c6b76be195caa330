"""Image files: sizes from headers, pixels as uint8."""

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from salmetrics.array_types import Size, to_numpy
from salmetrics.errors import InputError
from salmetrics.io.damage import reading

__all__ = ["IMAGE_SUFFIXES", "as_pixels", "read_head", "read_pixels", "without_image_suffix"]

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_ORIENTATION = 0x0112  # tag of EXIF


def without_image_suffix(name: str) -> str:
    """Return a name without its image suffix; other suffixes stay."""
    for suffix in IMAGE_SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def read_head(path: Path) -> tuple[Size, bool]:
    """Return (height, width) of an image file, and whether it is to be shown turned or mirrored.

    Both are those of the header: the size is that of the pixels as stored, and the second is
    whether there is an EXIF orientation other than upright.

    Raises
    ------
    InputError
        If the file is not a readable image, or holds more pixels than Pillow allows.
    """
    with _opened(path) as image:
        # Pillow turns TIFF files itself, size and pixels, and would decode a PNG to look for tags
        has_tags = "exif" in image.info and image.format != "TIFF"
        orientation = image.getexif().get(_ORIENTATION, 1) if has_tags else 1
        return (image.height, image.width), orientation in range(2, 9)


def read_pixels(path: Path) -> NDArray[np.uint8]:
    """Return the pixels of an image file, shape (h, w) or (h, w, 3), EXIF orientation ignored.

    Raises
    ------
    InputError
        If the file is not a readable image, or is truncated.
    """
    with _opened(path) as image, reading(f"image {str(path)!r}", "cannot be decoded"):
        if image.mode.startswith("I;16") or image.mode == "I":
            wide = np.asarray(image, dtype=np.int64)
            if wide.min() < 0 or wide.max() > 65535:
                raise InputError(
                    f"image {str(path)!r} must hold at most 16 bits per pixel; got values from "
                    f"{wide.min()} to {wide.max()}. Scale it first"
                )
            return as_pixels(wide.astype(np.uint16), str(path))
        if image.mode == "F":
            raise InputError(
                f"image {str(path)!r} holds floats; save it with 8 or 16 bits per pixel"
            )
        wanted = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
        return np.asarray(image.convert(wanted))


def as_pixels(array: Any, name: str) -> NDArray[np.uint8]:
    """Return an image array as uint8 of shape (h, w) or (h, w, 3).

    uint16 keeps its upper byte, bool becomes 0 and 255, an alpha channel is dropped.

    Raises
    ------
    InputError
        For other dtypes and shapes; the message names the image by `name`.
    """
    array = to_numpy(array)
    if array.ndim == 3 and array.shape[2] in (1, 2):
        array = array[:, :, 0]
    if array.ndim == 3 and array.shape[2] == 4:
        array = array[:, :, :3]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3) or array.size == 0:
        raise InputError(
            f"image {name!r} must have shape (height, width), (height, width, 3) or "
            f"(height, width, 4); got {array.shape}"
        )
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        return (array >> 8).astype(np.uint8)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    raise InputError(
        f"image {name!r} must be uint8 (or uint16, bool); got {array.dtype}. Convert it yourself, "
        "e.g. (255 * image).astype('uint8') for floats between 0 and 1"
    )


def _opened(path: Path) -> Image.Image:
    if not os.path.isfile(path):  # unlike the method of a path, False for a name that is too long
        raise InputError(f"image {str(path)!r} does not exist")
    if path.stat().st_size == 0:
        raise InputError(f"{str(path)!r} cannot be read as an image: it is empty")
    with reading(repr(str(path)), "cannot be read as an image"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                return Image.open(path)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise InputError(
                f"image {str(path)!r} is too large ({error}); scale it down, or raise "
                "PIL.Image.MAX_IMAGE_PIXELS if you trust it"
            ) from error
