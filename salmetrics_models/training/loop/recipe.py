"""How something is trained: rates, batches, when to stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR, ReduceLROnPlateau

from salmetrics.errors import InputError, check_choice, check_list, check_whole, is_number

__all__ = ["RECIPES", "Recipe", "as_recipe", "named_recipe"]

_BACK = 5  # epochs that the rule of DeepGaze II looks back
_WORSE = 3  # epochs in turn that have to be worse than those


@dataclass(frozen=True)
class Recipe:
    """How something is trained.

    Attributes
    ----------
    learning_rate
        The first one.
    optimizer
        "adam", or "sgd".
    momentum
        Of "sgd".
    weight_decay
        Added to the gradient: so much of each weight.
    schedule
        "steps": times `decay` after each epoch of `milestones`; "plateau": times `decay` after
        more than `patience` epochs in turn that are no better than the best on the validation
        images, as torch's ReduceLROnPlateau.
    milestones, decay, patience
        See `schedule`.
    min_learning_rate
        Training stops when the rate is below it; 0: never.
    stopping
        "three-worse", the rule of DeepGaze II: after an epoch t >= min_epochs if validation was
        worse in each of the last three epochs than five epochs before it; or "none".
    min_epochs, max_epochs
        Of training; see `stopping`, which needs 7 epochs at least.
    keep
        Which epoch's readout is the result: "best" on the validation images, or "last".
    batch_size
        Images of one size that make a batch.
    accumulate
        Batches that make a step.
    average
        What counts alike: each "image", or each "fixation".
    downsample
        Of the images; None: that of the architecture.

    Raises
    ------
    InputError
        For values that can't be.
    """

    learning_rate: float = 1e-3
    optimizer: str = "adam"
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "steps"
    milestones: tuple[int, ...] = ()
    decay: float = 0.1
    patience: int = 5
    min_learning_rate: float = 0.0
    stopping: str = "none"
    min_epochs: int = 20
    max_epochs: int = 800
    keep: str = "best"
    batch_size: int = 4
    accumulate: int = 1
    average: str = "image"
    downsample: float | None = None

    def __post_init__(self) -> None:
        check_choice("optimizer", self.optimizer, ("adam", "sgd"))
        check_choice("schedule", self.schedule, ("steps", "plateau"))
        check_choice("stopping", self.stopping, ("none", "three-worse"))
        check_choice("keep", self.keep, ("best", "last"))
        check_choice("average", self.average, ("image", "fixation"))
        _check_between("learning_rate", self.learning_rate, 0, 10, ends=False)
        _check_between("min_learning_rate", self.min_learning_rate, 0, 10)
        _check_between("momentum", self.momentum, 0, 1)
        _check_between("weight_decay", self.weight_decay, 0, 1)
        _check_between("decay", self.decay, 0, 1, ends=False)
        if self.downsample is not None:
            _check_between("downsample", self.downsample, 1, 100)
        for name in ("patience", "max_epochs", "batch_size", "accumulate"):
            check_whole(name, getattr(self, name), 1)
        check_whole("min_epochs", self.min_epochs, 0)
        milestones = [
            check_whole("milestones", m, 1) for m in check_list("milestones", self.milestones)
        ]
        if sorted(set(milestones)) != milestones:
            raise InputError(f"milestones must go up; got {milestones}")
        object.__setattr__(self, "milestones", tuple(milestones))

    @property
    def looks_at_validation(self) -> bool:
        """Whether it needs images that are not trained on."""
        return self.keep == "best" or self.stopping != "none" or self.schedule == "plateau"

    def changed(self, **values: Any) -> Recipe:
        """Return this recipe with other values.

        Raises
        ------
        InputError
            For names that a recipe has not.
        """
        for name in values:
            check_choice("entry of a recipe", name, [field.name for field in fields(self)])
        return replace(self, **values)

    def as_dict(self) -> dict[str, Any]:
        """Return all entries, as JSON can hold them."""
        return asdict(self) | {"milestones": list(self.milestones)}

    def optimizer_of(self, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
        """Return what changes parameters, each group with its own learning rate."""
        decay = self.weight_decay
        if self.optimizer == "sgd":
            return torch.optim.SGD(groups, momentum=self.momentum, weight_decay=decay)
        return torch.optim.Adam(groups, weight_decay=decay)

    def scheduler(self, optimizer: torch.optim.Optimizer) -> LRScheduler:
        """Return what changes the learning rate of an optimizer."""
        if self.schedule == "plateau":
            return ReduceLROnPlateau(
                optimizer,
                mode="max",
                factor=self.decay,
                patience=self.patience,
                threshold=0.0,
                eps=0.0,
            )
        return MultiStepLR(optimizer, list(self.milestones), self.decay)

    def is_done(self, validation: Sequence[float], learning_rate: float) -> bool:
        """Whether training stops.

        Parameters
        ----------
        validation
            Score on the validation images before training and after each epoch; higher is better.
        learning_rate
            Of the next epoch.
        """
        epoch = len(validation) - 1
        if epoch >= self.max_epochs or learning_rate < self.min_learning_rate:
            return True
        if self.stopping == "none" or epoch < max(self.min_epochs, _BACK + _WORSE - 1):
            return False
        return all(validation[-1 - i] < validation[-1 - i - _BACK] for i in range(_WORSE))


def as_recipe(given: Recipe | str, name: str = "recipe") -> Recipe:
    """Return a recipe, or that of `RECIPES` with a name; raise `InputError` for anything else."""
    if isinstance(given, Recipe):
        return given
    if not isinstance(given, str):
        raise InputError(f"{name} must be a Recipe, or the name of one; got {given!r}")
    return named_recipe(given)


def _check_between(name: str, value: Any, least: float, most: float, *, ends: bool = True) -> None:
    if not is_number(value) or not least <= value <= most or (value in (least, most) and not ends):
        words = "from {} to {}" if ends else "above {} and below {}"
        raise InputError(f"{name} must be a number {words.format(least, most)}; got {value!r}")


_SGD = Recipe(learning_rate=0.01, optimizer="sgd", weight_decay=1e-4, keep="last")
_STEPS = Recipe(min_learning_rate=1e-7, keep="last")

RECIPES = {
    "deepgaze2-pretraining": Recipe(
        stopping="three-worse", batch_size=100, average="fixation", downsample=2
    ),
    "deepgaze2-fine-tuning": Recipe(
        stopping="three-worse", batch_size=10, average="fixation", downsample=2
    ),
    "deepgaze2e-pretraining": replace(_STEPS, milestones=(15, 30, 45, 60, 75), downsample=1.5),
    "deepgaze2e-fine-tuning": replace(_STEPS, milestones=(3, 6, 9, 12, 15), downsample=2),
    "deepgaze2e-acw": Recipe(
        learning_rate=1e-4, schedule="plateau", min_learning_rate=2e-6, batch_size=2, max_epochs=200
    ),
    "emlnet-encoder": replace(_SGD, milestones=(5,), max_epochs=10, batch_size=8),
    "emlnet-decoder": replace(_SGD, milestones=(3,), max_epochs=5, batch_size=32),
}
"""Those of the papers.

DeepGaze II (Kümmerer, Wallis, Gatys and Bethge 2017) was trained with another optimizer; batches,
the rule that stops it, and what is averaged are the paper's; the rate, and that the best epoch is
kept, are ours. The paper of DeepGaze IIE (Linardos, Kümmerer, Press and Bethge 2021) gives the
first rate, the decay and the downsampling; milestones, batches, average and the last rate are those
of the authors' public code for DeepGaze III, a later model of the same kind. That of DeepGaze
IIE-ACW (Galván Díaz 2024) stops when the rate is 1e-6. Those of EML-NET (Jia and Bruce 2018) are
the paper's but for the first rate, 0.1 there: the authors' code has 0.1 with mean squares, and 0.01
with the paper's loss.
"""


def named_recipe(name: str, **changes: Any) -> Recipe:
    """Return a recipe of `RECIPES`, with other values perhaps."""
    check_choice("recipe", name, RECIPES)
    return RECIPES[name].changed(**changes)
