"""Models against the gold standard, and how maps became densities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.errors import InputError, check_choice, check_list
from salmetrics.models.fitted_density import FittedDensity
from salmetrics.plotting.style import COLOURS, current, plain_frame
from salmetrics.results.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_against_gold_standard", "plot_fitted_density"]


def plot_against_gold_standard(
    evaluation: Evaluation,
    models: Sequence[str] | None = None,
    *,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw each image's information gain under models against that under the gold standard.

    On the dashed line a model knows as much of an image as people tell of each other.

    Parameters
    ----------
    evaluation
        Result of ``salmetrics.evaluate(..., gold_standard=True)``.
    models
        Names of density models; all of them by default.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.scatter`.
    """
    gold = evaluation.gold_standard
    if gold is None:
        raise InputError("the evaluation has no gold standard: evaluate(..., gold_standard=True)")
    axes = current(ax)
    gains = evaluation.per_image.xs("IG", axis=1, level="metric")
    there = [m for m in evaluation.models if m != gold and gains[m].notna().any()]
    for name in () if models is None else check_list("models", models):
        check_choice("model", name, there)
    colours = dict(zip(there, COLOURS * len(there), strict=False))
    for name in there if models is None else models:
        share = evaluation.value(name, "IGE")
        options: dict[str, Any] = {"s": 14, "alpha": 0.7, "linewidths": 0}
        options |= {"color": colours[name]} | kwargs
        axes.scatter(gains[gold], gains[name], label=f"{name}, IGE {share:.2f}", **options)
    ends = np.array([np.nanmin(gains.to_numpy()), np.nanmax(gains.to_numpy())])
    axes.plot(ends, ends, color="black", linewidth=0.8, linestyle="--")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xlabel("information gain of the gold standard (bit/fixation)")
    axes.set_ylabel("information gain of the model (bit/fixation)")
    axes.legend(frameon=False, loc="upper left")
    return plain_frame(axes)


def plot_fitted_density(
    fitted: FittedDensity, *, axes: Sequence[Axes] | None = None, **kwargs: Any
) -> Sequence[Axes]:
    """Draw how `salmetrics.fit_density` turns a map's values and eccentricity into density.

    The parameters fitted to all images are thick, those of each part thin.

    Parameters
    ----------
    fitted
        Result of `salmetrics.fit_density`.
    axes
        Two to draw on, for the nonlinearity and the centre bias; new ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.plot` for the thick lines.
    """
    import matplotlib.pyplot as plt

    if axes is None:
        axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")[1]
    of_value, of_place = axes
    curves = [
        *((COLOURS[0], 0.8, 0.5, fit) for fit in fitted.fits),
        ("black", 2, 1, fitted.overall),
    ]
    for colour, width, alpha, fit in curves:
        options: dict[str, Any] = {"color": colour, "linewidth": width, "alpha": alpha}
        if fit is fitted.overall:
            options |= kwargs
        of_value.plot(fit.knots, (fit.values - fit.values[-1]) / np.log(2), **options)
        far = np.linspace(0, 1, fit.radial.size)
        of_place.plot(far, (fit.radial - fit.radial[0]) / np.log(2), **options)
    of_value.set_xlabel(f"value of the map, blurred with sigma = {fitted.overall.blur:.3g} pixels")
    of_value.set_ylabel("log density, highest = 0 (bit)")
    of_place.set_xlabel("eccentricity, middle to corner")
    of_place.set_ylabel("log density, middle = 0 (bit)")
    for one in axes:
        plain_frame(one)
    return axes
