"""Calibration histograms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.errors import InputError
from salmetrics.evaluation.calibration import Calibration
from salmetrics.plotting.style import COLOURS, current, plain_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_calibration", "plot_calibrations"]


def plot_calibration(calibration: Calibration, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw the share of the fixations in each bin of equal mass, with 95 % intervals over images.

    Parameters
    ----------
    calibration
        Result of `salmetrics.calibration`.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.bar`.
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
    axes.set_xlabel("mass of less probable pixels")
    axes.set_ylabel("share of fixations")
    axes.set_title(
        f"{calibration.name}\nerror {calibration.error:.3f}, confidence "
        f"{round(calibration.confidence, 3) + 0.0:+.3f}",
        fontsize="medium",
    )
    return plain_frame(axes)


def plot_calibrations(
    calibrations: Mapping[str, Mapping[str, Calibration]],
    *,
    axes: NDArray[Any] | None = None,
    **kwargs: Any,
) -> NDArray[Any]:
    """Draw calibration histograms of several models on several data sets side by side.

    Parameters
    ----------
    calibrations
        Results of `salmetrics.calibration` by name of data set, and then of model. Data sets are
        rows, models columns; a model that a data set lacks leaves its place empty.
    axes
        To draw on, shape (n_datasets, n_models); of a new figure by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.bar`.

    Returns
    -------
    The axes; all share one scale.

    References
    ----------
    Linardos, Kümmerer, Press and Bethge (2021), ICCV, 12919-12928, figure 5.
    """
    import matplotlib.pyplot as plt

    models = list(dict.fromkeys(name for found in calibrations.values() for name in found))
    if not models:
        raise InputError("calibrations must hold at least one")
    shape = (len(calibrations), len(models))
    if axes is None:
        size = (max(2.3 * shape[1], 3.2), 2.3 * shape[0] + 0.4)
        _, axes = plt.subplots(*shape, figsize=size, squeeze=False, layout="constrained")
    if np.shape(axes) != shape:
        raise InputError(f"axes must have shape {shape}: data sets, models; got {np.shape(axes)}")
    axes = np.asarray(axes)
    top = 0.0
    titled: set[str] = set()
    for row, (dataset, found) in zip(axes, calibrations.items(), strict=True):
        for one, model in zip(row, models, strict=True):
            if model not in found:
                one.set_axis_off()
                continue
            plot_calibration(found[model], ax=one, **kwargs)
            # + 0.0: a rounded -0 is 0
            verdict = f"{found[model].error:.3f}, {round(found[model].confidence, 3) + 0.0:+.3f}"
            one.set_title(verdict if model in titled else f"{model}\n{verdict}", fontsize="small")
            titled.add(model)
            one.set(xlabel="", ylabel="", xticks=[0, 0.5, 1])
            top = max(top, one.get_ylim()[1])
        row[0].set_ylabel(f"{dataset}\nshare of fixations")
    for one in axes.flat:
        one.set_ylim(0, top)
    for one in axes[:, 1:].flat:
        one.tick_params(labelleft=False)
    axes[0, 0].figure.supxlabel(
        "mass of less probable pixels (above each: error, confidence)", fontsize="small"
    )
    return axes
