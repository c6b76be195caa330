"""The way to the engine that all functions share: check inputs, make references, score models."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.engine.references import References
from salmetrics.engine.run import score_models
from salmetrics.engine.run_options import RunOptions
from salmetrics.errors import InputError, check_choice
from salmetrics.evaluation.references import add_gold_standard, make_references
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import Model
from salmetrics.protocols import Protocol
from salmetrics.results.scores import Scores

__all__ = ["check_data", "checked_references", "scored"]


def checked_references(
    models: Mapping[str, Model],
    stimuli: Stimuli,
    fixations: Fixations,
    protocol: Protocol,
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
            raise InputError(f"{key} comes with gold_standard=, beside {METRICS[key].share_of}")
    check_data(models, stimuli, fixations)
    return make_references(models, stimuli, fixations, protocol, **references)


def check_data(models: Mapping[str, Model], stimuli: Stimuli, fixations: Fixations) -> None:
    """Raise `InputError` if fixations are off their images, or there are none, or not the models'.

    Parameters
    ----------
    models
        Models by name.
    stimuli, fixations
        What was shown and where people looked.
    """
    fixations.check_against(stimuli)
    if len(fixations) == 0:
        raise InputError("there are no fixations to score models on")
    for model in models.values():
        model.check_data(stimuli, fixations)


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
    if references.gold_standard is None:
        return scores
    return add_gold_standard(scores, stimuli, fixations, protocol, references, options)
