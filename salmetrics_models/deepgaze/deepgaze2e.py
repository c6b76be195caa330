"""DeepGaze IIE, the mixture of four backbones, with its instances and folds."""

from __future__ import annotations

import torch

from salmetrics.array_types import AnyArray
from salmetrics.data.stimuli import Stimulus
from salmetrics.errors import InputError
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
from salmetrics_models.deepgaze.folded import FoldedDeepGaze
from salmetrics_models.prediction.producer import Task

__all__ = ["DeepGazeIIE"]


class DeepGazeIIE(FoldedDeepGaze):
    """DeepGaze IIE: four backbones with 30 components each, 3 instances of 10 folds.

    Files that were trained here may have other numbers of instances and folds.

    Parameters
    ----------
    weights
        Path of a file of weights, published or written by `save`; None for random weights.
    centre_bias, device, dtype, autocast, pixels_per_degree, components, batch_size, n_threads, seed
        See `DeepGaze`.

    References
    ----------
    Linardos, Kümmerer, Press and Bethge (2021), DeepGaze IIE: Calibrated prediction in and
    out-of-domain for state-of-the-art saliency modeling, ICCV, doi:10.1109/ICCV48922.2021.01268.

    Examples
    --------
    >>> from salmetrics_models import DeepGazeIIE
    >>> model = DeepGazeIIE.from_pretrained(centre_bias="gaussian")  # doctest: +SKIP
    >>> model.components_of(fold=3)  # doctest: +SKIP
    (3, 13, 23)
    """

    architecture = DEEPGAZE_2E
    default_name = "deepgaze2e"
    n_folds = 10

    def log_densities_of_components(self, stimulus: Stimulus) -> AnyArray:
        """Return the log density of each component, mixed over the backbones.

        Parameters
        ----------
        stimulus
            The image.

        Returns
        -------
        log_densities : ndarray of shape (n_components, h, w)
            Natural logs, logsumexp 0 each, of the type `dtype`.

        Raises
        ------
        InputError
            If the model resizes images (`pixels_per_degree`).
        """
        if self.pixels_per_degree is not None:
            raise InputError(
                "densities of components are computed at the size of the image only; use a model "
                "without pixels_per_degree"
            )
        images = self._on_device([Task(0, stimulus, (), self._decoded(stimulus))])
        with torch.inference_mode(), self._settings():
            centre = self._centre(stimulus, stimulus.size)
            return self._network.log_densities_of_components(images, centre)[0].cpu().numpy()
