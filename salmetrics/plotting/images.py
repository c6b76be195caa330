"""An image with what people looked at, and the density of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from salmetrics.fixations import Fixations
from salmetrics.metrics.inputs import as_log_density
from salmetrics.stimuli import Stimulus

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_density", "plot_fixations"]


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


def plot_density(log_density: ArrayLike, *, ax: Axes | None = None, **kwargs: Any) -> Axes:
    """Draw a density, relative to a uniform one.

    Parameters
    ----------
    log_density
        Natural log of the density, shape (h, w).
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
    return _image_axes(axes, (height, width))


def _axes(ax: Axes | None) -> Axes:
    import matplotlib.pyplot as plt

    return plt.gca() if ax is None else ax


def _image_axes(axes: Axes, size: tuple[int, int]) -> Axes:
    axes.set(xlim=(0, size[1]), ylim=(size[0], 0), xticks=[], yticks=[])
    return axes
