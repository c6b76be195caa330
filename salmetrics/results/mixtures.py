"""Scores of mixtures of models, from the models' own scores and without new predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from salmetrics.array_types import Array
from salmetrics.errors import InputError, check_choice, check_list, check_whole, some
from salmetrics.fingerprint import class_path
from salmetrics.metrics.registry import METRICS
from salmetrics.models.mixture import Mixture
from salmetrics.results.evaluation import Evaluation
from salmetrics.results.joining import shares_of
from salmetrics.results.scores import Key

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["instance_mixtures", "mixture_sweep", "mixtures"]

# the likelihood of a mixture follows from those of its parts, fixation by fixation
_METRICS = tuple(
    key for key, metric in METRICS.items() if metric.needs_density and metric.share_of is None
)
_MAX_MIXTURES = 100_000  # more are a mistake


def mixtures(
    evaluation: Evaluation,
    sizes: Sequence[int] = (1, 2, 3, 4),
    *,
    models: Sequence[str] | None = None,
) -> Evaluation:
    """Score all pairs, triples and so on of models, mixed with equal weights.

    The likelihood of a mixture at a fixation is the mean of its parts' likelihoods there, so the
    values that `evaluate` kept suffice. Other metrics need the mixture's map: evaluate a
    `Mixture`.

    Parameters
    ----------
    evaluation
        Result of `evaluate` with LL, IG or both, for at least two density models.
    sizes
        Numbers of parts; sizes above the number of models are left out, and size 1 gives the
        models themselves.
    models
        Names of the models to mix; by default all that have the metric, except the gold standard.

    Returns
    -------
    evaluation : Evaluation
        Scores of the mixtures, named "A + B", by those of LL, IG and IGE that `evaluation` has. It
        keeps sums over images and subjects, not values per fixation.

    Raises
    ------
    InputError
        If single fixations were not kept, or there are no models to mix.

    References
    ----------
    Linardos, Kümmerer, Press and Bethge (2021), ICCV, 12919-12928, table 1.

    Examples
    --------
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> generated = generate_dataset(4)
    >>> models = {"truth": generated.truth, "centre": salmetrics.GaussianCentreBias()}
    >>> options = {"metrics": ["IG"], "baseline": salmetrics.Uniform(), "n_bootstrap": 0}
    >>> result = salmetrics.evaluate(models, *generated.dataset, **options)
    >>> list(mixtures(result).models)
    ['truth', 'centre', 'truth + centre']
    """
    names = _mixable(evaluation, models)
    wanted = sorted({check_whole("sizes", size, 1) for size in check_list("sizes", sizes)})
    recipes: dict[str, Mapping[str, float]] = {}
    for parts in (parts for size in wanted for parts in combinations(names, size)):
        name = " + ".join(parts)
        if name in recipes or (len(parts) > 1 and name in evaluation.models):
            raise InputError(
                f"two mixtures would have the name {name!r}; give the models names without ' + '"
            )
        recipes[name] = dict.fromkeys(parts, 1 / len(parts))
        if len(recipes) > _MAX_MIXTURES:
            raise InputError(
                f"there are more than {_MAX_MIXTURES} mixtures; choose models= or sizes="
            )
    if not recipes:
        raise InputError(f"there are {len(names)} models, too few for mixtures of {wanted}")
    return _mixed(evaluation, recipes)


def instance_mixtures(evaluation: Evaluation, groups: Mapping[str, Sequence[str]]) -> Evaluation:
    """Score mixtures of the first, the first two, ... instances of each group of models.

    Each group keeps the same weight, and each of its instances an equal part of that.

    Parameters
    ----------
    evaluation
        See `mixtures`.
    groups
        Names of instances, such as trainings that differ by seed, by name of the group.

    Returns
    -------
    evaluation : Evaluation
        Scores of "1 instance each", "2 instances each", ..., up to the size of the smallest group.

    Raises
    ------
    InputError
        If a group is empty, a model is in two groups, or a model has no likelihoods.

    References
    ----------
    Linardos, Kümmerer, Press and Bethge (2021), ICCV, 12919-12928, table 2.

    Examples
    --------
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> dataset = generate_dataset(4, size=(30, 40)).dataset
    >>> models = {"wide": salmetrics.GaussianCentreBias(0.4), "flat": salmetrics.Uniform()}
    >>> options = {"metrics": ["IG"], "baseline": salmetrics.Uniform(), "n_bootstrap": 0}
    >>> result = salmetrics.evaluate(models, *dataset, **options)
    >>> instance_mixtures(result, {"a": ["wide"], "b": ["flat"]}).models
    ['1 instance each']
    """
    listed = [name for names in groups.values() for name in check_list("groups", names)]
    if not groups or not all(groups.values()) or len(set(listed)) < len(listed):
        raise InputError("groups must each have at least one model, and each model one group")
    _mixable(evaluation, listed)
    recipes = {
        f"{k} instance{'s' * (k > 1)} each": {
            name: 1 / k / len(groups) for names in groups.values() for name in names[:k]
        }
        for k in range(1, min(map(len, groups.values())) + 1)
    }
    return _mixed(evaluation, recipes)


def mixture_sweep(
    evaluation: Evaluation,
    first: str,
    second: str,
    *,
    metric: str = "IG",
    weights: ArrayLike | None = None,
) -> pd.DataFrame:
    """Score mixtures of two models over the weight of the second.

    Parameters
    ----------
    evaluation
        See `mixtures`.
    first, second
        Names of the two models.
    metric
        Key of the metric: "LL", "IG" or "IGE".
    weights
        Weights of the second model, from 0 to 1; 0, 0.05, ..., 1 by default.

    Returns
    -------
    table : DataFrame
        One row per weight: value, low, high (95 % bootstrap interval over images).

    Raises
    ------
    InputError
        If the models are the same, one has no likelihoods, or a weight is out of range.

    References
    ----------
    Linardos, Kümmerer, Press and Bethge (2021), ICCV, supplement, figure 3.

    Examples
    --------
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> dataset = generate_dataset(4, size=(30, 40)).dataset
    >>> models = {"wide": salmetrics.GaussianCentreBias(0.4), "flat": salmetrics.Uniform()}
    >>> options = {"metrics": ["IG"], "baseline": salmetrics.Uniform(), "n_bootstrap": 0}
    >>> result = salmetrics.evaluate(models, *dataset, **options)
    >>> mixture_sweep(result, "wide", "flat", weights=[0, 0.5, 1]).index.tolist()
    [0.0, 0.5, 1.0]
    """
    import pandas as pd

    if first == second:
        raise InputError(f"first and second must be two models; both are {first!r}")
    _mixable(evaluation, [first, second])
    known = (*_METRICS, *shares_of(_METRICS))
    check_choice("metric", metric, [key for key in evaluation.metrics if key in known])
    steps = np.linspace(0, 1, 21) if weights is None else np.asarray(weights)
    if steps.ndim != 1 or steps.dtype.kind not in "iuf" or not steps.size:
        raise InputError(f"weights must be numbers from 0 to 1; got {weights!r}")
    if not ((steps >= 0) & (steps <= 1)).all():
        raise InputError(f"weights must be numbers from 0 to 1; got {weights!r}")
    recipes = {repr(float(w)): {first: 1 - w, second: w} for w in steps}
    rows = _mixed(evaluation, recipes).summary.xs(metric, level="metric")
    table = rows.loc[[repr(float(w)) for w in steps], ["value", "low", "high"]]
    table = table.set_index(pd.Index(steps, name=f"weight of {second}, beside {first}"))
    return table.rename_axis(columns=metric)


def _mixable(evaluation: Evaluation, models: Sequence[str] | None) -> list[str]:
    """Return names of models that have likelihoods."""
    metrics = _metrics(evaluation)
    if models is None:
        return [
            name
            for name in evaluation.models
            if name != evaluation.gold_standard and (name, metrics[0]) not in evaluation.reasons
        ]
    for name in check_list("models", models):
        check_choice("model", name, evaluation.models)
        if (name, metrics[0]) in evaluation.reasons:
            why = evaluation.reasons[name, metrics[0]]
            raise InputError(f"{name} cannot be mixed, as it has no {metrics[0]}: {why}")
    return list(dict.fromkeys(models))


def _metrics(evaluation: Evaluation) -> list[str]:
    metrics = [key for key in _METRICS if key in evaluation.metrics]
    if not metrics:
        raise InputError(
            f"mixtures are scored by LL and IG; the evaluation has {some(evaluation.metrics)}"
        )
    return metrics


def _mixed(evaluation: Evaluation, recipes: Mapping[str, Mapping[str, float]]) -> Evaluation:
    """Return the evaluation of mixtures: weights by part by name."""
    metrics = _metrics(evaluation)
    bits = evaluation.per_fixation

    def score(key: Key) -> Array:
        name, metric = key
        return _log_mean({part: bits[part, metric] for part in recipes[name]}, recipes[name])

    records: dict[str, dict[str, Any]] = {
        name: {
            "name": name,
            "class": class_path(Mixture),
            "parameters": {
                "weights": list(recipe.values()),
                "models": [evaluation.provenance["models"][part] for part in recipe],
            },
        }
        for name, recipe in recipes.items()
    }

    return evaluation.with_models(records, metrics, score)


def _log_mean(bits: Mapping[str, Any], weights: Mapping[str, float]) -> Array:
    """Return log2 of the weighted mean of 2^bits, for each fixation."""
    total: Array | None = None
    for part, column in bits.items():
        if weights[part] > 0:
            share = np.asarray(column, dtype=np.float64) + np.log2(weights[part])
            with np.errstate(invalid="ignore"):  # NaN where a part failed
                total = share if total is None else np.logaddexp2(total, share)
    assert total is not None  # weights add up to 1
    return total
