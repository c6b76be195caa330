"""Plausibility of the axes of positions: which is which, and where they begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from salmetrics.array_types import AnyArray
from salmetrics.data.checks.findings import Finding

if TYPE_CHECKING:
    from salmetrics.data.fixations import Fixations

__all__ = ["axis_findings"]

_OBLONG = 1.15  # ratio of sides from which on the two axes tell themselves apart
_MANY = 200  # fixations that do not all avoid a fifth of an image by chance
_AT_ONE = 25  # whole numbers at 1 that do not all avoid 0 by chance


def axis_findings(fixations: Fixations, widths: AnyArray, heights: AnyArray) -> list[Finding]:
    """Return whether x and y look swapped, or counted from 1.

    Parameters
    ----------
    fixations
        Where people looked.
    widths, heights
        Sizes of their images, shape (n,).

    Returns
    -------
    findings : list of Finding
        "swapped": on oblong images, none is beyond the shorter side along the longer, and their
        middle is that of images turned round; "one-based": whole numbers, many 1 and none 0.
    """
    return _swapped(fixations, widths, heights) or _one_based(fixations)


def _swapped(fixations: Fixations, widths: AnyArray, heights: AnyArray) -> list[Finding]:
    wide = widths > heights
    longer, shorter = np.where(wide, widths, heights), np.where(wide, heights, widths)
    oblong = longer >= _OBLONG * shorter
    n = int(oblong.sum())
    if n < _MANY:
        return []
    along = np.where(wide, fixations.x, fixations.y)[oblong]
    across = np.where(wide, fixations.y, fixations.x)[oblong]
    longer, shorter = longer[oblong], shorter[oblong]
    if (along > shorter).any() or (across / shorter).max() < 0.9:
        return []
    # the middle of swapped positions, in shares of the sides, beside the middle of right ones
    short_of_middle = np.mean(along / longer - 0.5) / np.mean(shorter / longer / 2 - 0.5)
    past_middle = np.mean(across / shorter - 0.5) / np.mean(longer / shorter / 2 - 0.5)
    if short_of_middle < 0.6 or past_middle < 0.3:  # positions beyond the image may be left out
        return []
    return [
        Finding(
            "warning",
            "swapped",
            f"none of {n} fixations on images that are not square is further along the longer side "
            "than the shorter is long, while they reach its end, and their middle is that of "
            "images turned round: x and y look swapped",
        )
    ]


def _one_based(fixations: Fixations) -> list[Finding]:
    x, y = fixations.x, fixations.y
    n_ones = int((x == 1).sum() + (y == 1).sum())
    if n_ones < _AT_ONE or min(x.min(), y.min()) < 1 or (x % 1).any() or (y % 1).any():
        return []
    return [
        Finding(
            "warning",
            "one-based",
            f"all {len(fixations)} positions are whole numbers, {n_ones} of them 1 and none 0: if "
            "they are counted from 1, give one_based=True",
        )
    ]
