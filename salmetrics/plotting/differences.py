"""Differences between two models from image to image, and scores of their mixtures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.errors import InputError
from salmetrics.plotting.labels import label_axis
from salmetrics.plotting.style import COLOURS, current, metric_label, plain_frame

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["plot_image_differences", "plot_mixture_sweep"]


def plot_image_differences(
    differences: pd.Series, *, ax: Axes | None = None, **kwargs: Any
) -> Axes:
    """Draw the difference between two models on each image, sorted, with mean and spread.

    Parameters
    ----------
    differences
        Result of `salmetrics.results.image_selection.image_differences`: one value per image.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.bar`.

    Returns
    -------
    axes : matplotlib.axes.Axes
        The axes drawn on. The dashed line is the mean; its value and the standard deviation are
        written above the axes.

    Raises
    ------
    InputError
        If there are no differences, or some are not finite.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> differences = pd.Series([0.2, -0.1, 0.5], name="IG of A less that of B")
    >>> figure, ax = plt.subplots()
    >>> plot_image_differences(differences, ax=ax).get_xlabel()
    'images, sorted (first better on 2 of 3)'
    >>> plt.close(figure)
    """
    axes = current(ax)
    values = np.sort(np.asarray(differences, dtype=np.float64))[::-1]
    if values.size == 0:
        raise InputError("differences must hold at least one value; got none")
    if not np.isfinite(values).all():
        n = int(np.sum(~np.isfinite(values)))
        raise InputError(
            f"differences must be finite; {n} of {values.size} are not: leave them out"
        )
    colours = np.where(values >= 0, COLOURS[0], COLOURS[1])
    options: dict[str, Any] = {"width": 1.0, "color": colours.tolist(), "linewidth": 0} | kwargs
    axes.bar(np.arange(values.size) + 0.5, values, **options)
    axes.axhline(0, color="black", linewidth=0.8)
    mean = float(values.mean())
    axes.axhline(mean, color="black", linewidth=0.8, linestyle="--")
    spread = f", standard deviation {values.std(ddof=1):.3f}" if values.size > 1 else ""
    axes.annotate(  # above the axes, where it covers no bar and no line
        f"mean {mean:+.3f}{spread}",
        (1, 1),
        (0, 4),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        fontsize="small",
    )
    axes.set_xlim(0, values.size)
    better = int(np.sum(values > 0))
    label_axis(axes, "x", f"images, sorted (first better on {better} of {values.size})")
    label_axis(axes, "y", str(differences.name or "difference"))
    return plain_frame(axes)


def plot_mixture_sweep(sweep: pd.DataFrame, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw the score of mixtures of two models over their weight, with 95 % intervals over images.

    Parameters
    ----------
    sweep
        Result of `salmetrics.results.mixtures.mixture_sweep`: one row per weight.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.plot`.

    Returns
    -------
    axes : matplotlib.axes.Axes
        The axes drawn on. The dashed line is the best weight.

    Raises
    ------
    KeyError
        If `sweep` lacks the columns value, low and high.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> from salmetrics.results.mixtures import mixture_sweep
    >>> dataset = generate_dataset(4, size=(30, 40)).dataset
    >>> models = {"wide": salmetrics.GaussianCentreBias(0.4), "flat": salmetrics.Uniform()}
    >>> result = salmetrics.evaluate(
    ...     models, *dataset, metrics=["IG"], baseline=salmetrics.Uniform(), n_bootstrap=20
    ... )
    >>> figure, ax = plt.subplots()
    >>> plot_mixture_sweep(mixture_sweep(result, "wide", "flat"), ax=ax).get_xlabel()
    'weight of flat, beside wide'
    >>> plt.close(figure)
    """
    axes = current(ax)
    options: dict[str, Any] = {"color": COLOURS[0], "marker": "o", "markersize": 3} | kwargs
    (line,) = axes.plot(sweep.index, sweep["value"], **options)
    if np.isfinite(sweep["low"]).any():
        axes.fill_between(
            sweep.index, sweep["low"], sweep["high"], color=line.get_color(), alpha=0.2, linewidth=0
        )
    best = float(sweep.index[int(sweep["value"].argmax())])
    axes.axvline(best, color="black", linewidth=0.8, linestyle="--")
    left = best > float(sweep.index[0] + sweep.index[-1]) / 2  # of the line, towards the middle
    axes.annotate(
        f"best at {best:.3g}: {sweep['value'].max():.3f}",
        (best, 0.02),
        (-4 if left else 4, 0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right" if left else "left",
        fontsize="small",
    )
    label_axis(axes, "x", str(sweep.index.name))
    label_axis(axes, "y", metric_label(str(sweep.columns.name)))
    return plain_frame(axes)
