"""Scores of groups of images, and of groups of models that are instances of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.errors import InputError, check_choice, check_list
from salmetrics.plotting.labels import label_axis, label_columns, legend_above
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
        Attribute of the stimuli that names the groups, such as "category"; or "subject".
    metric
        Key of the metric.
    models
        Names of the models to draw; all that have the metric by default.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.bar`.

    Returns
    -------
    axes : matplotlib.axes.Axes
        The axes drawn on, with one bar per group and model.

    Raises
    ------
    InputError
        If the attribute, the metric or a model is unknown, or no model has the metric.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> dataset = generate_dataset(4, size=(30, 40), n_subjects=3).dataset
    >>> result = salmetrics.evaluate(
    ...     {"wide": salmetrics.GaussianCentreBias(0.4)}, *dataset, metrics=["NSS"], n_bootstrap=20
    ... )
    >>> figure, ax = plt.subplots()
    >>> axes = plot_groups(result, "subject", "NSS", ax=ax)
    >>> [label.get_text() for label in axes.get_xticklabels()]
    ['0', '1', '2']
    >>> plt.close(figure)
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
        raise InputError(f"no model has {metric}; `reasons` of the evaluation say why")
    axes = current(ax)
    groups = rows.index.get_level_values(0).unique()
    width = 0.8 / len(names)
    places = np.arange(len(groups))
    for k, name in enumerate(names):
        bars = rows.xs(name, level="model").reindex(groups)[["value", "low", "high"]]
        bars = bars.where(np.isfinite(bars), np.nan)
        middles = places + (k - (len(names) - 1) / 2) * width
        reach = None
        if np.isfinite(bars["low"]).any():
            reach = np.array([bars["value"] - bars["low"], bars["high"] - bars["value"]])
        options: dict[str, Any] = {
            "width": width,
            "color": COLOURS[k % len(COLOURS)],
            "label": name,
            "error_kw": {"elinewidth": 0.8},
        } | kwargs
        axes.bar(middles, bars["value"], yerr=reach, **options)
    label_columns(axes, list(groups))
    label_axis(axes, "x", attribute)
    label_axis(axes, "y", metric_label(metric))
    axes.axhline(0, color="black", linewidth=0.8)
    legend_above(axes)
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
    """Draw the spread of one metric over the instances of models, as violins and points.

    Parameters
    ----------
    evaluation
        Result of `salmetrics.evaluate`.
    groups
        Names of models by the name of their group: instances of one model, such as trainings that
        differ by seed. Three or more different values get a violin, with a line at the median.
    metric
        Key of the metric.
    references
        Names of models to draw as lines, such as an ensemble and the gold standard.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.violinplot`.

    Returns
    -------
    axes : matplotlib.axes.Axes
        The axes drawn on, with one point per model.

    Raises
    ------
    InputError
        If the metric or a model is unknown, a group is empty, or a score is not finite.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> dataset = generate_dataset(4, size=(30, 40)).dataset
    >>> models = {f"width {w}": salmetrics.GaussianCentreBias(w) for w in (0.2, 0.3, 0.4)}
    >>> result = salmetrics.evaluate(models, *dataset, metrics=["NSS"], n_bootstrap=0)
    >>> figure, ax = plt.subplots()
    >>> axes = plot_instances(result, {"centre bias": list(models)}, "NSS", ax=ax)
    >>> [label.get_text() for label in axes.get_xticklabels()]
    ['centre bias']
    >>> plt.close(figure)
    """
    check_choice("metric", metric, evaluation.metrics)
    if not groups or not all(groups.values()):
        raise InputError(
            "groups must hold at least one group, and each group at least one model; "
            f"got {dict(groups)!r}"
        )
    values = {
        label: [evaluation.value(name, metric) for name in check_list("groups", names)]
        for label, names in groups.items()
    }
    for label, scores in values.items():
        if not np.isfinite(scores).all():
            raise InputError(
                f"not all models of group {label!r} have a finite {metric}; leave out those without"
            )
    axes = current(ax)
    for k, scores in enumerate(values.values()):
        colour = COLOURS[k % len(COLOURS)]
        if len(set(scores)) > 2:
            options: dict[str, Any] = {"showmedians": True, "showextrema": False} | kwargs
            parts = axes.violinplot([scores], [k], **options)
            for body in parts["bodies"]:  # type: ignore[attr-defined]
                body.set(facecolor=colour, alpha=0.35)
            if "cmedians" in parts:
                parts["cmedians"].set(color=colour, linewidth=2)
        axes.plot([k] * len(scores), scores, "o", color=colour, markersize=3.5, alpha=0.8)
    lines = ("dashed", "dotted", "dashdot")
    after = {}
    for k, name in enumerate(references):
        value = evaluation.value(name, metric)
        shown = f" {value:.3f}"
        after[name + shown] = shown
        style: dict[str, Any] = {
            "color": "black",
            "linewidth": 1,
            "linestyle": lines[k % len(lines)],
        }
        axes.axhline(value, label=name + shown, **style)
    label_columns(axes, list(values))
    axes.set_xlim(-0.6, len(values) - 0.4)
    label_axis(axes, "y", metric_label(metric))
    if references:
        legend_above(axes, after, columns=2)
    return plain_frame(axes)
