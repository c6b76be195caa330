"""Readouts of all backbones and the weights of categories, as the objective of a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from salmetrics_models.deepgaze_acw.head import CategoryHead
from salmetrics_models.training.inputs.features import Features
from salmetrics_models.training.inputs.samples import Batch, Samples
from salmetrics_models.training.likelihood import LikelihoodObjective

__all__ = [
    "PREFIX",
    "CategoryBatch",
    "CategoryObjective",
    "CategorySamples",
    "JointFeatures",
    "column_of",
]

PREFIX = "weight:"  # of columns of the log


@dataclass(frozen=True)
class CategoryBatch(Batch):
    """A batch of `Samples`, and the numbers of the images' categories."""

    categories: tuple[int, ...] = ()


class JointFeatures:
    """Features of several backbones, one after the other.

    Parameters
    ----------
    of_backbones
        Of the same images.
    """

    def __init__(self, of_backbones: Sequence[Features]) -> None:
        self._of_backbones = list(of_backbones)

    def maps(self, numbers: Sequence[int]) -> list[Tensor]:
        """Return the maps of all layers of the first backbone, of the second, ..."""
        return [m for features in self._of_backbones for m in features.maps(numbers)]


class CategorySamples(Samples):
    """Images with features of all backbones, and their categories.

    Attributes
    ----------
    categories
        Number of each image's category; to be set.
    """

    categories: list[int]

    def batch(self, images: Sequence[int]) -> CategoryBatch:
        """Return a batch, on the CPU."""
        made = super().batch(images)
        own = {name: getattr(made, name) for name in made.__dataclass_fields__}
        return CategoryBatch(**own, categories=tuple(self.categories[i] for i in images))


class CategoryObjective(LikelihoodObjective):
    """Readouts of all backbones and the weights of categories, which learn faster.

    Parameters
    ----------
    head
        Of one fold.
    categories
        Their names.
    rate
        Times the learning rate: that of the weights of categories.
    metrics
        As of `LikelihoodObjective`.
    """

    def __init__(
        self, head: CategoryHead, categories: Sequence[str], rate: float, metrics: Sequence[str]
    ) -> None:
        super().__init__(metrics)
        self.module = self._head = head
        self._categories, self._rate = tuple(categories), rate

    def groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Return readouts, and weights of categories, with their rates."""
        return [
            {"params": list(self._head.heads.parameters()), "lr": learning_rate},
            {"params": [self._head.category_weights], "lr": learning_rate * self._rate},
        ]

    def log_densities(self, batch: Batch) -> Tensor:
        """Return log densities at the map's pixels, shape (n, h, w)."""
        assert isinstance(batch, CategoryBatch)
        return self._head.log_densities(
            batch.maps, batch.grid, batch.centre, batch.mixing, batch.categories
        )

    def constrain(self) -> None:
        """Keep blurs where matrices can hold them."""
        for head in self._head.heads:
            head.finaliser.constrain()  # type: ignore[operator, union-attr]

    def facts(self) -> dict[str, float]:
        """Return the blur and the weight of the centre bias, means; and shares of backbones."""
        of_heads = [head.finaliser.facts() for head in self._head.heads]  # type: ignore[operator, union-attr]
        found = {key: float(np.mean([own[key] for own in of_heads])) for key in of_heads[0]}
        shares = torch.softmax(self._head.category_weights.detach().double(), dim=-1).cpu()
        names = [backbone.name for backbone in self._head.architecture.backbones]
        for category, row in zip(self._categories, shares.tolist(), strict=True):
            for name, share in zip(names, row, strict=True):
                found[column_of(category, name)] = share
        return found


def column_of(category: str, backbone: str) -> str:
    """Return the column of the log that has a backbone's share in a category."""
    return f"{PREFIX}{category}:{backbone}"
