"""Data sets as the command line names them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from salmetrics.data.dataset import Dataset
from salmetrics.data.hdf5 import read_hdf5
from salmetrics.datasets import load, load_folder, names
from salmetrics.datasets.registry import options_of
from salmetrics.errors import InputError, check_choice
from salmetrics.protocols import Protocol, get_protocol

__all__ = [
    "add_data",
    "add_first",
    "add_width",
    "dataset_of",
    "datasets_of",
    "named_dataset",
    "option_values",
    "protocol_of",
    "shortened",
]

_DATASET_HELP = (
    "registered name, perhaps with --root or as name:folder, or an HDF5 file of salmetrics; "
    f"options after commas, as in salicon,part=val. Registered: {', '.join(names())}"
)


def add_data(
    command: argparse.ArgumentParser, *, width: bool = True, several: bool = False
) -> None:
    """Add options that say what is scored on, and how wide empirical maps are, if asked for."""
    data = command.add_argument_group("data: --dataset and --root, or --images and --fixations")
    if several:
        text = f"{_DATASET_HELP}. May be repeated"
        data.add_argument("--dataset", action="append", metavar="SPEC", help=text)
    else:
        data.add_argument("--dataset", metavar="SPEC", help=_DATASET_HELP)
    data.add_argument("--root", type=Path, help="its folder")
    data.add_argument("--images", type=Path, help="a folder of images")
    data.add_argument("--fixations", type=Path, help="a CSV file with one row a fixation")
    for column, default in (("image", "file"), ("x", "x"), ("y", "y")):
        data.add_argument(
            f"--{column}-column",
            default=default,
            metavar="NAME",
            help=f"column of --fixations (default: {default})",
        )
    data.add_argument(
        "--subject-column", metavar="NAME", help="default: subject, if there is such a column"
    )
    if width:
        add_width(data)
    else:
        command.set_defaults(sigma=None, pixels_per_degree=None)
    data.add_argument(
        "--outside",
        choices=("error", "drop", "clip"),
        default="error",
        help="what to do with fixations outside their image (default: error)",
    )
    add_first(data)


def add_width(group: argparse._ArgumentGroup) -> None:
    """Add the options that say how wide empirical maps are."""
    group.add_argument("--sigma", type=float, help="width of empirical maps in pixels")
    group.add_argument("--pixels-per-degree", type=float, help="sigma, if that is not given")


def add_first(group: argparse._ArgumentGroup) -> None:
    """Add the option that takes part of the images."""
    group.add_argument("--first", type=int, metavar="N", help="only the first N images")


def shortened(dataset: Dataset, options: argparse.Namespace) -> Dataset:
    """Return the part of a data set that the options ask for."""
    if options.first is None:
        return dataset
    if options.first < 1:
        raise InputError(f"--first must be at least 1; got {options.first}")
    return dataset[: options.first]


def protocol_of(options: argparse.Namespace, *, own_width: bool = False) -> Protocol:
    """Return the protocol, with the width of empirical maps that the options give.

    Parameters
    ----------
    options
        Of the command line.
    own_width
        Whether the stimuli have that width already; it then goes without an override.
    """
    protocol = get_protocol(options.protocol)
    width = options.sigma
    if width is None and protocol.sigma is None:
        width = options.pixels_per_degree
    if width is None or (own_width and protocol.sigma is None):
        return protocol
    also: dict[str, Any] = {}
    if protocol.prediction_sigma is not None:
        also["prediction_sigma"] = width
    if protocol.cycles is not None:  # it would go before the width
        if options.sigma is None:
            return protocol
        also["cycles"] = None
    return protocol.override(sigma=width, **also)


def named_dataset(spec: str, root: Path | None = None) -> Dataset:
    """Load a registered data set, ``name`` with a root or ``name:folder``, or an HDF5 file."""
    first, *options = spec.split(",")
    name, _, folder = first.partition(":")
    if name in names():
        if folder and root is not None:
            raise InputError(f"--dataset {spec} names its folder; leave out --root")
        return load(name, folder or root, download=False, **option_values(name, options))
    if not Path(spec).exists():
        raise InputError(
            f"--dataset {spec!r} is neither registered ({', '.join(names())}), nor a file"
        )
    if root is not None:
        raise InputError("--root goes with a registered --dataset")
    found = read_hdf5(spec)
    if not isinstance(found, Dataset):
        raise InputError(
            f"{spec!r} holds {type(found).__name__.lower()} alone; a data set has both stimuli and "
            "fixations: salmetrics.write_hdf5(Dataset(name, stimuli, fixations), path)"
        )
    return found


def option_values(name: str, given: Sequence[str]) -> dict[str, Any]:
    """Return the options of a registered data set that stand behind its name, as text."""
    check_choice("data set", name, names())
    usual = options_of(name)
    found: dict[str, Any] = {}
    for text in given:
        option, _, value = text.partition("=")
        if not usual:
            raise InputError(f"{name} has no options; got {text!r}")
        check_choice(f"option of {name}", option, sorted(usual))
        if isinstance(usual[option], bool):
            check_choice(option, value, ("yes", "no"))
            found[option] = value == "yes"
        elif option == "size":
            height, _, width = value.partition("x")
            if not (height.isdigit() and width.isdigit()):
                raise InputError(f"size must be HEIGHTxWIDTH; got {value!r}")
            found[option] = (int(height), int(width))
        else:
            found[option] = value
    return found


def datasets_of(options: argparse.Namespace) -> list[Dataset]:
    """Return the data sets that the options name, with --dataset repeated; parts as asked for."""
    found = [
        shortened(dataset_of(argparse.Namespace(**vars(options) | {"dataset": spec})), options)
        for spec in options.dataset or [None]
    ]
    names = [dataset.name for dataset in found]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"two data sets are called {twice[0]!r}")
    return found


def dataset_of(options: argparse.Namespace) -> Dataset:
    """Return the data set that the options name."""
    if options.dataset is not None:
        if options.images is not None or options.fixations is not None:
            raise InputError("--dataset goes without --images and --fixations")
        columns = (options.image_column, options.x_column, options.y_column, options.subject_column)
        if columns != ("file", "x", "y", None) or options.outside != "error":
            raise InputError("--outside and --*-column go with --images and --fixations only")
        return named_dataset(options.dataset, options.root)
    if options.root is not None:
        raise InputError("--root goes with --dataset")
    if options.images is None or options.fixations is None:
        raise InputError("give --dataset and --root, or --images and --fixations")
    return load_folder(
        options.images,
        options.fixations,
        image=options.image_column,
        x=options.x_column,
        y=options.y_column,
        subject=options.subject_column,
        sigma=options.sigma,
        pixels_per_degree=options.pixels_per_degree,
        outside=options.outside,
    )
