"""Models whose components belong to instances and folds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from salmetrics.data.folds import Folds
from salmetrics.errors import InputError, check_choice, check_whole
from salmetrics.models.cross_validated import UnknownImages
from salmetrics_models.backbones.backbone import Backbone
from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.deepgaze.cross_validated import CrossValidatedDeepGaze
from salmetrics_models.deepgaze.model import DeepGaze
from salmetrics_models.weights.files import Weights

__all__ = ["FoldedDeepGaze"]


class FoldedDeepGaze(DeepGaze):
    """DeepGaze with components for several folds, and several instances of each.

    Attributes
    ----------
    n_folds
        Folds; components are a multiple of them.
    """

    n_folds: int
    more_backbones: tuple[Backbone, ...] = ()  # that checkpoints may name

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
            instances of one fold ("fold-major"). Files that were trained here are
            instance-major; the published one of DeepGaze IIE does not say, and `identify_folds`
            may tell.
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
        unknown: UnknownImages = "error",
    ) -> CrossValidatedDeepGaze:
        """Return a model that predicts each image by the components that did not train on it.

        Parameters
        ----------
        folds
            Of the images, such as `salmetrics.data.folds.mit1003`; as many as `n_folds`.
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

    # ---- inside

    def _about(self) -> dict[str, Any]:
        return super()._about() | {"n_folds": self.n_folds}

    def _architecture_of(self, weights: Weights, what: str) -> Architecture:
        """Return that of a checkpoint: this model's, but for components and downsampling."""
        first = weights.tensors.get("branches.0.readouts.weight0")
        if first is None:
            return self.architecture  # a published one
        if weights.about is None:  # it does not say more than how many components it has
            return replace(self.architecture, n_components=first.shape[0])
        found = self._described(weights.about, what)
        differs = self.architecture.differences(found)
        if differs:
            raise InputError(
                f"{what} is of another model than {self.default_name}: {', '.join(differs)} "
                "differ; salmetrics_models.ReadoutModel loads any"
            )
        return found

    def _described(self, about: dict[str, Any], what: str) -> Architecture:
        """Return the architecture that a checkpoint tells, and take its number of folds."""
        try:
            found = Architecture.from_description(about["architecture"], self.more_backbones)
            n_folds = about.get("n_folds", found.n_components)
            if check_whole("n_folds", n_folds, 1) and found.n_components % n_folds:
                raise InputError(f"{found.n_components} components in {n_folds} folds")
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{what} says of itself what can't be: {error}") from error
        self.n_folds = n_folds
        return found
