"""Calibration histograms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.calibrating import Calibration

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_calibration"]


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
    import matplotlib.pyplot as plt

    axes = plt.gca() if ax is None else ax
    n = calibration.n_bins
    middles = (np.arange(n) + 0.5) / n
    options: dict[str, Any] = {"width": 0.92 / n, "color": "#4477aa"} | kwargs
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
        f"{calibration.confidence:+.3f}",
        fontsize="medium",
    )
    axes.spines[["top", "right"]].set_visible(False)
    return axes
