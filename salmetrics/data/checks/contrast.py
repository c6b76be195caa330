"""Whether fixations fit the contrast of their images better when they are turned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from salmetrics.array_types import AnyArray, Array, Rows
from salmetrics.data.checks.findings import Finding
from salmetrics.data.checks.scores import LEAST, TURNS, is_clear, standardised, turned
from salmetrics.errors import InputError

if TYPE_CHECKING:
    from salmetrics.data.fixations import Fixations
    from salmetrics.data.stimuli import Stimuli

__all__ = ["contrast_findings"]

_IMAGES = 24  # read at most
_PIXELS = 48e6  # in all images together
_CELLS = 100  # along the shorter side, of the means that contrast is computed from
_BLUR = 2.5  # cells
_HIGH = 0.5  # mean standardised contrast that is clearly above that of any place
_TO_CHECK = {
    "upside down": "which way y runs (origin=)",
    "mirrored": "which way x runs",
    "turned by 180 degrees": "the origin of positions (origin=)",
}


def contrast_findings(stimuli: Stimuli, fixations: Fixations) -> list[Finding]:
    """Return whether fixations are at places of higher contrast when they are turned.

    People look at places of high contrast (Reinagel and Zador, 1999, Network 10, 341-350), so that
    this needs no model.

    Parameters
    ----------
    stimuli, fixations
        What was shown and where people looked.

    Returns
    -------
    findings : list of Finding
        "turned-places", if the mean standardised contrast at the fixations rises by .3, to .5 at
        least, and by four standard errors over images, when positions are turned or mirrored.
    """
    means = []
    for i in _looked_at(stimuli, fixations).tolist():
        try:
            contrast = _contrast(stimuli[i].image)
        except InputError:
            continue  # models that look at images report it
        if contrast is not None:
            means.append(_means(contrast, stimuli.sizes[i], fixations, i))
    if len(means) < LEAST:
        return []
    upright, *others = np.array(means).T
    turn, after = max(zip(TURNS, others, strict=True), key=lambda each: float(each[1].mean()))
    if not is_clear(after - upright) or after.mean() < _HIGH:
        return []
    return [
        Finding(
            "warning",
            "turned-places",
            f"fixations are at places of higher contrast if they are {turn} (NSS of contrast "
            f"{after.mean():.2f} instead of {upright.mean():.2f} on {len(means)} images): check "
            f"{_TO_CHECK[turn]}",
        )
    ]


def _looked_at(stimuli: Stimuli, fixations: Fixations) -> Rows:
    """Return indices of images with pixels and fixations, spread over the data set."""
    if len(fixations) == 0:
        return np.zeros(0, np.int64)
    seen = np.flatnonzero(fixations.counts())
    n = min(_IMAGES, int(_PIXELS / stimuli.sizes[seen].prod(axis=1).max()))
    if n < LEAST:
        return np.zeros(0, np.int64)
    if len(seen) > n:
        seen = seen[np.linspace(0, len(seen) - 1, n).astype(int)]
    return np.array([i for i in seen.tolist() if stimuli[i].has_pixels], np.int64)


def _contrast(image: NDArray[np.uint8]) -> Array | None:
    """Return the standardised gradient of a small copy; None for an image without any."""
    from scipy.ndimage import gaussian_filter

    grey = image[..., 1] if image.ndim == 3 else image
    height, width = grey.shape
    step = max(1, min(height, width) // _CELLS)
    padded = np.pad(grey.astype(np.float32), ((0, -height % step), (0, -width % step)), "edge")
    cells = padded.reshape(len(padded) // step, step, -1, step).mean((1, 3))
    if min(cells.shape) < 2:
        return None
    return standardised(gaussian_filter(np.hypot(*np.gradient(cells)), _BLUR))


def _means(contrast: AnyArray, size: AnyArray, fixations: Fixations, image: int) -> list[float]:
    """Return the mean contrast at the fixations on an image, as they are and for each turn."""
    rows = fixations.rows_of_image(image)
    height, width = size.tolist()
    step = max(1, min(height, width) // _CELLS)
    upright = fixations.y[rows].astype(np.int64), fixations.x[rows].astype(np.int64)
    places = [upright, *(turned(upright, (height, width), turn) for turn in TURNS)]
    return [float(contrast[i // step, j // step].mean()) for i, j in places]
