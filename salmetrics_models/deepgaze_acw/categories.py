"""Categories of images, and mixtures of backbones that are weighted by category."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from salmetrics.data.stimuli import Stimulus
from salmetrics.errors import InputError, check_list
from salmetrics_models.deepgaze.finaliser import Mixing

__all__ = [
    "CAT2000",
    "MIXINGS",
    "MixingRule",
    "category_of",
    "checked_categories",
    "mixed",
    "shares",
]

MixingRule = Literal["log-density", "density"]
MIXINGS: tuple[MixingRule, ...] = get_args(MixingRule)

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
"""Categories of CAT2000 (Borji and Itti 2015), with the names of its folders."""


def category_of(stimulus: Stimulus) -> str | None:
    """Return the attribute "category" of an image; None if it has no such attribute."""
    category: Any = stimulus.attributes.get("category")
    return None if category is None else str(category)


def checked_categories(categories: Sequence[str]) -> tuple[str, ...]:
    """Return names of categories as a tuple; raise `InputError` unless they are different texts."""
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
        Learnt weights before the softmax, shape (categories, backbones).
    categories
        Number of each image's category; -1 if it is unknown, for the mean share over categories.
    """
    by_category = torch.softmax(weights, dim=-1)
    unknown = by_category.mean(0)
    return torch.stack([unknown if c < 0 else by_category[c] for c in categories])


def mixed(logs: Sequence[Tensor], weights: Tensor, mixing: Mixing, rule: MixingRule) -> Tensor:
    """Return the log of the mixture of densities, shape (n, h, w), normalised over the image.

    Parameters
    ----------
    logs
        Normalised log densities of each backbone, shape (n, h, w).
    weights
        Shares of the backbones, shape (n, backbones), rows of sum 1.
    mixing
        `Mixing` that normalises maps of this size.
    rule
        "log-density" averages log densities, and normalises the result; "density" averages
        densities.
    """
    columns = weights.T[..., None, None]
    if rule == "density":
        # a share that underflows to 0 has neither logarithm nor gradient
        known = columns.clamp(min=torch.finfo(columns.dtype).tiny).log()
        stacked = torch.stack([log + w for log, w in zip(logs, known, strict=True)])
        return torch.logsumexp(stacked, dim=0)
    total = torch.stack([log * w for log, w in zip(logs, columns, strict=True)]).sum(0)
    return mixing.component_densities(total)
