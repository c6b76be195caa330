"""Evaluate models with all metrics, each on the map that is best for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from salmetrics.array_types import Kind, is_array
from salmetrics.data.checks.blur_width import width_findings
from salmetrics.data.checks.findings import act_on
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.engine.run_options import SPILL_BYTES, Keep, OnError, RunOptions
from salmetrics.errors import InputError, call_all, check_whole
from salmetrics.evaluation.checks import (
    check_types,
    findings_of,
    new_findings,
    reading_findings,
    truth_findings,
)
from salmetrics.evaluation.references import wants_gold_standard
from salmetrics.evaluation.scoring import blurs, check_data, checked_references, scored
from salmetrics.metrics.registry import whole_metrics
from salmetrics.models.base import model_name
from salmetrics.models.conversion import as_model
from salmetrics.models.short_names import checked_names, distinct_names, names_of_path
from salmetrics.protocols import Protocol, get_protocol
from salmetrics.results.evaluation import Evaluation
from salmetrics.results.grouping import kept_columns
from salmetrics.results.joining import shares_of
from salmetrics.results.provenance import provenance_of

__all__ = ["evaluate"]


def evaluate(
    models: Any,
    stimuli: Stimuli,
    fixations: Fixations | None = None,
    *,
    metrics: Sequence[str] | None = None,
    protocol: str | Protocol = "default",
    baseline: Any = None,
    gold_standard: Any = None,
    empirical: Any = None,
    kind: Kind | None = None,
    n_bootstrap: int = 1000,
    n_jobs: int | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    keep: Keep = "fixation",
    on_error: OnError = "raise",
    spill_bytes: int = SPILL_BYTES,
    check: bool = True,
    progress: bool = True,
) -> Evaluation:
    """Score models with all metrics in one pass: one prediction per image and model.

    Only the shuffled AUC of a density needs a second pass, because its optimal map depends on the
    mean prediction over the other images. Predictions are stored in a temporary file until then,
    up to `spill_bytes`, and computed a second time beyond.

    Parameters
    ----------
    models
        A model, a list of models, or a dict of models by name; each is a model or whatever
        `salmetrics.as_model` takes.
    stimuli, fixations
        What was shown and where people looked. Without fixations, models are compared with the
        maps of `empirical`, on all images: CC, KLDiv, SIM and EMD need nothing else.
    metrics
        Keys such as "IG" and "AUC"; those of the protocol by default. A metric that is named here
        must be possible with these data; one of the protocol is missing otherwise.
    protocol
        A name from `salmetrics.protocols.PROTOCOLS`, such as "default" or "mit-matlab", or a
        `salmetrics.Protocol`.
    baseline
        Density model that IG is relative to; by default the `salmetrics.CentreBias` fitted to
        these fixations, leaving out each image's own. Pass on the `baseline_model` of an earlier
        result to fit it only once.
    gold_standard
        True for the `salmetrics.GoldStandard` fitted to these fixations, or any density model. It
        gets a row of its own with LL and IG, and each density model a column IGE, its share of
        the gold standard's information gain.
    empirical
        Ground-truth maps that replace blurred fixations for CC, KLDiv, SIM and EMD: whatever
        `salmetrics.as_model` takes.
    kind
        What raw arrays and functions give: "log_density", "density" or "saliency_map".
    n_bootstrap
        Number of resamples per confidence interval; 0 for no intervals.
    n_jobs
        Number of threads that compute metrics, as in joblib: -1 for all cores. Within
        ``joblib.parallel_config("loky")`` or ``("dask")`` processes are used instead. The results
        are the same to the last bit.
    seed
        Seed of all random draws: resamples, sampled empirical maps, and the other images whose
        fixations sAUC-MATLAB draws.
    checkpoint
        Folder for finished chunks of images; an interrupted run resumes from it.
    keep
        "fixation", or "image" to keep only sums over images and subjects, which takes less memory.
    on_error
        "raise", or "record": note which model failed on which image, and go on without it.
    spill_bytes
        Largest size of the temporary file, in bytes.
    check
        Whether what `salmetrics.check_inputs` finds wrong is an error; what may be meant otherwise
        is a warning in any case, and part of the result.
    progress
        Show a bar on standard error if it takes more than two seconds.

    Returns
    -------
    evaluation : Evaluation
        Scores with intervals. A metric that a model does not have is NaN, with the reason.

    Warns
    -----
    NotSavedWarning
        If the disk is full, or fails otherwise, so that `checkpoint` does not hold every chunk.

    Raises
    ------
    InputError
        If an argument, a model or an image is invalid; the message says which, and what to do.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = salmetrics.Stimuli.from_sizes([(30, 40), (30, 40)], sigma=2)
    >>> fixations = salmetrics.Fixations.from_arrays([20, 22.5, 19], [15, 14, 16.5], [0, 0, 1])
    >>> result = evaluate(salmetrics.GaussianCentreBias(), stimuli, fixations, metrics=["LL"])
    >>> print(result.summary["value"].round(2).to_string())
    model                 metric
    gaussian-centre-bias  LL       -8.77
    """
    options = RunOptions(
        n_jobs=n_jobs,
        seed=seed,
        checkpoint=checkpoint,
        keep=keep,
        on_error=on_error,
        spill_bytes=spill_bytes,
        progress=progress,
    )
    check_types(stimuli, fixations)
    n_bootstrap = check_whole("n_bootstrap", n_bootstrap, 0)
    fixations = Fixations.none(stimuli) if fixations is None else fixations
    choices = get_protocol(protocol)
    if metrics is not None:
        choices = choices.override(metrics=metrics if isinstance(metrics, str) else tuple(metrics))
    if wants_gold_standard(gold_standard):  # with which shares of it come
        choices = choices.override(metrics=whole_metrics(choices.metrics))
    if wants_gold_standard(gold_standard) and not shares_of(choices.metrics):
        raise InputError("gold_standard= is for IGE, which needs IG among the metrics")
    named: dict[str, Any] = call_all(
        {
            name: partial(as_model, model, stimuli, kind=kind)
            for name, model in _named(models, stimuli).items()
        }
    )
    check_data(named, stimuli, fixations)
    findings = findings_of(named, stimuli, fixations)
    if blurs(named, stimuli, fixations, choices, ground_truth=empirical is not None):
        known = {**named, "the ground truth": empirical}
        findings += new_findings(width_findings(stimuli, choices), known)
    act_on(findings if check else (replace(f, level="warning") for f in findings))
    references = checked_references(
        named,
        stimuli,
        fixations,
        choices,
        asked=() if metrics is None else choices.metrics,
        baseline=baseline,
        gold_standard=gold_standard,
        empirical=empirical,
        progress=progress,
    )
    of_truth = truth_findings(references.empirical, stimuli, fixations)
    act_on(of_truth)
    others = {
        "the baseline": references.baseline,
        "the gold standard": references.gold_standard,
        "the ground truth": references.empirical,
    }
    read = named | {
        name: model
        for name, model in others.items()
        if model is not None and all(model is not each for each in named.values())
    }
    of_reading = reading_findings(read, fixations)  # warned of when files were read
    scores = scored(named, stimuli, fixations, choices, references, options)
    if references.gold_standard is not None:
        named[model_name(references.gold_standard)] = references.gold_standard
    return Evaluation(
        scores,
        ids=stimuli.ids,
        attributes=stimuli.attributes,
        columns=kept_columns(fixations.columns) if options.keep == "fixation" else None,
        provenance=provenance_of(
            stimuli,
            fixations,
            choices,
            models=named,
            baseline=references.baseline,
            gold_standard=references.gold_standard,
            empirical=references.empirical,
            smoothing=scores.smoothing,
            seed=options.seed,
            n_bootstrap=n_bootstrap,
            n_predictions=scores.n_predictions,
            checks=[finding.message for finding in of_reading + findings + of_truth],
        ),
    )


def _named(models: Any, stimuli: Stimuli) -> dict[str, Any]:
    """Return models by name; equal names get numbers."""
    if isinstance(models, Mapping):
        if not models:
            raise InputError("models must hold at least one model")
        are_stacks = all(_is_stack(value, stimuli) for value in models.values())
        are_stacks &= not set(map(str, models)) & set(stimuli.ids)
        if is_array(next(iter(models.values()))) and not are_stacks:
            return {"model": models}  # one model: a dict of arrays by image id
        names = checked_names(models)
        if len(set(names)) < len(names):
            raise InputError(f"models have the same name twice, as text: {sorted(names)}")
        return dict(zip(names, models.values(), strict=True))
    if is_array(models):
        return {"model": models}
    several = models if isinstance(models, (list, tuple)) else [models]
    if several and is_array(several[0]):
        return {"model": several}  # one model: a list of arrays
    named: dict[str, Any] = {}
    paths = [str(model) for model in several if isinstance(model, (str, Path))]
    short = dict(zip(paths, distinct_names([names_of_path(path) for path in paths]), strict=True))
    for model in several:
        if isinstance(model, (str, Path)):
            base = short[str(model)]
        else:
            base = model_name(model) if not hasattr(model, "__name__") else model.__name__
        name, number = base, 2
        while name in named:
            name, number = f"{base} {number}", number + 1
        named[name] = model
    return named


def _is_stack(obj: Any, stimuli: Stimuli) -> bool:
    """Whether this is an array of several maps, or of that of the only image."""
    shape: tuple[int, ...] = np.shape(obj) if is_array(obj) else ()
    return len(shape) in (3, 4) and (shape[0] > 1 or len(stimuli) == 1)
