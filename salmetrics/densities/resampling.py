"""Interpolation of maps and densities at another size."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from salmetrics.array_types import AnyArray, Array, Size
from salmetrics.errors import InputError

__all__ = ["RESIZES", "Resize", "is_turned", "resize_log_density", "resize_map"]

Resize = Literal["nearest", "bilinear", "bicubic"]
RESIZES: tuple[Resize, ...] = get_args(Resize)

_SAME_SHAPE = 0.03  # difference of log aspect ratios that rounding of small sizes explains
_ORDERS: dict[Resize, int] = {"nearest": 0, "bilinear": 1, "bicubic": 3}


def resize_map(array: AnyArray, size: Size, resize: Resize = "bilinear") -> Array:
    """Interpolate a map at the pixels of another size.

    Parameters
    ----------
    array
        Map of shape (h, w).
    size
        The new (height, width).
    resize
        Kind of interpolation; values outside the map are those at its edge.

    Returns
    -------
    resized : ndarray of shape size
        The map, float64.

    Raises
    ------
    InputError
        If `array` does not have two axes.
    """
    from scipy.ndimage import zoom

    if array.ndim != 2:
        raise InputError(f"only maps of shape (h, w) can be resized; got {array.shape}")
    factors = (size[0] / array.shape[0], size[1] / array.shape[1])
    resized: Array = zoom(
        array.astype(np.float64), factors, order=_ORDERS[resize], mode="nearest", grid_mode=True
    )
    return resized


def resize_log_density(log_density: AnyArray, size: Size, resize: Resize = "bilinear") -> Array:
    """Interpolate a density, not its log (which may be -inf), and normalise the result.

    Parameters
    ----------
    log_density
        Natural log of a density, shape (h, w).
    size
        The new (height, width).
    resize
        Kind of interpolation.

    Returns
    -------
    log_density : ndarray of shape size
        Natural log of the density, logsumexp 0.
    """
    density = np.maximum(resize_map(np.exp(log_density), size, resize), 0.0)
    with np.errstate(divide="ignore"):  # probability 0 is legal
        logarithm: Array = np.log(density / density.sum())
    return logarithm


def is_turned(size: Size, wanted: Size) -> bool:
    """Whether a map has the shape of its image turned round, (width, height), at any scale.

    Parameters
    ----------
    size
        (height, width) of the map.
    wanted
        (height, width) of the image.
    """
    aspect, own = np.log(wanted[0] / wanted[1]), np.log(size[0] / size[1])
    return bool(abs(aspect) > 2 * _SAME_SHAPE and abs(aspect + own) < _SAME_SHAPE)
