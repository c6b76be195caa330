"""Data sets as --dataset names them: a registered name or a file, and options after commas."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from salmetrics.data.dataset import Dataset
from salmetrics.data.hdf5 import read_hdf5
from salmetrics.datasets import load, names
from salmetrics.datasets.registry import options_of
from salmetrics.errors import InputError, check_choice, nearest

__all__ = ["ground_truth_of", "named_dataset", "option_values", "scale_of", "scaled"]

# options that every data set has
_EVERY = ("empirical", "name", "pixels_per_degree", "sigma")


def _parts(spec: str) -> tuple[str, list[str], dict[str, str]]:
    """Split the value of --dataset: the data set, its own options, and those that every one has."""
    if os.path.exists(spec):
        return spec, [], {}
    first, *texts = re.split(r",(?=[a-z_]+=)", spec)
    every = {}
    own = []
    for text in texts:
        key, _, value = text.partition("=")
        if key not in _EVERY:
            own.append(text)
        elif key in every or not value:
            raise InputError(f"--dataset {spec}: its option {key} must be given once, with a value")
        else:
            every[key] = value
    return first, own, every


def _number(spec: str, key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(
            f"--dataset {spec}: its option {key} must be a number of pixels; got {text!r}"
        ) from error


def scale_of(spec: str) -> dict[str, float]:
    """Return the width of the blur and the size of a degree that the value of --dataset gives.

    Parameters
    ----------
    spec
        Value of the option.
    """
    every = _parts(spec)[2]
    keys = ("pixels_per_degree", "sigma")
    return {key: _number(spec, key, every[key]) for key in keys if key in every}


def ground_truth_of(spec: str) -> str | None:
    """Return the ground-truth maps that the value of --dataset names, if any.

    Parameters
    ----------
    spec
        Value of the option.
    """
    return _parts(spec)[2].get("empirical")


def named_dataset(spec: str, root: Path | None = None, *, ground_truth: bool = False) -> Dataset:
    """Load a data set.

    Parameters
    ----------
    spec
        Name of a registered data set, ``name`` or ``name:folder``, with ``option=value`` after
        commas; or the path of an HDF5 file that salmetrics wrote. Both take ``sigma=``,
        ``pixels_per_degree=`` and ``name=``.
    root
        Folder of a registered data set; by default the one it is downloaded to.
    ground_truth
        Whether it may name ground-truth maps; see `ground_truth_of`.

    Raises
    ------
    InputError
        If the data set is unknown, not downloaded, or not a data set.
    """
    _, _, every = _parts(spec)
    if "empirical" in every and not ground_truth:
        raise InputError(
            f"--dataset {spec}: its option empirical is for several data sets (salmetrics "
            "benchmark); here, give the ground-truth maps as --empirical, if the command has it"
        )
    dataset = _loaded(spec, root)
    try:
        dataset = scaled(dataset, **scale_of(spec))
    except InputError as error:
        if str(error).startswith("--dataset "):
            raise
        raise InputError(f"--dataset {spec}: its option {error}") from error
    name = every.get("name", dataset.name)
    return Dataset(name, dataset.stimuli, dataset.fixations, dataset.info)


def scaled(
    dataset: Dataset, *, sigma: float | None = None, pixels_per_degree: float | None = None
) -> Dataset:
    """Return a data set with another scale, as far as one is given.

    Parameters
    ----------
    dataset
        The data set.
    sigma, pixels_per_degree
        Width of the blur, and pixels per degree of visual angle; None for those of the data set.
    """
    if sigma is None and pixels_per_degree is None:
        return dataset
    # one degree replaces a width that was for another scale
    degree = pixels_per_degree or dataset.stimuli.pixels_per_degree
    stimuli = dataset.stimuli.with_scale(sigma=sigma, pixels_per_degree=degree)
    return Dataset(dataset.name, stimuli, dataset.fixations, dataset.info)


def _loaded(spec: str, root: Path | None) -> Dataset:
    """Load a data set without the options that every data set has."""
    first, options, _ = _parts(spec)
    name, _, folder = first.partition(":")
    if name in names():
        if first == name and root is None and os.path.exists(name):
            raise InputError(
                f"--dataset {name} is a registered data set, and {name!r} is also a folder or file "
                f"here: say {name}:{name} for the data set in this folder, {name}: (with a colon) "
                "for the downloaded one, or ./ before the name of a file"
            )
        if folder and root is not None:
            raise InputError(f"--dataset {spec} names its folder already; leave out --root")
        values = option_values(name, options)
        try:
            return load(name, folder or root, download=False, **values)
        except InputError as error:
            if str(error).partition(" ")[0] not in values:
                raise
            raise InputError(f"--dataset {spec}: its option {error}") from error
    if not os.path.exists(first):
        raise InputError(
            f"--dataset {spec!r} is neither registered ({', '.join(names())}), nor a file"
            f"{nearest(name, names())}"
        )
    if root is not None:
        raise InputError("--root needs a registered --dataset; leave it out with a file")
    if options:
        raise InputError(
            f"--dataset {spec}: a file has the options {', '.join(_EVERY)} only; got {options[0]!r}"
        )
    dataset = read_hdf5(first)
    if not isinstance(dataset, Dataset):
        raise InputError(
            f"{first!r} holds {type(dataset).__name__.lower()} alone; a data set has stimuli and "
            "fixations, as salmetrics pack writes them"
        )
    return dataset


def option_values(name: str, texts: Sequence[str]) -> dict[str, Any]:
    """Return the values of options of a registered data set.

    Parameters
    ----------
    name
        Name of the data set.
    texts
        Options as ``option=value``: yes or no for switches, ``HEIGHTxWIDTH`` for a size.

    Raises
    ------
    InputError
        If the data set or an option is unknown, or a value is invalid.
    """
    check_choice("data set", name, names())
    defaults = options_of(name)
    values: dict[str, Any] = {}
    for text in texts:
        option, _, value = text.partition("=")
        if not defaults:
            raise InputError(f"{name} has no options; got {text!r}")
        check_choice(f"option of {name}", option, sorted(defaults))
        if isinstance(defaults[option], bool):
            check_choice(f"option {option} of {name}", value, ("yes", "no"))
            values[option] = value == "yes"
        elif option == "size":
            height, _, width = value.partition("x")
            if not (height.isdigit() and width.isdigit()):
                raise InputError(f"option size of {name} must be HEIGHTxWIDTH; got {value!r}")
            values[option] = (int(height), int(width))
        else:
            values[option] = value
    return values
