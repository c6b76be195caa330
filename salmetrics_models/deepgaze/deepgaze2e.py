"""DeepGaze IIE, with its instances and folds."""

from __future__ import annotations

import torch

from salmetrics.data.stimuli import Stimulus
from salmetrics.errors import InputError
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
from salmetrics_models.deepgaze.folded import FoldedDeepGaze
from salmetrics_models.prediction.producer import Array, Task

__all__ = ["DeepGazeIIE"]


class DeepGazeIIE(FoldedDeepGaze):
    """DeepGaze IIE: four backbones with 30 components each, 3 instances of 10 folds.

    Parameters are those of `DeepGaze`. Files that were trained here may have other numbers of
    instances and folds.

    References
    ----------
    Linardos, Kümmerer, Press and Bethge (2021), ICCV, 12919-12928.
    """

    architecture = DEEPGAZE_2E
    default_name = "deepgaze2e"
    n_folds = 10

    def log_densities_of_components(self, stimulus: Stimulus) -> Array:
        """Return the log density of each component number, mixed over backbones, (k, h, w)."""
        if self.pixels_per_degree is not None:
            raise InputError("densities of components are made at the size of the image only")
        images = self._on_device([Task(0, stimulus, (), self._decoded(stimulus))])
        with torch.inference_mode(), self._settings():
            centre = self._centre(stimulus, stimulus.size)
            return self._network.log_densities_of_components(images, centre)[0].cpu().numpy()
