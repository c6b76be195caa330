"""DeepGaze IIE-ACW as a density model: backbones are weighted by the category of the image."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor

from salmetrics.data.stimuli import Stimulus
from salmetrics.errors import InputError, check_choice, check_whole
from salmetrics_models.backbones.backbone import Backbone
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E_ACW, Architecture
from salmetrics_models.deepgaze.folded import FoldedDeepGaze, Order
from salmetrics_models.deepgaze.network import DeepGazeNetwork
from salmetrics_models.deepgaze_acw.categories import (
    CAT2000,
    MIXINGS,
    MixingRule,
    category_of,
    checked_categories,
)
from salmetrics_models.deepgaze_acw.network import CategoryNetwork
from salmetrics_models.prediction.producer import Task
from salmetrics_models.weights.files import Weights

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DeepGazeIIEACW"]


class DeepGazeIIEACW(FoldedDeepGaze):
    """DeepGaze IIE with adaptive category weights: the weight of a backbone depends on the image.

    The log densities of the backbones are averaged with weights that are learnt for each category,
    and the result is normalised. The category of an image is its attribute "category". If it has
    none, or an unknown one, the mean weights are used, and one warning says so.

    No weights were ever published. This class loads those that `training.train_acw` writes, or
    starts from random ones.

    Parameters
    ----------
    weights
        Path of the file of a training, or of one that `save` wrote; None for random weights.
    centre_bias
        Centre bias, see `DeepGaze`; by default "gaussian", as in the report.
    category
        Category of all images, in place of their attributes.
    mixing
        "log-density" averages log densities, "density" averages densities; by default the rule of
        the file, or "log-density".
    smooth
        Whether random weights include the Gaussian blur, which is part of the report but not of the
        authors' last code. A file has its own setting.
    categories
        Names of the categories of random weights; by default those of CAT2000. A file has its own.
    n_folds
        Number of folds of random weights: 5, of 3 instances each, or 1, of 15 instances. A file has
        its own.
    backbones
        Backbones of your own that a file may name, in addition to those of
        `salmetrics_models.backbones.registry`.
    **options
        Other options of `DeepGaze`, such as `device`.

    Raises
    ------
    InputError
        If an option is invalid, or the file is missing, damaged or of another model.

    References
    ----------
    Galván Díaz (2024), DeepGaze IIE-ACW (report, Tecnológico de Monterrey).

    Examples
    --------
    >>> from salmetrics_models import DeepGazeIIEACW
    >>> model = DeepGazeIIEACW("deepgaze2e-acw/model.pth")  # doctest: +SKIP
    >>> model.category_weights().loc["LineDrawing"]  # doctest: +SKIP
    """

    architecture = DEEPGAZE_2E_ACW
    default_name = "deepgaze2e-acw"
    usual_centre = "gaussian"
    n_folds = 5

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        centre_bias: Any = "gaussian",
        category: str | None = None,
        mixing: MixingRule | None = None,
        smooth: bool = False,
        categories: Sequence[str] = CAT2000,
        n_folds: int = 5,
        backbones: Sequence[Backbone] = (),
        **options: Any,
    ) -> None:
        check_choice("mixing", mixing, (None, *MIXINGS))
        check_choice("smooth", smooth, (True, False))
        wrong = [b for b in backbones if not isinstance(b, Backbone)]
        if wrong:
            raise InputError(f"backbones must be a list of Backbone; got {wrong[0]!r} in it")
        self.more_backbones = tuple(backbones)
        self.categories = checked_categories(categories)
        self.mixing = mixing or MIXINGS[0]
        self._mixing_asked = mixing
        self._warned: set[str] = set()  # shared with models of some components
        if weights is None:
            self.n_folds = check_whole("n_folds", n_folds, 1)
            self.architecture = replace(DEEPGAZE_2E_ACW, smooth=smooth)
            if self.n_components % self.n_folds:
                raise InputError(f"n_folds must divide {self.n_components}; got {n_folds}")
        super().__init__(weights, centre_bias=centre_bias, **options)
        if category is not None:
            check_choice("category", category, self.categories)
        self.category = category

    @classmethod
    def from_pretrained(cls, path_or_name: str | Path | None = None, **options: Any) -> Self:
        """Return the model of a file; no weights were published.

        Parameters
        ----------
        path_or_name
            Path of the file of a training.
        **options
            Options of the class.

        Returns
        -------
        model : DeepGazeIIEACW
            With the weights of the file.

        Raises
        ------
        InputError
            If no path is given, or the file is of another model.
        """
        if path_or_name is None:
            raise InputError(
                "DeepGaze IIE-ACW has no published weights; give the path of the file of a training"
            )
        return cls(path_or_name, **options)

    @property
    def parameters(self) -> dict[str, Any]:
        """All settings that predictions depend on, besides the image, for results."""
        return super().parameters | {
            "categories": list(self.categories),
            "category": self.category,
            "mixing": self.mixing,
        }

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
            Only "instance-major": the weights of categories fix the order.
        fold_offset
            Only 0, for the same reason.

        Returns
        -------
        components : tuple of int
            In ascending order.

        Raises
        ------
        InputError
            If an option is invalid, or there is no such fold or instance.
        """
        if component_order != "instance-major" or fold_offset != 0:
            raise InputError(
                f"components of {self.name} are instance-major, starting with fold 0; got "
                f"component_order={component_order!r} and fold_offset={fold_offset!r}"
            )
        return super().components_of(fold=fold, instance=instance)

    def with_backbones(self, backbones: Sequence[str], name: str | None = None) -> Self:
        """Raise an error: the weights of categories belong to all backbones together.

        Parameters
        ----------
        backbones, name
            See `FoldedDeepGaze`.

        Returns
        -------
        model : DeepGazeIIEACW
            Never.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(
            f"{self.name} weights its backbones by category, and these weights belong to all of "
            "them together; it cannot leave one out"
        )

    def category_weights(self, fold: int | None = None) -> pd.DataFrame:
        """Return the shares of the backbones in each category.

        Parameters
        ----------
        fold
            Number of the fold, from 0; by default shares are averaged over folds.

        Returns
        -------
        shares : pandas.DataFrame
            One row per category, one column per backbone; rows have sum 1.

        Raises
        ------
        InputError
            If there is no such fold.
        """
        import pandas as pd

        if fold is not None and not 0 <= check_whole("fold", fold, 0) < self.n_folds:
            raise InputError(f"fold must be from 0 to {self.n_folds - 1}; got {fold}")
        network: Any = self._network
        by_fold = torch.softmax(network.category_weights.double(), dim=-1).cpu()
        own = by_fold.mean(0) if fold is None else by_fold[fold]
        names = [backbone.name for backbone in self.architecture.backbones]
        index = pd.Index(self.categories, name="category")
        return pd.DataFrame(own.numpy(), index=index, columns=names)

    # ---- inside

    def _new_network(self) -> DeepGazeNetwork:
        return CategoryNetwork(self.architecture, self.n_folds, len(self.categories), self.mixing)

    def _about(self) -> dict[str, Any]:
        return super()._about() | {"categories": list(self.categories), "mixing": self.mixing}

    def _architecture_of(self, weights: Weights, what: str) -> Architecture:
        about = weights.about
        if about is None or "categories" not in about:
            raise InputError(
                f"{what} has no description with categories; it is not a file of DeepGaze IIE-ACW"
            )
        self.categories = checked_categories(about["categories"])
        check_choice(f"mixing of {what}", about.get("mixing"), MIXINGS)
        self.mixing = self._mixing_asked or about["mixing"]
        return self._described(about, what)

    def _computed(self, images: Tensor, batch: list[Task]) -> Tensor:
        numbers = [self._number_of(task.stimulus) for task in batch]
        components = [task.components for task in batch]
        network: Any = self._network
        return network(images, self._centres(images, batch), components, numbers)

    def _number_of(self, stimulus: Stimulus) -> int:
        """Return the number of an image's category; -1 if it is unknown, with a single warning."""
        name = category_of(stimulus) if self.category is None else self.category
        if name in self.categories:
            return self.categories.index(name)
        if not self._warned:
            self._warned.add(stimulus.id)
            what = "no category" if name is None else f"category {name!r}, which is unknown"
            warnings.warn(
                f"image {stimulus.id!r} has {what}; {self.name} predicts such images with the "
                'mean weights. Set the attribute "category" of the images, or pass category=',
                stacklevel=2,
            )
        return -1
