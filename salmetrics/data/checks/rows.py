"""Plausibility of rows as one fixation each: copies, raw samples and lost gaze."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from salmetrics.array_types import AnyArray, Array, Rows
from salmetrics.data.checks.findings import Finding

if TYPE_CHECKING:
    from salmetrics.data.fixations import Fixations
    from salmetrics.data.stimuli import Stimuli

__all__ = ["row_findings"]

_LEAST = 10  # fixations from which on their places together say something
_COINCIDING = 0.05  # share of the fixations at one place that may be lost gaze
_IN_A_ROW = 20  # rows of one person on one image that may be raw samples
_STEPS = 50  # steps from which on their lengths say something
_NEAR = 0.03  # of the diagonal: most steps of raw samples are shorter, most saccades longer
_NOT_FAR = 0.05  # of the diagonal, for samples of a noisy tracker at regular times
_DURATION = re.compile("dur", re.IGNORECASE)
_TIME = re.compile(r"time|onset|start|(^|_)t(_|$|\()", re.IGNORECASE)


def row_findings(stimuli: Stimuli, fixations: Fixations, *, placed: bool = True) -> list[Finding]:
    """Return whether rows are something else than one fixation each.

    Parameters
    ----------
    stimuli, fixations
        What was shown and where people looked.
    placed
        Whether positions may be pixels: distances in other units say nothing about samples.

    Returns
    -------
    findings : list of Finding
        "repeated": each place occurs several times, copied or in a row; "samples": most are next to
        the one before, as raw gaze is, and no times say that they are fixations; "coinciding": many
        are at exactly one place on many images.
    """
    samples = _samples(stimuli, fixations) if placed else []
    return _repeated(fixations) or samples or _coinciding(fixations)


def _samples(stimuli: Stimuli, fixations: Fixations) -> list[Finding]:
    """Return a finding if most rows are next to the row before, as samples of gaze are."""
    image, x, y = fixations.image, fixations.x, fixations.y
    if len(fixations) <= _STEPS or _are_counts(image, x, y):
        return []
    subject = np.unique(fixations.subject, return_inverse=True)[1]
    order = np.lexsort((subject, image))  # stable: rows keep their order within a cell
    image, subject = image[order], subject[order]
    follows = (image[1:] == image[:-1]) & (subject[1:] == subject[:-1])
    cells = np.concatenate([[0], np.cumsum(~follows)])
    sizes = np.bincount(cells)
    steps = np.flatnonzero(follows & (sizes[cells[1:]] >= _IN_A_ROW))
    if len(steps) < max(_STEPS, 0.5 * len(fixations)):
        return []
    lengths = np.hypot(np.diff(x[order])[steps], np.diff(y[order])[steps])
    diagonals = np.hypot(*stimuli.sizes[image[steps]].T)
    near, share = lengths < _NEAR * diagonals, 0.8
    if near.mean() < share and _are_regular(fixations, order, steps):
        near, share = lengths < _NOT_FAR * diagonals, 0.5
    if near.mean() < share or _last_long(fixations, order, steps):
        return []
    typical = float(np.median(sizes[sizes >= _IN_A_ROW]))
    return [
        Finding(
            "warning",
            "samples",
            f"{int(near.sum())} of {len(steps)} steps from one row to the next are shorter than "
            f"{100 * (_NEAR if share > 0.5 else _NOT_FAR):g} % of the image's diagonal (about "
            f"{typical:.0f} rows per image and subject): if they are raw samples of gaze, give one "
            "row per fixation",
        )
    ]


def _are_counts(image: Rows, x: Array, y: Array) -> bool:
    """Whether places are the centres of pixels, image by image and row by row, as of maps."""
    if not ((x % 1 == 0.5).all() and (y % 1 == 0.5).all()):
        return False
    order = np.lexsort((x, y, image))
    return bool((x[order] == x).all() and (y[order] == y).all())


def _are_regular(fixations: Fixations, order: Rows, steps: Rows) -> bool:
    """Whether a column of times rises by the same amount from row to row, as samples do."""
    return any(_is_regular(np.diff(times[order])[steps]) for times in _named_like(fixations, _TIME))


def _is_regular(rises: Array) -> bool:
    usual = float(np.median(rises))
    return bool(usual > 0 and (np.abs(rises - usual) < 0.2 * usual).mean() > 0.9)


def _last_long(fixations: Fixations, order: Rows, steps: Rows) -> bool:
    """Whether durations, or times from row to row, are as long and as varied as fixations are."""
    for values in _named_like(fixations, _DURATION):
        changes = np.diff(values[order])[steps] != 0  # rows of one fixation may all have its own
        if changes.mean() > 0.5 and _is_long(values):
            return True
    rises = (np.diff(times[order])[steps] for times in _named_like(fixations, _TIME))
    return any(_is_long(each) and not _is_regular(each) for each in rises)


def _is_long(times: Array) -> bool:
    """Whether times are mostly from .08 to 1 s, in seconds, milliseconds or microseconds."""
    usual = float(np.median(times))
    return any(0.08 * unit <= usual < unit for unit in (1, 1e3, 1e6))


def _named_like(fixations: Fixations, pattern: re.Pattern[str]) -> Iterator[Array]:
    """Yield the columns of numbers whose names have a pattern in them."""
    for name, column in fixations.columns.items():
        values: AnyArray = np.asarray(column)
        if values.dtype.kind in "iuf" and pattern.search(name):
            yield values.astype(np.float64)


def _repeated(fixations: Fixations) -> list[Finding]:
    """Return a finding if nearly all fixations occur several times, as of tables joined twice."""
    n = len(fixations)
    if n < _LEAST:
        return []
    labels, subject = np.unique(fixations.subject, return_inverse=True)
    whose = " and of the same subject" if len(labels) > 1 else ""
    keys = fixations.image
    for column in (subject, fixations.x, fixations.y):
        values, index = np.unique(column, return_inverse=True)
        keys = np.unique(keys * len(values) + index, return_inverse=True)[1]
    counts = np.bincount(keys)
    rows = np.bincount(counts, np.asarray(counts))
    times = int(rows.argmax())
    if len(counts) < _LEAST // 2 or times < 2 or rows[times] <= 0.9 * n:
        repeats = int(rows[2:].sum())
        centres = (fixations.x % 1 == 0.5).all() and (fixations.y % 1 == 0.5).all()  # of counts
        if len(counts) < _LEAST // 2 or centres or repeats <= 0.9 * n:
            return []
        cells = np.lexsort((subject, fixations.image))  # stable, so that rows keep their order
        n_after = int((np.diff(keys[cells]) == 0).sum())
        if n_after < 0.4 * n:  # places on a grid, where many people look
            return []
        return [
            Finding(
                "warning",
                "repeated",
                f"{n_after} of {n} fixations are at the place of the one before, on the same image"
                f"{whose}; each place occurs about {round(n / len(counts), 1):g} times: if they "
                "are raw samples, give one row per fixation",
            )
        ]
    return [
        Finding(
            "warning",
            "repeated",
            f"each place occurs {times} times (the same image, "
            f"{'subject, ' if whose else ''}x and y, for {int(rows[times])} of {n} fixations): if "
            "the table was joined or appended more than once, leave the copies out",
        )
    ]


def _coinciding(fixations: Fixations) -> list[Finding]:
    """Return a finding if one place holds many fixations on many images, as lost gaze does."""
    places = fixations.x + 1j * fixations.y
    unique, place, counts = np.unique(places, return_inverse=True, return_counts=True)
    top = int(counts.argmax())
    n, count = len(fixations), int(counts[top])
    n_images = int((fixations.counts() > 0).sum())
    on_images = len(np.unique(fixations.image[place == top]))
    if n_images == 1:
        few = count < _LEAST // 2 or count < 2 * _COINCIDING * n
    else:
        few = count < _LEAST or count < _COINCIDING * n or on_images < max(2, 0.1 * n_images)
    if few:
        return []
    at = unique[top]
    return [
        Finding(
            "warning",
            "coinciding",
            f"{count} of {n} fixations are at exactly x={at.real:g}, y={at.imag:g}, on "
            f"{on_images} image{'s' * (on_images > 1)}: this may be lost gaze, or a fixation "
            "cross; leave them out if so",
        )
    ]
