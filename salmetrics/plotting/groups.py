"""Scores of groups: of images, and of models that are instances of each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.errors import InputError, check_choice, check_list
from salmetrics.plotting.style import COLOURS, current, metric_label, plain_frame
from salmetrics.results.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_groups", "plot_instances"]


def plot_groups(
    evaluation: Evaluation,
    attribute: str,
    metric: str,
    *,
    models: Sequence[str] | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw one metric for groups of images, such as categories, as bars with 95 % intervals.

    An infinite value has no bar.

    Parameters
    ----------
    evaluation
        Result of `salmetrics.evaluate`.
    attribute
        Of the stimuli, such as "category"; or "subject".
    metric
        Its key.
    models
        Names of models; all that have the metric by default.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.bar`.
    """
    check_choice("metric", metric, evaluation.metrics)
    for name in () if models is None else check_list("models", models):
        check_choice("model", name, evaluation.models)
    rows = evaluation.by(attribute).xs(metric, level="metric")
    names = [
        m
        for m in (evaluation.models if models is None else models)
        if rows["value"].xs(m, level="model").notna().any()
    ]
    if not names:
        raise InputError(f"no model has {metric}")
    axes = current(ax)
    groups = rows.index.get_level_values(0).unique()
    width = 0.8 / len(names)
    places = np.arange(len(groups))
    for k, name in enumerate(names):
        of_model = rows.xs(name, level="model").reindex(groups)[["value", "low", "high"]]
        of_model = of_model.where(np.isfinite(of_model), np.nan)
        at = places + (k - (len(names) - 1) / 2) * width
        reach = None
        if np.isfinite(of_model["low"]).any():
            reach = np.array(
                [of_model["value"] - of_model["low"], of_model["high"] - of_model["value"]]
            )
        options: dict[str, Any] = {
            "width": width,
            "color": COLOURS[k % len(COLOURS)],
            "label": name,
            "error_kw": {"elinewidth": 0.8},
        } | kwargs
        axes.bar(at, of_model["value"], yerr=reach, **options)
    axes.set_xticks(places, [str(group) for group in groups])
    if sum(len(str(group)) for group in groups) > 60:
        axes.tick_params(axis="x", labelrotation=90)
    axes.set_xlabel(attribute)
    axes.set_ylabel(metric_label(metric))
    axes.axhline(0, color="black", linewidth=0.8)
    axes.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return plain_frame(axes)


def plot_instances(
    evaluation: Evaluation,
    groups: Mapping[str, Sequence[str]],
    metric: str = "IGE",
    *,
    references: Sequence[str] = (),
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw how one metric is spread over the instances of models, as violins and points.

    Parameters
    ----------
    evaluation
        Result of `salmetrics.evaluate`.
    groups
        Names of models that are instances of one, such as trainings that differ by seed, by the
        name of their group. Groups of three and more have a violin, with a line at the median.
    metric
        Its key.
    references
        Names of models to draw as lines, such as an ensemble and the gold standard.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.violinplot`.
    """
    check_choice("metric", metric, evaluation.metrics)
    if not groups or not all(groups.values()):
        raise InputError("groups must be at least one, each with at least one model")
    values = {
        label: [evaluation.value(name, metric) for name in check_list("groups", names)]
        for label, names in groups.items()
    }
    for label, found in values.items():
        if not np.isfinite(found).all():
            raise InputError(f"not all models of {label!r} have a finite {metric}")
    axes = current(ax)
    for k, found in enumerate(values.values()):
        colour = COLOURS[k % len(COLOURS)]
        if len(set(found)) > 2:
            options: dict[str, Any] = {"showmedians": True, "showextrema": False} | kwargs
            parts = axes.violinplot([found], [k], **options)
            for body in parts["bodies"]:  # type: ignore[attr-defined]
                body.set(facecolor=colour, alpha=0.35)
            if "cmedians" in parts:
                parts["cmedians"].set(color=colour, linewidth=2)
        axes.plot([k] * len(found), found, "o", color=colour, markersize=3.5, alpha=0.8)
    lines = ("dashed", "dotted", "dashdot")
    for k, name in enumerate(references):
        value = evaluation.value(name, metric)
        style: dict[str, Any] = {
            "color": "black",
            "linewidth": 1,
            "linestyle": lines[k % len(lines)],
        }
        axes.axhline(value, label=f"{name} {value:.3f}", **style)
    axes.set_xticks(range(len(values)), list(values))
    axes.set_xlim(-0.6, len(values) - 0.4)
    axes.set_ylabel(metric_label(metric))
    if references:  # above, where it can't be over a line
        place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1)}
        axes.legend(frameon=False, fontsize="small", ncols=2, **place)
    return plain_frame(axes)
