"""Plausibility of the places of fixations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.array_types import AnyArray, Array
from salmetrics.data.checks.axes import axis_findings
from salmetrics.data.checks.findings import Finding
from salmetrics.data.checks.rows import row_findings
from salmetrics.errors import some

if TYPE_CHECKING:
    from salmetrics.data.fixations import Fixations
    from salmetrics.data.stimuli import Stimuli

__all__ = ["outside_hint", "position_findings"]

_FRACTIONS = 1.5  # pixels: fractions of an image reach 1, and a little beyond
_LEAST = 10  # fixations from which on their places together say something
_CORNER = 0.1  # share of width and height; degrees of a display are below it
_SMALL = 16  # images up to this size may have all fixations in a corner
_MANY = 100  # fixations that are not all in one quarter by chance
_HALF = 0.5
_MOST = 0.95


def position_findings(stimuli: Stimuli, fixations: Fixations) -> list[Finding]:
    """Return what is odd about the places of fixations.

    Parameters
    ----------
    stimuli, fixations
        What was shown and where people looked.

    Returns
    -------
    findings : list of Finding
        "fractions": positions are below 1.5 pixels, 95 % of them or all of a subject or an
        image, an error; "corner" and "one-area": all are in a small part of the images; "swapped"
        and "one-based", see `axis_findings`; "repeated", "samples" and "coinciding", see
        `row_findings`.
    """
    if len(fixations) == 0 or fixations.n_images != len(stimuli):
        return []
    large = stimuli.sizes[fixations.image].min(axis=1) > _SMALL
    judged = fixations if large.all() else fixations[large]
    findings: list[Finding] = []
    if len(judged):
        heights, widths = stimuli.sizes[judged.image].T
        findings = _fractions(judged, widths, heights, stimuli.ids)
        if findings:
            return findings
        findings = _corners(judged, widths, heights)
        findings = findings or axis_findings(judged, widths, heights)
    odd = any(finding.code in ("corner", "one-area") for finding in findings)
    return findings + row_findings(stimuli, fixations, placed=not odd)


def _reach(x: Array, y: Array, widths: AnyArray, heights: AnyArray) -> str:
    size = f"{widths[0]}x{heights[0]} pixels"
    return f"the largest x is {x.max():.3g}, the largest y {y.max():.3g}, on images of {size}"


def _fractions(
    fixations: Fixations, widths: AnyArray, heights: AnyArray, ids: Sequence[str]
) -> list[Finding]:
    """Return an error if positions, or those of a subject or image, are fractions of the image."""
    near = np.maximum(np.abs(fixations.x), np.abs(fixations.y)) < _FRACTIONS
    n = len(fixations)
    hint = "they look like fractions of the image, not pixels; give units='normalised'"
    if any("outside" in reason for reason in fixations.left_out):  # such as those below 0
        hint = "they look like fractions, not pixels; give units= that are right for all fixations"
    if n >= _LEAST // 2 and near.mean() >= _MOST:
        reach = _reach(fixations.x[near], fixations.y[near], widths[near], heights[near])
        which = f"all {n}" if near.all() else f"{near.sum()} of {n}"
        text = f"{which} fixations are within {_FRACTIONS:g} pixels of the image's corner ({reach})"
        return [Finding("error", "fractions", f"{text}: {hint}")]
    largest = np.maximum(np.abs(fixations.x) / widths, np.abs(fixations.y) / heights).max()
    if near.sum() < _LEAST // 2 or largest < _CORNER:  # degrees, say, some of which are small
        return []
    for what, column in (("subjects", fixations.subject), ("images", fixations.image)):
        names, place, counts = np.unique(column, return_inverse=True, return_counts=True)
        within = np.bincount(place, near, minlength=len(names))
        found = [
            name
            for k, name in enumerate(names.tolist())
            if within[k] == counts[k] >= _LEAST // 2 and _n_places(fixations, place == k) > 1
        ]
        if found:
            if what == "images":
                found = [ids[name] for name in found]
            text = (
                f"all fixations of {len(found)} of {len(names)} {what} ({some(found, 3)}) are "
                f"within {_FRACTIONS:g} pixels of the image's corner, and those of the others are "
                "not: they look like fractions of the image, not pixels; multiply theirs by the "
                "image's width and height"
            )
            return [Finding("error", "fractions", text)]
    return []


def _n_places(fixations: Fixations, rows: Any) -> int:
    return len(np.unique(fixations.x[rows] + 1j * fixations.y[rows]))


def _corners(fixations: Fixations, widths: AnyArray, heights: AnyArray) -> list[Finding]:
    """Return a finding if all fixations are in a small part of the images."""
    n = len(fixations)
    if n < _LEAST:
        return []
    x, y = fixations.x, fixations.y
    across, down = x / widths, y / heights
    right, bottom = float(across.max()), float(down.max())
    reach = _reach(x, y, widths, heights)
    code, text = "corner", ""
    many = n >= _MANY and _n_places(fixations, np.s_[:]) >= _MANY // 2
    if max(right, bottom) < _CORNER:
        text = (
            f"all {n} fixations are in the top-left corner ({reach}): if they are degrees, "
            "give units='degree'"
        )
    elif max(np.ptp(across), np.ptp(down)) < _CORNER:
        code = "one-area"
        text = (
            f"all {n} fixations are in one hundredth of the images, around "
            f"x={x.mean():.4g}, y={y.mean():.4g}: check units and origin"
        )
    elif many and _is_percent(x, widths) and _is_percent(y, heights):
        text = (
            f"x and y of all {n} fixations end at 100 ({reach}): if they are percent of the image, "
            "divide them by 100 and give units='normalised'"
        )
    elif many and max(right, bottom) < _HALF and len(np.unique(fixations.image)) > 1:
        text = (
            f"all {n} fixations are in the upper-left {100 * right * bottom:.0f} % of the images "
            f"({reach}): check units, and whether positions are those of a smaller image"
        )
    return [Finding("warning", code, text)] if text else []


def _is_percent(positions: Array, lengths: AnyArray) -> bool:
    """Whether positions reach up to 100, on images that are clearly longer."""
    return bool(90 < positions.max() <= 100 and positions.min() >= 0 and lengths.min() > 120)


def outside_hint(x: Array, y: Array, widths: AnyArray, heights: AnyArray) -> str:
    """Return what would put fixations that are outside their image inside; empty if unknown.

    Parameters
    ----------
    x, y
        Positions of all fixations in pixels, shape (n,).
    widths, heights
        Sizes of their images, shape (n,).
    """

    def inside(x: Array, y: Array) -> bool:
        return bool(((x >= 0) & (y >= 0) & (x < widths) & (y < heights)).mean() > 0.99)

    negative = (x < 0).any() or (y < 0).any()
    whole = bool(np.all(x == np.rint(x)) and np.all(y == np.rint(y)))
    largest = max(np.minimum(np.abs(x), np.abs(x) * heights / widths).max(), np.abs(y).max())
    if largest < _FRACTIONS and widths.min() > _SMALL:
        if (x < 0).mean() > 0.05 and (y < 0).mean() > 0.05:
            return _from_the_middle(x * heights / widths, y)
        return "They look like fractions of the image: give units='normalised'"
    if negative and inside(x + widths / 2, y + heights / 2):
        if (np.abs(x) < _CORNER * widths).all() and (np.abs(y) < _CORNER * heights).all():
            return (
                "They look like degrees from the middle of the image: give units='degree', "
                "pixels_per_degree= and origin='centre-y-down' if y is downwards, as in "
                "pymovements, or origin='centre' if upwards"
            )
        return (
            "They look as if the origin were in the middle of the image: give origin='centre' if y "
            "is upwards, or origin='centre-y-down' if downwards"
        )
    if whole and x.min() >= 1 and y.min() >= 1 and inside(x - 1, y - 1):
        return "They look like pixels counted from 1: give one_based=True"
    if inside(y, x):
        return "They would be inside with x and y swapped"
    return ""


def _from_the_middle(across: Array, down: Array) -> str:
    """Return the units of fractions of the image around 0, which PsychoPy has two of.

    Parameters
    ----------
    across, down
        Positions, divided by the height of the image if they are fractions of the height.
    """
    norm = "units='norm', from -1 to 1 between opposite edges"
    height = "units='height', fractions of the height, so that y is from -0.5 to 0.5"
    sizes = [np.abs(values) for values in (across, down)]
    within = [size[size <= _HALF] for size in sizes]
    text = "They look like fractions from the middle of the image, as in PsychoPy: give"
    if min(map(len, within)) < 0.99 * len(across):
        return f"{text} {norm}"
    if len(across) >= _MANY and min(size.max() for size in within) > 0.9 * _HALF:
        return f"{text} {height}"
    return f"{text} {height}, which is its default; or {norm}"
