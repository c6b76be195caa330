"""Recipes of trainings: learning rates, batches, and the rule for stopping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

import torch
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR, ReduceLROnPlateau

from salmetrics.errors import InputError, check_choice, check_list, check_whole, is_number

__all__ = ["RECIPES", "Average", "Recipe", "as_recipe", "named_recipe"]

Average = Literal["image", "fixation"]
Keep = Literal["best", "last"]
Optimizer = Literal["adam", "sgd"]
Schedule = Literal["steps", "plateau"]
Stopping = Literal["none", "three-worse"]

AVERAGES: tuple[Average, ...] = get_args(Average)
KEPT: tuple[Keep, ...] = get_args(Keep)
OPTIMIZERS: tuple[Optimizer, ...] = get_args(Optimizer)
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)
STOPPING: tuple[Stopping, ...] = get_args(Stopping)

_BACK = 5  # how many epochs the rule of DeepGaze II looks back
_WORSE = 3  # how many epochs in a row have to be worse than those


@dataclass(frozen=True)
class Recipe:
    """How a module is trained.

    Parameters
    ----------
    learning_rate
        Learning rate of the first epoch.
    optimizer
        "adam" or "sgd".
    momentum
        Momentum of "sgd".
    weight_decay
        Share of each weight that is added to its gradient.
    schedule
        When the learning rate is multiplied by `decay`. "steps": after each epoch in `milestones`.
        "plateau": after more than `patience` epochs in a row without a better validation score, as
        in torch's ReduceLROnPlateau.
    milestones, decay, patience
        See `schedule`.
    min_learning_rate
        Learning rate below which training stops; 0: it never stops for this reason.
    stopping
        "three-worse", the rule of DeepGaze II: training stops after an epoch t >= `min_epochs` if
        the validation score of each of the last three epochs is worse than five epochs before it.
        Or "none".
    min_epochs, max_epochs
        Fewest and most epochs; "three-worse" needs at least 7 epochs.
    keep
        Which epoch is the result: "best" on the validation images, or "last".
    batch_size
        Number of images in a batch; all images of a batch have one size.
    accumulate
        Number of batches in a step of the optimiser.
    average
        What counts equally in the loss: each "image" or each "fixation".
    downsample
        Factor by which images are made smaller; None: that of the architecture.

    Raises
    ------
    InputError
        For invalid values.

    See Also
    --------
    RECIPES : The recipes of the papers.

    Examples
    --------
    >>> recipe = Recipe(learning_rate=0.01, milestones=(8, 12), max_epochs=15)
    >>> recipe.looks_at_validation  # it keeps the epoch that is best on validation images
    True
    >>> recipe.changed(keep="last").looks_at_validation
    False
    """

    learning_rate: float = 1e-3
    optimizer: Optimizer = "adam"
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: Schedule = "steps"
    milestones: tuple[int, ...] = ()
    decay: float = 0.1
    patience: int = 5
    min_learning_rate: float = 0.0
    stopping: Stopping = "none"
    min_epochs: int = 20
    max_epochs: int = 800
    keep: Keep = "best"
    batch_size: int = 4
    accumulate: int = 1
    average: Average = "image"
    downsample: float | None = None

    def __post_init__(self) -> None:
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_choice("stopping", self.stopping, STOPPING)
        check_choice("keep", self.keep, KEPT)
        check_choice("average", self.average, AVERAGES)
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
            raise InputError(f"milestones must be in ascending order; got {milestones}")
        object.__setattr__(self, "milestones", tuple(milestones))

    @property
    def looks_at_validation(self) -> bool:
        """Whether the recipe needs validation images.

        Returns
        -------
        needed : bool
            True if the best epoch is kept, or the schedule or the rule for stopping depends on
            validation scores.
        """
        return self.keep == "best" or self.stopping != "none" or self.schedule == "plateau"

    def changed(self, **values: Any) -> Recipe:
        """Return this recipe with some values replaced.

        Parameters
        ----------
        **values
            New values by the names of the parameters.

        Returns
        -------
        recipe : Recipe
            A new recipe; this one stays as it is.

        Raises
        ------
        InputError
            For unknown names or invalid values.
        """
        for name in values:
            check_choice("entry of a recipe", name, [field.name for field in fields(self)])
        return replace(self, **values)

    def as_dict(self) -> dict[str, Any]:
        """Return all values by name.

        Returns
        -------
        values : dict
            Serialisable as JSON.
        """
        return asdict(self) | {"milestones": list(self.milestones)}

    def optimizer_of(self, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
        """Return an optimiser of some parameters.

        Parameters
        ----------
        groups
            Groups of parameters, each with its own learning rate, as torch's optimisers take them.

        Returns
        -------
        optimizer : torch.optim.Optimizer
            Adam or SGD.
        """
        decay = self.weight_decay
        if self.optimizer == "sgd":
            return torch.optim.SGD(groups, momentum=self.momentum, weight_decay=decay)
        return torch.optim.Adam(groups, weight_decay=decay)

    def scheduler(self, optimizer: torch.optim.Optimizer) -> LRScheduler:
        """Return the scheduler of an optimiser's learning rates.

        Parameters
        ----------
        optimizer
            See `optimizer_of`.

        Returns
        -------
        scheduler : torch.optim.lr_scheduler.LRScheduler
            ReduceLROnPlateau, whose step takes the validation score, or MultiStepLR.
        """
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
        """Return whether training stops.

        Parameters
        ----------
        validation
            Validation scores before training and after each epoch; higher is better.
        learning_rate
            Learning rate of the next epoch.

        Returns
        -------
        done : bool
            True if no further epoch is trained.
        """
        epoch = len(validation) - 1
        if epoch >= self.max_epochs or learning_rate < self.min_learning_rate:
            return True
        if self.stopping == "none" or epoch < max(self.min_epochs, _BACK + _WORSE - 1):
            return False
        return all(validation[-1 - i] < validation[-1 - i - _BACK] for i in range(_WORSE))


def as_recipe(given: Recipe | str, name: str = "recipe") -> Recipe:
    """Return a recipe, looked up in `RECIPES` if its name is given.

    Parameters
    ----------
    given
        Recipe, or a name in `RECIPES`.
    name
        Name of the argument in messages.

    Raises
    ------
    InputError
        For an unknown name or anything else.
    """
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
"""The recipes of the papers, by name.

- DeepGaze II (Kümmerer, Wallis, Gatys and Bethge 2017, doi:10.1109/ICCV.2017.513): batches, the
  rule for stopping, and what is averaged are the paper's. Its optimiser was another one; the
  learning rate, and keeping the best epoch, are ours.
- DeepGaze IIE (Linardos, Kümmerer, Press and Bethge 2021, ICCV, arXiv:2105.12441): the paper gives
  the first learning rate, the decay and the downsampling. Milestones, batches, average and the last
  learning rate are those of the authors' public code for DeepGaze III, a later model of the same
  kind.
- DeepGaze IIE-ACW (Galván Díaz 2024): training stops at a learning rate of 1e-6.
- EML-NET (Jia and Bruce 2018, arXiv:1805.01047): all values are the paper's except for the first
  learning rate. The paper has 0.1; the authors' code has 0.1 with mean squares, and 0.01 with the
  paper's loss.
"""


def named_recipe(name: str, **changes: Any) -> Recipe:
    """Return a recipe of `RECIPES`, with some values replaced if `changes` has any.

    Parameters
    ----------
    name
        Name of the recipe.
    **changes
        New values by the names of the parameters of `Recipe`.

    Returns
    -------
    recipe : Recipe
        The recipe of that name, changed.

    Raises
    ------
    InputError
        For an unknown recipe, unknown names of values, or invalid values.

    Examples
    --------
    >>> named_recipe("deepgaze2e-fine-tuning").milestones
    (3, 6, 9, 12, 15)
    >>> named_recipe("deepgaze2e-fine-tuning", batch_size=8).batch_size
    8
    """
    check_choice("recipe", name, RECIPES)
    return RECIPES[name].changed(**changes)
