"""Models by name: the entry-point group ``salmetrics.models`` and what this package puts there.

An entry point is a function ``make(argument, dataset)``, where argument is the text after the
colon of ``name:argument``, or None, and dataset is the data set the model is evaluated on.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import cast, get_args

from salmetrics.data.dataset import Dataset
from salmetrics.errors import CannotFitError, InputError, check_choice
from salmetrics.models.base import Model
from salmetrics.models.baselines import GaussianCentreBias, Uniform
from salmetrics.models.centre_bias import CentreBias, why_no_centre_bias
from salmetrics.models.gold_standard import GoldStandard, HoldOut

__all__ = [
    "centre_bias",
    "gaussian_centre_bias",
    "gold_standard",
    "named_model",
    "names",
    "uniform",
]

_GROUP = "salmetrics.models"


def names() -> list[str]:
    """Return the registered names, sorted."""
    return sorted({entry.name for entry in entry_points(group=_GROUP)})


def named_model(name: str, argument: str | None, dataset: Dataset) -> Model:
    """Make a registered model.

    Parameters
    ----------
    name
        Name of the entry point.
    argument
        Text that the entry point interprets; None if there is none.
    dataset
        Data set that the model is evaluated on.

    Returns
    -------
    model : DensityModel or SaliencyMapModel
        The model.

    Raises
    ------
    InputError
        If the name is unknown, the argument is invalid, or the model needs torch and it is not
        installed.
    """
    check_choice("model", name, names())
    (entry, *_) = entry_points(group=_GROUP, name=name)
    try:
        make = entry.load()
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "torchvision"):
            raise
        raise InputError(f"model {name!r} needs torch: pip install 'salmetrics[models]'") from error
    return make(argument, dataset)


def uniform(argument: str | None, dataset: Dataset) -> Uniform:
    """Make `Uniform`; takes no argument."""
    if argument is not None:
        raise InputError(f"model 'uniform' takes no argument; got {argument!r}")
    return Uniform()


def centre_bias(argument: str | None, dataset: Dataset) -> CentreBias:
    """Make a leave-one-image-out `CentreBias`, fitted, or with the bandwidth as argument."""
    if argument is None:
        return CentreBias.fit(dataset.stimuli, dataset.fixations)
    bandwidth = _number("centre-bias", argument)
    reason = why_no_centre_bias(dataset.fixations)
    if reason is not None:
        raise CannotFitError(f"{reason}; salmetrics.GaussianCentreBias() needs none")
    return CentreBias(dataset.stimuli, dataset.fixations, bandwidth=bandwidth)


def gold_standard(argument: str | None, dataset: Dataset) -> GoldStandard:
    """Fit a `GoldStandard`; the argument is "subject" (the default) or "fixation", held out.

    With "upper-bound", predictions hold out nothing: one density per image, for figures.
    """
    if argument == "upper-bound":
        return GoldStandard.fit(*dataset, upper_bound=True)
    hold_out = "subject" if argument is None else argument
    check_choice("the argument of gold-standard", hold_out, (*get_args(HoldOut), "upper-bound"))
    return GoldStandard.fit(*dataset, hold_out=cast(HoldOut, hold_out))


def gaussian_centre_bias(argument: str | None, dataset: Dataset) -> GaussianCentreBias:
    """Make a `GaussianCentreBias`; the argument is its sigma, 0.25 by default."""
    if argument is None:
        return GaussianCentreBias()
    return GaussianCentreBias(_number("gaussian-centre-bias", argument))


def _number(name: str, argument: str) -> float:
    try:
        return float(argument)
    except ValueError as error:
        raise InputError(f"model {name!r} takes a number; got {argument!r}") from error
