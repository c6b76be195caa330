"""Whether maps are turned or inverted against the fixations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from salmetrics.array_types import AnyArray, Array
from salmetrics.data.checks.findings import Finding

if TYPE_CHECKING:
    from salmetrics.data.fixations import Fixations
    from salmetrics.data.stimuli import Stimuli

__all__ = ["orientation_findings"]

_CLEAR = 5.0  # standard errors


_TURNS: dict[str, tuple[bool, bool]] = {
    "upside down": (False, True),
    "mirrored": (True, False),
    "turned by 180 degrees": (True, True),
}
_TRANSPOSED = "transposed"  # square images only: others would have another size
_TO_CHECK = {
    "upside down": "which way y runs (origin=)",
    _TRANSPOSED: "whether x and y are swapped",
}
_LEAST_GAIN = 0.25  # of the mean standardised value


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
        "orientation", if the mean standardised value at the fixations rises by more than five
        standard errors, and on most images, to one above 0, when their positions are turned,
        mirrored or, on square images, transposed; else "inverted", if it is as clearly below 0.
    """
    upright: dict[str, list[Array]] = {turn: [] for turn in (*_TURNS, _TRANSPOSED)}
    turned: dict[str, list[Array]] = {turn: [] for turn in upright}
    scored: list[Array] = []
    place = {image: i for i, image in enumerate(stimuli.ids)}
    for image, values in maps.items():
        rows = fixations.rows_of_image(place[image])
        spread = float(values.std()) if np.isfinite(values).all() else 0.0
        if rows.size == 0 or spread == 0 or values.shape != tuple(stimuli[place[image]].size):
            continue
        scores = (values - values.mean()) / spread
        i, j = fixations.y[rows].astype(np.int64), fixations.x[rows].astype(np.int64)
        scored.append(scores[i, j])
        for turn, (across, down) in _TURNS.items():
            upright[turn].append(scored[-1])
            turned[turn].append(scores[-1 - i if down else i, -1 - j if across else j])
        if values.shape[0] == values.shape[1]:
            upright[_TRANSPOSED].append(scored[-1])
            turned[_TRANSPOSED].append(scores[j, i])
    if len(scored) < 3:
        return []
    turns = [turn for turn, each in turned.items() if len(each) >= 3]
    best = max(turns, key=lambda turn: float(np.concatenate(turned[turn]).mean()))
    gains = [after - before for after, before in zip(turned[best], upright[best], strict=True)]
    better = np.concatenate(turned[best])
    if (
        _is_clear(gains, _CLEAR)
        and better.mean() > _LEAST_GAIN
        and better.mean() > 2 * better.std() / np.sqrt(better.size)
    ):
        return [
            Finding(
                "warning",
                "orientation",
                f"the maps of {name} fit the fixations better {best} (NSS {better.mean():.2f} "
                f"instead of {np.concatenate(upright[best]).mean():.2f} on {len(gains)} images): "
                f"check {_TO_CHECK.get(best, 'the origin of positions (origin=)')}, and how the "
                "maps were saved",
            )
        ]
    if not _is_clear([-scores for scores in scored], _CLEAR):
        return []
    return [
        Finding(
            "warning",
            "inverted",
            f"the maps of {name} are low where people look (NSS "
            f"{np.concatenate(scored).mean():.2f} on {len(scored)} images): inverted?",
        )
    ]


def _is_clear(values: Sequence[Array], errors: float) -> bool:
    """Whether values by image are above 0 by a mean of errors and .25, on most images."""
    joined = np.concatenate(values)
    on_most = np.mean([each.mean() > 0 for each in values]) > 0.6
    mean = float(joined.mean())
    return bool(on_most and mean >= _LEAST_GAIN and mean > errors * joined.std() / joined.size**0.5)
