"""Options that name a data set, and the data set they name."""

from __future__ import annotations

import argparse
import re
from functools import partial
from pathlib import Path
from typing import Any, get_args

from salmetrics.cli.arguments.dataset_spec import named_dataset, scale_of, scaled
from salmetrics.cli.arguments.fixation_table import add_table, table_format
from salmetrics.cli.arguments.parsing import section
from salmetrics.data.dataset import Dataset
from salmetrics.data.fixation_columns import MISSING
from salmetrics.data.fixation_maps import MapValues
from salmetrics.data.fixations import MOVED, OUTSIDE
from salmetrics.datasets import load_folder, names
from salmetrics.datasets.folder import load_images
from salmetrics.errors import InputError, call_all
from salmetrics.models.stored_maps import MapOrder
from salmetrics.protocols import Protocol, get_protocol
from salmetrics.results.rendering import counted

__all__ = [
    "add_data",
    "add_first",
    "add_width",
    "dataset_of",
    "datasets_of",
    "first_images",
    "heading",
    "protocol_of",
]

_DATASET_HELP = (
    "registered name (with --root, or as name:folder, if its folder is elsewhere), or an HDF5 file "
    "that salmetrics wrote; options follow after commas: salicon,part=val. sigma=PIXELS, "
    "pixels_per_degree=PIXELS and name=NAME are for every data set. Registered: "
    f"{', '.join(names())}"
)


def add_data(
    command: argparse.ArgumentParser,
    *,
    width: bool = True,
    several: bool = False,
    images_alone: bool = False,
) -> None:
    """Add the options that name a data set.

    Parameters
    ----------
    command
        Parser to add them to.
    width
        Whether to add the options for the width of empirical maps too.
    several
        Whether ``--dataset`` may be repeated.
    images_alone
        Whether ``--fixations`` may be missing.
    """
    title = "data: --dataset, or --images and --fixations"
    if images_alone:
        command.set_defaults(images_alone=True)
        title += ", which many models do not need"
    data = command.add_argument_group(title)
    if several:
        text = f"{_DATASET_HELP}. May be repeated"
        data.add_argument("--dataset", action="append", metavar="SPEC", help=text)
    else:
        data.add_argument("--dataset", metavar="SPEC", help=_DATASET_HELP)
    data.add_argument("--root", type=Path, help="folder of a registered data set")
    data.add_argument("--images", type=Path, help="a folder of images")
    data.add_argument(
        "--fixations",
        type=Path,
        help="a table with one row per fixation, or a folder, archive or file of maps of fixations",
    )
    data.add_argument(
        "--name",
        metavar="NAME",
        help="name of the data set (default: that of --dataset, or of the folder of --images)",
    )
    if width:
        add_width(data)
    else:
        command.set_defaults(sigma=None, only_units=True)
        data.add_argument(
            "--pixels-per-degree",
            type=float,
            metavar="PIXELS",
            help="pixels per degree of visual angle, for --units degree",
        )
    add_first(data)
    more = section(command, "more about fixations")
    more.add_argument(
        "--outside",
        choices=("error", "drop", "clip"),
        default="error",
        help="what to do with fixations outside their image (default: error)",
    )
    more.add_argument(
        "--missing",
        choices=MISSING,
        default="error",
        help="what to do with rows without a value, and images without a map of fixations "
        "(default: error)",
    )
    more.add_argument(
        "--fixation-map-name",
        metavar="TEMPLATE",
        help="name of an image's map of fixations, such as '{stem}_fixMap' (see --map-name)",
    )
    more.add_argument(
        "--fixation-map-order",
        choices=get_args(MapOrder),
        help="order of maps of fixations without names (see --map-order)",
    )
    more.add_argument(
        "--fixation-values",
        choices=get_args(MapValues),
        help="meaning of the values of maps of fixations: numbers of fixations, or marks of one "
        "fixation each (default: found)",
    )
    add_table(command)


def add_width(group: argparse._ArgumentGroup) -> None:
    """Add the options for the width of empirical maps."""
    group.add_argument(
        "--sigma",
        type=float,
        metavar="PIXELS",
        help="standard deviation of the Gaussian that blurs empirical maps, in pixels",
    )
    group.add_argument(
        "--pixels-per-degree",
        type=float,
        metavar="PIXELS",
        help="pixels per degree of visual angle, which sigma is by default",
    )


def add_first(group: argparse._ArgumentGroup) -> None:
    """Add the option that selects the first images."""
    group.add_argument("--first", type=int, metavar="N", help="use only the first N images")


def first_images(dataset: Dataset, options: argparse.Namespace) -> Dataset:
    """Return the images of a data set that --first selects, all without it."""
    if options.first is None:
        return dataset
    if options.first < 1:
        raise InputError(f"--first must be at least 1; got {options.first}")
    return dataset[: options.first]


def protocol_of(options: argparse.Namespace, *, own_width: bool = False) -> Protocol:
    """Return the protocol of --protocol, with the width of empirical maps of the options.

    Parameters
    ----------
    options
        Options of the command line.
    own_width
        Whether the stimuli already have that width, so that the protocol needs no override.
    """
    protocol = get_protocol(options.protocol)
    _check_widths(options, protocol)
    width = options.sigma
    if width is None and protocol.sigma is None:
        width = options.pixels_per_degree
    if width is None or (own_width and protocol.sigma is None and protocol.cycles is None):
        return protocol
    overrides: dict[str, Any] = {"sigma": width}
    if protocol.prediction_sigma is not None:
        overrides["prediction_sigma"] = width
    if protocol.cycles is not None:  # takes precedence over sigma
        if options.sigma is None:
            return protocol
        overrides["cycles"] = None
    return protocol.override(**overrides)


def _check_widths(options: argparse.Namespace, protocol: Protocol) -> None:
    """Refuse a width of one data set that another would take precedence over."""
    named: Any = getattr(options, "dataset", None) or []
    alone = isinstance(named, str)
    specs: list[str] = [named] if alone else named
    given = [spec for spec in specs if scale_of(spec)]
    if given and alone and (options.sigma is not None or options.pixels_per_degree is not None):
        raise InputError(
            f"--dataset {given[0]} has a width already; leave out --sigma and --pixels-per-degree"
        )
    wide = protocol.sigma is not None or protocol.cycles is not None
    if wide and any("sigma" in scale_of(spec) for spec in given):
        raise InputError(
            f"protocol {protocol.name!r} has a blur of its own, so that of --dataset {given[0]} "
            "would be ignored; leave its option sigma out, or change the protocol's with --sigma"
        )


def datasets_of(options: argparse.Namespace, *, ground_truth: bool = False) -> list[Dataset]:
    """Return the data sets that a repeated --dataset names, each cut by --first.

    That of --images and --fixations comes first, if it is given. --sigma and --pixels-per-degree
    are for the data sets that do not name their own.

    Parameters
    ----------
    options
        Options of the command line.
    ground_truth
        Whether a data set may name ground-truth maps; see `ground_truth_of`.
    """
    specs = options.dataset or []
    datasets = []
    if not specs or options.images is not None or options.fixations is not None:
        root = None if specs else options.root
        datasets.append(
            dataset_of(argparse.Namespace(**vars(options) | {"dataset": None, "root": root}))
        )
    else:
        _check_no_table(options)
        if options.name is not None and len(specs) > 1:
            raise InputError("--name names one data set; of several: --dataset SPEC,name=NAME")
    loaded = call_all(
        {
            f"{i} {spec}": partial(named_dataset, spec, options.root, ground_truth=ground_truth)
            for i, spec in enumerate(specs)
        },
        named=False,
    )
    for spec, dataset in zip(specs, loaded.values(), strict=True):
        if not scale_of(spec):
            dataset = scaled(
                dataset, sigma=options.sigma, pixels_per_degree=options.pixels_per_degree
            )
        datasets.append(dataset)
    if len(datasets) == 1 and specs:
        datasets = [_renamed(datasets[0], options)]
    names = [dataset.name for dataset in datasets]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise InputError(
            f"two data sets are called {repeated[0]!r}; give one another name: --dataset "
            "SPEC,name=NAME, or --name NAME for that of --images"
        )
    return [first_images(dataset, options) for dataset in datasets]


def _renamed(dataset: Dataset, options: argparse.Namespace) -> Dataset:
    """Return a data set with the name of --name, if there is one."""
    if options.name is None:
        return dataset
    if not options.name:
        raise InputError("--name must not be empty")
    return Dataset(options.name, dataset.stimuli, dataset.fixations, dataset.info)


def _check_no_table(options: argparse.Namespace) -> None:
    """Refuse options for --fixations beside --dataset."""
    given = _table_options(options)
    if getattr(options, "only_units", False) and options.pixels_per_degree is not None:
        given.append("--pixels-per-degree")
    if given:
        raise InputError(f"{', '.join(given)} need --images and --fixations, not --dataset")


def _table_options(options: argparse.Namespace) -> list[str]:
    """Return the options that are given and say how --fixations is read."""
    given = [
        f"--{name.replace('_', '-')}{'-column' * (name in ('image', 'x', 'y', 'subject'))}"
        for name in table_format(options).given()
    ]
    if options.outside != "error":
        given.append("--outside")
    if options.fixation_values is not None:
        given.append("--fixation-values")
    if options.fixation_map_name is not None:
        given.append("--fixation-map-name")
    if options.fixation_map_order is not None:
        given.append("--fixation-map-order")
    return given


def _has_ground_truth(options: argparse.Namespace) -> bool:
    return getattr(options, "empirical", None) is not None


def dataset_of(options: argparse.Namespace) -> Dataset:
    """Return the data set of --dataset, or of --images and --fixations."""
    return _renamed(_dataset_of(options), options)


def _dataset_of(options: argparse.Namespace) -> Dataset:
    if options.dataset is not None:
        if options.images is not None or options.fixations is not None:
            raise InputError("give --dataset, or --images and --fixations, not both")
        _check_no_table(options)
        return named_dataset(options.dataset, options.root)
    if options.root is not None:
        raise InputError("--root needs --dataset")
    images_alone = getattr(options, "images_alone", False)
    without = images_alone or _has_ground_truth(options)
    if options.images is not None and options.fixations is None and without:
        given = _table_options(options)
        if given:
            raise InputError(f"{', '.join(given)} need --fixations")
        stimuli = load_images(
            options.images, sigma=options.sigma, pixels_per_degree=options.pixels_per_degree
        )
        return Dataset(Path(options.images).resolve().name, stimuli)
    if options.images is None or options.fixations is None:
        both = (
            " (and --fixations, where a model needs them)" if images_alone else " and --fixations"
        )
        raise InputError(
            f"no data: give --dataset, or --images{both}"
            + (", or --images and --empirical" if hasattr(options, "empirical") else "")
        )
    form = table_format(options)
    try:
        return load_folder(
            options.images,
            options.fixations,
            **{field: getattr(form, field) for field in form.given()},
            sigma=options.sigma,
            pixels_per_degree=options.pixels_per_degree,
            outside=options.outside,
            values=options.fixation_values,
            map_name=options.fixation_map_name,
            map_order=options.fixation_map_order,
        )
    except InputError as error:
        text = re.sub(r"\b(map_name|map_order)=", r"fixation_\1=", str(error))
        raise InputError(text) from error


def heading(dataset: Dataset) -> str:
    """Return the size of a data set, and what was left out of it, as lines to print.

    Examples
    --------
    >>> from salmetrics import Fixations, Stimuli
    >>> stimuli = Stimuli.from_sizes([(30, 40), (30, 40)])
    >>> fixations = Fixations.from_arrays([5, 6, 70], [8, 9, 10], [0, 0, 0], n_images=2)
    >>> print(heading(Dataset("mine", stimuli, fixations.drop_outside(stimuli))))
    mine: 2 images (1 without fixations), 2 fixations
    left out: 1 fixation outside its image
    """
    fixations = dataset.fixations
    n_empty = int((fixations.counts() == 0).sum())
    empty = f" ({n_empty} without fixations)" if n_empty else ""
    n_images, n_fixations = counted(len(dataset), "image"), counted(len(fixations), "fixation")
    lines = [f"{dataset.name}: {n_images}{empty}, {n_fixations}"]
    of = {reason: dataset.info.get("recorded") for reason in (OUTSIDE, MOVED)}
    counts = [
        _counted(n, of.get(reason), reason)
        for reason, n in fixations.left_out.items()
        if reason != MOVED
    ]
    if counts:
        lines.append(f"left out: {', '.join(counts)}")
    if MOVED in fixations.left_out:
        n = fixations.left_out[MOVED]
        lines.append(f"moved: {_counted(n, of[MOVED], MOVED.replace('moved ', ''))}")
    return "\n".join(lines)


def _counted(n: int, of: Any, what: str) -> str:
    """Return a count for a line, such as "3 of 48 fixations outside their image"."""
    if of is not None:
        return f"{n} of {of} {what}"
    if n == 1:
        first, _, rest = what.partition(" ")
        what = f"{first.removesuffix('s')} {rest.replace('their', 'its')}"
    return f"{n} {what}"
