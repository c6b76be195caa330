"""Options that name a data set, and the data set they name."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from salmetrics.cli.arguments.parsing import section
from salmetrics.data.dataset import Dataset
from salmetrics.data.fixation_columns import MISSING
from salmetrics.data.fixation_maps import MapValues
from salmetrics.data.fixation_tables import TableFormat
from salmetrics.data.fixations import MOVED, OUTSIDE
from salmetrics.data.hdf5 import read_hdf5
from salmetrics.data.positions import Origin, Units
from salmetrics.data.presets import PRESETS
from salmetrics.data.table_cells import DECIMALS
from salmetrics.datasets import load, load_folder, names
from salmetrics.datasets.folder import load_images
from salmetrics.datasets.registry import options_of
from salmetrics.errors import InputError, check_choice, nearest
from salmetrics.models.stored_maps import MapOrder
from salmetrics.protocols import Protocol, get_protocol

__all__ = [
    "add_data",
    "add_first",
    "add_width",
    "dataset_of",
    "datasets_of",
    "ground_truth_of",
    "heading",
    "named_dataset",
    "option_values",
    "protocol_of",
    "shortened",
]

_DATASET_HELP = (
    "registered name (with --root, or as name:folder, if its folder is elsewhere), or an HDF5 file "
    "that salmetrics wrote; options follow after commas: salicon,part=val. sigma=PIXELS, "
    "pixels_per_degree=PIXELS and name=NAME are for every data set. Registered: "
    f"{', '.join(names())}"
)


# options that every data set has
_EVERY = ("empirical", "name", "pixels_per_degree", "sigma")


def add_data(
    command: argparse.ArgumentParser, *, width: bool = True, several: bool = False
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
    """
    data = command.add_argument_group("data: --dataset, or --images and --fixations")
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
    if width:
        add_width(data)
    else:
        command.set_defaults(sigma=None, pixels_per_degree=None)
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
    _add_table(command)


def _add_table(command: argparse.ArgumentParser) -> None:
    """Add the options that say how a table of fixations is written."""
    table = command.add_argument_group("more about the table of --fixations")
    table.add_argument(
        "--preset",
        choices=tuple(PRESETS),
        help="program that wrote the table, whose columns, units and rows are known",
    )
    for column, default in (("image", "file"), ("x", "x"), ("y", "y")):
        table.add_argument(
            f"--{column}-column",
            metavar="NAME",
            help=f"column of {'names of images' if column == 'image' else column} (default: "
            f"{default}, or that of --preset)",
        )
    table.add_argument(
        "--subject-column",
        metavar="NAME",
        help="column of the subject (default: subject, if it exists, or that of --preset)",
    )
    table.add_argument(
        "--units",
        choices=get_args(Units),
        help="units of x and y: pixel; normalised, fractions of the image; percent of it; norm, "
        "-1 to 1 from the middle, as in PsychoPy; or degree, with "
        "--pixels-per-degree (default: pixel)",
    )
    table.add_argument(
        "--origin",
        choices=get_args(Origin),
        help="where x and y are 0; y is upwards from bottom-left and centre (default: top-left)",
    )
    table.add_argument(
        "--unknown-images",
        choices=MISSING,
        default="error",
        help="what to do with rows on images that are not in --images (default: error)",
    )
    table.add_argument(
        "--image-name",
        metavar="TEMPLATE",
        help="name of an image in the table, such as 'stim{number:03d}' (see --map-name)",
    )
    table.add_argument(
        "--one-based", action="store_true", help="pixels are counted from 1, as in MATLAB"
    )
    table.add_argument(
        "--separator",
        metavar="MARK",
        help="what separates cells: one character, tab or space (default: found)",
    )
    table.add_argument(
        "--decimal", choices=DECIMALS, metavar="MARK", help="decimal mark . or , (default: found)"
    )
    table.add_argument("--encoding", help="encoding of the text, such as cp1252 (default: found)")
    table.add_argument(
        "--comment", metavar="MARK", help="what comment lines begin with (default: # %% or //)"
    )


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


def shortened(dataset: Dataset, options: argparse.Namespace) -> Dataset:
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
    given = [spec for spec in specs if _scale(spec)]
    if given and alone and (options.sigma is not None or options.pixels_per_degree is not None):
        raise InputError(
            f"--dataset {given[0]} has a width already; leave out --sigma and --pixels-per-degree"
        )
    wide = protocol.sigma is not None or protocol.cycles is not None
    if wide and any("sigma" in _scale(spec) for spec in given):
        raise InputError(
            f"protocol {protocol.name!r} has a blur of its own, so that of --dataset {given[0]} "
            "would be ignored; leave sigma= out, or change the protocol for all with --sigma"
        )


def _parts(spec: str) -> tuple[str, list[str], dict[str, str]]:
    """Split the value of --dataset: the data set, its own options, and those that every one has."""
    if Path(spec).exists():
        return spec, [], {}
    first, *texts = re.split(r",(?=[a-z_]+=)", spec)
    every = {}
    own = []
    for text in texts:
        key, _, value = text.partition("=")
        if key not in _EVERY:
            own.append(text)
        elif key in every or not value:
            raise InputError(f"--dataset {spec}: {key}= must be given once, with a value")
        else:
            every[key] = value
    return first, own, every


def _number(spec: str, key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(
            f"--dataset {spec}: {key} must be a number of pixels; got {text!r}"
        ) from error


def _scale(spec: str) -> dict[str, float]:
    """Return the width of the blur and the size of a degree that the value of --dataset gives."""
    every = _parts(spec)[2]
    keys = ("pixels_per_degree", "sigma")
    return {key: _number(spec, key, every[key]) for key in keys if key in every}


def ground_truth_of(spec: str) -> str | None:
    """Return the ground-truth maps that the value of --dataset names, if any."""
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
            f"--dataset {spec}: empirical= is for several data sets (salmetrics benchmark); here, "
            "give the ground-truth maps as --empirical, if the command has it"
        )
    dataset = _loaded(spec, root)
    try:
        dataset = _scaled(dataset, **_scale(spec))
    except InputError as error:
        if str(error).startswith("--dataset "):
            raise
        raise InputError(f"--dataset {spec}: {error}") from error
    name = every.get("name", dataset.name)
    return Dataset(name, dataset.stimuli, dataset.fixations, dataset.info)


def _scaled(
    dataset: Dataset, *, sigma: float | None = None, pixels_per_degree: float | None = None
) -> Dataset:
    """Return a data set with another scale, as far as one is given."""
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
        if first == name and root is None and Path(name).exists():
            raise InputError(
                f"--dataset {name} is a registered data set, and {name!r} is also a folder or file "
                f"here: say {name}:{name} for the data set in this folder, {name}: (with a colon) "
                "for the downloaded one, or ./ before the name of a file"
            )
        if folder and root is not None:
            raise InputError(f"--dataset {spec} names its folder already; leave out --root")
        return load(name, folder or root, download=False, **option_values(name, options))
    if not Path(first).exists():
        raise InputError(
            f"--dataset {spec!r} is neither registered ({', '.join(names())}), nor a file"
            f"{nearest(name, names())}"
        )
    if root is not None:
        raise InputError("--root needs a registered --dataset; leave it out with a file")
    if options:
        raise InputError(
            f"--dataset {spec}: a file has the options {', '.join(f'{key}=' for key in _EVERY)} "
            f"only; got {options[0]!r}"
        )
    dataset = read_hdf5(first)
    if not isinstance(dataset, Dataset):
        raise InputError(
            f"{first!r} holds {type(dataset).__name__.lower()} alone; a data set has stimuli and "
            "fixations: salmetrics.write_hdf5(Dataset(name, stimuli, fixations), path)"
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
            check_choice(option, value, ("yes", "no"))
            values[option] = value == "yes"
        elif option == "size":
            height, _, width = value.partition("x")
            if not (height.isdigit() and width.isdigit()):
                raise InputError(f"size must be HEIGHTxWIDTH; got {value!r}")
            values[option] = (int(height), int(width))
        else:
            values[option] = value
    return values


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
    for spec in specs:
        dataset = named_dataset(spec, options.root, ground_truth=ground_truth)
        if not _scale(spec):
            dataset = _scaled(
                dataset, sigma=options.sigma, pixels_per_degree=options.pixels_per_degree
            )
        datasets.append(dataset)
    names = [dataset.name for dataset in datasets]
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise InputError(
            f"two data sets are called {repeated[0]!r}; give one another name: --dataset "
            "SPEC,name=NAME"
        )
    return [shortened(dataset, options) for dataset in datasets]


def _check_no_table(options: argparse.Namespace) -> None:
    """Refuse options for --fixations beside --dataset."""
    given = [
        f"--{name.replace('_', '-')}{'-column' * (name in ('image', 'x', 'y', 'subject'))}"
        for name in _table_format(options).given()
    ]
    if options.outside != "error":
        given.append("--outside")
    if options.fixation_values is not None:
        given.append("--fixation-values")
    if options.fixation_map_name is not None:
        given.append("--fixation-map-name")
    if options.fixation_map_order is not None:
        given.append("--fixation-map-order")
    if given:
        raise InputError(f"{', '.join(given)} need --images and --fixations, not --dataset")


def _has_ground_truth(options: argparse.Namespace) -> bool:
    return getattr(options, "empirical", None) is not None


def dataset_of(options: argparse.Namespace) -> Dataset:
    """Return the data set of --dataset, or of --images and --fixations."""
    if options.dataset is not None:
        if options.images is not None or options.fixations is not None:
            raise InputError("give --dataset, or --images and --fixations, not both")
        _check_no_table(options)
        return named_dataset(options.dataset, options.root)
    if options.root is not None:
        raise InputError("--root needs --dataset")
    if options.images is not None and options.fixations is None and _has_ground_truth(options):
        stimuli = load_images(
            options.images, sigma=options.sigma, pixels_per_degree=options.pixels_per_degree
        )
        return Dataset(Path(options.images).resolve().name, stimuli)
    if options.images is None or options.fixations is None:
        raise InputError(
            "no data: give --dataset, or --images and --fixations"
            + (", or --images and --empirical" if hasattr(options, "empirical") else "")
        )
    form = _table_format(options)
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


def _table_format(options: argparse.Namespace) -> TableFormat:
    """Return how the table of --fixations is to be read."""
    return TableFormat(
        image=options.image_column,
        x=options.x_column,
        y=options.y_column,
        subject=options.subject_column,
        preset=options.preset,
        units=options.units,
        origin=options.origin,
        one_based=options.one_based,
        missing=options.missing,
        unknown_images=options.unknown_images,
        image_name=options.image_name,
        separator=options.separator,
        decimal=options.decimal,
        encoding=options.encoding,
        comment=options.comment,
    )


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
    lines = [f"{dataset.name}: {len(dataset)} images{empty}, {len(fixations)} fixations"]
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
