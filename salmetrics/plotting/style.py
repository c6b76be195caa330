"""Colours, labels and frames that all figures share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from salmetrics.metrics.registry import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLOURS", "as_written", "current", "metric_label", "plain_frame"]

COLOURS = (
    "#4477aa",
    "#ee6677",
    "#228833",
    "#ccbb44",
    "#66ccee",
    "#aa3377",
)  # Paul Tol's bright scheme, which is safe for the colour blind


def current(ax: Axes | None) -> Axes:
    """Return the given axes, or the current ones."""
    import matplotlib.pyplot as plt

    return plt.gca() if ax is None else ax


def as_written(name: object) -> str:
    """Return a name with its dollar signs escaped, which would start a formula."""
    return str(name).replace("$", r"\$")


def metric_label(metric: str) -> str:
    """Return the label of an axis of a metric: key, unit and direction."""
    entry = METRICS[metric]
    unit = f" ({entry.unit})" if entry.unit else ""
    return f"{metric}{unit}, {'higher' if entry.higher_is_better else 'lower'} is better"


def plain_frame(axes: Axes) -> Axes:
    """Hide the frame above and to the right; return the axes."""
    axes.spines[["top", "right"]].set_visible(False)
    return axes
