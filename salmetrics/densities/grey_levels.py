"""Densities as grey levels: of equal numbers of pixels, or in equal steps of the log."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salmetrics.array_types import Array
from salmetrics.checked_map import as_log_density
from salmetrics.errors import InputError, is_whole
from salmetrics.io.files import replacing

__all__ = ["from_log_levels", "log_levels", "quantise", "save_quantised"]

LOG_STEP = 0.05  # nats between two grey levels of a log density


def quantise(log_density: ArrayLike, n_levels: int = 256) -> NDArray[np.uint8]:
    """Quantise the ranks of the pixels into levels that each get the same number of pixels.

    DeepGaze II was submitted to the MIT benchmark in this form: metrics that depend only on the
    order of pixels lose little, whatever the density's range.

    Parameters
    ----------
    log_density
        Natural log of a density, shape (h, w), logsumexp 0.
    n_levels
        Number of levels, from 2 to 256.

    Returns
    -------
    levels : ndarray of shape (h, w), uint8
        From 0 to n_levels - 1. Equal pixels get one level, the lower middle of the levels that
        they span; numbers of pixels are equal only where there are no ties.

    Raises
    ------
    InputError
        If `n_levels` is out of range, or `log_density` is not a log density.

    References
    ----------
    Kümmerer, Wallis, Gatys and Bethge (2017), ICCV, section 3.2, doi:10.1109/ICCV.2017.513.
    """
    if not is_whole(n_levels) or not 2 <= n_levels <= 256:
        raise InputError(f"n_levels must be from 2 to 256; got {n_levels!r}")
    checked = as_log_density(log_density)
    _, ranks, counts = np.unique(
        checked.values.reshape(-1), return_inverse=True, return_counts=True
    )
    middles = np.cumsum(counts) - counts + (counts - 1) // 2
    levels = middles * n_levels // checked.flat.size
    return np.asarray(levels[ranks].reshape(checked.shape), dtype=np.uint8)


def save_quantised(log_density: ArrayLike, path: str | Path) -> None:
    """Write the levels of a density as a grey PNG or JPEG, for benchmarks that take images.

    Parameters
    ----------
    log_density
        Natural log of a density, shape (h, w), logsumexp 0.
    path
        Path of the picture, ending in .png (exact) or .jpg (slightly lossy).

    Raises
    ------
    InputError
        If the path has another suffix, or `log_density` is not a log density.
    """
    from PIL import Image

    target = Path(path)
    form = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}.get(target.suffix.lower())
    if form is None:
        raise InputError(f"path must end in .png or .jpg; got {str(path)!r}")
    picture = Image.fromarray(quantise(log_density))
    with replacing(target) as temporary:
        picture.save(temporary, form, **({"quality": 95} if form == "JPEG" else {}))


def log_levels(log_density: ArrayLike) -> NDArray[np.uint8]:
    """Round a log density to grey levels that are 0.05 nats apart, the largest of them 255.

    Unlike `quantise`, this keeps the density: `from_log_levels` returns it. What is more than
    12.75 nats below the maximum gets level 0.

    Parameters
    ----------
    log_density
        Natural log of a density, shape (h, w), logsumexp 0.

    Returns
    -------
    levels : ndarray of shape (h, w), uint8
        Grey levels, higher where the density is higher.

    Raises
    ------
    InputError
        If `log_density` is not a log density.
    """
    log = as_log_density(log_density).values.astype(np.float64)
    steps = np.rint((log.max() - log) / LOG_STEP)
    return (255 - np.minimum(steps, 255)).astype(np.uint8)


def from_log_levels(levels: ArrayLike) -> Array:
    """Return the log density whose grey levels `log_levels` returned.

    Parameters
    ----------
    levels
        Grey levels, uint8 of shape (h, w).

    Returns
    -------
    log_density : ndarray of shape (h, w)
        Natural log of the density, logsumexp 0. Pixels of one image are shifted by at most 0.025
        nats, and then all by what makes the sum 1.

    Raises
    ------
    InputError
        If `levels` are not an array of bytes with two axes.
    """
    array = np.asarray(levels)
    if array.dtype != np.uint8 or array.ndim != 2 or array.size == 0:
        raise InputError(
            f"levels must be uint8 of shape (h, w); got {array.dtype} of shape {array.shape}"
        )
    log = (array.astype(np.float64) - 255) * LOG_STEP
    return np.asarray(log - np.log(np.exp(log).sum()))
