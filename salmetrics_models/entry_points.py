"""Models by name on the command line: ``deepgaze2e:FILE,option=value,...``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

from salmetrics.data.dataset import Dataset
from salmetrics.data.folds import Folds, mit1003
from salmetrics.errors import InputError, check_choice
from salmetrics.models.base import DensityModel, SaliencyMapModel
from salmetrics.models.centre_bias import CentreBias
from salmetrics_models.deepgaze.deepgaze2 import DeepGazeII
from salmetrics_models.deepgaze.deepgaze2e import DeepGazeIIE
from salmetrics_models.deepgaze.folded import FoldedDeepGaze
from salmetrics_models.deepgaze.model import DeepGaze, DeepGazeI
from salmetrics_models.deepgaze.readout_model import ReadoutModel
from salmetrics_models.deepgaze_acw.model import DeepGazeIIEACW
from salmetrics_models.emlnet.model import EMLNet
from salmetrics_models.weights.published_files import cached

__all__ = ["deepgaze1", "deepgaze2", "deepgaze2e", "deepgaze2e_acw", "emlnet", "readout"]


def deepgaze1(argument: str | None, dataset: Dataset) -> DensityModel:
    """Make `DeepGazeI`; the argument is as of `deepgaze2e`."""
    return _made(DeepGazeI, argument, dataset)


def deepgaze2(argument: str | None, dataset: Dataset) -> DensityModel:
    """Make `DeepGazeII`; the argument is as of `deepgaze2e`, but there are no published weights."""
    first, _ = _parsed(DeepGazeII.default_name, argument or "")
    if not first:
        raise InputError("deepgaze2 has no published weights; give a file: deepgaze2:FILE")
    return _made(DeepGazeII, argument, dataset)


def deepgaze2e(argument: str | None, dataset: Dataset) -> DensityModel:
    """Make `DeepGazeIIE`.

    Parameters
    ----------
    argument
        Path of the weights (none: the published ones, got if need be; "random": random ones) and
        options, all between commas: ``centre=FILE.npy``, ``uniform``, ``gaussian``, ``mit1003``
        (the published one), by default the data set's own, each image left out; ``device``,
        ``dtype``, ``batch_size``, ``n_threads``, ``autocast=yes``, ``seed``;
        ``pixels_per_degree``, a number, or ``dataset`` for the data set's. Components:
        ``fold``, ``instance``, or ``folds=FILE.csv`` (of `salmetrics.Folds.save`) or
        ``folds=mit1003``, by which each image is predicted by those that did not train on it, and
        ``unknown``; ``component_order`` and ``fold_offset``.
    dataset
        Whose fixations the centre bias is fitted to.
    """
    return _made(DeepGazeIIE, argument, dataset)


def deepgaze2e_acw(argument: str | None, dataset: Dataset) -> DensityModel:
    """Make `DeepGazeIIEACW`.

    Parameters
    ----------
    argument
        As of `deepgaze2e`, but the file of a training has to be given, or "random"; also
        ``category``, of all images, and ``mixing``. The centre bias is by default ``gaussian``.
    dataset
        As of `deepgaze2e`.
    """
    name = DeepGazeIIEACW.default_name
    first, _ = _parsed(name, argument or "", _OF_CATEGORIES)
    if not first:
        raise InputError(f"{name} has no published weights; give a file: {name}:FILE")
    return _made(DeepGazeIIEACW, argument, dataset, _OF_CATEGORIES)


def emlnet(argument: str | None, dataset: Dataset) -> SaliencyMapModel:
    """Make `EMLNet`.

    Parameters
    ----------
    argument
        Path of the file of a training, or "random", or the authors' three files as
        ``imagenet=FILE,places=FILE,decoder=FILE``; and options, all between commas: ``form``,
        ``size=480x640``, ``pad=yes``, ``sigma``, ``encoder``, one alone, ``device``, ``dtype``,
        ``batch_size``, ``n_threads``, ``seed``.
    dataset
        Of no effect.
    """
    first, options = _parsed("emlnet", argument or "", _OF_EMLNET)
    alone = options.pop("encoder", None)
    files = {
        name: options.pop(name) for name in ("imagenet", "places", "decoder") if name in options
    }
    if (first and files) or (not first and len(files) < 3):
        raise InputError(
            "emlnet has no published weights that can be got; give the authors' three files, "
            "emlnet:imagenet=FILE,places=FILE,decoder=FILE, or that of a training, emlnet:FILE"
        )
    model = (
        EMLNet.from_checkpoints(**files, **options)
        if files
        else EMLNet(None if first == "random" else first, **options)
    )
    return model if alone is None else model.alone(alone)


def readout(argument: str | None, dataset: Dataset) -> DensityModel:
    """Make `ReadoutModel`; the argument is as of `deepgaze2e`, but the file has to be given."""
    first, _ = _parsed(ReadoutModel.default_name, argument or "")
    if not first:
        raise InputError("give the file that a training wrote: readout:FILE")
    return _made(ReadoutModel, argument, dataset)


def _yes(name: str, text: str) -> bool:
    check_choice(name, text, ("yes", "no"))
    return text == "yes"


def _size(text: str) -> tuple[int, ...]:
    height, width = text.split("x")  # a ValueError is said by whoever asks
    return int(height), int(width)


Options = Mapping[str, Callable[[str], Any]]

_OPTIONS: Options = {
    "autocast": partial(_yes, "autocast"),
    "batch_size": int,
    "centre": str,
    "component_order": str,
    "device": str,
    "dtype": str,
    "fold": int,
    "fold_offset": int,
    "folds": str,
    "instance": int,
    "n_threads": int,
    "pixels_per_degree": str,
    "seed": int,
    "unknown": str,
}
_OF_CATEGORIES: Options = {**_OPTIONS, "category": str, "mixing": str}
_OF_EMLNET: Options = {
    **{name: _OPTIONS[name] for name in ("batch_size", "device", "dtype", "n_threads", "seed")},
    "decoder": str,
    "encoder": str,
    "form": str,
    "imagenet": str,
    "pad": partial(_yes, "pad"),
    "places": str,
    "sigma": float,
    "size": _size,
}
_OF_COMPONENTS = ("fold", "instance", "folds", "component_order", "fold_offset", "unknown")


def _made(
    kind: type[DeepGaze],
    argument: str | None,
    dataset: Dataset,
    known: Options = _OPTIONS,
) -> DensityModel:
    first, options = _parsed(kind.default_name, argument or "", known)
    centre = options.pop("centre", kind.usual_centre)
    components = {name: options.pop(name) for name in _OF_COMPONENTS if name in options}
    if "pixels_per_degree" in options:
        options["pixels_per_degree"] = _pixels_per_degree(options["pixels_per_degree"], dataset)
    weights = {"": cached, "random": lambda _: None}.get(first, lambda _: Path(first))(
        kind.default_name
    )
    model = kind(weights, centre_bias=_centre(centre, dataset), **options)
    return _of_components(model, components, dataset) if components else model


def _parsed(name: str, argument: str, known: Options = _OPTIONS) -> tuple[str, dict[str, Any]]:
    """Return the path and the options; a comma of a path is one that no ``option=`` follows."""
    first, *rest = re.split(r",(?=[a-z_]+=)", argument)
    if re.match(r"[a-z_]+=", first) and not Path(first).exists():  # no path
        first, rest = "", [first, *rest]
    options: dict[str, Any] = {}
    for part in rest:
        key, _, text = part.partition("=")
        check_choice(f"option of {name}", key, known)
        try:
            options[key] = known[key](text)
        except InputError:
            raise
        except ValueError as error:
            raise InputError(f"{name}: {key} can't be {text!r}") from error
    return first, options


def _pixels_per_degree(given: str, dataset: Dataset) -> float:
    if given != "dataset":
        try:
            return float(given)
        except ValueError as error:
            raise InputError(
                f"pixels_per_degree must be a number, or 'dataset'; got {given!r}"
            ) from error
    found = dataset.stimuli.pixels_per_degree
    if found is None:
        raise InputError(f"pixels_per_degree of {dataset.name!r} is not known; give a number")
    return found


def _of_components(model: DeepGaze, given: dict[str, Any], dataset: Dataset) -> DensityModel:
    """Return the model of one fold, of one instance, or of each image's own fold."""
    if not isinstance(model, FoldedDeepGaze):
        raise InputError(f"{model.name} has no folds; it takes no {next(iter(given))}=")
    scheme = given.pop("folds", None)
    choose: Callable[..., Any] = model.components_of if scheme is None else model.cross_validated
    others = [name for name in signature(choose).parameters if name != "folds"]
    for name in given:
        where = f"option of {model.name} {'without' if scheme is None else 'with'} folds="
        check_choice(where, name, others)
    if scheme is None:
        return model.with_components(choose(**given))
    folds = mit1003(dataset.stimuli) if scheme == "mit1003" else Folds.load(scheme)
    crossed: DensityModel = choose(folds, **given)
    return crossed


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
