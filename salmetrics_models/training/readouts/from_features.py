"""Predictions of trained readouts from features that are kept already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.models.base import DensityModel, log_density_of, model_name
from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.deepgaze.head import Head, mean_of_logs, readout_grid, small_centre
from salmetrics_models.prediction.producer import Array
from salmetrics_models.training.inputs.features import Features

__all__ = ["FromFeatures"]


class FromFeatures(DensityModel):
    """The densities of a model for the images of one data set, without running its backbones.

    Parameters
    ----------
    architecture
        With all components.
    heads
        Readouts of each backbone, with all components.
    features
        Of the images, for each backbone.
    centre_bias
        A density model.
    components_for
        Tells which components to mix for an image.
    name
        For tables.
    parameters
        What predictions depend on besides the image and the centre bias.
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
        """What predictions depend on besides the image."""
        return {**self._parameters, "centre_bias": model_name(self._centre_bias)}

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Refuse other images than those that there are features of."""
        self._centre_bias.check_data(stimuli, fixations)
        self._features[0].check(stimuli)

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> Array:
        """Return the log density, shape (h, w)."""
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
