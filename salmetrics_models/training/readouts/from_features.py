"""Predictions of trained readouts from cached features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from salmetrics.array_types import AnyArray
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.models.base import DensityModel, log_density_of, model_name
from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.deepgaze.head import Head, mean_of_logs, readout_grid, small_centre
from salmetrics_models.training.inputs.features import Features

__all__ = ["FromFeatures"]


class FromFeatures(DensityModel):
    """Densities of a model for the images of one data set, without running its backbones.

    Parameters
    ----------
    architecture
        Architecture with the number of components of `heads`.
    heads
        Heads of all backbones, with all components.
    features
        Features of the images, for each backbone.
    centre_bias
        Density model.
    components_for
        Function of an image's id that returns the numbers of the components to mix.
    name
        Name in tables.
    parameters
        Everything on which predictions depend, except for the image and the centre bias.
    """

    def __init__(
        self,
        architecture: Architecture,
        heads: Sequence[Head],
        features: Sequence[Features],
        centre_bias: DensityModel,
        components_for: Callable[[str], Sequence[int]],
        name: str,
        parameters: Mapping[str, Any],
    ) -> None:
        self.name = name
        self._architecture = architecture
        self._heads = [head.eval().requires_grad_(False) for head in heads]
        self._features = list(features)
        self._centre_bias = centre_bias
        self._parameters = dict(parameters)
        self._components_for = components_for

    @property
    def parameters(self) -> dict[str, Any]:
        """Everything on which predictions depend, except for the image."""
        return {**self._parameters, "centre_bias": model_name(self._centre_bias)}

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Check that the images are those of the features.

        Parameters
        ----------
        stimuli, fixations
            Data that are going to be predicted and scored.

        Raises
        ------
        InputError
            For other images.
        """
        self._centre_bias.check_data(stimuli, fixations)
        self._features[0].check(stimuli)

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> AnyArray:
        """Return the log density of an image.

        Parameters
        ----------
        stimulus
            One of the images.
        subject
            Not used.

        Returns
        -------
        log_density : ndarray of shape (h, w), float32
            Natural logarithm; logsumexp is 0 up to rounding.

        Raises
        ------
        InputError
            If there are no features of the image.
        """
        number = self._features[0].number_of(stimulus)
        log = log_density_of(self._centre_bias, stimulus).values
        centre = torch.from_numpy(np.ascontiguousarray(log, dtype=np.float32))[None]
        components = torch.tensor(list(self._components_for(stimulus.id)))
        grid = readout_grid(self._architecture, stimulus.size)
        with torch.inference_mode():
            mixing, small = small_centre(self._architecture, centre)
            parts: list[Tensor] = [
                head.mixture(features.maps([number]), grid, small, mixing, components)
                for head, features in zip(self._heads, self._features, strict=True)
            ]
            return mixing.enlarged(mean_of_logs(parts))[0].numpy()
