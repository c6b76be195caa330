"""Score models on every image: one prediction each, every metric on the map it wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.engine.run import SPILL_BYTES, score_models
from salmetrics.errors import InputError, check_choice, check_whole
from salmetrics.evaluation.references import add_gold_standard, make_gold_standard
from salmetrics.models.base import DensityModel, model_name
from salmetrics.models.conversion import as_model
from salmetrics.protocols import Protocol, get_protocol
from salmetrics.results.evaluation import Evaluation
from salmetrics.results.provenance import provenance_of

__all__ = ["evaluate"]


def evaluate(
    models: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    metrics: Sequence[str] | None = None,
    protocol: str | Protocol = "default",
    baseline: Any = None,
    gold_standard: Any = None,
    empirical: Any = None,
    kind: str | None = None,
    n_bootstrap: int = 1000,
    n_jobs: int | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    keep: str = "fixation",
    on_error: str = "raise",
    spill_bytes: int = SPILL_BYTES,
    progress: bool = True,
) -> Evaluation:
    """Score models with all metrics in one pass: one prediction per image and model.

    Only shuffled AUC of a density needs a second pass, because its optimal map is made with the
    mean prediction over the other images; predictions are kept in a temporary file until then, as
    far as `spill_bytes` allow, and made again beyond.

    Parameters
    ----------
    models
        A model, a list of models, or a dict of models by name; anything that
        `salmetrics.as_model` takes can stand for a model.
    stimuli, fixations
        What was shown and where people looked.
    metrics
        Keys such as "IG" and "AUC"; those of the protocol by default.
    protocol
        "default", "mit-matlab", or a `salmetrics.Protocol`.
    baseline
        What IG is relative to; by default the `salmetrics.CentreBias` fitted to these fixations,
        each image's own left out. The result's `baseline_model` can be passed on, so that it is
        fitted once.
    gold_standard
        True for the `salmetrics.GoldStandard` fitted to these fixations, or one that is made
        already, or any density model: it gets a row of its own with LL and IG, and each density
        model a column IGE, the share of its information gain.
    empirical
        Ground-truth maps instead of blurred fixations for CC, KLDiv, SIM and EMD: anything that
        `salmetrics.as_model` takes.
    kind
        What raw arrays and functions give: "log_density", "density" or "saliency_map".
    n_bootstrap
        Resamples behind each confidence interval; 0 for none.
    n_jobs
        Threads that compute metrics, as in joblib: -1 for all cores. Within
        ``joblib.parallel_config("loky")`` or ``("dask")`` processes are used instead. The results
        are the same to the last bit.
    seed
        Of everything random: resamples, and which other images sAUC-MATLAB draws.
    checkpoint
        A folder: what is done is kept there, and a run that was interrupted goes on from it.
    keep
        "fixation", or "image" to keep sums over images and subjects only, in less memory.
    on_error
        "raise", or "record": note which model failed on which image, and go on without it.
    spill_bytes
        Size of the temporary file.
    progress
        Show a bar on standard error when it takes more than two seconds.

    Returns
    -------
    `salmetrics.Evaluation`. A metric that a model doesn't have is NaN, with the reason.

    Raises
    ------
    InputError
        Naming the argument, model or image at fault.

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
    check_choice("keep", keep, ("fixation", "image"))
    check_choice("on_error", on_error, ("raise", "record"))
    n_bootstrap = check_whole("n_bootstrap", n_bootstrap, 0)
    seed = check_whole("seed", seed, 0)
    if n_jobs == 0:
        raise InputError("n_jobs must be at least 1, or -1 for all cores; got 0")
    chosen = get_protocol(protocol)
    if metrics is not None:
        chosen = chosen.override(metrics=metrics if isinstance(metrics, str) else tuple(metrics))
    named = {name: as_model(model, stimuli, kind=kind) for name, model in _named(models).items()}
    gold: DensityModel | None = None
    if gold_standard is not None and gold_standard is not False:
        if "IG" not in chosen.metrics:
            raise InputError("gold_standard= is for IGE, which needs IG among the metrics")
        gold, baseline = make_gold_standard(
            gold_standard, baseline, named, stimuli, fixations, progress=progress
        )
    scores = score_models(
        named,
        stimuli,
        fixations,
        chosen,
        baseline=baseline,
        empirical=empirical,
        n_jobs=n_jobs,
        seed=seed,
        checkpoint=checkpoint,
        keep=keep,
        on_error=on_error,
        spill_bytes=spill_bytes,
        progress=progress,
    )
    if gold is not None:
        scores = add_gold_standard(
            scores, gold, stimuli, fixations, chosen, keep=keep, on_error=on_error, n_jobs=n_jobs
        )
        named[model_name(gold)] = gold
    return Evaluation(
        scores,
        ids=stimuli.ids,
        attributes=stimuli.attributes,
        provenance=provenance_of(
            stimuli,
            fixations,
            chosen,
            models=named,
            baseline=scores.baseline,
            gold_standard=gold,
            empirical=scores.empirical,
            smoothing=scores.smoothing,
            seed=seed,
            n_bootstrap=n_bootstrap,
            n_predictions=scores.n_predictions,
        ),
    )


def _named(models: Any) -> dict[str, Any]:
    """Models by name; equal names get numbers."""
    if isinstance(models, Mapping):
        if not models:
            raise InputError("models must hold at least one model")
        if _is_prediction(next(iter(models.values()))):
            return {"model": models}  # one model: a dict of arrays by image id
        names = [str(name) for name in models]
        if len(set(names)) < len(names):
            raise InputError(f"models have the same name twice, as text: {sorted(names)}")
        return dict(zip(names, models.values(), strict=True))
    if isinstance(models, np.ndarray) and models.ndim == 3:
        return {"model": models}
    several = models if isinstance(models, (list, tuple)) else [models]
    if several and _is_prediction(several[0]):
        return {"model": several}  # one model: a list of arrays
    named: dict[str, Any] = {}
    for model in several:
        base = model_name(model) if not hasattr(model, "__name__") else model.__name__
        name, number = base, 2
        while name in named:
            name, number = f"{base} {number}", number + 1
        named[name] = model
    return named


def _is_prediction(obj: Any) -> bool:
    """Whether this is an array or a torch tensor."""
    return isinstance(obj, np.ndarray) or (hasattr(obj, "detach") and hasattr(obj, "numpy"))
