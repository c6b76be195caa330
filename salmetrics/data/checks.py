"""Plausibility of inputs: what is certainly wrong, and what may be meant otherwise."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from salmetrics.array_types import AnyArray, Array, Kind
from salmetrics.errors import InputError, InputWarning, some

if TYPE_CHECKING:
    from salmetrics.data.fixations import Fixations
    from salmetrics.data.stimuli import Stimuli

__all__ = [
    "Finding",
    "act_on",
    "image_findings",
    "map_findings",
    "orientation_findings",
    "outside_hint",
    "position_findings",
]

Level = Literal["error", "warning"]

_FRACTIONS = 1.5  # pixels: fractions of an image reach 1, and a little beyond
_LEAST = 10  # fixations from which on their places together say something
_CORNER = 0.1  # share of width and height; degrees of a display are below it
_SMALL = 16  # images up to this size may have all fixations in a corner
_COINCIDING = 0.05  # share of the fixations at one place that may be lost gaze
_FEW_VALUES = 8
_LOG_TOLERANCE = 1e-3
_STRIDED = 4096  # pixels looked at before all are sorted
_CLEAR = 5.0  # standard errors


@dataclass(frozen=True)
class Finding:
    """Something about inputs that is wrong, or that may be meant otherwise.

    Parameters
    ----------
    level
        "error" for what is certainly wrong, "warning" for what may be meant.
    code
        Short name of the finding, which stays the same between versions.
    message
        One line with counts, and what to do.

    Examples
    --------
    >>> print(Finding("warning", "constant", "2 of 3 maps of mine are constant"))
    warning: 2 of 3 maps of mine are constant
    """

    level: Level
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.level}: {self.message}"


def act_on(findings: Iterable[Finding], stacklevel: int = 3) -> None:
    """Raise one `InputError` for all errors, or else warn of each finding.

    Parameters
    ----------
    findings
        What was found.
    stacklevel
        Of the warnings, see `warnings.warn`.

    Raises
    ------
    InputError
        If any finding is an error.
    """
    findings = list(findings)
    errors = [finding.message for finding in findings if finding.level == "error"]
    if errors:
        raise InputError("; ".join(errors))
    for finding in findings:
        warnings.warn(finding.message, InputWarning, stacklevel=stacklevel)


# ---- positions


def position_findings(stimuli: Stimuli, fixations: Fixations) -> list[Finding]:
    """Return what is odd about the places of fixations.

    Parameters
    ----------
    stimuli, fixations
        What was shown and where people looked.

    Returns
    -------
    findings : list of Finding
        "fractions": all positions are below 1.5 pixels, an error; "corner" and "one-area": all are
        in a hundredth of the images; "coinciding": many are at exactly one place on many images.
    """
    if len(fixations) == 0 or fixations.n_images != len(stimuli):
        return []
    heights, widths = stimuli.sizes[fixations.image].T
    x, y = fixations.x, fixations.y
    if min(heights.min(), widths.min()) <= _SMALL:
        return []
    n = len(fixations)
    size = f"{widths[0]}x{heights[0]} pixels"
    reach = f"the largest x is {x.max():.3g}, the largest y {y.max():.3g}, on images of {size}"
    if n >= _LEAST // 2 and max(np.abs(x).max(), np.abs(y).max()) < _FRACTIONS:
        return [
            Finding(
                "error",
                "fractions",
                f"all {n} fixations are within {_FRACTIONS:g} pixels of the image's corner ({reach}"
                "): they look like fractions of the image, not pixels; give units='normalised'",
            )
        ]
    findings = []
    across, down = x / widths, y / heights
    if n >= _LEAST and max(across.max(), down.max()) < _CORNER:
        findings.append(
            Finding(
                "warning",
                "corner",
                f"all {n} fixations are in the top-left corner ({reach}): if they are degrees, "
                "give units='degree'",
            )
        )
    elif n >= _LEAST and max(np.ptp(across), np.ptp(down)) < _CORNER:
        findings.append(
            Finding(
                "warning",
                "one-area",
                f"all {n} fixations are in one hundredth of the images, around "
                f"x={x.mean():.4g}, y={y.mean():.4g}: check units and origin",
            )
        )
    return findings + _coinciding(fixations)


def _coinciding(fixations: Fixations) -> list[Finding]:
    """Return a finding if one place holds many fixations on many images, as lost gaze does."""
    places = fixations.x + 1j * fixations.y
    unique, place, counts = np.unique(places, return_inverse=True, return_counts=True)
    top = int(counts.argmax())
    n, count = len(fixations), int(counts[top])
    n_images = int((fixations.counts() > 0).sum())
    on_images = len(np.unique(fixations.image[place == top]))
    if count < _LEAST or count < _COINCIDING * n or on_images < max(2, 0.1 * n_images):
        return []
    at = unique[top]
    return [
        Finding(
            "warning",
            "coinciding",
            f"{count} of {n} fixations are at exactly x={at.real:g}, y={at.imag:g}, on "
            f"{on_images} images: this may be lost gaze, or a fixation cross; leave them out if so",
        )
    ]


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
    largest = max(np.abs(x).max(), np.abs(y).max())
    if largest < _FRACTIONS and widths.min() > _SMALL:
        if (x < 0).mean() > 0.05 and (y < 0).mean() > 0.05:
            return (
                "They look like parts of the half image from -1 to 1, as in PsychoPy: give "
                "units='norm'"
            )
        return "They look like fractions of the image: give units='normalised'"
    if negative and inside(x + widths / 2, y + heights / 2):
        if (np.abs(x) < _CORNER * widths).all() and (np.abs(y) < _CORNER * heights).all():
            return (
                "They look like degrees from the middle of the image: give units='degree' and "
                "origin='centre'"
            )
        return "They look as if the origin were in the middle of the image: give origin='centre'"
    if whole and x.min() >= 1 and y.min() >= 1 and inside(x - 1, y - 1):
        return "They look like pixels counted from 1: give one_based=True"
    if inside(y, x):
        return "They would be inside with x and y swapped"
    return ""


# ---- images


def image_findings(stimuli: Stimuli) -> list[Finding]:
    """Return what is odd about image files.

    Parameters
    ----------
    stimuli
        The images.

    Returns
    -------
    findings : list of Finding
        "turned": files that say that they are to be shown turned (EXIF orientation), while pixels
        and positions are those of the file as stored.
    """
    if not stimuli.turned:
        return []
    return [
        Finding(
            "warning",
            "turned",
            f"{len(stimuli.turned)} of {len(stimuli)} image files say that they are to be shown "
            f"turned or mirrored (EXIF orientation), such as {some(stimuli.turned, 3)}; their "
            "pixels are read as stored. If people saw them turned, save the images upright",
        )
    ]


# ---- maps


def map_findings(name: str, maps: Mapping[str, AnyArray], kind: Kind) -> list[Finding]:
    """Return what is odd about a model's maps.

    Parameters
    ----------
    name
        Name of the model.
    maps
        Maps of shape (h, w) by id of the image, or some of them.
    kind
        What the maps are taken for.

    Returns
    -------
    findings : list of Finding
        "constant" and "few-values"; for saliency maps also "same-map", which a centre bias is, and
        "log-density", logs of densities that are taken for maps.
    """
    found: dict[str, list[str]] = {"constant": [], "few-values": [], "log-density": []}
    for image, values in maps.items():
        code = _oddness(values, kind)
        if code is not None:
            found[code].append(image)
    n = len(maps)
    texts = {
        "constant": "are constant, so that all places count the same",
        "few-values": f"have at most {_FEW_VALUES} different values, so that many places tie",
        "log-density": (
            "have no value above 0 and an exponential that sums to 1, as logs of densities do; "
            "if they are, give kind='log_density'"
        ),
    }
    findings = [
        Finding(
            "warning",
            code,
            f"{len(images)} of {n} maps of {name} that were looked at ({some(images, 3)}) "
            f"{texts[code]}",
        )
        for code, images in found.items()
        if images
    ]
    contents = {(values.shape, values.tobytes()) for values in maps.values()}
    if kind == "saliency_map" and n > 2 and len(contents) == 1 and not found["constant"]:
        findings.append(
            Finding("warning", "same-map", f"all {n} maps of {name} that were looked at are equal")
        )
    return findings


def _oddness(values: AnyArray, kind: Kind) -> str | None:
    """Return the code of what is odd about one map, if anything."""
    if values.size < 2 or not np.isfinite(values).any():
        return None
    low, high = float(values.min()), float(values.max())
    if low == high:
        return "constant"
    if kind == "saliency_map" and high <= 0:
        total = high + np.log(np.exp(values.astype(np.float64) - high).sum())
        if abs(total) < _LOG_TOLERANCE:
            return "log-density"
    flat = values.ravel()
    if np.unique(flat[:: max(1, flat.size // _STRIDED)]).size <= _FEW_VALUES < flat.size:
        return "few-values" if np.unique(flat).size <= _FEW_VALUES else None
    return None


_TURNS: dict[str, tuple[bool, bool]] = {
    "upside down": (False, True),
    "mirrored": (True, False),
    "turned by 180 degrees": (True, True),
}


def orientation_findings(
    name: str, maps: Mapping[str, AnyArray], stimuli: Stimuli, fixations: Fixations
) -> list[Finding]:
    """Return whether maps fit the fixations clearly better upside down, mirrored or turned.

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
        standard errors, and on most images, when their positions are turned.
    """
    upright: list[Array] = []
    turned: dict[str, list[Array]] = {turn: [] for turn in _TURNS}
    place = {image: i for i, image in enumerate(stimuli.ids)}
    for image, values in maps.items():
        rows = fixations.rows_of_image(place[image])
        spread = float(values.std()) if np.isfinite(values).all() else 0.0
        if rows.size == 0 or spread == 0 or values.shape != tuple(stimuli[place[image]].size):
            continue
        scores = (values - values.mean()) / spread
        i, j = fixations.y[rows].astype(np.int64), fixations.x[rows].astype(np.int64)
        upright.append(scores[i, j])
        for turn, (across, down) in _TURNS.items():
            turned[turn].append(scores[-1 - i if down else i, -1 - j if across else j])
    if len(upright) < 3:
        return []
    best = max(_TURNS, key=lambda turn: float(np.concatenate(turned[turn]).mean()))
    gains = [after - before for after, before in zip(turned[best], upright, strict=True)]
    gain = np.concatenate(gains)
    error = gain.std() / np.sqrt(gain.size)
    on_most = np.mean([each.mean() > 0 for each in gains]) > 0.6
    if gain.mean() <= _CLEAR * error or not on_most or gain.mean() < 0.25:
        return []
    return [
        Finding(
            "warning",
            "orientation",
            f"the maps of {name} fit the fixations better {best} (NSS "
            f"{np.concatenate(turned[best]).mean():.2f} instead of "
            f"{np.concatenate(upright).mean():.2f} on {len(upright)} images): check "
            f"{'which way y runs' if best == 'upside down' else 'the origin of positions'} "
            "(origin=), and how the maps were saved",
        )
    ]
