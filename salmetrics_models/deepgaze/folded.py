"""Models whose components belong to instances and folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, Self, get_args

import numpy as np

from salmetrics.data.folds import Folds
from salmetrics.errors import InputError, check_choice, check_list, check_whole
from salmetrics.models.cross_validated import UnknownImages
from salmetrics_models.backbones.backbone import Backbone
from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.deepgaze.cross_validated import CrossValidatedDeepGaze
from salmetrics_models.deepgaze.model import DeepGaze
from salmetrics_models.weights.files import Weights

__all__ = ["ORDERS", "FoldedDeepGaze", "Order"]

Order = Literal["instance-major", "fold-major"]
ORDERS: tuple[Order, ...] = get_args(Order)


class FoldedDeepGaze(DeepGaze):
    """DeepGaze with components for several folds, and several instances of each.

    The number of components is a multiple of the number of folds, `n_folds`.

    Parameters
    ----------
    weights
        Path of a file of weights, published or written by `save`; None for random weights.
    centre_bias, device, dtype, autocast, pixels_per_degree, components, batch_size, n_threads, seed
        See `DeepGaze`.

    Examples
    --------
    >>> from salmetrics_models import DeepGazeIIE
    >>> model = DeepGazeIIE("deepgaze2e.pth", centre_bias="gaussian")  # doctest: +SKIP
    >>> model.with_components(model.components_of(fold=3))  # doctest: +SKIP
    """

    n_folds: int
    more_backbones: tuple[Backbone, ...] = ()  # that files of weights may name

    def components_of(
        self,
        *,
        fold: int | None = None,
        instance: int | None = None,
        component_order: Order = "instance-major",
        fold_offset: int = 0,
    ) -> tuple[int, ...]:
        """Return the indices of the components of a fold, of an instance, or of both.

        Parameters
        ----------
        fold, instance
            Number of the fold and of the instance, from 0; by default all.
        component_order
            Order of the components in the file: all folds of an instance together
            ("instance-major"), or all instances of a fold ("fold-major"). Files that were trained
            here are instance-major; the published one of DeepGaze IIE does not say, and
            `identify_folds` may find out.
        fold_offset
            Fold of the first component.

        Returns
        -------
        components : tuple of int
            In ascending order.

        Raises
        ------
        InputError
            If an option is invalid, or there is no such fold or instance.
        """
        check_choice("component_order", component_order, ORDERS)
        n_instances = self.n_components // self.n_folds
        for what, value, n in (("fold", fold, self.n_folds), ("instance", instance, n_instances)):
            if value is not None and not 0 <= check_whole(what, value, 0) < n:
                raise InputError(f"{what} must be from 0 to {n - 1}; got {value}")
        numbers = np.arange(self.n_components)
        folds, instances = numbers % self.n_folds, numbers // self.n_folds
        if component_order == "fold-major":
            folds, instances = numbers // n_instances, numbers % n_instances
        folds = (folds + check_whole("fold_offset", fold_offset, 0)) % self.n_folds
        wanted = np.ones(numbers.size, bool)
        if fold is not None:
            wanted &= folds == fold
        if instance is not None:
            wanted &= instances == instance
        return tuple(numbers[wanted].tolist())

    def with_backbones(self, backbones: Sequence[str], name: str | None = None) -> Self:
        """Return a model of some of the backbones, which shares the weights of this one.

        Parameters
        ----------
        backbones
            Names of the backbones to mix.
        name
            Name in results; by default the names are appended to this model's name.

        Returns
        -------
        model : FoldedDeepGaze
            A model of this class, with all components of this one.

        Raises
        ------
        InputError
            If a backbone is unknown or repeated, or none is given.

        Examples
        --------
        >>> from salmetrics_models import DeepGazeIIE
        >>> model = DeepGazeIIE("deepgaze2e.pth", centre_bias="gaussian")  # doctest: +SKIP
        >>> model.with_backbones(["densenet-201"])  # doctest: +SKIP
        """
        known = [backbone.name for backbone in self.architecture.backbones]
        names = check_list("backbones", backbones)
        for each in names:
            check_choice("backbone", each, known)
        if not names or len(set(names)) < len(names):
            raise InputError(f"backbones must be at least one, and different; got {list(names)}")
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._network = self._network.with_branches([known.index(each) for each in names])
        other.architecture = other._network.architecture
        other.name = name or f"{self.name} ({', '.join(names)})"
        return other

    def cross_validated(
        self,
        folds: Folds,
        *,
        instance: int | None = None,
        component_order: Order = "instance-major",
        fold_offset: int = 0,
        unknown: UnknownImages = "error",
    ) -> CrossValidatedDeepGaze:
        """Return a model that predicts each image by the components that were not trained on it.

        Parameters
        ----------
        folds
            Folds of the images, such as `salmetrics.data.folds.mit1003`; their number must be
            `n_folds`.
        instance
            Number of one instance, from 0, see `components_of`; None: the mixture of all.
        component_order, fold_offset
            Order of the components in the file, see `components_of`.
        unknown
            "error" or "mixture": what predicts images that are in no fold, see
            `salmetrics.CrossValidated`.

        Returns
        -------
        model : CrossValidatedDeepGaze
            It shares the weights of this model.

        Raises
        ------
        InputError
            If the number of folds differs, or the model has only some of its components.
        """
        if folds.n_folds != self.n_folds:
            raise InputError(
                f"folds must be the {self.n_folds} folds of {self.name}; got {folds.n_folds}"
            )
        order: dict[str, Any] = {"component_order": component_order, "fold_offset": fold_offset}
        components = [
            self.components_of(fold=k, instance=instance, **order) for k in range(self.n_folds)
        ]
        return CrossValidatedDeepGaze(self, components, folds, unknown)

    # ---- inside

    def _about(self) -> dict[str, Any]:
        return super()._about() | {"n_folds": self.n_folds}

    def _architecture_of(self, weights: Weights, what: str) -> Architecture:
        """Return the architecture of a file: this model's, but for components and downsampling."""
        first = weights.tensors.get("branches.0.readouts.weight0")
        if first is None:
            return self.architecture  # a published file
        if weights.about is None:  # tensors tell the number of components only
            return replace(self.architecture, n_components=first.shape[0])
        architecture = self._described(weights.about, what)
        differences = self.architecture.differences(architecture)
        if differences:
            raise InputError(
                f"{what} is of another model than {self.default_name}: {', '.join(differences)} "
                "differ; salmetrics_models.ReadoutModel loads any architecture"
            )
        return architecture

    def _described(self, about: dict[str, Any], what: str) -> Architecture:
        """Return the architecture in the description of a file, and take its number of folds."""
        try:
            architecture = Architecture.from_description(about["architecture"], self.more_backbones)
            n_folds = about.get("n_folds", architecture.n_components)
            if check_whole("n_folds", n_folds, 1) and architecture.n_components % n_folds:
                raise InputError(
                    f"{architecture.n_components} components cannot have {n_folds} folds"
                )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the description in {what} is invalid: {error}") from error
        self.n_folds = n_folds
        return architecture
