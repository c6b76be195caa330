"""DeepGaze networks whose backbones are weighed by the category of an image."""

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
from salmetrics_models.deepgaze_acw.categories import mixed, shares

__all__ = ["CategoryNetwork"]


class CategoryNetwork(DeepGazeNetwork):
    """Folds, each with components of its own, and weights of the backbones for each category.

    Parameters
    ----------
    architecture
        Of the network; its components are instance-major, so number c is of fold c modulo
        `n_folds`.
    n_folds
        Of all components.
    n_categories
        Of images.
    mixing
        As of `categories.mixed`.
    """

    def __init__(
        self, architecture: Architecture, n_folds: int, n_categories: int, mixing: str
    ) -> None:
        super().__init__(architecture)
        self.n_folds, self.mixing = n_folds, mixing
        n_backbones = len(architecture.backbones)
        # softmax over the backbones: each row begins with equal shares
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
        images, centre, components
            As of `DeepGazeNetwork`. Folds of the components are mixed with equal weights.
        categories
            Number of each image's category, -1 where it is unknown; None: unknown.
        """
        numbers = [-1] * len(images) if categories is None else list(categories)
        mixing, small = small_centre(self.architecture, centre)
        small = small.expand(len(images), -1, -1)
        # images with the same components, and one fold of those
        groups = [
            (list(rows), fold, own)
            for rows, chosen in self._groups(components, images)
            for fold, own in self._by_fold(chosen)
        ]

        def of_groups(branch: Branch) -> Tensor:
            """Return what one backbone says of each group, one after the other."""
            maps, grid = self.maps(branch, images)
            made = []
            for rows, _, own in groups:
                of_rows = [chosen_rows(m, rows) for m in maps]
                centres = chosen_rows(small, rows)
                made.append(branch.mixture(of_rows, grid, centres, mixing, own))
            return torch.cat(made)

        parts = self.by_branch(of_groups, images.device)
        of_images: list[list[Tensor]] = [[] for _ in numbers]
        lengths = [len(rows) for rows, _, _ in groups]
        split = zip(*(part.split(lengths) for part in parts), strict=True)
        for (rows, fold, _), logs in zip(groups, split, strict=True):
            weights = shares(self.category_weights[fold], [numbers[row] for row in rows])
            for row, log in zip(rows, mixed(logs, weights, mixing, self.mixing), strict=True):
                of_images[row].append(log)
        return mixing.enlarged(torch.stack([mean_of_logs(logs) for logs in of_images]))

    def _by_fold(self, components: Tensor) -> list[tuple[int, Tensor]]:
        """Return each fold of some components, and those of them that it has."""
        of_folds: dict[int, list[int]] = {}
        for number in components.tolist():
            of_folds.setdefault(number % self.n_folds, []).append(number)
        return [(fold, index(own, components.device)) for fold, own in sorted(of_folds.items())]

    def _made_of(self) -> tuple[Any, ...]:
        n_categories = self.category_weights.shape[1]
        return self.architecture, self.n_folds, n_categories, self.mixing
