"""DeepGaze networks whose backbones are weighted by the category of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.deepgaze.head import mean_of_logs, small_centre
from salmetrics_models.deepgaze.network import (
    Branch,
    Components,
    DeepGazeNetwork,
    chosen_rows,
    index,
)
from salmetrics_models.deepgaze_acw.categories import MixingRule, mixed, shares

__all__ = ["CategoryNetwork"]


class CategoryNetwork(DeepGazeNetwork):
    """Folds with components of their own, and with weights of the backbones for each category.

    Parameters
    ----------
    architecture
        Architecture of the network; its components are instance-major, so component c belongs to
        fold c modulo `n_folds`.
    n_folds
        Number of folds.
    n_categories
        Number of categories of images.
    mixing
        "log-density" or "density", see `categories.mixed`.
    """

    def __init__(
        self, architecture: Architecture, n_folds: int, n_categories: int, mixing: MixingRule
    ) -> None:
        super().__init__(architecture)
        self.n_folds, self.mixing = n_folds, mixing
        n_backbones = len(architecture.backbones)
        # softmax over the backbones: each row starts with equal shares
        self.category_weights = nn.Parameter(torch.zeros(n_folds, n_categories, n_backbones))

    def forward(
        self,
        images: Tensor,
        centre: Tensor,
        components: Components | None = None,
        categories: Sequence[int] | None = None,
    ) -> Tensor:
        """Return log densities, shape (n, h, w).

        Parameters
        ----------
        images
            RGB from 0 to 255, shape (n, 3, h, w).
        centre
            Log density of the centre bias, shape (n, h, w) or (1, h, w).
        components
            Indices of the components to mix, of each backbone: the same for all images, or one
            sequence for each image; by default all. Their folds are mixed with equal weights.
        categories
            Number of each image's category, -1 if it is unknown; by default all are unknown.
        """
        numbers = [-1] * len(images) if categories is None else list(categories)
        mixing, small = small_centre(self.architecture, centre)
        small = small.expand(len(images), -1, -1)
        # images with the same components, and one fold of those
        groups = [
            (list(rows), fold, own)
            for rows, mixed_components in self._groups(components, images)
            for fold, own in self._by_fold(mixed_components)
        ]

        def mixtures(branch: Branch) -> Tensor:
            """Return the mixtures of one backbone for the images of all groups in a row."""
            maps, grid = self.maps(branch, images)
            logs = []
            for rows, _, own in groups:
                own_maps = [chosen_rows(m, rows) for m in maps]
                centres = chosen_rows(small, rows)
                logs.append(branch.mixture(own_maps, grid, centres, mixing, own))
            return torch.cat(logs)

        parts = self.by_branch(mixtures, images.device)
        by_image: list[list[Tensor]] = [[] for _ in numbers]
        lengths = [len(rows) for rows, _, _ in groups]
        split = zip(*(part.split(lengths) for part in parts), strict=True)
        for (rows, fold, _), logs in zip(groups, split, strict=True):
            weights = shares(self.category_weights[fold], [numbers[row] for row in rows])
            for row, log in zip(rows, mixed(logs, weights, mixing, self.mixing), strict=True):
                by_image[row].append(log)
        return mixing.enlarged(torch.stack([mean_of_logs(logs) for logs in by_image]))

    def _by_fold(self, components: Tensor) -> list[tuple[int, Tensor]]:
        """Return the folds of components, in order, each with its components."""
        by_fold: dict[int, list[int]] = {}
        for number in components.tolist():
            by_fold.setdefault(number % self.n_folds, []).append(number)
        return [(fold, index(own, components.device)) for fold, own in sorted(by_fold.items())]

    def _arguments(self) -> tuple[Any, ...]:
        n_categories = self.category_weights.shape[1]
        return self.architecture, self.n_folds, n_categories, self.mixing
