"""Whether maps fit the fixations on the next image, or on the one before, better than their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from salmetrics.array_types import AnyArray
from salmetrics.data.checks.findings import Finding
from salmetrics.data.checks.scores import GAIN, is_clear, standardised

if TYPE_CHECKING:
    from salmetrics.data.fixations import Fixations
    from salmetrics.data.stimuli import Stimuli

__all__ = ["order_findings"]

_SHIFTS = {1: "after", -1: "before"}


def order_findings(
    name: str, maps: Mapping[str, AnyArray], stimuli: Stimuli, fixations: Fixations
) -> list[Finding]:
    """Return whether maps are those of the images after or before theirs, as of counts from 0 or 1.

    Parameters
    ----------
    name
        Name of the model.
    maps
        Maps of the images' sizes by id of the image, or some of them.
    stimuli, fixations
        What was shown and where people looked.

    Returns
    -------
    findings : list of Finding
        "shifted", if the mean standardised value at the fixations on the image after, or before,
        is above that at the map's own by .3 and by four standard errors over images, beyond what
        other maps have there.
    """
    scores = _scores(maps, stimuli, fixations)
    found = []
    for shift, said in _SHIFTS.items():
        pairs = [(own, own + shift) for own in scores if own + shift in scores[own]]
        pairs = [(own, other) for own, other in pairs if own in scores[own]]
        # what any map has there, as where all people look at the centre, is no sign of an order
        gains = [_beyond(scores, own, o) - _beyond(scores, own, own) for own, o in pairs]
        if not is_clear(gains):
            continue
        before, after = (
            float(np.mean([scores[pair[0]][pair[k]] for pair in pairs])) for k in (0, 1)
        )
        if after >= before + GAIN:
            found.append((after, before, said, len(pairs)))
    if not found:
        return []
    after, before, said, n = max(found)
    return [
        Finding(
            "warning",
            "shifted",
            f"the maps of {name} fit the fixations on the image {said} theirs better (NSS "
            f"{after:.2f} instead of {before:.2f} on {n} images): are they in another order, or "
            "is one counted from 0 and the other from 1?",
        )
    ]


def _scores(
    maps: Mapping[str, AnyArray], stimuli: Stimuli, fixations: Fixations
) -> dict[int, dict[int, float]]:
    """Return the mean standardised value of each map on its image and those beside all maps."""
    place = {image: i for i, image in enumerate(stimuli.ids)}
    known = {i + shift for i in map(place.__getitem__, maps) for shift in (-1, 0, 1)}
    pixels = {}
    for i in sorted(known & set(range(len(stimuli)))):
        rows = fixations.rows_of_image(i)
        if rows.size:
            pixels[i] = fixations.y[rows].astype(np.int64), fixations.x[rows].astype(np.int64)
    scores: dict[int, dict[int, float]] = {}
    for image, values in maps.items():
        z = standardised(values)
        if z is not None:
            scores[place[image]] = {
                i: float(z[at].mean())
                for i, at in pixels.items()
                if tuple(stimuli[i].size) == z.shape
            }
    return scores


def _beyond(scores: Mapping[int, Mapping[int, float]], own: int, image: int) -> float:
    """Return how much better than the other maps a map fits the fixations on an image."""
    others = [each[image] for i, each in scores.items() if i != own and image in each]
    return scores[own][image] - float(np.mean(others)) if others else 0.0
