"""Files of one map each: images of 8 or 16 bits, .npy, and .mat with one variable."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from salmetrics.array_types import Size
from salmetrics.errors import InputError
from salmetrics.io.damage import reading
from salmetrics.io.matlab import open_mat, sole_array

__all__ = [
    "MAP_SUFFIXES",
    "WRITTEN_SUFFIXES",
    "array_head",
    "as_grey",
    "encode_map",
    "is_shown_turned",
    "map_shape",
    "map_size",
    "read_map",
]

_IMAGES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff")
MAP_SUFFIXES = tuple(sorted((*_IMAGES, ".mat", ".npy")))
WRITTEN_SUFFIXES = (".jpg", ".mat", ".npy", ".png", ".tif")
_ORIENTATION = 0x0112  # tag of EXIF
_WIDE = ("LA;16", "RGB;16", "RGBA;16", "RGBX;16")


def map_size(stream: IO[bytes], suffix: str, what: str) -> Size:
    """Return (height, width) of a map from the header of its file.

    Parameters
    ----------
    stream
        Seekable file, at its beginning.
    suffix
        Suffix of the file, one of `MAP_SUFFIXES`.
    what
        Description of the file in error messages.

    Raises
    ------
    InputError
        If the file is not readable, or does not hold a map.
    """
    with reading(what):
        _check_content(stream, what)
        return _SIZES.get(suffix.lower(), _image_size)(stream, what)


def _check_content(stream: IO[bytes], what: str) -> None:
    """Raise `InputError` for a file of no bytes."""
    if not stream.read(1):
        raise InputError(f"{what} cannot be read: it is empty")
    stream.seek(0)


def is_shown_turned(stream: IO[bytes], suffix: str) -> bool:
    """Whether an image says that it is to be shown turned or mirrored, while it is read as stored.

    Parameters
    ----------
    stream
        Seekable file of a map that is valid.
    suffix
        Suffix of the file.
    """
    if suffix.lower() not in (".jpeg", ".jpg", ".png"):
        return False
    stream.seek(0)
    with Image.open(stream) as image:
        has_tags = "exif" in image.info
        return has_tags and image.getexif().get(_ORIENTATION, 1) in range(2, 9)


def read_map(stream: IO[bytes], suffix: str, what: str) -> NDArray[Any]:
    """Read a map of shape (h, w): numbers as they are, grey levels of 8 or 16 bits from images.

    Colour images are accepted if their channels are equal. Alpha is ignored, but an image of one
    grey level whose alpha varies is an error. Parameters and other errors are those of `map_size`.
    """
    with reading(what):
        _check_content(stream, what)
        return _READERS.get(suffix.lower(), _read_image)(stream, what)


def encode_map(array: NDArray[Any], suffix: str, bits: int, *, from_zero: bool = False) -> bytes:
    """Return a map as the bytes of a file.

    Parameters
    ----------
    array
        Map of shape (h, w); finite if it becomes an image.
    suffix
        Suffix of the file, one of `WRITTEN_SUFFIXES`. Images span the map from its minimum to its
        maximum; a uint8 map in an image of 8 bits is stored unscaled.
    bits
        Bits per pixel of images, 8 or 16; a JPEG has 8.
    from_zero
        Whether images span the map from 0 in place of its minimum, so that they are proportional
        to it.
    """
    stream = io.BytesIO()
    if suffix == ".npy":
        np.save(stream, array, allow_pickle=False)
    elif suffix == ".mat":
        from scipy.io import savemat

        savemat(stream, {"map": array}, do_compression=True)
    else:
        wide = bits == 16 and suffix != ".jpg"
        unscaled = array.dtype == np.uint8 and not wide
        top = 2**16 - 1 if wide else 2**8 - 1
        levels = array if unscaled else _levels(array, top, from_zero=from_zero)
        picture = Image.fromarray(levels.astype(np.uint16 if wide else np.uint8))
        options: dict[str, Any] = {"quality": 95} if suffix == ".jpg" else {}
        name = {".jpg": "JPEG", ".png": "PNG", ".tif": "TIFF"}[suffix]
        picture.save(stream, name, **options)
    return stream.getvalue()


def _levels(array: NDArray[Any], top: int, *, from_zero: bool) -> NDArray[np.float64]:
    """Scale a map to the integers from 0 to `top`; a constant map becomes 0."""
    low, high = 0.0 if from_zero else float(np.min(array)), float(np.max(array))
    if low == high:
        return np.zeros(array.shape)
    # halved, because the difference of two large numbers may overflow
    share = (array.astype(np.float64) / 2 - low / 2) / (high / 2 - low / 2)
    return np.asarray(np.rint(share * top))


def _image_size(stream: IO[bytes], what: str) -> Size:
    with Image.open(stream) as image:
        _check_image(image, what)
        size = image.height, image.width
        if not _is_grey(image):  # only the pixels show whether the channels are equal
            stream.seek(0)
            _read_image(stream, what)
        return size


def _is_grey(image: Image.Image) -> bool:
    return image.mode in ("1", "L", "LA", "La", "F", "I") or image.mode.startswith("I;")


def _check_image(image: Image.Image, what: str) -> None:
    """Refuse images of which Pillow would read only a part."""
    if any(wide in str(getattr(image, "tile", "")) for wide in _WIDE):
        raise InputError(
            f"{what} has several channels of 16 bits; save it as grey levels, or as .npy"
        )
    if getattr(image, "n_frames", 1) > 1:
        raise InputError(f"{what} must hold one image; it holds {image.n_frames}")  # type: ignore[attr-defined]


def _read_image(stream: IO[bytes], what: str) -> NDArray[Any]:
    with Image.open(stream) as image:
        _check_image(image, what)
        if not _is_grey(image):
            channels = np.asarray(image.convert("RGB"))
            if (channels != channels[:, :, :1]).any():
                raise InputError(
                    f"{what} must be grey, but it is coloured. A heat map in false colours is not "
                    "a saliency map"
                )
            return _without_alpha(channels[:, :, 0], image, what)
        if image.mode in ("LA", "La"):
            return _without_alpha(np.asarray(image.getchannel("L")), image, what)
        return np.asarray(image)


def _without_alpha(levels: NDArray[Any], image: Image.Image, what: str) -> NDArray[Any]:
    """Return grey levels, unless the content is in the alpha channel alone."""
    if (levels == levels.flat[0]).all() and image.has_transparency_data:
        alpha = np.asarray(image.convert("RGBA").getchannel("A"))
        if (alpha != alpha.flat[0]).any():
            raise InputError(
                f"{what} has one grey level, and its content is in the alpha channel; save it as "
                "grey levels"
            )
    return levels


def _array_size(stream: IO[bytes], what: str) -> Size:
    shape, _ = _whole_head(stream)
    size = map_shape(shape, what)
    if len(shape) > 2 and shape[2] == 3:  # only the values show whether the channels are equal
        stream.seek(0)
        _read_array(stream, what)
    return size


def _whole_head(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and dtype of a .npy file that holds as many bytes as its header declares."""
    shape, dtype = array_head(stream)
    start = stream.tell()
    if start + math.prod(shape) * dtype.itemsize > stream.seek(0, io.SEEK_END):
        raise ValueError("the file is truncated")
    return shape, dtype


def array_head(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and dtype of a .npy file from its header."""
    version = np.lib.format.read_magic(stream)
    reader = {(1, 0): np.lib.format.read_array_header_1_0}.get(
        version, np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = reader(stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects, which are never unpickled")
    if any(isinstance(length, bool) or length < 0 for length in shape):
        raise ValueError(f"its header declares the shape {shape}")
    return shape, dtype


def _read_array(stream: IO[bytes], what: str) -> NDArray[Any]:
    _whole_head(stream)
    stream.seek(0)
    array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    return as_grey(array, what)


def _read_mat(stream: IO[bytes], what: str) -> NDArray[Any]:
    return as_grey(sole_array(open_mat(stream), what), what)


def _mat_size(stream: IO[bytes], what: str) -> Size:
    return map_shape(_read_mat(stream, what).shape, what)


def as_grey(array: NDArray[Any], what: str) -> NDArray[Any]:
    """Return a map of shape (h, w) without axes of length 1 and without equal channels.

    Raises
    ------
    InputError
        For other shapes, and arrays that are not numeric.
    """
    if array.dtype.kind not in "biuf":
        raise InputError(f"{what} must hold numbers; it holds {array.dtype}")
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 3 and array.shape[2] in (1, 3) and (array == array[:, :, :1]).all():
        array = array[:, :, 0]
    if array.ndim != 2 or array.size == 0:
        raise InputError(f"{what} must be a map of shape (height, width); got {array.shape}")
    return array


def map_shape(shape: tuple[int, ...], what: str) -> Size:
    """Return (height, width) of a map from its shape, which may include leading 1s and channels."""
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) == 3 and shape[2] in (1, 3):
        shape = shape[:2]
    if len(shape) != 2 or 0 in shape:
        raise InputError(f"{what} must be a map of shape (height, width); got {shape}")
    return int(shape[0]), int(shape[1])


_SIZES: dict[str, Callable[[IO[bytes], str], Size]] = {".mat": _mat_size, ".npy": _array_size}
_READERS: dict[str, Callable[[IO[bytes], str], NDArray[Any]]] = {
    ".mat": _read_mat,
    ".npy": _read_array,
}
