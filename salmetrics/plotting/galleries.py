"""Galleries: several images, with the densities of several models for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from salmetrics.array_types import AnyArray
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.errors import InputError, check_choice, check_list
from salmetrics.models.base import log_density_of
from salmetrics.models.conversion import require_density
from salmetrics.plotting.images import (
    add_mass_legend,
    plot_density,
    plot_fixations,
    plot_samples,
)
from salmetrics.plotting.labels import label_axis, title
from salmetrics.plotting.style import pyplot

__all__ = ["plot_gallery"]

_WIDTH = 2.6  # of a panel, inches


def plot_gallery(
    stimuli: Stimuli,
    fixations: Fixations,
    models: Mapping[str, Any],
    images: Sequence[str],
    *,
    labels: Mapping[str, str] | None = None,
    masses: Sequence[float] = (0.25, 0.5, 0.75),
    samples: bool = True,
    seed: int = 0,
    axes: AnyArray | None = None,
    **kwargs: Any,
) -> AnyArray:
    """Draw images and the human fixations, densities of models, and fixations sampled from them.

    Each image has two rows. The upper row is the image, and the densities with contours that
    enclose given masses; the lower row is the human fixations, and the same number of samples from
    each density. The densities of one image share their colours, which follow the square root, so
    that broad densities are visible too.

    Parameters
    ----------
    stimuli
        Images of the data set.
    fixations
        Fixations on the images.
    models
        Density models, or whatever `salmetrics.as_model` accepts (raw arrays are log densities), by
        name.
    images
        Ids of the images to draw, such as those of
        `salmetrics.results.image_selection.best_and_worst`.
    labels
        Labels beside the images, by id; the ids by default.
    masses
        Probability masses that the contours enclose, each above 0 and below 1.
    samples
        Whether to draw the second row.
    seed
        Seed of the samples.
    axes
        Axes to draw on, shape (2 * n_images, 1 + n_models), or (n_images, 1 + n_models) without
        samples; those of a new figure by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.imshow` for the densities.

    Returns
    -------
    axes : ndarray of matplotlib.axes.Axes
        The axes drawn on, of the shape given at `axes`.

    Raises
    ------
    InputError
        If an image is unknown, a model is not a density model with one density per image, or `axes`
        has another shape.

    References
    ----------
    Kümmerer, Wallis, Gatys and Bethge (2017), ICCV, figures 5 and 6,
    doi:10.1109/ICCV.2017.513.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> stimuli, fixations = generate_dataset(2, size=(30, 40)).dataset
    >>> models = {"centre": salmetrics.GaussianCentreBias(), "flat": salmetrics.Uniform()}
    >>> axes = plot_gallery(stimuli, fixations, models, ["1"])
    >>> [panel.get_title() for panel in axes[0]]
    ['image', 'centre', 'flat']
    >>> plt.close(axes[0, 0].figure)
    """
    plt = pyplot()
    from matplotlib.colors import PowerNorm

    if not isinstance(models, Mapping):
        raise InputError(f"models must be a dict by name; got {type(models).__name__}")
    images = list(dict.fromkeys(check_list("images", images)))
    parts = {
        name: require_density(m, "a gallery", stimuli, one_per_image=True)
        for name, m in models.items()
    }
    if not parts or len(images) == 0:
        raise InputError("a gallery needs at least one model and one image")
    rows = 2 if samples else 1
    shape = (rows * len(images), 1 + len(parts))
    indices = []
    for image in images:
        check_choice("image", image, stimuli.ids)
        indices.append(stimuli.ids.index(image))
    is_new = axes is None
    if axes is None:
        # panels have the shape of their image; very wide and very tall ones leave room for text
        ratios = [np.clip(stimuli.sizes[i][0] / stimuli.sizes[i][1], 0.4, 1.5) for i in indices]
        heights = np.repeat(ratios, rows)
        size = (_WIDTH * shape[1], _WIDTH * heights.sum() + 0.6)
        _, axes = plt.subplots(
            *shape,
            figsize=size,
            squeeze=False,
            layout="constrained",
            height_ratios=heights.tolist(),
        )
    if np.shape(axes) != shape:
        raise InputError(f"axes must have shape {shape}, (rows, columns); got {np.shape(axes)}")
    for k, i in enumerate(indices):
        block = axes[rows * k : rows * (k + 1)]
        logs = {name: log_density_of(m, stimuli[i]).values.copy() for name, m in parts.items()}
        highest = max(float(np.exp(log.max()) * log.size) for log in logs.values())
        human = fixations.of_image(i)
        plot_fixations(stimuli[i], human[:0] if samples else human, ax=block[0, 0])
        if samples:
            plot_fixations(stimuli[i], human, ax=block[1, 0])
            label_axis(block[1, 0], "y", f"{len(human)} fixations or samples", fontsize="small")
        label, _, more = (labels or {}).get(images[k], images[k]).partition("\n")
        label_axis(block[0, 0], "y", label, more=more, fontsize="small")
        for column, log in enumerate(logs.values(), start=1):
            style = {"norm": PowerNorm(0.5, 0, highest)} | kwargs
            plot_density(log, masses=masses, bar=False, legend=False, ax=block[0, column], **style)
            if samples:
                plot_samples(stimuli[i], log, len(human), seed=seed, ax=block[1, column])
    for panel, name in zip(axes[0], ("image", *parts), strict=True):
        title(panel, name)
    if len(masses) > 0 and is_new:  # below the panels, where it covers nothing
        figure = axes[0, 0].figure
        add_mass_legend(figure, masses, loc="outside lower center", ncols=len(masses))
    elif len(masses) > 0:
        add_mass_legend(axes[0, 1], masses)
    return axes
