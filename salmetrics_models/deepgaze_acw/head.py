"""The trained part of DeepGaze IIE-ACW: heads of all backbones, and weights per category."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.deepgaze.finaliser import Mixing
from salmetrics_models.deepgaze.head import Head
from salmetrics_models.deepgaze_acw.categories import MixingRule, mixed, shares

__all__ = ["CategoryHead"]


class CategoryHead(nn.Module):
    """Heads of all backbones of one fold, and the weights of the backbones in each category.

    Parameters
    ----------
    architecture
        Architecture of the network; its components are the instances.
    n_categories
        Number of categories of images.
    mixing
        "log-density" or "density", see `categories.mixed`.
    """

    def __init__(self, architecture: Architecture, n_categories: int, mixing: MixingRule) -> None:
        super().__init__()
        self.architecture, self.mixing = architecture, mixing
        self.heads = nn.ModuleList([Head(b, architecture) for b in architecture.backbones])
        self.category_weights = nn.Parameter(torch.zeros(n_categories, len(self.heads)))

    def log_densities(
        self,
        maps: Sequence[Tensor],
        grid: tuple[int, int],
        centre: Tensor,
        mixing: Mixing,
        categories: Sequence[int],
    ) -> Tensor:
        """Return log densities at the size of the map, shape (n, h, w).

        Parameters
        ----------
        maps
            Maps of all layers of the first backbone, then of the second, ...
        grid
            (height, width) of the readout.
        centre
            Log density of the centre bias at the map's pixels, shape (n or 1, h, w).
        mixing
            `Mixing` for the sizes of the map and of the image.
        categories
            Number of each image's category.
        """
        every = torch.arange(self.architecture.n_components, device=centre.device)
        logs, start = [], 0
        for backbone, head in zip(self.architecture.backbones, self.heads, strict=True):
            own = list(maps[start : start + len(backbone.layers)])
            start += len(backbone.layers)
            # Maps of all components at the size of the image would take gigabytes, so they are
            # computed again for the gradient.
            logs.append(
                checkpoint(
                    head.mixture,
                    own,
                    grid,
                    centre,
                    mixing,
                    every,
                    use_reentrant=False,
                    preserve_rng_state=False,  # the computation is not random
                )
            )
        return mixed(logs, shares(self.category_weights, categories), mixing, self.mixing)
