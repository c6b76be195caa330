"""The gold standard as a row beside the models, which others have a share of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.engine.run import score_models
from salmetrics.errors import InputError
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import DensityModel, Model, model_name
from salmetrics.models.centre_bias import CentreBias, default_baseline
from salmetrics.models.conversion import as_model
from salmetrics.models.gold_standard import GoldStandard
from salmetrics.protocols import Protocol
from salmetrics.results.scores import Scores

__all__ = ["add_gold_standard", "make_gold_standard"]

_LIKELIHOODS = ("LL", "IG")
_NOTHING = "the gold standard has no information gain"
_NOT_SCORED = (
    "as gold_standard= it is scored by its likelihoods only; give it as a model too for the others"
)


def make_gold_standard(
    given: Any,
    baseline: Any,
    models: Mapping[str, Model],
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    progress: bool = True,
) -> tuple[DensityModel, Any]:
    """Make the gold standard, and the baseline with it, so that no centre bias is fitted twice.

    Parameters
    ----------
    given
        True, or a density model.
    baseline
        As in `evaluate`.
    models
        Among which a fitted centre bias may be.
    stimuli, fixations
        What is evaluated.
    progress
        Whether fits may show bars.
    """
    gold_standard = None if given is True else _checked(given, stimuli, fixations)
    if baseline is None:
        known = (*models.values(), gold_standard)
        baseline = default_baseline(known, stimuli, fixations, progress=progress)
    if gold_standard is None:
        usual = isinstance(baseline, CentreBias) and baseline.is_default(stimuli, fixations)
        gold_standard = GoldStandard.fit(
            stimuli, fixations, centre_bias=baseline if usual else None, progress=progress
        )
    name = model_name(gold_standard)
    if name in models and models[name] is not gold_standard:
        raise InputError(f"there is a model {name!r} already, which is not the gold standard")
    return gold_standard, baseline


def _checked(given: Any, stimuli: Stimuli, fixations: Fixations) -> DensityModel:
    model = as_model(given, stimuli, kind="log_density")
    if not isinstance(model, DensityModel):
        raise InputError(
            f"gold_standard must give densities; {model_name(model)} gives saliency maps"
        )
    model.check_data(stimuli, fixations)
    return model


def add_gold_standard(
    scores: Scores,
    gold_standard: DensityModel,
    stimuli: Stimuli,
    fixations: Fixations,
    protocol: Protocol,
    *,
    keep: str,
    on_error: str = "raise",
    n_jobs: int | None = None,
) -> Scores:
    """Return scores with those of the gold standard, unless they are among them already."""
    name = model_name(gold_standard)
    if (name, "IG") not in scores.sums:
        keys = [key for key in protocol.metrics if key in _LIKELIHOODS]
        found = score_models(
            {name: gold_standard},
            stimuli,
            fixations,
            protocol.override(metrics=tuple(keys)),
            baseline=scores.baseline,
            keep=keep,
            on_error=on_error,
            n_jobs=n_jobs,
        )
        scores = scores.join(found)
        values = dict(scores.values)
        for key in protocol.metrics:
            if key in _LIKELIHOODS:
                continue
            scores.reasons[name, key] = _NOT_SCORED
            per_image = METRICS[key].per == "image"
            if not per_image:
                scores.sums[name, key] = np.full(len(scores.cells), np.nan)
            if per_image or keep == "fixation":
                n = len(stimuli) if per_image else len(fixations)
                values[name, key] = np.full(n, np.nan)
        scores.values = values
    scores.gold_standard = name
    for model in {model for model, key in scores.sums if key == "IG"}:
        if (model, "IG") in scores.reasons:
            scores.reasons[model, "IGE"] = scores.reasons[model, "IG"]
        elif not scores.sample(name, "IG", protocol.average_of("IG")).value > 0:
            scores.reasons[model, "IGE"] = _NOTHING
    return scores
