"""DeepGaze IIE-ACW: backbones weighed by the category of the image."""

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
from salmetrics_models.deepgaze.folded import FoldedDeepGaze
from salmetrics_models.deepgaze.network import DeepGazeNetwork
from salmetrics_models.deepgaze_acw.categories import (
    CAT2000,
    MIXINGS,
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
    """DeepGaze IIE with adaptive category weights: how much a backbone counts depends on the image.

    The log densities of the backbones are averaged with weights that are learnt for each category,
    and normalised again. The category of an image is its attribute "category"; where it has none,
    or an unknown one, the mean weights are used, and one warning says so.

    No weights were ever published. This class loads those that `training.train_acw` makes, or
    begins with random ones.

    Parameters
    ----------
    weights
        File of a training, or of `save`; None for random weights.
    centre_bias
        As of `DeepGaze`; by default "gaussian", which the paper has.
    category
        Of all images, whatever their attributes say.
    mixing
        "log-density", or "density" to average densities; None: the file's, or "log-density".
    smooth
        Whether random weights have the Gaussian blur that is in the paper and not in the authors'
        last code. A file tells.
    categories
        Names, for random weights; by default those of CAT2000. A file tells its own.
    n_folds
        For random weights: 5, of 3 instances each, or 1, of 15 instances. A file tells.
    backbones
        Your own that a file may name, besides those of `salmetrics_models.backbones.backbone`.
    **options
        As of `DeepGaze`.

    References
    ----------
    Galván Díaz (2024), DeepGaze IIE-ACW (report, Tecnológico de Monterrey).
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
        mixing: str | None = None,
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
            raise InputError(f"backbones must be a list of Backbone; got {wrong[0]!r}")
        self.more_backbones = tuple(backbones)
        self.categories = checked_categories(categories)
        self.mixing = mixing or MIXINGS[0]
        self._mixing_asked = mixing
        self._warned: set[str] = set()  # shared with models of some of the components
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
        """Refuse names, as nothing is published; paths are as of the class."""
        if path_or_name is None:
            raise InputError(
                "DeepGaze IIE-ACW has no published weights; give the file of a training"
            )
        return cls(path_or_name, **options)

    @property
    def parameters(self) -> dict[str, Any]:
        """What predictions depend on besides the image."""
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
        component_order: str = "instance-major",
        fold_offset: int = 0,
    ) -> tuple[int, ...]:
        """Return indices as of `FoldedDeepGaze`; weights of categories fix the order of folds."""
        if component_order != "instance-major" or fold_offset != 0:
            raise InputError(
                f"components of {self.name} are instance-major, beginning with fold 0; got "
                f"component_order={component_order!r} and fold_offset={fold_offset!r}"
            )
        return super().components_of(fold=fold, instance=instance)

    def category_weights(self, fold: int | None = None) -> pd.DataFrame:
        """Return the shares of the backbones in each category, rows of sum 1.

        Parameters
        ----------
        fold
            From 0; None: the mean over folds.
        """
        import pandas as pd

        if fold is not None and not 0 <= check_whole("fold", fold, 0) < self.n_folds:
            raise InputError(f"fold must be from 0 to {self.n_folds - 1}; got {fold}")
        network: Any = self._network
        found = torch.softmax(network.category_weights.double(), dim=-1).cpu()
        shown = found.mean(0) if fold is None else found[fold]
        names = [backbone.name for backbone in self.architecture.backbones]
        index = pd.Index(self.categories, name="category")
        return pd.DataFrame(shown.numpy(), index=index, columns=names)

    # ---- inside

    def _new_network(self) -> DeepGazeNetwork:
        return CategoryNetwork(self.architecture, self.n_folds, len(self.categories), self.mixing)

    def _about(self) -> dict[str, Any]:
        return super()._about() | {"categories": list(self.categories), "mixing": self.mixing}

    def _architecture_of(self, weights: Weights, what: str) -> Architecture:
        about = weights.about
        if about is None or "categories" not in about:
            raise InputError(f"{what} does not say of which categories it is; it is no such model")
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
        """Return the number of an image's category; -1, with one warning, if it is unknown."""
        name = category_of(stimulus) if self.category is None else self.category
        if name in self.categories:
            return self.categories.index(name)
        if not self._warned:
            self._warned.add(stimulus.id)
            said = "no category" if name is None else f"category {name!r}, which is unknown"
            warnings.warn(
                f"image {stimulus.id!r} has {said}; {self.name} predicts such images with the "
                'mean weights. Categories are the attribute "category" of images, or category=',
                stacklevel=2,
            )
        return -1
