"""Comparisons of models: paired differences, and ranks with groups."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.array_types import Array
from salmetrics.errors import InputError, check_choice
from salmetrics.metrics.registry import METRICS
from salmetrics.statistics.cells import Score
from salmetrics.statistics.inference import Over, holm, indistinct_groups, n_clusters, paired_test

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["chosen_pairs", "compared", "ranked"]

Bounds = Callable[[Sequence[Score]], Array]


def compared(
    samples: Mapping[str, Mapping[tuple[str, str], Score]], bounds: Bounds, over: Over
) -> pd.DataFrame:
    """Return the differences of pairs of models; see `Evaluation.compare`.

    Parameters
    ----------
    samples
        By metric and pair of models: scores of the first minus those of the second.
    bounds
        Function that returns the intervals of some scores, shape (n, 2).
    over
        Which units are resampled: "images", "subjects" or "both".
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for metric, differences in samples.items():
        ends = bounds(list(differences.values()))
        p_values = np.array([paired_test(each, over)[1] for each in differences.values()])
        for (pair, sample), (low, high), p, adjusted in zip(
            differences.items(), ends, p_values, holm(p_values), strict=True
        ):
            rows.append(
                {
                    "metric": metric,
                    "first": pair[0],
                    "second": pair[1],
                    "difference": sample.value,
                    "low": low,
                    "high": high,
                    "p_value": p,
                    "p_holm": adjusted,
                    "n_images": np.unique(sample.image).size,
                }
            )
    return pd.DataFrame(rows).set_index(["metric", "first", "second"])


def chosen_pairs(
    models: Sequence[str], first: str | None, second: str | None
) -> list[tuple[str, str]]:
    """Return the pair of two models, or all pairs if none is named.

    Raises
    ------
    InputError
        For an unknown model, for one name alone, and if there is only one model.
    """
    for name in (first, second):
        if name is not None:
            check_choice("model", name, models)
    if (first is None) != (second is None):
        raise InputError(
            "first and second must both be names of models, or both left out for all pairs"
        )
    if first is not None and second is not None:
        return [(first, second)]
    pairs = list(combinations(models, 2))
    if not pairs:
        raise InputError("there is only one model, so there is nothing to compare")
    return pairs


def ranked(
    metric: str, samples: Mapping[str, Score], bounds: Bounds, over: Over, alpha: float
) -> pd.DataFrame:
    """Return the models from best to worst, with groups; see `Evaluation.rank`.

    Parameters
    ----------
    metric
        Key of the metric.
    samples
        Scores by model; models whose value is NaN are left out.
    bounds
        Function that returns the intervals of some scores, shape (n, 2).
    over
        Which units are resampled: "images", "subjects" or "both".
    alpha
        Significance level of the Holm-adjusted tests.

    Raises
    ------
    InputError
        If `alpha` is out of range, the metric has one value per image and subjects are resampled,
        or there is only one cluster.
    """
    import pandas as pd

    entry = METRICS[metric]
    if not 0 < alpha < 1:
        raise InputError(f"alpha must be between 0 and 1, such as 0.05; got {alpha!r}")
    if over != "images" and entry.per == "image":
        raise InputError(f"{metric} has one value per image: pass over='images'")
    known = {model: sample for model, sample in samples.items() if not np.isnan(sample.value)}
    known = _on_shared_cells(known)
    order = sorted(known, key=lambda m: known[m].value, reverse=entry.higher_is_better)
    if n_clusters(known[order[0]], over) < 2:
        what = "images and subjects" if over == "both" else over
        raise InputError(
            f"one cluster alone shows no difference; a test over {what} needs two at least"
        )
    ordered = [known[model] for model in order]
    ends = bounds(ordered)
    return pd.DataFrame(
        {
            "value": [sample.value for sample in ordered],
            "low": ends[:, 0],
            "high": ends[:, 1],
            "group": _groups(ordered, over, alpha),
            "n_images": [np.unique(sample.image).size for sample in ordered],
        },
        index=pd.Index(order, name="model"),
    )


def _groups(samples: Sequence[Score], over: Over, alpha: float) -> list[str]:
    """Return letters of models that cannot be distinguished; none for infinite values."""
    finite = [k for k, sample in enumerate(samples) if np.isfinite(sample.sums).all()]
    pairs = list(combinations(finite, 2))
    p_values = np.array([paired_test(samples[a].minus(samples[b]), over)[1] for a, b in pairs])
    different = np.zeros((len(samples), len(samples)), bool)
    for (a, b), p in zip(pairs, holm(p_values), strict=True):
        different[a, b] = different[b, a] = p < alpha
    letters = indistinct_groups(different[np.ix_(finite, finite)])
    groups = dict(zip(finite, letters, strict=True))
    return [groups.get(k, "") for k in range(len(samples))]


def _on_shared_cells(samples: dict[str, Score]) -> dict[str, Score]:
    """Return scores on the cells that all models have, with a warning if some are left out."""
    width = 2 + max((int(s.subject.max(initial=0)) for s in samples.values()), default=0)
    cells = {model: s.image * width + s.subject for model, s in samples.items()}
    shared = reduce(np.intersect1d, cells.values()) if cells else np.zeros(0, np.int64)
    if any(shared.size < each.size for each in cells.values()):
        warnings.warn(
            "some models lack a value on some images; they are compared on those that all have",
            stacklevel=4,
        )
    return {model: s.select(np.isin(cells[model], shared)) for model, s in samples.items()}
