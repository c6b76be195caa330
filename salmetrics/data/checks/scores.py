"""Standardised values at fixations, upright and turned, and whether they gain clearly by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from salmetrics.array_types import AnyArray, Array, Rows, Size

__all__ = ["GAIN", "LEAST", "TURNS", "Places", "is_clear", "shifts", "standardised", "turned"]

LEAST = 8  # images from which on their means say something
GAIN = 0.3  # of the mean standardised value
_CLEAR = 4.0  # standard errors over images
_SHIFTS = 8  # along each axis
# whether positions are mirrored along x and along y
TURNS: dict[str, tuple[bool, bool]] = {
    "upside down": (False, True),
    "mirrored": (True, False),
    "turned by 180 degrees": (True, True),
}

Places = tuple[Rows, Rows]  # row and column of each fixation


def standardised(values: AnyArray) -> Array | None:
    """Return values of mean 0 and standard deviation 1; None if they are not finite, or equal."""
    spread = float(values.std()) if np.isfinite(values).all() else 0.0
    return (values - values.mean()) / spread if spread > 0 else None


def turned(places: Places, size: Size, turn: str) -> Places:
    """Return where places are on an image that is turned.

    Parameters
    ----------
    places
        Rows and columns of pixels.
    size
        (height, width) of the image.
    turn
        One of `TURNS`.

    Examples
    --------
    >>> turned((np.array([0]), np.array([1])), (60, 80), "upside down")
    (array([59]), array([1]))
    """
    (i, j), (height, width), (across, down) = places, size, TURNS[turn]
    return height - 1 - i if down else i, width - 1 - j if across else j


def shifts(places: Places, size: Size) -> Iterator[Places]:
    """Yield places moved by eighths of the height and the width, round the edges.

    Their scores say how far the mean of so many fixations, grouped as they are, is from 0 by
    chance.
    """
    for down in range(_SHIFTS):
        for across in range(_SHIFTS):
            i = (places[0] + down * size[0] // _SHIFTS) % size[0]
            yield i, (places[1] + across * size[1] // _SHIFTS) % size[1]


def is_clear(gains: Array | Sequence[float], variances: Sequence[float] | None = None) -> bool:
    """Whether means by image are above 0 by .3, and by four standard errors of their mean.

    Parameters
    ----------
    gains
        One mean for each image.
    variances
        Variances of the means by chance, in place of the spread of the means. Without them, fewer
        than eight images are never clear.

    Examples
    --------
    >>> is_clear([0.9, 1.1, 1.0, 1.2] * 2), is_clear([0.9, 1.1, 1.0]), is_clear([1.0], [0.04])
    (True, False, True)
    """
    means = np.asarray(gains, np.float64)
    n = len(means)
    if variances is not None and n:
        error = float(np.sum(variances)) ** 0.5 / n
    elif n >= LEAST:
        error = float(means.std(ddof=1)) / n**0.5
    else:
        return False
    return bool(means.mean() >= max(GAIN, _CLEAR * error))
