"""Models by name on the command line: ``deepgaze2e:FILE,option=value,...``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any, get_args

from salmetrics.data.dataset import Dataset
from salmetrics.data.folds import N_MIT1003, Folds, mit1003
from salmetrics.errors import InputError, check_choice
from salmetrics.models.base import DensityModel, SaliencyMapModel
from salmetrics.models.centre_bias import CentreBias
from salmetrics.models.cross_validated import UnknownImages
from salmetrics_models.deepgaze.deepgaze2 import DeepGazeII
from salmetrics_models.deepgaze.deepgaze2e import DeepGazeIIE
from salmetrics_models.deepgaze.folded import FoldedDeepGaze
from salmetrics_models.deepgaze.model import DeepGaze, DeepGazeI
from salmetrics_models.deepgaze.readout_model import ReadoutModel
from salmetrics_models.deepgaze_acw.model import DeepGazeIIEACW
from salmetrics_models.emlnet.model import EMLNet
from salmetrics_models.litegaze.model import LiteGaze
from salmetrics_models.weights.published_files import cached

__all__ = [
    "deepgaze1",
    "deepgaze2",
    "deepgaze2e",
    "deepgaze2e_acw",
    "emlnet",
    "litegaze",
    "readout",
]


def deepgaze1(argument: str | None, dataset: Dataset) -> DensityModel:
    """Return a `DeepGazeI`; for the argument, see `deepgaze2e`."""
    return _model(DeepGazeI, argument, dataset)


def deepgaze2(argument: str | None, dataset: Dataset) -> DensityModel:
    """Return a `DeepGazeII`; for the argument, see `deepgaze2e`, but a file must be given."""
    first, _ = _parsed(DeepGazeII.default_name, argument or "")
    if not first:
        raise InputError("deepgaze2 has no published weights; give a file: deepgaze2:FILE")
    return _model(DeepGazeII, argument, dataset)


def deepgaze2e(argument: str | None, dataset: Dataset) -> DensityModel:
    """Return a `DeepGazeIIE`.

    Parameters
    ----------
    argument
        Path of the weights and options, separated by commas. Without a path, the published weights
        are used, and downloaded if necessary; "random" stands for random ones. Options are
        ``centre=`` (FILE.npy, ``uniform``, ``gaussian``, or ``mit1003`` for the published centre
        bias; by default it is fitted to the data set, leaving out each image), ``device``,
        ``dtype``, ``batch_size``, ``n_threads``, ``autocast=yes``, ``seed``, and
        ``pixels_per_degree`` (a number, or ``dataset`` for that of the data set). Components are
        selected by ``fold`` and ``instance``; with ``folds=`` (FILE.csv of
        `salmetrics.Folds.save`, or ``mit1003``) each image is predicted by the components that
        were not trained on it, and images in no fold as ``unknown`` says, which are all images of
        another data set if ``folds=mit1003``. ``component_order`` and
        ``fold_offset`` tell the order of components in the file. ``backbones=`` selects some by
        name, such as ``densenet-201+resnext-50``.
    dataset
        Data set whose fixations the centre bias is fitted to.

    Returns
    -------
    model : DeepGazeIIE or CrossValidatedDeepGaze
        The latter with ``folds=``.

    Raises
    ------
    InputError
        If an option is unknown or invalid, or the file is missing, damaged or of another model.
    """
    return _model(DeepGazeIIE, argument, dataset)


def deepgaze2e_acw(argument: str | None, dataset: Dataset) -> DensityModel:
    """Return a `DeepGazeIIEACW`.

    Parameters
    ----------
    argument
        Path of the file of a training, or "random", and options, separated by commas: those of
        `deepgaze2e`, ``category`` (of all images) and ``mixing``. By default the centre bias is
        ``gaussian``.
    dataset
        Data set, for ``pixels_per_degree=dataset`` and ``folds=mit1003``.

    Returns
    -------
    model : DeepGazeIIEACW or CrossValidatedDeepGaze
        The latter with ``folds=``.

    Raises
    ------
    InputError
        If no file is given, an option is unknown or invalid, or the file is of another model.
    """
    name = DeepGazeIIEACW.default_name
    first, _ = _parsed(name, argument or "", _ACW_OPTIONS)
    if not first:
        raise InputError(f"{name} has no published weights; give a file: {name}:FILE")
    return _model(DeepGazeIIEACW, argument, dataset, _ACW_OPTIONS)


def emlnet(argument: str | None, dataset: Dataset) -> SaliencyMapModel:
    """Return an `EMLNet`.

    Parameters
    ----------
    argument
        Path of the file of a training, or "random", or the authors' three files as
        ``imagenet=FILE,places=FILE,decoder=FILE``, and options, separated by commas: ``form``,
        ``size=480x640``, ``pad=yes``, ``sigma``, ``encoder`` (for one encoder alone), ``device``,
        ``dtype``, ``batch_size``, ``n_threads`` and ``seed``.
    dataset
        Ignored.

    Returns
    -------
    model : EMLNet
        The whole model, or one encoder alone.

    Raises
    ------
    InputError
        If no file is given, an option is unknown or invalid, or a file is of another model.
    """
    first, options = _parsed("emlnet", argument or "", _EMLNET_OPTIONS)
    alone = options.pop("encoder", None)
    files = {
        name: options.pop(name) for name in ("imagenet", "places", "decoder") if name in options
    }
    if (first and files) or (not first and len(files) < 3):
        raise InputError(
            "emlnet has no published weights to download; give the authors' three files, "
            "emlnet:imagenet=FILE,places=FILE,decoder=FILE, or that of a training, emlnet:FILE"
        )
    model = (
        EMLNet.from_checkpoints(**files, **options)
        if files
        else EMLNet(None if first == "random" else first, **options)
    )
    return model if alone is None else model.alone(alone)


def litegaze(argument: str | None, dataset: Dataset) -> DensityModel:
    """Return a `LiteGaze`.

    Parameters
    ----------
    argument
        Path of a file of readouts, by default those of salmetrics, and options, separated by
        commas: ``centre`` (as for `deepgaze2e`, or ``dataset`` for a fit to the data set; by
        default it is that of the training), ``unknown=error``, ``backbones``, ``instance``,
        ``fold``, ``device``, ``dtype``, ``batch_size``, ``n_threads`` and ``autocast=yes``.
    dataset
        Data set, for ``centre=dataset``.

    Returns
    -------
    model : LiteGaze
        It predicts the photographs of its training by readouts that have not seen them.

    Raises
    ------
    InputError
        If an option is unknown or invalid, or a package or the file is missing or damaged.
    """
    name = LiteGaze.default_name
    first, options = _parsed(name, argument or "", _LITEGAZE_OPTIONS)
    centre = options.pop("centre", None)
    if centre is not None:
        options["centre_bias"] = _centre(None if centre == "dataset" else centre, dataset)
    backbones = options.pop("backbones", None)
    components = {key: options.pop(key) for key in ("fold", "instance") if key in options}
    model = LiteGaze(first or None, **options)
    if backbones is not None:
        model = model.with_backbones(backbones)
    return model.with_components(model.components_of(**components)) if components else model


def readout(argument: str | None, dataset: Dataset) -> DensityModel:
    """Return a `ReadoutModel`; for the argument, see `deepgaze2e`, but a file must be given."""
    first, _ = _parsed(ReadoutModel.default_name, argument or "")
    if not first:
        raise InputError("give the file that a training wrote: readout:FILE")
    return _model(ReadoutModel, argument, dataset)


def _yes(name: str, text: str) -> bool:
    check_choice(name, text, ("yes", "no"))
    return text == "yes"


def _size(text: str) -> tuple[int, ...]:
    height, width = text.split("x")  # `_parsed` reports a ValueError
    return int(height), int(width)


Options = Mapping[str, Callable[[str], Any]]

_OPTIONS: Options = {
    "autocast": partial(_yes, "autocast"),
    "backbones": lambda text: text.split("+"),
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
_ACW_OPTIONS: Options = {**_OPTIONS, "category": str, "mixing": str}
_EMLNET_OPTIONS: Options = {
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
_LITEGAZE_OPTIONS: Options = {
    name: _OPTIONS[name]
    for name in (
        *("autocast", "backbones", "batch_size", "centre", "device", "dtype"),
        *("fold", "instance", "n_threads", "unknown"),
    )
}
_COMPONENT_OPTIONS = ("fold", "instance", "folds", "component_order", "fold_offset", "unknown")


def _model(
    kind: type[DeepGaze],
    argument: str | None,
    dataset: Dataset,
    known: Options = _OPTIONS,
) -> DensityModel:
    first, options = _parsed(kind.default_name, argument or "", known)
    centre = options.pop("centre", kind.usual_centre)
    components = {name: options.pop(name) for name in _COMPONENT_OPTIONS if name in options}
    if "pixels_per_degree" in options:
        options["pixels_per_degree"] = _pixels_per_degree(options["pixels_per_degree"], dataset)
    weights = {"": cached, "random": lambda _: None}.get(first, lambda _: Path(first))(
        kind.default_name
    )
    backbones = options.pop("backbones", None)
    model = kind(weights, centre_bias=_centre(centre, dataset), **options)
    if backbones is not None:
        if not isinstance(model, FoldedDeepGaze):
            raise InputError(f"{model.name} has one backbone; it takes no backbones=")
        model = model.with_backbones(backbones)
    return _with_components(model, components, dataset) if components else model


def _parsed(name: str, argument: str, known: Options = _OPTIONS) -> tuple[str, dict[str, Any]]:
    """Return the path and the options; a comma belongs to the path unless ``option=`` follows."""
    first, *rest = re.split(r",(?=[a-z_]+=)", argument)
    if re.match(r"[a-z_]+=", first) and not Path(first).exists():  # an option
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
            raise InputError(f"{name}: {key} has an invalid value; got {text!r}") from error
    return first, options


def _pixels_per_degree(text: str, dataset: Dataset) -> float:
    if text != "dataset":
        try:
            return float(text)
        except ValueError as error:
            raise InputError(
                f"pixels_per_degree must be a number, or 'dataset'; got {text!r}"
            ) from error
    known = dataset.stimuli.pixels_per_degree
    if known is None:
        raise InputError(f"pixels_per_degree of {dataset.name!r} is not known; give a number")
    return known


def _with_components(model: DeepGaze, options: dict[str, Any], dataset: Dataset) -> DensityModel:
    """Return the model of one fold, of one instance, or of each image's own fold."""
    if not isinstance(model, FoldedDeepGaze):
        raise InputError(f"{model.name} has no folds; it takes no {next(iter(options))}=")
    scheme = options.pop("folds", None)
    choose: Callable[..., Any] = model.components_of if scheme is None else model.cross_validated
    others = [name for name in signature(choose).parameters if name != "folds"]
    for name in options:
        where = f"option of {model.name} {'without' if scheme is None else 'with'} folds="
        check_choice(where, name, others)
    if scheme is None:
        return model.with_components(choose(**options))
    if scheme == "mit1003" and not _is_mit1003(dataset):
        return _of_unknown_images(model, options.get("unknown", "error"), dataset)
    folds = mit1003(dataset.stimuli) if scheme == "mit1003" else Folds.load(scheme)
    crossed: DensityModel = choose(folds, **options)
    return crossed


def _is_mit1003(dataset: Dataset) -> bool:
    """Whether a data set is MIT1003, or a part of it, whose folds need all of its images."""
    named = "mit1003" in dataset.name.casefold() or dataset.info.get("title") == "MIT1003"
    return named or len(dataset) == N_MIT1003


def _of_unknown_images(model: FoldedDeepGaze, unknown: str, dataset: Dataset) -> DensityModel:
    """Return what predicts the images of a data set that are all in no fold."""
    check_choice("unknown", unknown, get_args(UnknownImages))
    if unknown == "error":
        raise InputError(
            f"folds=mit1003 says nothing about the images of {dataset.name}; with unknown=mixture, "
            "all components predict them"
        )
    return model


def _centre(text: str | None, dataset: Dataset) -> Any:
    if text == "mit1003":
        return cached("centerbias_mit1003")
    if text is not None:
        return text
    if len(dataset.fixations) == 0:
        raise InputError(
            "there are no fixations to fit a centre bias to; give centre=FILE.npy or "
            "centre=uniform (--centre-bias)"
        )
    return CentreBias.fit(*dataset)
