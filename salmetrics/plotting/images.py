"""An image with what people looked at, and the density of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salmetrics.densities import contour_levels, draw_fixations
from salmetrics.errors import InputError, check_whole
from salmetrics.fixations import Fixations
from salmetrics.metrics.inputs import as_log_density
from salmetrics.plotting.style import current
from salmetrics.seeding import image_stream
from salmetrics.stimuli import Stimulus

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_density", "plot_fixations", "plot_information_gain_map", "plot_samples"]

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
    axes = current(ax)
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
    bar: bool = True,
    legend: bool = True,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw a density, relative to a uniform one, and contours that enclose given masses.

    Parameters
    ----------
    log_density
        Natural log of the density, shape (h, w).
    masses
        Such as (0.25, 0.5, 0.75), which cut the image into four regions that should get equally
        many fixations.
    bar, legend
        Whether to draw the colour bar, and the legend that names the masses.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.imshow`.
    """
    axes = current(ax)
    density = as_log_density(log_density)
    height, width = density.shape
    relative = np.exp(density.values, dtype=np.float64) * density.flat.size
    style: dict[str, Any] = {"cmap": "viridis", "interpolation": "nearest"} | kwargs
    if "norm" not in style:
        style.setdefault("vmin", 0.0)
    picture = axes.imshow(relative, extent=(0, width, height, 0), **style)
    if bar:
        axes.figure.colorbar(picture, ax=axes, label="density / uniform", shrink=0.8)
    if len(masses) > 0:
        _contours(axes, density.values, masses, legend=legend)
    return _image_axes(axes, (height, width))


def plot_samples(
    stimulus: Stimulus,
    log_density: ArrayLike,
    n: int,
    *,
    seed: int = 0,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw an image and fixations sampled from a density, to hold beside those of people.

    Parameters
    ----------
    stimulus
        The image.
    log_density
        Natural log of the density, shape (h, w).
    n
        Number of samples, such as that of the human fixations.
    seed
        Of the samples.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.scatter`.
    """
    density = as_log_density(log_density)
    if density.shape != tuple(stimulus.size):
        raise InputError(
            f"log_density has size {density.shape}, image {stimulus.id!r} {tuple(stimulus.size)}"
        )
    stream = image_stream(check_whole("seed", seed, 0), stimulus.id)
    x, y = draw_fixations(density.values, check_whole("n", n, 0), stream)
    drawn = Fixations.from_arrays(x, y, np.zeros(x.size, np.int64), n_images=1)
    return plot_fixations(stimulus, drawn, ax=ax, **kwargs)


def plot_information_gain_map(
    gain: ArrayLike, *, stimulus: Stimulus | None = None, ax: Axes | None = None, **kwargs: Any
) -> Axes:
    """Draw where on an image a model gains information over another, and where it loses some.

    Parameters
    ----------
    gain
        Result of `salmetrics.information_gain_map`, shape (h, w). With another model as its
        baseline, it is where the one is better, and where the other.
    stimulus
        The image, to draw in grey under the map.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.imshow`.
    """
    from matplotlib.cm import ScalarMappable

    axes = current(ax)
    values = np.asarray(gain, dtype=np.float64)
    if values.ndim != 2 or not values.size or np.isnan(values).any():
        raise InputError(f"gain must be a map of shape (h, w) without NaN; got {values.shape}")
    height, width = values.shape
    reach = float(np.quantile(np.abs(values[np.isfinite(values)]), 0.999)) or 1.0
    extent = (0, width, height, 0)
    style: dict[str, Any] = {"cmap": "RdBu", "vmin": -reach, "vmax": reach} | kwargs
    if stimulus is not None:
        if tuple(stimulus.size) != (height, width):
            raise InputError(f"gain has size {values.shape}, image {stimulus.id!r} {stimulus.size}")
        grey = stimulus.rgb.mean(axis=2)
        axes.imshow(grey, extent=extent, cmap="gray", vmin=-255, vmax=255)
        strength = np.clip(np.abs(values) / reach, 0, 1) ** 0.5
        style.setdefault("alpha", strength)
    picture = axes.imshow(values, extent=extent, **style)
    bar = axes.figure.colorbar(
        ScalarMappable(picture.norm, picture.cmap), ax=axes, shrink=0.8, extend="both"
    )
    bar.set_label("gain (bit/fixation/pixel)")
    axes.set_title(f"{values.sum():+.3f} bit/fixation", fontsize="medium")
    return _image_axes(axes, (height, width))


def _contours(
    axes: Axes, log_density: NDArray[Any], masses: Sequence[float], *, legend: bool
) -> None:
    height, width = log_density.shape
    labels: dict[float, str] = {}
    levels = contour_levels(log_density, masses)
    for level, mass in sorted(zip(levels.tolist(), masses, strict=True)):
        labels.setdefault(level, f"{100 * mass:.3g} %")  # equal levels share a contour
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    styles = [_LINES[k % len(_LINES)] for k in range(len(labels))]
    lines = axes.contour(
        x, y, log_density, list(labels), colors="white", linewidths=1, linestyles=styles
    )
    if legend:
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


def _image_axes(axes: Axes, size: tuple[int, int]) -> Axes:
    axes.set(xlim=(0, size[1]), ylim=(size[0], 0), xticks=[], yticks=[])
    return axes
