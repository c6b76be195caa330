"""Histograms of calibration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.array_types import AnyArray
from salmetrics.errors import InputError
from salmetrics.evaluation.calibration import Calibration
from salmetrics.plotting.fitted_text import fitted
from salmetrics.plotting.labels import label_axis, title
from salmetrics.plotting.style import COLOURS, balanced, current, plain_frame, wrapped_grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_calibration", "plot_calibrations"]

_PANELS = 6  # side by side, at most
_SIDE = 2.3  # of a panel, inches


def plot_calibration(calibration: Calibration, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw the share of the fixations in each bin of equal mass, with 95 % intervals over images.

    The dashed line is the share of each bin under a calibrated density.

    Parameters
    ----------
    calibration
        Result of `salmetrics.calibration`.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.bar`.

    Returns
    -------
    axes : matplotlib.axes.Axes
        The axes drawn on.

    Raises
    ------
    AttributeError
        If `calibration` is not a `salmetrics.Calibration`.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> dataset = generate_dataset(4, size=(30, 40)).dataset
    >>> calibration = salmetrics.calibration(salmetrics.GaussianCentreBias(), *dataset)
    >>> figure, ax = plt.subplots()
    >>> plot_calibration(calibration, ax=ax).get_ylabel()
    'share of fixations'
    >>> plt.close(figure)
    """
    axes = current(ax)
    n = calibration.n_bins
    middles = (np.arange(n) + 0.5) / n
    options: dict[str, Any] = {"width": 0.92 / n, "color": COLOURS[0]} | kwargs
    axes.bar(middles, calibration.shares, **options)
    low, high = calibration.intervals().T
    if np.isfinite(low).all():
        reach = np.maximum([calibration.shares - low, high - calibration.shares], 0)
        axes.errorbar(
            middles, calibration.shares, yerr=reach, fmt="none", ecolor="black", capsize=2
        )
    axes.axhline(1 / n, color="black", linewidth=1, linestyle="--")
    axes.set_xlim(0, 1)
    label_axis(axes, "x", "mass of less probable pixels")
    label_axis(axes, "y", "share of fixations")
    verdict = f"error {calibration.error:.3f}, confidence {_signed(calibration.confidence)}"
    title(axes, calibration.name, verdict)
    return plain_frame(axes)


def plot_calibrations(
    calibrations: Mapping[str, Mapping[str, Calibration]],
    *,
    axes: AnyArray | None = None,
    **kwargs: Any,
) -> AnyArray:
    """Draw calibration histograms of several models on several data sets side by side.

    Parameters
    ----------
    calibrations
        Results of `salmetrics.calibration` by the names of data set and model. Data sets are rows,
        models columns, of which a new figure wraps those after the sixth; where a data set lacks a
        model, the place stays empty.
    axes
        Axes to draw on, shape (n_datasets, n_models); those of a new figure by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.bar`.

    Returns
    -------
    axes : ndarray of matplotlib.axes.Axes, shape (n_datasets, n_models)
        The axes drawn on, which all have the same scales.

    Raises
    ------
    InputError
        If there is no calibration, or `axes` has another shape.

    References
    ----------
    Linardos, Kümmerer, Press and Bethge (2021), DeepGaze IIE, ICCV, 12919-12928, figure 5,
    doi:10.1109/ICCV48922.2021.01268.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> dataset = generate_dataset(4, size=(30, 40)).dataset
    >>> models = {"wide": salmetrics.GaussianCentreBias(0.4), "flat": salmetrics.Uniform()}
    >>> results = {name: salmetrics.calibration(m, *dataset) for name, m in models.items()}
    >>> axes = plot_calibrations({"generated": results})
    >>> axes.shape
    (1, 2)
    >>> plt.close(axes[0, 0].figure)
    """
    models = list(dict.fromkeys(name for by_model in calibrations.values() for name in by_model))
    if not models:
        raise InputError("calibrations must hold at least one, by data set and model; got none")
    shape = (len(calibrations), len(models))
    per_row = shape[1]
    if axes is None:
        per_row = balanced(shape[1], _PANELS)
        n_rows = shape[0] * -(-shape[1] // per_row)
        size = (max(_SIDE * per_row, 3.2), _SIDE * n_rows + 0.4)
        axes = wrapped_grid(*shape, per_row, size)
    if np.shape(axes) != shape:
        raise InputError(
            f"axes must have shape {shape}, (n_datasets, n_models); got {np.shape(axes)}"
        )
    axes = np.asarray(axes)
    top = 0.0
    titled: set[str] = set()
    for row, (dataset, by_model) in zip(axes, calibrations.items(), strict=True):
        for k, (panel, model) in enumerate(zip(row, models, strict=True)):
            if model not in by_model:
                panel.set_axis_off()
                continue
            plot_calibration(by_model[model], ax=panel, **kwargs)
            verdict = f"{by_model[model].error:.3f}, {_signed(by_model[model].confidence)}"
            is_first = model not in titled
            if is_first:
                title(panel, model, verdict, lines=2, size="small")
            else:
                panel.set_title(verdict, fontsize="small")
            titled.add(model)
            panel.set(xlabel="", ylabel="", xticks=[0, 0.5, 1])
            top = max(top, panel.get_ylim()[1])
            if k % per_row:
                panel.tick_params(labelleft=False)
        for panel in row[::per_row]:
            label_axis(panel, "y", dataset, more="share of fixations", lines=2)
    for panel in axes.flat:
        panel.set_ylim(0, top)
    figure = axes[0, 0].get_figure(root=True)
    label = "mass of less probable pixels (above each: error, confidence)"
    across = 72 * figure.get_figwidth()
    figure.supxlabel(fitted(figure, label, across, lines=2, size="small"), fontsize="small")
    return axes


def _signed(confidence: float) -> str:
    """Return a confidence with its sign and three decimals."""
    return f"{round(confidence, 3) + 0.0:+.3f}"  # + 0.0 turns -0.0 into 0.0
