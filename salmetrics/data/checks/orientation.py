"""Whether maps are turned or inverted against the fixations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from salmetrics.array_types import AnyArray, Array, Size
from salmetrics.data.checks.findings import Finding
from salmetrics.data.checks.scores import (
    LEAST,
    TURNS,
    Places,
    is_clear,
    shifts,
    standardised,
    turned,
)

if TYPE_CHECKING:
    from salmetrics.data.fixations import Fixations
    from salmetrics.data.stimuli import Stimuli

__all__ = ["orientation_findings"]

_LEAST = 3  # images
_TRANSPOSED = "transposed"  # square images only: others would have another size
_TO_CHECK = {
    "upside down": "which way y runs (origin=)",
    _TRANSPOSED: "whether x and y are swapped",
}


@dataclass
class _Scores:
    """Standardised values at the fixations of each image, before and after they are turned.

    `chance` are the variances of what their means gain by it, where there are few images.
    """

    before: list[Array] = field(default_factory=list)
    after: list[Array] = field(default_factory=list)
    chance: list[float] = field(default_factory=list)

    def gain_clearly(self) -> bool:
        """Whether the mean rises clearly, and on most images."""
        gains = [
            float(after.mean() - before.mean())
            for after, before in zip(self.after, self.before, strict=True)
        ]
        return bool(np.mean(np.array(gains) > 0) > 0.6) and is_clear(gains, self.chance or None)


def orientation_findings(
    name: str, maps: Mapping[str, AnyArray], stimuli: Stimuli, fixations: Fixations
) -> list[Finding]:
    """Return whether maps fit the fixations better turned, or are low where people look.

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
        "orientation", if the mean standardised value at the fixations rises by .3 and four standard
        errors, and on most images, to one above 0, when their positions are turned, mirrored or, on
        square images, transposed; else "inverted", if it is as clearly below 0. Errors are those
        over images, or, of fewer than eight images, those of fixations that are moved together.
    """
    place = {image: i for i, image in enumerate(stimuli.ids)}
    usable = {
        place[image]: values
        for image, values in maps.items()
        if values.shape == tuple(stimuli[place[image]].size)
        and fixations.rows_of_image(place[image]).size
        and values.min() < values.max()
    }
    found = {turn: _Scores() for turn in (*TURNS, _TRANSPOSED, "inverted")}
    for i, values in usable.items():
        z = standardised(values)
        if z is not None:
            rows = fixations.rows_of_image(i)
            places = fixations.y[rows].astype(np.int64), fixations.x[rows].astype(np.int64)
            _add(found, z, places, few=len(usable) < LEAST)
    inverted = found.pop("inverted")
    found = {turn: scores for turn, scores in found.items() if len(scores.after) >= _LEAST}
    if not found:
        return []
    best = max(found, key=lambda turn: float(np.concatenate(found[turn].after).mean()))
    better = np.concatenate(found[best].after)
    low = float(np.concatenate(inverted.before).mean())
    if better.mean() > max(0.25, 2 * better.std() / better.size**0.5) and (
        found[best].gain_clearly()
    ):
        return [
            Finding(
                "warning",
                "orientation",
                f"the maps of {name} fit the fixations better {best} (NSS {better.mean():.2f} "
                f"instead of {np.concatenate(found[best].before).mean():.2f} on "
                f"{len(found[best].after)} images): check "
                f"{_TO_CHECK.get(best, 'the origin of positions (origin=)')}, and how the maps "
                "were saved",
            )
        ]
    if not inverted.gain_clearly():
        return []
    return [
        Finding(
            "warning",
            "inverted",
            f"the maps of {name} are low where people look (NSS {low:.2f} on "
            f"{len(inverted.before)} images): inverted?",
        )
    ]


def _add(found: Mapping[str, _Scores], z: Array, places: Places, *, few: bool) -> None:
    """Add the scores of an image to those of each turn that it may have."""
    size: Size = (z.shape[0], z.shape[1])
    for turn, scores in found.items():
        if turn == _TRANSPOSED and size[0] != size[1]:
            continue
        scores.before.append(z[places])
        scores.after.append(_turned_values(z, places, turn))
        if few:
            gains = [
                float(_turned_values(z, moved, turn).mean() - z[moved].mean())
                for moved in shifts(places, size)
            ]
            scores.chance.append(float(np.mean(np.square(gains))))


def _turned_values(z: Array, places: Places, turn: str) -> Array:
    if turn == "inverted":
        return np.zeros(len(places[0]))  # so that maps gain what they are below 0
    i, j = places[::-1] if turn == _TRANSPOSED else turned(places, (z.shape[0], z.shape[1]), turn)
    return z[i, j]
