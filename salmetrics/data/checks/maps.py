"""Plausibility of image files and of single maps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from salmetrics.array_types import AnyArray, Kind
from salmetrics.data.checks.findings import Finding
from salmetrics.data.checks.scores import standardised
from salmetrics.errors import some

if TYPE_CHECKING:
    from salmetrics.data.stimuli import Stimuli

__all__ = ["image_findings", "map_findings"]

_FEW_VALUES = 8
_LOG_TOLERANCE = 1e-3
_LOGS = (("log-density", 1.0), ("log2-density", np.log(2)), ("log10-density", np.log(10)))
_CENTRE_BIAS = re.compile("centre|center|baseline|prior", re.IGNORECASE)
_STRIDED = 4096  # pixels looked at before all are sorted


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
        "constant" and "few-values"; for saliency maps also "same-map", unless the map is named like
        a centre bias, or central and symmetric as one; and densities that are taken for maps:
        "density" and logs to a base, "log-density", "log2-density", "log10-density".
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
            ": they look like masks of fixations, which are to be given as fixations (fixations=, "
            "on the command line --fixations)"
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
    if (
        kind == "saliency_map"
        and n > 2
        and len(contents) == 1
        and not found["constant"]
        and not _CENTRE_BIAS.search(name)
        and not _is_central(next(iter(maps.values())))
    ):
        findings.append(
            Finding("warning", "same-map", f"all {n} maps of {name} that were looked at are equal")
        )
    return findings


def _is_central(values: AnyArray) -> bool:
    """Whether a map is high in the middle and nearly the same if it is turned by 180 degrees."""
    z = standardised(values)
    if z is None or min(z.shape) < 3:
        return False
    height, width = (n // 3 for n in z.shape)
    middle = z[height : z.shape[0] - height, width : z.shape[1] - width]
    return bool(middle.mean() > 0.5 and (z * z[::-1, ::-1]).mean() > 0.8)


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
