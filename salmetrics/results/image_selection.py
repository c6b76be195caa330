"""Images on which a model is best or worst, on which models differ, or disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.data.stimuli import Stimuli
from salmetrics.densities.divergence import jensen_shannon
from salmetrics.errors import InputError, check_choice, check_list, check_whole
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import predictions_of
from salmetrics.models.conversion import require_density
from salmetrics.progress import progress_bar
from salmetrics.results.evaluation import Evaluation

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["best_and_worst", "disagreement", "image_differences"]


def best_and_worst(
    evaluation: Evaluation, model: str, *, metric: str | None = None, n: int = 3
) -> pd.DataFrame:
    """Return the images on which a model scores best and worst.

    Parameters
    ----------
    evaluation
        Result of `evaluate`.
    model
        Name of the model.
    metric
        Key of the metric; by default IGE if there is a gold standard, which accounts for how
        predictable each image is, or else the first metric that the model has.
    n
        Number of images at each end; fewer if fewer have a value.

    Returns
    -------
    table : DataFrame
        Columns image and the metric, best first, then worst, worst last; indexed by "best" and
        "worst". Images without fixations, or on which the gold standard has no information gain,
        are left out.

    Raises
    ------
    InputError
        If there is no such model or metric, or no image has a value.

    References
    ----------
    Kümmerer, Wallis, Gatys and Bethge (2017), ICCV, figures 5 and 6,
    doi:10.1109/ICCV.2017.513.

    Examples
    --------
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> dataset = generate_dataset(4, size=(30, 40)).dataset
    >>> models = {"wide": salmetrics.GaussianCentreBias(0.4), "flat": salmetrics.Uniform()}
    >>> options = {"metrics": ["IG"], "baseline": salmetrics.Uniform(), "n_bootstrap": 0}
    >>> result = salmetrics.evaluate(models, *dataset, **options)
    >>> best_and_worst(result, "wide", n=1).index.tolist()
    ['best', 'worst']
    """
    import pandas as pd

    check_choice("model", model, evaluation.models)
    n = check_whole("n", n, 1)
    if metric is None:
        keys = ["IGE"] if evaluation.gold_standard is not None else evaluation.metrics
        metric = next((k for k in keys if (model, k) not in evaluation.reasons), keys[0])
    check_choice("metric", metric, evaluation.metrics)
    scores = evaluation.per_image[model, metric].dropna()
    if scores.empty:
        why = evaluation.reasons.get((model, metric), "no image has a value")
        raise InputError(f"{model} has no {metric}: {why}")
    ordered = scores.sort_values(ascending=not METRICS[metric].higher_is_better, kind="stable")
    best = ordered.iloc[: min(n, len(ordered))]
    worst = ordered.iloc[max(len(ordered) - n, len(best)) :]
    both = pd.concat([best, worst])
    labels = ["best"] * len(best) + ["worst"] * len(worst)
    return pd.DataFrame({"image": both.index, metric: both.to_numpy()}, index=pd.Index(labels))


def image_differences(
    evaluation: Evaluation,
    first: str | Sequence[str],
    second: str | Sequence[str],
    *,
    metric: str = "IG",
) -> pd.Series:
    """Return how much better one model, or group of models, is than another on each image.

    Parameters
    ----------
    evaluation
        Result of `evaluate`.
    first, second
        Names of models; the scores of a group are averaged.
    metric
        Key of the metric.

    Returns
    -------
    differences : Series
        First minus second by image id, highest first, without images that lack a value or where
        both are infinite. The standard deviation, ``.std()``, measures how differently the two
        rank images.

    Raises
    ------
    InputError
        If there is no such model or metric, or no image on which both have a value.

    References
    ----------
    Linardos, Kümmerer, Press and Bethge (2021), ICCV, supplement, figure 2.

    Examples
    --------
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> dataset = generate_dataset(4, size=(30, 40)).dataset
    >>> models = {"wide": salmetrics.GaussianCentreBias(0.4), "flat": salmetrics.Uniform()}
    >>> options = {"metrics": ["IG"], "baseline": salmetrics.Uniform(), "n_bootstrap": 0}
    >>> result = salmetrics.evaluate(models, *dataset, **options)
    >>> image_differences(result, "wide", "flat").name
    'IG of wide less that of flat'
    """
    import pandas as pd

    check_choice("metric", metric, evaluation.metrics)
    scores = evaluation.per_image.xs(metric, axis=1, level="metric")
    means = []
    for group in (first, second):
        names = [group] if isinstance(group, str) else check_list("first and second", group)
        if not names:
            raise InputError("first and second must be a model, or a list of at least one")
        for name in names:
            check_choice("model", name, evaluation.models)
        with np.errstate(invalid="ignore"):
            means.append(scores[names].to_numpy().mean(axis=1))
    with np.errstate(invalid="ignore"):  # two infinities have no difference
        differences = pd.Series(means[0] - means[1], index=scores.index).dropna()
    if differences.empty:
        raise InputError(f"there is no image on which both have {metric}")
    return differences.sort_values(ascending=False, kind="stable").rename(
        f"{metric} of {_called(first)} less that of {_called(second)}"
    )


def disagreement(
    models: Mapping[str, Any] | Sequence[Any], stimuli: Stimuli, *, progress: bool = True
) -> pd.Series:
    """Return how much models disagree on each image: the Jensen-Shannon divergence, bits.

    Parameters
    ----------
    models
        At least two density models, or what `as_model` takes (raw arrays are log densities); a
        list, or a dict by name.
    stimuli
        The images.
    progress
        Show a bar on standard error if it takes more than two seconds.

    Returns
    -------
    divergence : Series
        Bits by image id, in the order of the images, from 0 to log2 of the number of models;
        ``.nlargest(10)`` are the ten images of the largest disagreement.

    Raises
    ------
    InputError
        If there are fewer than two models.
    NeedsDensityError
        For saliency maps; an `InputError` and a `TypeError`.

    References
    ----------
    Linardos, Kümmerer, Press and Bethge (2021), ICCV, supplement, figure 4.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = salmetrics.Stimuli.from_sizes([(30, 40), (60, 40)])
    >>> models = [salmetrics.Uniform(), salmetrics.GaussianCentreBias()]
    >>> disagreement(models, stimuli).round(3).tolist()
    [0.094, 0.094]
    """
    import pandas as pd

    several = list(models.values()) if isinstance(models, Mapping) else check_list("models", models)
    if len(several) < 2:
        raise InputError("models must be at least two, to disagree")
    parts = [require_density(each, "disagreement", stimuli, one_per_image=True) for each in several]
    predictions = [predictions_of(part, stimuli) for part in parts]
    bits = np.empty(len(stimuli))
    for k in progress_bar(range(len(stimuli)), show=progress, description="disagreement"):
        bits[k] = jensen_shannon([next(each).copy() for each in predictions])
    return pd.Series(bits, pd.Index(stimuli.ids, name="image"), name="disagreement")


def _called(group: str | Sequence[str]) -> str:
    return group if isinstance(group, str) else f"mean of {', '.join(group)}"
