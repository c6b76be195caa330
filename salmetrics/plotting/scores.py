"""Scores of models side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.errors import InputError, check_choice
from salmetrics.plotting.labels import label_axis, label_rows, rows_height
from salmetrics.plotting.style import COLOURS, current, metric_label, plain_frame
from salmetrics.results.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_scores"]


_FOR_VALUES = 0.2  # share of the width for the values beside the bars


def plot_scores(
    evaluation: Evaluation, metric: str, *, ax: Axes | None = None, **kwargs: Any
) -> Axes:
    """Draw one metric of all models as bars with 95 % intervals over images.

    Models without the metric are left out; an infinite value has no bar.

    Parameters
    ----------
    evaluation
        Result of `salmetrics.evaluate`.
    metric
        Key of the metric.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.barh`.

    Returns
    -------
    axes : matplotlib.axes.Axes
        The axes drawn on, with one bar per model that has the metric.

    Raises
    ------
    InputError
        If the evaluation lacks the metric, or no model has it.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> dataset = generate_dataset(4, size=(30, 40)).dataset
    >>> models = {"wide": salmetrics.GaussianCentreBias(0.4), "flat": salmetrics.Uniform()}
    >>> result = salmetrics.evaluate(
    ...     models, *dataset, metrics=["IG"], baseline=salmetrics.Uniform(), n_bootstrap=20
    ... )
    >>> figure, ax = plt.subplots()
    >>> plot_scores(result, "IG", ax=ax).get_xlabel()
    'IG (bit/fixation), higher is better'
    >>> plt.close(figure)
    """
    check_choice("metric", metric, evaluation.metrics)
    rows = evaluation.summary.xs(metric, level="metric")
    rows = rows[rows["value"].notna()]
    if rows.empty:
        raise InputError(f"no model has {metric}; `reasons` of the evaluation say why")
    names = list(rows.index)
    axes = current(ax, (6.4, rows_height(names)))
    values = rows["value"].where(np.isfinite(rows["value"]), 0.0)
    axes.barh(rows.index, values, **({"color": COLOURS[0]} | kwargs))
    size, taken = label_rows(axes, names)
    ends = rows[["low", "high"]].where(np.isfinite(rows[["low", "high"]]), np.nan)
    low, high = (ends[side].fillna(values) for side in ("low", "high"))
    if ends.notna().to_numpy().any():
        reach = [values - low, high - values]
        places = np.arange(len(rows))
        axes.errorbar(values, places, xerr=reach, fmt="none", ecolor="black", capsize=3)
    # beside the right end, also of bars to the left, whose left end may be beside the names
    for y, value in enumerate(rows["value"]):
        axes.annotate(
            f"{value:.3f}",
            (max(high.iloc[y], 0.0), y),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=size,
        )
    axes.invert_yaxis()
    axes.margins(x=0.05)
    left, right = axes.get_xlim()
    axes.set_xlim(left, right + _FOR_VALUES * (right - left))
    axes.axvline(0, color="black", linewidth=0.8)
    label_axis(axes, "x", metric_label(metric), taken=taken)
    return plain_frame(axes)
