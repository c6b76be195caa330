"""Several images, and what several models say of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    axes: NDArray[Any] | None = None,
    **kwargs: Any,
) -> NDArray[Any]:
    """Draw images and the human fixations, densities of models, and fixations sampled from them.

    Each image has two rows: above the image, and densities with contours that enclose given
    masses; below the human fixations, and as many samples of each density. Densities of one image
    share their colours, which go with the square root, so that broad densities are seen as well.

    Parameters
    ----------
    stimuli, fixations
        What was shown and where people looked.
    models
        Density models, or what `as_model` takes (raw arrays are log densities), by name.
    images
        Ids of the images to draw, such as those of
        `salmetrics.results.image_selection.best_and_worst`.
    labels
        What to write beside each image, by id; by default the id.
    masses
        Of the contours.
    samples
        Whether to draw the second row.
    seed
        Of the samples.
    axes
        To draw on, shape (n_images * 2, 1 + n_models), or (n_images, 1 + n_models) without
        samples; of a new figure by default.
    **kwargs
        Passed to `matplotlib.axes.Axes.imshow` of densities.

    Returns
    -------
    The axes.

    References
    ----------
    Kümmerer, Wallis, Gatys and Bethge (2017), ICCV, figures 5 and 6,
    doi:10.1109/ICCV.2017.513.
    """
    import matplotlib.pyplot as plt
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
    chosen = []
    for image in images:
        check_choice("image", image, stimuli.ids)
        chosen.append(stimuli.ids.index(image))
    is_new = axes is None
    if axes is None:
        # panels of one image have its shape; very flat and very tall ones get room for the text
        ratios = [np.clip(stimuli.sizes[i][0] / stimuli.sizes[i][1], 0.4, 1.5) for i in chosen]
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
        raise InputError(f"axes must have shape {shape}; got {np.shape(axes)}")
    for k, i in enumerate(chosen):
        block = axes[rows * k : rows * (k + 1)]
        logs = {name: log_density_of(m, stimuli[i]).values.copy() for name, m in parts.items()}
        highest = max(float(np.exp(log.max()) * log.size) for log in logs.values())
        seen = fixations.of_image(i)
        plot_fixations(stimuli[i], seen if not samples else seen[:0], ax=block[0, 0])
        if samples:
            plot_fixations(stimuli[i], seen, ax=block[1, 0])
            block[1, 0].set_ylabel(f"{len(seen)} fixations or samples", fontsize="small")
        block[0, 0].set_ylabel((labels or {}).get(images[k], images[k]), fontsize="small")
        for column, log in enumerate(logs.values(), start=1):
            style = {"norm": PowerNorm(0.5, 0, highest)} | kwargs
            plot_density(log, masses=masses, bar=False, legend=False, ax=block[0, column], **style)
            if samples:
                plot_samples(stimuli[i], log, len(seen), seed=seed, ax=block[1, column])
    for one, name in zip(axes[0], ("image", *parts), strict=True):
        one.set_title(name, fontsize="medium")
    if len(masses) > 0 and is_new:  # below, where it hides nothing
        figure = axes[0, 0].figure
        add_mass_legend(figure, masses, loc="outside lower center", ncols=len(masses))
    elif len(masses) > 0:
        add_mass_legend(axes[0, 1], masses)
    return axes
