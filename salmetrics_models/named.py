"""DeepGaze by name on the command line: ``deepgaze2e:FILE,option=value,...``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from salmetrics.dataset import Dataset
from salmetrics.errors import InputError, check_choice
from salmetrics.models.centre_bias import CentreBias
from salmetrics_models.checkpoints import cached
from salmetrics_models.deepgaze import DeepGaze, DeepGazeI
from salmetrics_models.deepgaze2 import DeepGazeII
from salmetrics_models.deepgaze2e import DeepGazeIIE

__all__ = ["deepgaze1", "deepgaze2", "deepgaze2e"]


def deepgaze1(argument: str | None, dataset: Dataset) -> DeepGaze:
    """Make `DeepGazeI`; the argument is as of `deepgaze2e`."""
    return _made(DeepGazeI, argument, dataset)


def deepgaze2(argument: str | None, dataset: Dataset) -> DeepGaze:
    """Make `DeepGazeII`; the argument is as of `deepgaze2e`, but there are no published weights."""
    first = (argument or "").split(",")[0]
    if not first or "=" in first:  # no file, or an option at once
        raise InputError("deepgaze2 has no published weights; give a file: deepgaze2:FILE")
    return _made(DeepGazeII, argument, dataset)


def deepgaze2e(argument: str | None, dataset: Dataset) -> DeepGaze:
    """Make `DeepGazeIIE`.

    Parameters
    ----------
    argument
        Path of the weights (none: the published ones, got if need be; "random": random ones) and
        options, all between commas: ``centre=FILE.npy``, ``centre=uniform``, ``centre=mit1003``
        (the published one), by default the data set's own, each image left out; ``device``,
        ``dtype``, ``batch_size``, ``pixels_per_degree``, ``autocast=yes``, ``seed``.
    dataset
        Whose fixations the centre bias is fitted to.
    """
    return _made(DeepGazeIIE, argument, dataset)


def _yes(text: str) -> bool:
    check_choice("autocast", text, ("yes", "no"))
    return text == "yes"


_OPTIONS: dict[str, Callable[[str], Any]] = {
    "autocast": _yes,
    "batch_size": int,
    "centre": str,
    "device": str,
    "dtype": str,
    "pixels_per_degree": float,
    "seed": int,
}


def _made(kind: type[DeepGaze], argument: str | None, dataset: Dataset) -> DeepGaze:
    first, *rest = (argument or "").split(",")
    if "=" in first:
        first, rest = "", [first, *rest]
    options: dict[str, Any] = {}
    for part in rest:
        name, _, text = part.partition("=")
        check_choice(f"option of {kind.default_name}", name, _OPTIONS)
        try:
            options[name] = _OPTIONS[name](text)
        except InputError:
            raise
        except ValueError as error:
            raise InputError(f"{kind.default_name}: {name} can't be {text!r}") from error
    centre = options.pop("centre", None)
    weights = {"": cached, "random": lambda _: None}.get(first, lambda _: Path(first))(
        kind.default_name
    )
    return kind(weights, centre_bias=_centre(centre, dataset), **options)


def _centre(given: str | None, dataset: Dataset) -> Any:
    if given == "mit1003":
        return cached("centerbias_mit1003")
    if given is not None:
        return given
    if len(dataset.fixations) == 0:
        raise InputError(
            "there are no fixations to fit a centre bias to; give centre=FILE.npy or "
            "centre=uniform (--centre-bias)"
        )
    return CentreBias.fit(*dataset)
