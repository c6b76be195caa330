"""Images with fixations, densities, and maps of information gain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from salmetrics.array_types import AnyArray, Array, Size, to_numpy
from salmetrics.checked_map import as_log_density
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimulus
from salmetrics.densities.sampling import draw_fixations, image_stream
from salmetrics.errors import InputError, check_whole
from salmetrics.plotting.style import current

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "add_mass_legend",
    "contour_levels",
    "plot_density",
    "plot_fixations",
    "plot_information_gain_map",
    "plot_samples",
]

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
        The fixations on it, see `salmetrics.Fixations.of_image`.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.scatter`.

    Returns
    -------
    axes : matplotlib.axes.Axes
        The axes drawn on; their unit is the pixel, with the origin at the top left.

    Raises
    ------
    InputError
        If the stimulus has no pixels, or its image file is invalid.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from salmetrics.datasets import generate_dataset
    >>> stimuli, fixations = generate_dataset(2, size=(30, 40)).dataset
    >>> figure, ax = plt.subplots()
    >>> axes = plot_fixations(stimuli[0], fixations.of_image(0), ax=ax)
    >>> len(axes.collections[0].get_offsets()) == len(fixations.of_image(0))
    True
    >>> plt.close(figure)
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
        Natural log of the density, shape (h, w); logsumexp is 0.
    masses
        Probability masses to enclose with contours, each above 0 and below 1. The masses (0.25,
        0.5, 0.75) cut the image into four regions that should get equally many fixations. A flat
        density has no contours.
    bar, legend
        Whether to draw the colour bar, and the legend that names the masses.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.imshow`.

    Returns
    -------
    axes : matplotlib.axes.Axes
        The axes drawn on.

    Raises
    ------
    InputError
        If `log_density` is not the log of a density, or a mass is not between 0 and 1.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import salmetrics
    >>> stimulus = salmetrics.Stimuli.from_sizes([(30, 40)])[0]
    >>> log_density = salmetrics.GaussianCentreBias().log_density(stimulus)
    >>> figure, ax = plt.subplots()
    >>> axes = plot_density(log_density, masses=(0.25, 0.5), ax=ax)
    >>> [text.get_text() for text in axes.get_legend().get_texts()]
    ['50 %', '25 %']
    >>> plt.close(figure)
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
        drawn = _draw_contours(axes, density.values, masses)
        if legend and drawn:
            add_mass_legend(axes, drawn)
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
    """Draw an image and fixations sampled from a density, to compare with those of people.

    Parameters
    ----------
    stimulus
        The image.
    log_density
        Natural log of the density, shape (h, w); logsumexp is 0.
    n
        Number of samples, such as the number of human fixations.
    seed
        Seed of the samples; the stream also depends on the image's id.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.scatter`.

    Returns
    -------
    axes : matplotlib.axes.Axes
        The axes drawn on.

    Raises
    ------
    InputError
        If `log_density` is not the log of a density of the image's size, or `n` or `seed` is not a
        whole number of at least 0.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from salmetrics.datasets import generate_dataset
    >>> generated = generate_dataset(2, size=(30, 40))
    >>> stimulus = generated.dataset.stimuli[0]
    >>> figure, ax = plt.subplots()
    >>> axes = plot_samples(stimulus, generated.truth.log_density(stimulus), 50, ax=ax)
    >>> len(axes.collections[0].get_offsets())
    50
    >>> plt.close(figure)
    """
    density = as_log_density(log_density)
    if density.shape != tuple(stimulus.size):
        raise InputError(
            f"log_density must have the size of image {stimulus.id!r}, {tuple(stimulus.size)}; got "
            f"{density.shape}"
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
        Result of `salmetrics.information_gain_map`, shape (h, w), in bit/fixation per pixel; may be
        infinite in places. It is positive where the model is better than the baseline, negative
        where it is worse.
    stimulus
        Image to draw in grey under the map; none by default.
    ax
        Axes to draw on; the current ones by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.imshow`.

    Returns
    -------
    axes : matplotlib.axes.Axes
        The axes drawn on; the title is the sum of the map.

    Raises
    ------
    InputError
        If `gain` is not a map with a finite value, or has another size than the image.

    References
    ----------
    Kümmerer, Wallis and Bethge (2015), PNAS, 112(52), 16054-16059, doi:10.1073/pnas.1510393112.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> figure, ax = plt.subplots()
    >>> plot_information_gain_map([[0.5, -0.1], [0.0, 0.2]], ax=ax).get_title()
    '+0.600 bit/fixation'
    >>> plt.close(figure)
    """
    axes = current(ax)
    from matplotlib.cm import ScalarMappable

    values = to_numpy(gain).astype(np.float64)
    if values.ndim != 2 or not values.size or np.isnan(values).any():
        raise InputError(
            f"gain must be a map of shape (h, w) without NaN; got shape {values.shape} with "
            f"{int(np.isnan(values).sum())} NaN"
        )
    height, width = values.shape
    finite = np.isfinite(values)
    if not finite.any():
        raise InputError("gain must be finite somewhere; all its values are infinite")
    reach = float(np.quantile(np.abs(values[finite]), 0.999)) or 1.0
    extent = (0, width, height, 0)
    style: dict[str, Any] = {"cmap": "RdBu", "vmin": -reach, "vmax": reach} | kwargs
    if stimulus is not None:
        if tuple(stimulus.size) != (height, width):
            raise InputError(
                f"gain must have the size of image {stimulus.id!r}, {tuple(stimulus.size)}; got "
                f"{values.shape}"
            )
        grey = stimulus.rgb.mean(axis=2)
        axes.imshow(grey, extent=extent, cmap="gray", vmin=-255, vmax=255)
        strength = np.clip(np.abs(values) / reach, 0, 1) ** 0.5
        style.setdefault("alpha", strength)
    shown = np.clip(values, -10 * reach, 10 * reach)  # infinities get the colours of the ends
    picture = axes.imshow(shown, extent=extent, **style)
    bar = axes.figure.colorbar(
        ScalarMappable(picture.norm, picture.cmap), ax=axes, shrink=0.8, extend="both"
    )
    bar.set_label("gain (bit/fixation/pixel)")
    with np.errstate(invalid="ignore"):  # infinities of both signs have no sum
        axes.set_title(f"{values.sum():+.3f} bit/fixation", fontsize="medium")
    return _image_axes(axes, (height, width))


def add_mass_legend(where: Any, masses: Sequence[float], **kwargs: Any) -> None:
    """Add a legend to axes or a figure: the line style of each mass."""
    from matplotlib.lines import Line2D

    styles = _line_styles(masses)
    handles = [Line2D([], [], color="white", linewidth=1, linestyle=styles[m]) for m in styles]
    legend = where.legend(
        handles,
        [f"{100 * mass:.3g} %" for mass in styles],
        facecolor="#303030",
        labelcolor="white",
        fontsize="small",
        title="mass inside",
        title_fontproperties={"size": "small"},
        **kwargs,
    )
    legend.get_title().set_color("white")


def _line_styles(masses: Sequence[float]) -> dict[float, Any]:
    """Return the style of the line around each mass, largest first."""
    ordered = sorted(set(masses), reverse=True)
    return {mass: _LINES[k % len(_LINES)] for k, mass in enumerate(ordered)}


def _draw_contours(axes: Axes, log_density: AnyArray, masses: Sequence[float]) -> list[float]:
    """Draw contours; return the masses that have one, largest first.

    Where many pixels are equally probable, several masses share one contour; the largest names it.
    """
    height, width = log_density.shape
    styles = _line_styles(masses)
    mass_at: dict[float, float] = {}
    for mass, level in zip(styles, contour_levels(log_density, list(styles)), strict=True):
        if np.isfinite(level) and log_density.min() < level:
            mass_at.setdefault(float(level), mass)
    if mass_at and min(height, width) > 1:
        x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
        levels = sorted(mass_at)
        axes.contour(
            x,
            y,
            log_density,
            levels,
            colors="white",
            linewidths=1,
            linestyles=[styles[mass_at[level]] for level in levels],
        )
    return list(mass_at.values())


def _image_axes(axes: Axes, size: Size) -> Axes:
    """Give axes the limits of an image, without ticks; return them."""
    axes.set(xlim=(0, size[1]), ylim=(size[0], 0), xticks=[], yticks=[])
    return axes


def contour_levels(log_density: ArrayLike, masses: Sequence[float] = (0.25, 0.5, 0.75)) -> Array:
    """Return the log densities whose contours enclose given masses.

    Parameters
    ----------
    log_density
        Natural log of the density, shape (h, w); logsumexp is 0.
    masses
        Probability masses, each above 0 and below 1: the pixels at and above a level are the fewest
        that have the mass.

    Returns
    -------
    levels : ndarray of shape (n_masses,)
        Levels of the log density, in the order of the masses.

    Raises
    ------
    InputError
        If `log_density` is not the log of a density, or a mass is not between 0 and 1.

    Examples
    --------
    >>> log_density = np.log([[0.5, 0.3], [0.15, 0.05]])
    >>> np.exp(contour_levels(log_density, [0.5, 0.6])).round(2)
    array([0.5, 0.3])
    """
    wanted = np.asarray(masses, dtype=float)
    if wanted.ndim != 1 or not ((wanted > 0) & (wanted < 1)).all():
        raise InputError(f"masses must be between 0 and 1, such as (0.25, 0.5); got {masses!r}")
    values = as_log_density(log_density).values.reshape(-1).astype(np.float64)
    ordered = np.sort(values)[::-1]
    inside = np.cumsum(np.exp(ordered))
    rounding = 1e-12  # the sum of 0.2 and 0.3 may miss 0.5
    places = np.searchsorted(inside, wanted * inside[-1] - rounding)
    return np.asarray(ordered[np.minimum(places, ordered.size - 1)])
