"""Optimal map."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.densities.optimal_maps import (
    _NEEDS_SMOOTHING,
    BEST_MAP_METRICS,
    _smoothing,
    optimal_map,
    shuffled_auc_map,
)
from salmetrics.densities.optimal_sim import Ground
from salmetrics.densities.smoothing import smoothing_of
from salmetrics.errors import check_choice, check_whole
from salmetrics.models.base import SaliencyMapModel, log_density_of, model_name
from salmetrics.models.conversion import as_density
from salmetrics.models.mixture import ShuffledBaseline
from salmetrics.protocols import DEFAULT

Array = NDArray[np.float64]


class OptimalMapModel(SaliencyMapModel):
    """The maps of a density model that are best for one metric, as a saliency map model.

    Parameters
    ----------
    model
        A `DensityModel`, or what `as_model` takes; raw arrays are natural log densities.
    metric
        As in `optimal_saliency_map`.
    stimuli
        The images, which say `sigma`, if that is not given, and whose mean density sAUC needs.
    sigma, boundary, truncate, n_fixations, n_samples, seed
        As in `optimal_saliency_map`.
    """

    def __init__(
        self,
        model: Any,
        metric: str,
        stimuli: Stimuli,
        *,
        sigma: float | None = None,
        boundary: str = DEFAULT.boundary,
        truncate: float = DEFAULT.truncate,
        n_fixations: int = 100,
        n_samples: int = DEFAULT.sim_samples,
        seed: int = 0,
    ) -> None:
        check_choice("metric", metric, BEST_MAP_METRICS)
        density = as_density(model, stimuli, purpose=f"the optimal map for {metric}")
        if sigma is None and metric in _NEEDS_SMOOTHING:
            sigma = float(np.max(smoothing_of(DEFAULT, stimuli).sigma))
        self.name = f"{model_name(density)} for {metric}"
        self.model = density
        self.metric = metric
        self._ground = Ground(
            smoothing=_smoothing(metric, sigma, boundary, truncate),
            n_fixations=check_whole("n_fixations", n_fixations, 1),
            n_samples=check_whole("n_samples", n_samples, 2),
            seed=check_whole("seed", seed, 0),
        )
        self._others = ShuffledBaseline(density, stimuli) if metric == "sAUC" else None

    @property
    def blur(self) -> dict[str, Any]:
        """How empirical maps are made, as `expected_score` takes it."""
        smoothing = self._ground.smoothing
        return {
            "sigma": smoothing.sigma or None,
            "boundary": smoothing.boundary,
            "truncate": smoothing.truncate,
        }

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Let the model check the data."""
        self.model.check_data(stimuli, fixations)

    def saliency_map(self, stimulus: Stimulus) -> NDArray[Any]:
        """Return the best map for the metric, shape (h, w)."""
        checked = log_density_of(self.model, stimulus)
        mean_density = self.mean_density(stimulus)
        if mean_density is not None:
            best = shuffled_auc_map(checked, mean_density).values
        else:
            ground = replace(self._ground, image_id=stimulus.id)
            best = optimal_map(self.metric, checked, ground).values
        finite = np.isfinite(best)
        if finite.all():
            return best
        # saliency maps are finite; where only the order counts, just beyond the others will do
        low, high = np.min(best[finite]), np.max(best[finite])
        return np.clip(best, low - 1, high + 1)

    def mean_density(self, stimulus: Stimulus) -> Array | None:
        """Return the mean density of the other images, shape (h, w), for sAUC; else None."""
        return None if self._others is None else np.exp(self._others.log_density(stimulus))
