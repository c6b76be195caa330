"""Scores of models side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.metrics.registry import METRICS
from salmetrics.results import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_scores"]


def plot_scores(
    evaluation: Evaluation, metric: str, *, ax: Axes | None = None, **kwargs: Any
) -> Axes:
    """Draw one metric of all models as bars; models without the metric are left out.

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
    import matplotlib.pyplot as plt

    axes = plt.gca() if ax is None else ax
    values = {model: evaluation.value(model, metric) for model in evaluation.models}
    shown = [model for model in values if np.isfinite(values[model])]
    bars = axes.barh(shown, [values[model] for model in shown], **({"color": "#4477aa"} | kwargs))
    axes.bar_label(bars, fmt="%.3f", padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.axvline(0, color="black", linewidth=0.8)
    entry = METRICS[metric]
    unit = f" ({entry.unit})" if entry.unit else ""
    axes.set_xlabel(f"{metric}{unit}, {'higher' if entry.higher_is_better else 'lower'} is better")
    axes.spines[["top", "right"]].set_visible(False)
    return axes
