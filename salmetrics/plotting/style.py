"""Colours, labels and frames that all figures share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.array_types import AnyArray
from salmetrics.errors import InputError
from salmetrics.metrics.registry import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "COLOURS",
    "as_written",
    "balanced",
    "current",
    "metric_label",
    "plain_frame",
    "pyplot",
    "wrapped_grid",
]

COLOURS = (
    "#4477aa",
    "#ee6677",
    "#228833",
    "#ccbb44",
    "#66ccee",
    "#aa3377",
)  # Paul Tol's bright scheme, which is safe for the colour blind


def pyplot() -> Any:
    """Return ``matplotlib.pyplot``.

    Raises
    ------
    InputError
        If matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ModuleNotFoundError as error:
        raise InputError("figures need matplotlib: pip install 'salmetrics[report]'") from error
    return plt


def current(ax: Axes | None, size: tuple[float, float] | None = None) -> Axes:
    """Return the given axes, or the current ones.

    Parameters
    ----------
    ax
        The given axes.
    size
        Width and height in inches of the new figure that is made if there is none.
    """
    plt = pyplot()

    if ax is not None:
        return ax
    if not plt.get_fignums():
        plt.figure(figsize=size, layout="constrained")
    return plt.gca()


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


def balanced(n: int, most: int) -> int:
    """Return how many of n panels stand side by side: at most `most`, in rows of equal length."""
    return -(-n // -(-n // most))


def wrapped_grid(n_rows: int, n_panels: int, per_row: int, size: tuple[float, float]) -> AnyArray:
    """Return axes of a new figure, shape (n_rows, n_panels), with `per_row` of them side by side.

    Panels beyond `per_row` are wrapped: they follow below all rows.
    """
    plt = pyplot()

    figure = plt.figure(figsize=size, layout="constrained")
    places = figure.add_gridspec(n_rows * -(-n_panels // per_row), per_row)
    grid = np.empty((n_rows, n_panels), object)
    for i, k in np.ndindex(grid.shape):
        grid[i, k] = figure.add_subplot(places[k // per_row * n_rows + i, k % per_row])
    return grid
