"""Whether maps are turned or inverted against the fixations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from salmetrics.array_types import AnyArray, Array
from salmetrics.data.checks.findings import Finding
from salmetrics.data.checks.scores import (
    GAIN,
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
    """Standardised values at the fixations of each image, before and after they are turned."""

    before: list[Array] = field(default_factory=list)
    after: list[Array] = field(default_factory=list)

    @property
    def gains(self) -> list[float]:
        """What the mean of each image gains."""
        pairs = zip(self.after, self.before, strict=True)
        return [float(after.mean() - before.mean()) for after, before in pairs]


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
        over images, of eight or more, or those of fixations that are moved together.
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
    looked_at: list[tuple[AnyArray, Places]] = []
    for i, values in usable.items():
        z = standardised(values)
        if z is not None:
            rows = fixations.rows_of_image(i)
            places = fixations.y[rows].astype(np.int64), fixations.x[rows].astype(np.int64)
            looked_at.append((values, places))
            _add(found, z, places)
    inverted = found.pop("inverted")
    found = {turn: scores for turn, scores in found.items() if len(scores.after) >= _LEAST}
    if not found:
        return []
    best = max(found, key=lambda turn: float(np.concatenate(found[turn].after).mean()))
    better = np.concatenate(found[best].after)
    low = float(np.concatenate(inverted.before).mean())
    if better.mean() > max(0.25, 2 * better.std() / better.size**0.5) and (
        _gains_clearly(found[best], best, looked_at)
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
    if not _gains_clearly(inverted, "inverted", looked_at):
        return []
    return [
        Finding(
            "warning",
            "inverted",
            f"the maps of {name} are low where people look (NSS {low:.2f} on "
            f"{len(inverted.before)} images): inverted?",
        )
    ]


def _add(found: Mapping[str, _Scores], z: Array, places: Places) -> None:
    """Add the scores of an image to those of each turn that it may have."""
    for turn, scores in found.items():
        if _is_possible(turn, z):
            scores.before.append(z[places])
            scores.after.append(_turned_values(z, places, turn))


def _is_possible(turn: str, values: AnyArray) -> bool:
    return turn != _TRANSPOSED or values.shape[0] == values.shape[1]


def _gains_clearly(
    scores: _Scores, turn: str, looked_at: Sequence[tuple[AnyArray, Places]]
) -> bool:
    """Whether the mean rises clearly, and on most images.

    The gains of few images differ so much that only chance, of fixations that are moved together,
    says whether their mean is clear.
    """
    gains = scores.gains
    if np.mean(np.array(gains) > 0) <= 0.6:
        return False
    if is_clear(gains):
        return True
    possible = [each for each in looked_at if _is_possible(turn, each[0])]
    if np.mean(gains) < GAIN:
        return False
    return is_clear(gains, [_chance(*each, turn) for each in possible])


def _chance(values: AnyArray, places: Places, turn: str) -> float:
    """Return the variance of what an image's mean gains if its fixations are moved together."""
    z = standardised(values)
    assert z is not None
    gains = [
        float(_turned_values(z, moved, turn).mean() - z[moved].mean())
        for moved in shifts(places, (z.shape[0], z.shape[1]))
    ]
    return float(np.mean(np.square(gains)))


def _turned_values(z: Array, places: Places, turn: str) -> Array:
    if turn == "inverted":
        return np.zeros(len(places[0]))  # so that maps gain what they are below 0
    i, j = places[::-1] if turn == _TRANSPOSED else turned(places, (z.shape[0], z.shape[1]), turn)
    return z[i, j]
