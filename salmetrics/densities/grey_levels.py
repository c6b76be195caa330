"""Densities as grey levels with equal numbers of pixels, in memory and in pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salmetrics.checked_map import as_log_density
from salmetrics.errors import InputError, is_whole
from salmetrics.io.files import replacing

__all__ = ["quantise", "save_quantised"]


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
