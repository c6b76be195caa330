"""Readouts of all backbones with the categories' weights, as the objective of a training."""

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
from salmetrics_models.training.loop.objective import Metric

__all__ = [
    "PREFIX",
    "CategoryBatch",
    "CategoryObjective",
    "CategorySamples",
    "JointFeatures",
    "column_of",
]

PREFIX = "weight:"  # of the log's columns of weights


@dataclass(frozen=True)
class CategoryBatch(Batch):
    """A batch of `Samples` with the numbers of the images' categories."""

    categories: tuple[int, ...] = ()


class JointFeatures:
    """Features of several backbones, one after the other.

    Parameters
    ----------
    features
        Features of each backbone, all for the same images.
    """

    def __init__(self, features: Sequence[Features]) -> None:
        self._features = list(features)

    def maps(self, numbers: Sequence[int]) -> list[Tensor]:
        """Return the maps of all layers of the first backbone, then of the second, ..."""
        return [m for features in self._features for m in features.maps(numbers)]


class CategorySamples(Samples):
    """Images with the features of all backbones and with their categories.

    Attributes
    ----------
    categories
        Number of the category of each image of the data set; set after construction.
    """

    categories: list[int]

    def batch(self, images: Sequence[int]) -> CategoryBatch:
        """Return a batch on the CPU."""
        batch = super().batch(images)
        values = {name: getattr(batch, name) for name in batch.__dataclass_fields__}
        return CategoryBatch(**values, categories=tuple(self.categories[i] for i in images))


class CategoryObjective(LikelihoodObjective):
    """Readouts of all backbones with the categories' weights, which learn faster.

    Parameters
    ----------
    head
        Head of one fold.
    categories
        Names of the categories.
    rate
        Factor between the learning rate of the readouts and that of the categories' weights.
    metrics
        See `LikelihoodObjective`.
    """

    def __init__(
        self, head: CategoryHead, categories: Sequence[str], rate: float, metrics: Sequence[Metric]
    ) -> None:
        super().__init__(metrics)
        self.module = self._head = head
        self._categories, self._rate = tuple(categories), rate

    def groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Return the parameters of readouts and of categories with their learning rates."""
        return [
            {"params": list(self._head.heads.parameters()), "lr": learning_rate},
            {"params": [self._head.category_weights], "lr": learning_rate * self._rate},
        ]

    def log_densities(self, batch: Batch) -> Tensor:
        """Return log densities at the map's pixels, nats, shape (n, h, w)."""
        assert isinstance(batch, CategoryBatch)
        return self._head.log_densities(
            batch.maps, batch.grid, batch.centre, batch.mixing, batch.categories
        )

    def constrain(self) -> None:
        """Keep the widths of blurs in the range that their matrices allow."""
        for head in self._head.heads:
            head.finaliser.constrain()  # type: ignore[operator, union-attr]

    def facts(self) -> dict[str, float]:
        """Return mean blur, mean weight of the centre bias, and the shares of the backbones."""
        by_head = [head.finaliser.facts() for head in self._head.heads]  # type: ignore[operator, union-attr]
        facts = {key: float(np.mean([own[key] for own in by_head])) for key in by_head[0]}
        shares = torch.softmax(self._head.category_weights.detach().double(), dim=-1).cpu()
        names = [backbone.name for backbone in self._head.architecture.backbones]
        for category, row in zip(self._categories, shares.tolist(), strict=True):
            for name, share in zip(names, row, strict=True):
                facts[column_of(category, name)] = share
        return facts


def column_of(category: str, backbone: str) -> str:
    """Return the name of the log's column with a backbone's share in a category."""
    return f"{PREFIX}{category}:{backbone}"
