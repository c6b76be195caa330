"""Plausibility of inputs: what is certainly wrong, and what may be meant otherwise."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

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
_MANY = 100  # fixations that are not all in one quarter by chance
_HALF = 0.5
_MOST = 0.95
_COINCIDING = 0.05  # share of the fixations at one place that may be lost gaze
_FEW_VALUES = 8
_LOG_TOLERANCE = 1e-3
_LOGS = (("log-density", 1.0), ("log2-density", np.log(2)), ("log10-density", np.log(10)))
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
        "fractions": positions are below 1.5 pixels, 95 % of them or all of one subject, an error;
        "corner" and "one-area": all are in a small part of the images; "repeated": each occurs
        several times; "coinciding": many are at exactly one place on many images.
    """
    if len(fixations) == 0 or fixations.n_images != len(stimuli):
        return []
    large = stimuli.sizes[fixations.image].min(axis=1) > _SMALL
    judged = fixations if large.all() else fixations[large]
    findings: list[Finding] = []
    if len(judged):
        heights, widths = stimuli.sizes[judged.image].T
        findings = _fractions(judged, widths, heights)
        if findings:
            return findings
        findings = _corners(judged, widths, heights)
    repeated = _repeated(fixations)
    return findings + (repeated or _coinciding(fixations))


def _reach(x: Array, y: Array, widths: AnyArray, heights: AnyArray) -> str:
    size = f"{widths[0]}x{heights[0]} pixels"
    return f"the largest x is {x.max():.3g}, the largest y {y.max():.3g}, on images of {size}"


def _fractions(fixations: Fixations, widths: AnyArray, heights: AnyArray) -> list[Finding]:
    """Return an error if positions, or those of one subject, are fractions of the image."""
    near = np.maximum(np.abs(fixations.x), np.abs(fixations.y)) < _FRACTIONS
    n = len(fixations)
    hint = "they look like fractions of the image, not pixels; give units='normalised'"
    if n >= _LEAST // 2 and near.mean() >= _MOST:
        reach = _reach(fixations.x[near], fixations.y[near], widths[near], heights[near])
        which = f"all {n}" if near.all() else f"{near.sum()} of {n}"
        text = f"{which} fixations are within {_FRACTIONS:g} pixels of the image's corner ({reach})"
        return [Finding("error", "fractions", f"{text}: {hint}")]
    if near.sum() < _LEAST // 2:
        return []
    names, subject, counts = np.unique(fixations.subject, return_inverse=True, return_counts=True)
    within = np.bincount(subject, near, minlength=len(names))
    subjects = [
        name
        for k, name in enumerate(names.tolist())
        if within[k] == counts[k] >= _LEAST // 2 and _n_places(fixations, subject == k) > 1
    ]
    if not subjects:
        return []
    return [
        Finding(
            "error",
            "fractions",
            f"all fixations of {len(subjects)} of {len(names)} subjects ({some(subjects, 3)}) are "
            f"within {_FRACTIONS:g} pixels of the image's corner, and those of the others are not: "
            "they look like fractions of the image, not pixels; multiply theirs by the image's "
            "width and height",
        )
    ]


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


def _repeated(fixations: Fixations) -> list[Finding]:
    """Return a finding if nearly all fixations occur several times, as of tables joined twice."""
    n = len(fixations)
    if n < _LEAST:
        return []
    keys = fixations.image
    for column in (fixations.subject, fixations.x, fixations.y):
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
        said = f"{repeats} of {n} fixations are at a place where the subject has others"
        return [
            Finding(
                "warning",
                "repeated",
                f"{said}; each place occurs about {round(n / len(counts), 1):g} times: if they "
                "are raw samples, give one row per fixation",
            )
        ]
    return [
        Finding(
            "warning",
            "repeated",
            f"each place occurs {times} times (the same image, subject, x and y, for "
            f"{int(rows[times])} of {n} fixations): if the table was joined or appended more than "
            "once, leave the copies out",
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


def map_findings(
    name: str, maps: Mapping[str, AnyArray], kind: Kind, *, truth: bool = False
) -> list[Finding]:
    """Return what is odd about maps of a model, or of the ground truth.

    Parameters
    ----------
    name
        Name of the model.
    maps
        Maps of shape (h, w) by id of the image, or some of them.
    kind
        What the maps are taken for.
    truth
        Whether they are ground truth, which may be densities, and may not be masks.

    Returns
    -------
    findings : list of Finding
        "constant" and "few-values"; for saliency maps also "same-map", which a centre bias is, and
        densities that are taken for maps: "density" and logs to a base, "log-density",
        "log2-density", "log10-density".
    """
    codes = ("constant", "few-values", "density", *(code for code, _ in _LOGS))
    found: dict[str, list[str]] = {code: [] for code in codes}
    for image, values in maps.items():
        code = _oddness(values, kind)
        if code is not None and not (truth and code == "density"):
            found[code].append(image)
    n = len(maps)
    texts = {
        "constant": "are constant, so that all places count the same",
        "few-values": f"have at most {_FEW_VALUES} different values, so that many places tie",
        "log-density": (
            "have no value above 0 and an exponential that sums to 1, as logs of densities do; "
            "if they are, give kind='log_density'"
        ),
        "log2-density": (
            "have no value above 0 and powers of 2 that sum to 1: if they are logs of densities to "
            "base 2, multiply by ln 2 and give kind='log_density'"
        ),
        "log10-density": (
            "have no value above 0 and powers of 10 that sum to 1: if they are logs of densities "
            "to base 10, multiply by ln 10 and give kind='log_density'"
        ),
        "density": (
            "have no value below 0 and sum to 1, as densities do; if they are, give kind='density'"
        ),
    }
    if truth:
        texts["few-values"] += (
            ": they look like masks of fixations; give them as fixations= (--fixations)"
        )
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
        for code, factor in _LOGS:
            total = factor * high + np.log(np.exp(factor * (values.astype(float) - high)).sum())
            if abs(total) < _LOG_TOLERANCE:
                return code
    if kind == "saliency_map" and low >= 0 and high < 1 and values.dtype.kind == "f":
        total = float(values.sum(dtype=np.float64))
        if abs(total - 1) < _LOG_TOLERANCE:
            return "density"
    flat = values.ravel()
    if np.unique(flat[:: max(1, flat.size // _STRIDED)]).size <= _FEW_VALUES < flat.size:
        return "few-values" if np.unique(flat).size <= _FEW_VALUES else None
    return None


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
        spread = float(values.std(dtype=np.float64)) if np.isfinite(values).all() else 0.0
        if rows.size == 0 or spread == 0 or values.shape != tuple(stimuli[place[image]].size):
            continue
        scores = (values - values.mean(dtype=np.float64)) / spread
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
