"""The way to the engine that all functions share: check inputs, make references, score models."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.densities.smoothing import smoothing_of
from salmetrics.engine.plan import NO_FIXATIONS, NO_WIDTH, Plan
from salmetrics.engine.references import References
from salmetrics.engine.run import known_of, score_models
from salmetrics.engine.run_options import RunOptions
from salmetrics.errors import InputError, check_choice
from salmetrics.evaluation.references import (
    add_gold_standard,
    explain_no_gold_standard,
    make_references,
    wants_gold_standard,
)
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import Model
from salmetrics.protocols import Protocol
from salmetrics.results.scores import Scores

__all__ = ["blurs", "check_data", "checked_references", "missing_for_data", "scored"]


def checked_references(
    models: Mapping[str, Model],
    stimuli: Stimuli,
    fixations: Fixations,
    protocol: Protocol,
    *,
    asked: Collection[str] = (),
    **references: Any,
) -> References:
    """Check models, data and metrics, before anything is fitted; then make the references.

    Parameters
    ----------
    models
        Models by name.
    stimuli, fixations
        What was shown and where people looked.
    protocol
        Every choice, metrics included.
    asked
        Keys of the metrics that the user asked for: it is an error if the data do not allow one.
        Others are missing, with the reason.
    **references
        Options of `salmetrics.evaluation.references.make_references`.

    Raises
    ------
    InputError
        Naming the argument, model or image at fault.
    """
    if not models:
        raise InputError("models must hold at least one model")
    for key in protocol.metrics:
        check_choice("metric", key, METRICS)
        if METRICS[key].share_of is not None:
            raise InputError(f"{key} needs a gold standard: give gold_standard=, too")
    fixations.check_against(stimuli)
    ground_truth = references.get("empirical") is not None
    if len(fixations) == 0 and not ground_truth:
        raise InputError(
            "there are no fixations to score models on; give fixations, or ground-truth maps "
            "(empirical=, on the command line --empirical)"
        )
    missing = missing_for_data(models, stimuli, fixations, protocol, ground_truth=ground_truth)
    _check_asked([key for key in asked if key in missing], missing, stimuli, protocol)
    possible = protocol
    if len(fixations) == 0:
        keys = [key for key in protocol.metrics if not METRICS[key].needs_fixations]
        if not keys:
            _check_asked(protocol.metrics, missing, stimuli, protocol)
        if wants_gold_standard(references.get("gold_standard")):
            raise InputError(f"a gold standard needs fixations; {NO_FIXATIONS}")
        possible = protocol.override(metrics=tuple(keys))
    check_data(models, stimuli, fixations)
    return make_references(models, stimuli, fixations, possible, **references)


def check_data(models: Mapping[str, Model], stimuli: Stimuli, fixations: Fixations) -> None:
    """Raise `InputError` if fixations are off their images, or models are not for these data.

    Parameters
    ----------
    models
        Models by name.
    stimuli, fixations
        What was shown and where people looked.
    """
    fixations.check_against(stimuli)
    for model in models.values():
        model.check_data(stimuli, fixations)


def missing_for_data(
    models: Mapping[str, Model],
    stimuli: Stimuli,
    fixations: Fixations,
    protocol: Protocol,
    *,
    ground_truth: bool,
) -> dict[str, str]:
    """Return the metrics that the data do not allow for a model, with the reasons.

    Parameters
    ----------
    models
        Models by name.
    stimuli, fixations
        What was shown and where people looked.
    protocol
        Every choice, metrics included.
    ground_truth
        Whether there are ground-truth maps in place of blurred fixations.
    """
    known = known_of(stimuli, fixations, protocol, ground_truth=ground_truth)
    reasons = Plan(models, protocol, known).reasons
    return {key: why for (_, key), why in reasons.items() if why in (NO_FIXATIONS, NO_WIDTH)}


def blurs(
    models: Mapping[str, Model],
    stimuli: Stimuli,
    fixations: Fixations,
    protocol: Protocol,
    *,
    ground_truth: bool,
) -> bool:
    """Whether a model gets a metric for which fixations are blurred; see `missing_for_data`."""
    if not set(protocol.metrics) <= set(METRICS):
        return False  # which `checked_references` reports
    known = known_of(stimuli, fixations, protocol, ground_truth=ground_truth)
    return Plan(models, protocol, known).needs_width


def _check_asked(
    keys: Collection[str], missing: Mapping[str, str], stimuli: Stimuli, protocol: Protocol
) -> None:
    """Raise `InputError` for metrics that the data do not allow."""
    blurred = [key for key in keys if missing[key] == NO_WIDTH]
    if blurred:
        scale = stimuli.sigma, stimuli.pixels_per_degree
        smoothing_of(protocol, *scale, metrics=blurred)  # raises
    if keys:
        raise InputError(
            f"{', '.join(keys)} must have fixations; {NO_FIXATIONS}. Leave out these metrics, or "
            "give fixations"
        )


def scored(
    models: Mapping[str, Model],
    stimuli: Stimuli,
    fixations: Fixations,
    protocol: Protocol,
    references: References,
    options: RunOptions,
) -> Scores:
    """Score models with these references, the gold standard included.

    Parameters
    ----------
    models
        Models by name.
    stimuli, fixations
        What was shown and where people looked.
    protocol
        Every choice, metrics included.
    references
        From `checked_references`.
    options
        How the run is carried out.
    """
    # workers get copies of the references, and the engine has no use for a gold standard
    without_gold = dataclasses.replace(references, gold_standard=None)
    scores = score_models(models, stimuli, fixations, protocol, without_gold, options)
    if references.no_gold_standard is not None:
        explain_no_gold_standard(scores, models, protocol, references.no_gold_standard)
    if references.gold_standard is None:
        return scores
    return add_gold_standard(scores, stimuli, fixations, protocol, references, options)
