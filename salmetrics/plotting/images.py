"""An image with what people looked at, and the density of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from salmetrics.densities import contour_levels
from salmetrics.fixations import Fixations
from salmetrics.metrics.inputs import as_log_density
from salmetrics.stimuli import Stimulus

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_density", "plot_fixations"]

_LINES = ("dotted", "dashed", "solid")


def plot_fixations(
    stimulus: Stimulus, fixations: Fixations, *, ax: Axes | None = None, **kwargs: Any
) -> Axes:
    """Draw an image and the fixations on it.

    Parameters
    ----------
    stimulus
        The image.
    fixations
        The fixations on it, as `Fixations.of_image` gives them.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.scatter`.
    """
    axes = _axes(ax)
    height, width = stimulus.size
    axes.imshow(stimulus.rgb, extent=(0, width, height, 0))
    style: dict[str, Any] = {
        "s": 9,
        "color": "#ffb000",
        "edgecolors": "black",
        "linewidths": 0.4,
    } | kwargs
    axes.scatter(fixations.x, fixations.y, **style)
    return _image_axes(axes, stimulus.size)


def plot_density(
    log_density: ArrayLike,
    *,
    masses: Sequence[float] = (),
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw a density, relative to a uniform one, and contours that enclose given masses.

    Parameters
    ----------
    log_density
        Natural log of the density, shape (h, w).
    masses
        Such as (0.25, 0.5, 0.75); the legend names them.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.imshow`.
    """
    axes = _axes(ax)
    density = as_log_density(log_density)
    height, width = density.shape
    relative = np.exp(density.values, dtype=np.float64) * density.flat.size
    style: dict[str, Any] = {"cmap": "viridis", "vmin": 0.0, "interpolation": "nearest"} | kwargs
    picture = axes.imshow(relative, extent=(0, width, height, 0), **style)
    axes.figure.colorbar(picture, ax=axes, label="density / uniform", shrink=0.8)
    if len(masses) > 0:
        labels: dict[float, str] = {}
        levels = contour_levels(density.values, masses)
        for level, mass in sorted(zip(levels.tolist(), masses, strict=True)):
            labels.setdefault(level, f"{100 * mass:.3g} %")  # equal levels share a contour
        x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
        styles = [_LINES[k % len(_LINES)] for k in range(len(labels))]
        lines = axes.contour(
            x, y, density.values, list(labels), colors="white", linewidths=1, linestyles=styles
        )
        handles, _ = lines.legend_elements()
        axes.legend(
            handles,
            list(labels.values()),
            facecolor="#303030",
            labelcolor="white",
            fontsize="small",
            title="mass inside",
            title_fontproperties={"size": "small"},
        ).get_title().set_color("white")
    return _image_axes(axes, (height, width))


def _axes(ax: Axes | None) -> Axes:
    import matplotlib.pyplot as plt

    return plt.gca() if ax is None else ax


def _image_axes(axes: Axes, size: tuple[int, int]) -> Axes:
    axes.set(xlim=(0, size[1]), ylim=(size[0], 0), xticks=[], yticks=[])
    return axes
