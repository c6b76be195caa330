"""Scores of models side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.plotting.style import current, metric_label, plain_frame
from salmetrics.results import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_scores"]


def plot_scores(
    evaluation: Evaluation, metric: str, *, ax: Axes | None = None, **kwargs: Any
) -> Axes:
    """Draw one metric of all models as bars with their 95 % intervals over images.

    Models without the metric are left out.

    Parameters
    ----------
    evaluation
        Result of `salmetrics.evaluate`.
    metric
        Its key.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.barh`.
    """
    axes = current(ax)
    values = {model: evaluation.value(model, metric) for model in evaluation.models}
    shown = [model for model in values if np.isfinite(values[model])]
    axes.barh(shown, [values[model] for model in shown], **({"color": "#4477aa"} | kwargs))
    rows = evaluation.summary.xs(metric, level="metric").loc[shown]
    if np.isfinite(rows["low"]).any():
        reach = [rows["value"] - rows["low"], rows["high"] - rows["value"]]
        axes.errorbar(
            rows["value"], np.arange(len(shown)), xerr=reach, fmt="none", ecolor="black", capsize=3
        )
    ends = rows["high"].where(np.isfinite(rows["high"]), rows["value"])
    for y, (value, end) in enumerate(zip(rows["value"], ends, strict=True)):
        axes.annotate(f"{value:.3f}", (end, y), (6, 0), textcoords="offset points", va="center")
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel(metric_label(metric))
    return plain_frame(axes)
