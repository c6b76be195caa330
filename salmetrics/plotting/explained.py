"""Models against the gold standard, and densities fitted to saliency maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.errors import InputError, check_choice, check_list
from salmetrics.models.fitted_density import FittedDensity
from salmetrics.plotting.labels import label_axis, legend_inside
from salmetrics.plotting.style import COLOURS, current, plain_frame, pyplot
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

    On the dashed line, a model predicts people as well as other people do.

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

    Returns
    -------
    axes : matplotlib.axes.Axes
        The axes drawn on, with one point per image and model.

    Raises
    ------
    InputError
        If the evaluation has no gold standard, or no density model of a name in `models`.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> generated = generate_dataset(3, size=(20, 30), n_subjects=2, n_fixations=4)
    >>> gold = salmetrics.GoldStandard(
    ...     *generated.dataset, bandwidth=3, centre_weight=0.1, uniform_weight=0.1
    ... )
    >>> result = salmetrics.evaluate(
    ...     {"truth": generated.truth},
    ...     *generated.dataset,
    ...     metrics=["IG"],
    ...     baseline=salmetrics.Uniform(),
    ...     gold_standard=gold,
    ...     n_bootstrap=0,
    ... )
    >>> figure, ax = plt.subplots()
    >>> plot_against_gold_standard(result, ax=ax).get_xlabel()
    'information gain of the gold standard (bit/fixation)'
    >>> plt.close(figure)
    """
    gold = evaluation.gold_standard
    if gold is None:
        raise InputError("the evaluation has no gold standard: evaluate(..., gold_standard=True)")
    axes = current(ax)
    gains = evaluation.per_image.xs("IG", axis=1, level="metric")
    densities = [m for m in evaluation.models if m != gold and gains[m].notna().any()]
    for name in () if models is None else check_list("models", models):
        check_choice("model", name, densities)
    colours = dict(zip(densities, COLOURS * len(densities), strict=False))
    shares = {}
    for name in densities if models is None else models:
        share = f", IGE {evaluation.value(name, 'IGE'):.2f}"
        shares[name + share] = share
        options: dict[str, Any] = {"s": 14, "alpha": 0.7, "linewidths": 0}
        options |= {"color": colours[name]} | kwargs
        axes.scatter(gains[gold], gains[name], label=name + share, **options)
    ends = np.array([np.nanmin(gains.to_numpy()), np.nanmax(gains.to_numpy())])
    axes.plot(ends, ends, color="black", linewidth=0.8, linestyle="--")
    axes.axhline(0, color="black", linewidth=0.8)
    label_axis(axes, "x", "information gain of the gold standard (bit/fixation)")
    label_axis(axes, "y", "information gain of the model (bit/fixation)")
    legend_inside(axes, shares)
    return plain_frame(axes)


def plot_fitted_density(
    fitted: FittedDensity, *, axes: Sequence[Axes] | None = None, **kwargs: Any
) -> Sequence[Axes]:
    """Draw how `salmetrics.fit_density` turns a map's values and eccentricity into density.

    Thick lines are the fit to all images, thin lines the fits of the parts (folds).

    Parameters
    ----------
    fitted
        Result of `salmetrics.fit_density`.
    axes
        Two axes to draw on, for the nonlinearity and the centre bias; those of a new figure by
        default.
    **kwargs
        Passed to `matplotlib.axes.Axes.plot` for the thick lines.

    Returns
    -------
    axes : sequence of two matplotlib.axes.Axes
        The axes drawn on: the nonlinearity, then the centre bias.

    Raises
    ------
    ValueError
        If `axes` are not two.

    References
    ----------
    Kümmerer, Wallis and Bethge (2015), PNAS, 112(52), 16054-16059, doi:10.1073/pnas.1510393112.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> dataset = generate_dataset(4, size=(30, 40)).dataset
    >>> fitted = salmetrics.fit_density(lambda s: s.rgb[:, :, 0], *dataset, folds=2, blur=1)
    >>> nonlinearity, centre_bias = plot_fitted_density(fitted)
    >>> centre_bias.get_xlabel()
    'eccentricity, middle to corner'
    >>> plt.close(nonlinearity.figure)
    """
    if axes is None:
        axes = pyplot().subplots(1, 2, figsize=(9, 3.5), layout="constrained")[1]
    nonlinearity, centre_bias = axes
    curves = [
        *((COLOURS[0], 0.8, 0.5, fit) for fit in fitted.fits),
        ("black", 2, 1, fitted.overall),
    ]
    for colour, width, alpha, fit in curves:
        options: dict[str, Any] = {"color": colour, "linewidth": width, "alpha": alpha}
        if fit is fitted.overall:
            options |= kwargs
        nonlinearity.plot(fit.knots, (fit.values - fit.values[-1]) / np.log(2), **options)
        eccentricity = np.linspace(0, 1, fit.radial.size)
        centre_bias.plot(eccentricity, (fit.radial - fit.radial[0]) / np.log(2), **options)
    nonlinearity.set_xlabel(
        f"value of the map, blurred with sigma = {fitted.overall.blur:.3g} pixels"
    )
    nonlinearity.set_ylabel("log density, highest = 0 (bit)")
    centre_bias.set_xlabel("eccentricity, middle to corner")
    centre_bias.set_ylabel("log density, middle = 0 (bit)")
    for panel in axes:
        plain_frame(panel)
    return axes
