"""Backbones weighed by the category of an image: which categories there are, and the mixture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from salmetrics.data.stimuli import Stimulus
from salmetrics.errors import InputError, check_list
from salmetrics_models.deepgaze.finaliser import Mixing

__all__ = ["CAT2000", "MIXINGS", "category_of", "checked_categories", "mixed", "shares"]

CAT2000 = (
    "Action",
    "Affective",
    "Art",
    "BlackWhite",
    "Cartoon",
    "Fractal",
    "Indoor",
    "Inverted",
    "Jumbled",
    "LineDrawing",
    "LowResolution",
    "Noisy",
    "Object",
    "OutdoorManMade",
    "OutdoorNatural",
    "Pattern",
    "Random",
    "Satellite",
    "Sketch",
    "Social",
)
"""Categories of CAT2000 (Borji and Itti 2015), as its folders are called."""

MIXINGS = ("log-density", "density")


def category_of(stimulus: Stimulus) -> str | None:
    """Return the category of an image, its attribute "category"; None if it has none."""
    found: Any = stimulus.attributes.get("category")
    return None if found is None else str(found)


def checked_categories(categories: Sequence[str]) -> tuple[str, ...]:
    """Return names of categories; raise `InputError` unless they are different texts."""
    names = tuple(check_list("categories", categories))
    wrong = [name for name in names if not isinstance(name, str) or not name]
    if not names or wrong or len(set(names)) < len(names):
        raise InputError(
            f"categories must be different names, at least one; got {list(names)!r:.200}"
        )
    return names


def shares(weights: Tensor, categories: Sequence[int]) -> Tensor:
    """Return the shares of the backbones for images, shape (n, backbones), rows of sum 1.

    Parameters
    ----------
    weights
        As they are learnt, shape (categories, backbones).
    categories
        Number of each image's category; -1 where it is unknown: the mean over all is taken.
    """
    of_categories = torch.softmax(weights, dim=-1)
    unknown = of_categories.mean(0)
    return torch.stack([unknown if c < 0 else of_categories[c] for c in categories])


def mixed(logs: Sequence[Tensor], weights: Tensor, mixing: Mixing, how: str) -> Tensor:
    """Return the log of the mixture of densities, shape (n, h, w), normalised over the image.

    Parameters
    ----------
    logs
        Normalised log densities of each backbone, shape (n, h, w).
    weights
        Of the backbones, shape (n, backbones), rows of sum 1.
    mixing
        What normalises maps of this size.
    how
        "log-density": log densities are averaged, and normalised again; "density": densities are.
    """
    columns = weights.T[..., None, None]
    if how == "density":
        # a share that is 0 in this type has no logarithm, and no gradient
        known = columns.clamp(min=torch.finfo(columns.dtype).tiny).log()
        stacked = torch.stack([log + w for log, w in zip(logs, known, strict=True)])
        return torch.logsumexp(stacked, dim=0)
    total = torch.stack([log * w for log, w in zip(logs, columns, strict=True)]).sum(0)
    return mixing.component_densities(total)
