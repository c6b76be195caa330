"""Positions in the units and from the origins that people record them in, as pixels."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from salmetrics.errors import InputError, check_choice

__all__ = ["Origin", "Units", "check_units", "to_pixels"]

Units = Literal["pixel", "normalised", "norm", "height", "percent", "degree"]
Origin = Literal["top-left", "bottom-left", "centre", "centre-y-down"]

_FROM_CENTRE = ("norm", "height")  # units of PsychoPy


def check_units(
    units: str, origin: str | None, one_based: bool, pixels_per_degree: float | None
) -> Origin:
    """Check units and origin, and return the origin.

    Raises
    ------
    InputError
        If a choice is unknown, or choices do not go together.
    """
    check_choice("units", units, get_args(Units))
    if units == "degree" and (origin is None or pixels_per_degree is None):
        place = (
            "the place of 0 degrees: origin='centre' if y increases upwards, "
            "origin='centre-y-down' if downwards, or origin='top-left'"
        )
        needed = ["pixels_per_degree="] * (pixels_per_degree is None) + [place] * (origin is None)
        raise InputError(f"units='degree' needs {', and '.join(needed)}")
    where = origin or ("centre" if units in _FROM_CENTRE else "top-left")
    check_choice("origin", where, get_args(Origin))
    if units in _FROM_CENTRE and where not in ("centre", "centre-y-down"):
        raise InputError(
            f"units={units!r} are counted from the middle of the image: origin='centre', which is "
            f"the default, or origin='centre-y-down'; got origin={where!r}"
        )
    if one_based and (units, where) != ("pixel", "top-left"):
        raise InputError(
            "one_based=True is for pixels that are counted from the top-left corner; it does not "
            f"go with units={units!r} and origin={where!r}"
        )
    return where  # type: ignore[return-value]


def to_pixels(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    sizes: NDArray[np.int64],
    *,
    units: str = "pixel",
    origin: str | None = None,
    one_based: bool = False,
    pixels_per_degree: float | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions in pixels from the top-left corner of the image, y downwards.

    Parameters
    ----------
    x, y
        Positions, shape (n,).
    sizes
        (height, width) of the image of each position, shape (n, 2).
    units
        "pixel"; "normalised", fractions of the width and the height; "percent" of them; "norm",
        from -1 to 1 between opposite edges; "height", fractions of the height along both axes, from
        -0.5 to 0.5 along y; or "degree" of visual angle, all of the same number of pixels. "norm"
        and "height" are those of PsychoPy, for an image that fills the window.
    origin
        "top-left", y downwards; "bottom-left", y upwards; the image's "centre", y upwards; or
        "centre-y-down". The top-left corner by default, the centre for "norm" and "height";
        degrees have no default.
    one_based
        Whether the first pixel has number 1, as in MATLAB: 1 is subtracted, as the loaders of
        published data sets do.
    pixels_per_degree
        Pixels in one degree of visual angle.

    Raises
    ------
    InputError
        If a choice is unknown, or choices do not go together.

    Examples
    --------
    >>> x, y = np.array([0.0, 0.25]), np.array([0.0, 0.75])
    >>> to_pixels(x, y, np.array([[60, 80]] * 2), units="normalised", origin="bottom-left")
    (array([ 0., 20.]), array([60., 15.]))
    """
    where = check_units(units, origin, one_based, pixels_per_degree)
    per_degree = pixels_per_degree or 1.0
    heights, widths = sizes.T
    if units == "normalised":
        x, y = x * widths, y * heights
    elif units == "percent":
        x, y = x / 100 * widths, y / 100 * heights
    elif units == "norm":
        x, y = x * widths / 2, y * heights / 2
    elif units == "height":
        x, y = x * heights, y * heights
    elif units == "degree":
        x, y = x * per_degree, y * per_degree
    if one_based:
        x, y = x - 1, y - 1
    if where in ("centre", "centre-y-down"):
        x = x + widths / 2
        y = heights / 2 + (y if where == "centre-y-down" else -y)
    elif where == "bottom-left":
        y = heights - y
    return x, y
