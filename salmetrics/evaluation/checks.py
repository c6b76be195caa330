"""Plausibility of models and data before they are scored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from salmetrics.array_types import AnyArray, Kind
from salmetrics.data.checks.blur_width import width_findings
from salmetrics.data.checks.contrast import contrast_findings
from salmetrics.data.checks.findings import Finding
from salmetrics.data.checks.maps import image_findings, map_findings
from salmetrics.data.checks.order import order_findings
from salmetrics.data.checks.orientation import orientation_findings
from salmetrics.data.checks.positions import position_findings
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.errors import InputError
from salmetrics.evaluation.references import opened_ground_truth
from salmetrics.models.base import DensityModel, Model
from salmetrics.models.conversion import as_model
from salmetrics.models.notes import notes_of

__all__ = [
    "check_inputs",
    "check_types",
    "findings_of",
    "new_findings",
    "reading_findings",
    "truth_findings",
]

_LOOKED_AT = 16  # images whose stored maps are read before scoring


def check_inputs(
    stimuli: Stimuli,
    fixations: Fixations | None,
    models: Mapping[str, Any] | None = None,
    *,
    empirical: Any = None,
    kind: Kind | None = None,
) -> list[Finding]:
    """Check whether data and maps are what they are taken for.

    `salmetrics.evaluate` does the same before it scores: errors stop it, and warnings are part of
    the result. Maps are looked at for up to 16 images with fixations, spread over the data set, and
    only those of models whose predictions exist already: files, arrays and dicts of arrays. Images
    are looked at for up to 24, to see whether people looked at places of high contrast.

    Parameters
    ----------
    stimuli, fixations
        What was shown and where people looked; None without fixations.
    models
        Models by name, whatever `salmetrics.as_model` takes.
    empirical
        Ground-truth maps, whatever `salmetrics.as_model` takes.
    kind
        What raw arrays are, saliency maps by default; see `salmetrics.as_model`.

    Returns
    -------
    findings : list of Finding
        Empty if nothing is odd. Each has a level, "error" for what is certainly wrong and "warning"
        for what may be meant; a code; and a message of one line with counts. What was noticed, and
        warned of, while files were read comes first, with the code "reading".

    Raises
    ------
    InputError
        If the data or a model cannot be used at all.

    Examples
    --------
    >>> stimuli = Stimuli.from_sizes([(60, 80)] * 2)
    >>> places = [0.5, 0.2, 0.7, 0.4, 0.6, 0.9]
    >>> fixations = Fixations.from_arrays(places, places[::-1], [0, 1] * 3)
    >>> [(finding.level, finding.code) for finding in check_inputs(stimuli, fixations)]
    [('error', 'fractions')]
    """
    check_types(stimuli, fixations)
    fixations = Fixations.none(stimuli) if fixations is None else fixations
    opened = {
        name: as_model(model, stimuli, kind=kind or "saliency_map")
        for name, model in (models or {}).items()
    }
    truth = opened_ground_truth(empirical, stimuli)
    read: dict[str, Model] = opened if truth is None else {**opened, "the ground truth": truth}
    for model in read.values():
        if getattr(model, "at_hand", False):
            model.check_data(stimuli, fixations)  # which reads names and sizes of maps
    findings = reading_findings(read, fixations)
    if fixations.outside(stimuli).any():  # places say nothing about maps
        of_places = image_findings(stimuli) + position_findings(stimuli, fixations)
        of_places += [] if _has_error(of_places) else _outside(stimuli, fixations)
        return findings + of_places
    findings += findings_of(opened, stimuli, fixations)
    findings += new_findings(width_findings(stimuli), read)
    if not _has_error(findings):
        findings += truth_findings(truth, stimuli, fixations)
    return findings


def _outside(stimuli: Stimuli, fixations: Fixations) -> list[Finding]:
    """Return the error that evaluation raises for fixations outside their images."""
    try:
        fixations.check_against(stimuli)
    except InputError as error:
        return [Finding("error", "outside", str(error))]
    return []


def _has_error(findings: list[Finding]) -> bool:
    return any(finding.level == "error" for finding in findings)


def findings_of(
    models: Mapping[str, Model], stimuli: Stimuli, fixations: Fixations
) -> list[Finding]:
    """Return what is odd about data and the maps that exist already.

    Parameters
    ----------
    models
        Opened models by name.
    stimuli, fixations
        What was shown and where people looked.
    """
    findings = image_findings(stimuli) + position_findings(stimuli, fixations)
    if _has_error(findings):
        return findings  # places say nothing about maps
    placed = not any(finding.code in ("corner", "one-area") for finding in findings)
    for name, model in models.items():
        findings += _findings_of_maps(name, model, stimuli, fixations, placed=placed)
    if placed and not any(finding.code == "orientation" for finding in findings):
        findings += contrast_findings(stimuli, fixations)
    return findings


def reading_findings(models: Mapping[str, Model], fixations: Fixations) -> list[Finding]:
    """Return what was noticed, and warned of, while fixations and stored predictions were read.

    Parameters
    ----------
    models
        Models by name.
    fixations
        Where people looked.
    """
    of_models = [f"{name}: {note}" for name, model in models.items() for note in notes_of(model)]
    said = dict.fromkeys([*fixations.notes, *of_models])
    return [Finding("warning", "reading", text) for text in said]


def new_findings(findings: Iterable[Finding], models: Mapping[str, Any]) -> list[Finding]:
    """Return the findings that none of these models has noticed, and warned of, already.

    Parameters
    ----------
    findings
        What was found.
    models
        Whatever is scored or compared with, by name.
    """
    noticed = {note for model in models.values() for note in notes_of(model)}
    return [finding for finding in findings if finding.message not in noticed]


def truth_findings(maps: Model | None, stimuli: Stimuli, fixations: Fixations) -> list[Finding]:
    """Return what is odd about ground-truth maps.

    Parameters
    ----------
    maps
        The maps; None without any.
    stimuli, fixations
        What was shown and where people looked.
    """
    if maps is None:
        return []
    return _findings_of_maps("the ground truth", maps, stimuli, fixations, truth=True)


def _findings_of_maps(
    name: str,
    model: Model,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    truth: bool = False,
    placed: bool = True,
) -> list[Finding]:
    """Return what is odd about the maps of one model, if they exist already.

    Places that are odd themselves, not `placed`, say nothing about the orientation of maps.
    """
    if not getattr(model, "at_hand", False):
        return []
    seen = np.flatnonzero(fixations.counts()) if len(fixations) else np.arange(len(stimuli))
    if len(seen) > _LOOKED_AT:
        seen = seen[np.linspace(0, len(seen) - 1, _LOOKED_AT).astype(int)]
    maps: dict[str, AnyArray] = {}
    for i in seen.tolist():
        try:
            values = (
                model.log_density(stimuli[i])
                if isinstance(model, DensityModel)
                else model.saliency_map(stimuli[i])
            )
        except InputError:
            continue  # scoring reports it, or records it
        if values.ndim == 2 and values.dtype.kind in "biuf":
            # sums over half precision overflow
            maps[stimuli.ids[i]] = (
                values.astype(np.float64) if values.dtype == np.float16 else values
            )
    kind: Kind = "log_density" if isinstance(model, DensityModel) else "saliency_map"
    findings = map_findings(name, maps, kind, truth=truth)
    if placed:
        turned = orientation_findings(name, maps, stimuli, fixations)
        findings += order_findings(name, maps, stimuli, fixations) or turned
    return findings


def check_types(stimuli: Any, fixations: Any) -> None:
    """Raise `InputError` for data of other types, such as the two swapped."""
    if isinstance(stimuli, Fixations) and isinstance(fixations, Stimuli):
        raise InputError("stimuli and fixations are swapped: stimuli come first")
    if not isinstance(stimuli, Stimuli):
        raise InputError(
            f"stimuli must be salmetrics.Stimuli; got {type(stimuli).__name__}. A data set is "
            "unpacked: evaluate(models, *dataset)"
        )
    if fixations is not None and not isinstance(fixations, Fixations):
        raise InputError(
            f"fixations must be salmetrics.Fixations; got {type(fixations).__name__}. Make them "
            "of a table with Fixations.from_dataframe(table, stimuli)"
        )
