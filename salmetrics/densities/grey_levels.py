"""Grey levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salmetrics.checked_map import as_log_density
from salmetrics.errors import InputError, is_whole
from salmetrics.io.files import replacing


def quantise(log_density: ArrayLike, n_levels: int = 256) -> NDArray[np.uint8]:
    """Return the ranks of the pixels in levels that each get the same number of pixels.

    As DeepGaze II was submitted to the MIT benchmark: metrics that depend on the order of pixels
    alone lose little, whatever the density's range.

    Parameters
    ----------
    log_density
        Natural log, shape (h, w), logsumexp 0.
    n_levels
        From 2 to 256.

    Returns
    -------
    uint8 of shape (h, w), from 0 to n_levels - 1. Equal pixels get one level, the lower middle of
    those that they span, so levels get the same number only where there are no ties.

    References
    ----------
    Kümmerer, Wallis, Gatys and Bethge (2017), ICCV, section 3.2, doi:10.1109/ICCV.2017.513.
    """
    if not is_whole(n_levels) or not 2 <= n_levels <= 256:
        raise InputError(f"n_levels must be from 2 to 256; got {n_levels!r}")
    checked = as_log_density(log_density)
    _, which, counts = np.unique(
        checked.values.reshape(-1), return_inverse=True, return_counts=True
    )
    middles = np.cumsum(counts) - counts + (counts - 1) // 2
    levels = middles * n_levels // checked.flat.size
    return np.asarray(levels[which].reshape(checked.shape), dtype=np.uint8)


def save_quantised(log_density: ArrayLike, path: str | Path) -> None:
    """Write `quantise` of a density as a grey PNG or JPEG, for benchmarks that take images.

    Parameters
    ----------
    log_density
        Natural log, shape (h, w), logsumexp 0.
    path
        Ends in .png, or .jpg, which loses a little.
    """
    from PIL import Image

    target = Path(path)
    form = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}.get(target.suffix.lower())
    if form is None:
        raise InputError(f"path must end in .png or .jpg; got {str(path)!r}")
    picture = Image.fromarray(quantise(log_density))
    with replacing(target) as temporary:
        picture.save(temporary, form, **({"quality": 95} if form == "JPEG" else {}))
