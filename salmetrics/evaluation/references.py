"""Make baseline and gold standard before the engine starts, and score the gold standard."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.engine.plan import Plan
from salmetrics.engine.references import References
from salmetrics.engine.run import score_models
from salmetrics.engine.run_options import RunOptions
from salmetrics.errors import InputError, NeedsDensityError
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import DensityModel, Model, SaliencyMapModel, model_name
from salmetrics.models.centre_bias import (
    CentreBias,
    default_baseline,
    why_no_centre_bias,
)
from salmetrics.models.conversion import as_model, require_density
from salmetrics.models.gold_standard import GoldStandard, why_no_gold_standard
from salmetrics.protocols import Protocol
from salmetrics.results.scores import Scores

__all__ = [
    "add_gold_standard",
    "explain_no_gold_standard",
    "make_references",
    "opened_ground_truth",
    "wants_gold_standard",
]

_OTHER_BASELINE = "; baseline=salmetrics.Uniform() needs no other images"
_NOTHING = "the gold standard has no information gain"
_NOT_SCORED = (
    "as gold_standard= it is scored by its likelihoods only; pass it as a model too for the others"
)


def make_references(
    models: Mapping[str, Model],
    stimuli: Stimuli,
    fixations: Fixations,
    protocol: Protocol,
    *,
    baseline: Any = None,
    gold_standard: Any = None,
    empirical: Any = None,
    nonfixations: Fixations | None = None,
    required: bool = False,
    progress: bool = True,
) -> References:
    """Make the references that predictions are compared with; no centre bias is fitted twice.

    Nothing is fitted that no model needs: saliency maps have no information gain. A reference that
    cannot be fitted to these fixations is None, with the reason beside it.

    Parameters
    ----------
    models
        Models to score, by name; a fitted centre bias among them is used again.
    stimuli, fixations
        What was shown and where people looked.
    protocol
        Every choice; its metrics, and the models, decide whether a baseline is needed.
    baseline
        None for the centre bias fitted to these fixations, or a density model.
    gold_standard
        None or False for none, True for the one fitted to these fixations, or a density model.
    empirical
        Ground-truth maps that replace blurred fixations; see `salmetrics.as_model`.
    nonfixations
        Negatives of AUC that replace the protocol's.
    required
        Whether a reference that cannot be fitted is an error.
    progress
        Whether fits show bars.

    Raises
    ------
    InputError
        If a reference is of the wrong kind, or was made from other data; if it cannot be fitted and
        is required, or every metric of the protocol is relative to it.
    NeedsDensityError
        If baseline or gold standard gives saliency maps; an `InputError` and a `TypeError`.
    """
    if nonfixations is not None:
        nonfixations.check_against(stimuli, "nonfixations")
    maps = opened_ground_truth(empirical, stimuli)
    gold = _given_gold_standard(gold_standard, stimuli, fixations)
    no_gold = why_no_gold_standard(fixations) if gold_standard is True else None
    fits_gold = gold_standard is True and no_gold is None
    relative = [key for key in protocol.metrics if METRICS[key].relative_to_baseline]
    base, no_base = None, None
    given = _given_baseline(baseline, stimuli)
    if given is not None and relative:
        base = given
        base.check_data(stimuli, fixations)
    elif gold is not None or fits_gold or _any_is_relative(models, protocol):
        no_base = why_no_centre_bias(fixations)
        if no_base is None:
            known = (*models.values(), gold)
            base = default_baseline(known, stimuli, fixations, progress=progress)
    if no_base is not None:
        no_base += _OTHER_BASELINE
        if required or len(relative) == len(protocol.metrics):
            raise InputError(f"{', '.join(relative)} cannot be computed: {no_base}")
    if no_gold is not None and required:
        raise InputError(f"the gold standard cannot be fitted: {no_gold}")
    if fits_gold:
        usual = isinstance(base, CentreBias) and base.is_default(stimuli, fixations)
        gold = GoldStandard.fit(
            stimuli, fixations, centre_bias=base if usual else None, progress=progress
        )
    if gold is not None and models.get(model_name(gold), gold) is not gold:
        raise InputError(
            f"there is a model {model_name(gold)!r} already, which is not the gold standard"
        )
    return References(
        baseline=base,
        no_baseline=no_base,
        gold_standard=gold,
        no_gold_standard=no_gold,
        empirical=maps,
        nonfixations=nonfixations,
    )


def wants_gold_standard(gold_standard: Any) -> bool:
    """Whether an argument asks for a gold standard; arrays are compared by identity only."""
    return gold_standard is not None and gold_standard is not False


def _given_gold_standard(
    gold_standard: Any, stimuli: Stimuli, fixations: Fixations
) -> DensityModel | None:
    if gold_standard is True or not wants_gold_standard(gold_standard):
        return None
    model = require_density(gold_standard, "gold_standard=", stimuli)
    model.check_data(stimuli, fixations)
    return model


def opened_ground_truth(empirical: Any, stimuli: Stimuli) -> SaliencyMapModel | None:
    """Return ground-truth maps as a model; None without any.

    Parameters
    ----------
    empirical
        Whatever `salmetrics.as_model` takes.
    stimuli
        The images.

    Raises
    ------
    InputError
        If the maps cannot be used, or are densities.
    """
    if empirical is None:
        return None
    try:
        maps = as_model(empirical, stimuli, kind="saliency_map")
    except InputError as error:
        raise InputError(f"empirical=: {error}") from error
    if not isinstance(maps, SaliencyMapModel):
        raise InputError("empirical must give saliency maps, not densities")
    return maps


def _given_baseline(baseline: Any, stimuli: Stimuli) -> DensityModel | None:
    """Open the baseline that was given, whether a metric needs it or not."""
    if baseline is None:
        return None
    try:
        return require_density(baseline, "baseline=", stimuli)
    except NeedsDensityError:
        raise
    except InputError as error:
        raise InputError(f"baseline=: {error}") from error


def _any_is_relative(models: Mapping[str, Model], protocol: Protocol) -> bool:
    """Whether a model has a metric that is relative to a baseline."""
    plan = Plan(models, protocol)
    return any(METRICS[key].relative_to_baseline for name in models for key in plan.metrics(name))


def add_gold_standard(
    scores: Scores,
    stimuli: Stimuli,
    fixations: Fixations,
    protocol: Protocol,
    references: References,
    options: RunOptions,
) -> Scores:
    """Return scores with those of the gold standard, unless they are among them already.

    Parameters
    ----------
    scores
        Scores of models.
    stimuli, fixations
        What was shown and where people looked.
    protocol
        Every choice, metrics included.
    references
        References, with a gold standard.
    options
        How the run is carried out; the row of the gold standard has no checkpoint.
    """
    gold = references.gold_standard
    assert gold is not None
    name = model_name(gold)
    if not any(model == name for model, _ in scores.sums):
        keys = tuple(key for key in protocol.metrics if METRICS[key].needs_density)
        row = score_models(
            {name: gold},
            stimuli,
            fixations,
            protocol.override(metrics=keys),
            dataclasses.replace(references, empirical=None, nonfixations=None),
            # likelihoods need neither draws nor maps: it takes a second
            dataclasses.replace(options, checkpoint=None, progress=False),
        )
        scores = scores.join(row)
        values = dict(scores.values)
        for key in protocol.metrics:
            if key in keys:
                continue
            scores.reasons[name, key] = _NOT_SCORED
            per_image = METRICS[key].per == "image"
            if not per_image:
                scores.sums[name, key] = np.full(len(scores.cells), np.nan)
            if per_image or options.keep == "fixation":
                n = len(stimuli) if per_image else len(fixations)
                values[name, key] = np.full(n, np.nan)
        scores.values = values
    scores.gold_standard = name
    for share, metric in METRICS.items():
        if metric.share_of is not None:
            _explain_share(scores, share, metric.share_of, protocol)
    return scores


def explain_no_gold_standard(
    scores: Scores, models: Iterable[str], protocol: Protocol, reason: str
) -> None:
    """Enter why models have no share of a gold standard that cannot be fitted.

    Parameters
    ----------
    scores
        Scores of the models, whose `reasons` are extended.
    models
        Names of the models.
    protocol
        Every choice, metrics included.
    reason
        Why the gold standard cannot be fitted.
    """
    for share, metric in METRICS.items():
        if metric.share_of in protocol.metrics:
            for model in models:
                why = scores.reasons.get((model, str(metric.share_of)))
                scores.reasons[model, share] = why or f"no gold standard: {reason}"


def _explain_share(scores: Scores, share: str, whole: str, protocol: Protocol) -> None:
    """Enter the reasons why models have no share of the gold standard's value."""
    gold = scores.gold_standard
    assert gold is not None
    average = METRICS[whole].average_under(protocol)
    for model in {model for model, key in scores.sums if key == whole}:
        if (model, whole) in scores.reasons:
            scores.reasons[model, share] = scores.reasons[model, whole]
        elif not scores.sample(gold, whole, average).value > 0:
            scores.reasons[model, share] = _NOTHING
