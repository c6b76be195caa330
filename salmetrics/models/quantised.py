"""Density models as grey levels with equal numbers of pixels, for benchmarks that take images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.densities.grey_levels import quantise
from salmetrics.errors import InputError, is_whole
from salmetrics.models.base import SaliencyMapModel, log_density_of, model_name
from salmetrics.models.conversion import require_density

__all__ = ["QuantisedModel"]


class QuantisedModel(SaliencyMapModel):
    """A density model's log densities in levels that each get the same number of pixels.

    DeepGaze II was submitted to the MIT benchmark in this form, for metrics that depend only on
    the order of pixels: with its centre bias for AUC, without it for shuffled AUC.

    Parameters
    ----------
    model
        A `DensityModel`, or anything that `as_model` takes (raw arrays are log densities).
    without
        Density model, such as `CentreBias`, by which predictions are divided first; None for no
        division.
    n_levels
        Number of levels, from 2 to 256.

    Raises
    ------
    InputError
        If `n_levels` is out of range, or a model does not give one density per image.

    References
    ----------
    Kümmerer, Wallis, Gatys and Bethge (2017), ICCV, section 3.2, doi:10.1109/ICCV.2017.513.

    Examples
    --------
    >>> import salmetrics
    >>> (stimulus,) = salmetrics.Stimuli.from_sizes([(2, 4)])
    >>> QuantisedModel(salmetrics.GaussianCentreBias(), n_levels=4).saliency_map(stimulus)
    array([[0, 2, 2, 0],
           [0, 2, 2, 0]], dtype=uint8)
    """

    def __init__(self, model: Any, without: Any = None, *, n_levels: int = 256) -> None:
        if not is_whole(n_levels) or not 2 <= n_levels <= 256:
            raise InputError(f"n_levels must be from 2 to 256; got {n_levels!r}")
        self.model = require_density(model, "quantisation", one_per_image=True)
        self.without = (
            None
            if without is None
            else require_density(without, "quantisation", one_per_image=True)
        )
        self.n_levels = int(n_levels)
        self.name = f"{model_name(self.model)} in {n_levels} levels"
        if self.without is not None:
            self.name += f" without {model_name(self.without)}"

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Let both models check the data."""
        for part in (self.model, self.without):
            if part is not None:
                part.check_data(stimuli, fixations)

    def saliency_map(self, stimulus: Stimulus) -> NDArray[np.uint8]:
        """Return the levels, from 0 to n_levels - 1, as uint8 of shape (h, w)."""
        log = log_density_of(self.model, stimulus).values
        if self.without is None:
            return quantise(log, self.n_levels)
        log = log.astype(np.float64)
        other = log_density_of(self.without, stimulus).values
        if np.any(np.isneginf(other) & ~np.isneginf(log)):
            raise InputError(
                f"{model_name(self.without)} gives probability 0 on image {stimulus.id!r} where "
                f"{model_name(self.model)} does not, so dividing by it is not possible"
            )
        ratio = np.where(np.isneginf(log), -np.inf, log - np.where(np.isneginf(other), 0, other))
        total = np.log(np.exp(ratio - ratio.max()).sum()) + ratio.max()
        return quantise(ratio - total, self.n_levels)
