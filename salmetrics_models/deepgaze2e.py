"""DeepGaze IIE, with its instances and folds."""

from __future__ import annotations

import numpy as np
import torch

from salmetrics.errors import InputError, check_choice, check_whole
from salmetrics.folds import Folds
from salmetrics.stimuli import Stimulus
from salmetrics_models.cross_validated import CrossValidatedDeepGaze
from salmetrics_models.deepgaze import DeepGaze
from salmetrics_models.networks import DEEPGAZE_2E
from salmetrics_models.producer import Array, Task

__all__ = ["DeepGazeIIE"]


class DeepGazeIIE(DeepGaze):
    """DeepGaze IIE: four backbones with 30 components each, 3 instances of 10 folds.

    Parameters are those of `DeepGaze`.

    References
    ----------
    Linardos, Kümmerer, Press and Bethge (2021), ICCV, 12919-12928.
    """

    architecture = DEEPGAZE_2E
    default_name = "deepgaze2e"
    n_folds = 10

    def components_of(
        self,
        *,
        fold: int | None = None,
        instance: int | None = None,
        component_order: str = "instance-major",
        fold_offset: int = 0,
    ) -> tuple[int, ...]:
        """Return indices of the components of a fold, of an instance, or of both.

        Parameters
        ----------
        fold, instance
            From 0; all by default.
        component_order
            Whether the file has all folds of one instance together ("instance-major"), or all
            instances of one fold ("fold-major"). The published file does not say;
            `identify_folds` may tell.
        fold_offset
            Fold of the first component.
        """
        check_choice("component_order", component_order, ("instance-major", "fold-major"))
        n_instances = self.n_components // self.n_folds
        for what, value, n in (("fold", fold, self.n_folds), ("instance", instance, n_instances)):
            if value is not None and not 0 <= check_whole(what, value, 0) < n:
                raise InputError(f"{what} must be from 0 to {n - 1}; got {value}")
        numbers = np.arange(self.n_components)
        folds, instances = numbers % self.n_folds, numbers // self.n_folds
        if component_order == "fold-major":
            folds, instances = numbers // n_instances, numbers % n_instances
        folds = (folds + check_whole("fold_offset", fold_offset, 0)) % self.n_folds
        there = np.ones(numbers.size, bool)
        if fold is not None:
            there &= folds == fold
        if instance is not None:
            there &= instances == instance
        return tuple(numbers[there].tolist())

    def cross_validated(
        self,
        folds: Folds,
        *,
        component_order: str = "instance-major",
        fold_offset: int = 0,
        unknown: str = "error",
    ) -> CrossValidatedDeepGaze:
        """Return a model that predicts each image by the components that did not train on it.

        Parameters
        ----------
        folds
            Of the images: 10, such as `salmetrics.folds.mit1003`.
        component_order, fold_offset
            As of `components_of`.
        unknown
            As of `salmetrics.CrossValidated`.
        """
        if folds.n_folds != self.n_folds:
            raise InputError(f"{self.name} has {self.n_folds} folds; got {folds.n_folds}")
        components = [
            self.components_of(fold=k, component_order=component_order, fold_offset=fold_offset)
            for k in range(self.n_folds)
        ]
        return CrossValidatedDeepGaze(self, components, folds, unknown)

    def log_densities_of_components(self, stimulus: Stimulus) -> Array:
        """Return the log density of each component number, mixed over backbones, (k, h, w)."""
        if self.pixels_per_degree is not None:
            raise InputError("densities of components are made at the size of the image only")
        images = self._on_device([Task(0, stimulus, (), self._decoded(stimulus))])
        with torch.inference_mode(), self._settings():
            centre = self._centre(stimulus, stimulus.size)
            return self._network.log_densities_of_components(images, centre)[0].cpu().numpy()
