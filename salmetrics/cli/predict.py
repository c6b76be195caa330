"""`salmetrics predict`: write the log densities of a network; no fixations are needed."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from salmetrics.cli import output
from salmetrics.cli.arguments.dataset import add_first, first_images
from salmetrics.cli.arguments.dataset_spec import named_dataset
from salmetrics.cli.arguments.map_output import add_writing, check_maps_out, written_bits
from salmetrics.data.dataset import Dataset
from salmetrics.data.fixations import Fixations
from salmetrics.datasets.folder import load_images
from salmetrics.errors import InputError, NeedsDensityError, check_choice
from salmetrics.models.base import DensityModel, model_name
from salmetrics.models.export import export_predictions
from salmetrics.models.registry import named_model, names

__all__ = ["add"]

_FOLD_OPTIONS = ("fold", "instance", "folds", "component_order", "fold_offset")


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "predict",
        examples=("salmetrics predict --images photos --model deepgaze2e --out densities.h5",),
    )
    command.set_defaults(run=_run)
    data = command.add_argument_group("data: --dataset, or --images")
    data.add_argument(
        "--dataset", metavar="SPEC", help="data set, see `salmetrics evaluate --help`"
    )
    data.add_argument("--root", type=Path, metavar="DIR", help="folder of a registered data set")
    data.add_argument(
        "--images", type=Path, metavar="DIR", help="a folder of images; no fixations are needed"
    )
    add_first(data)
    network = command.add_argument_group("network")
    network.add_argument(
        "--model", required=True, metavar="NAME", help="registered model, such as deepgaze2e"
    )
    network.add_argument(
        "--weights", metavar="FILE", help="file of weights (default: the published ones)"
    )
    network.add_argument(
        "--centre-bias",
        metavar="FILE",
        help="a .npy file with a log density, or uniform, gaussian or mit1003 (default: fitted to "
        "the data set, leaving out each image)",
    )
    network.add_argument(
        "--pixels-per-degree",
        metavar="NUMBER",
        help="pixels per degree of the display, or dataset: that of the data set (default: images "
        "keep their size)",
    )
    network.add_argument(
        "--category", metavar="NAME", help="category of all images, for networks that need it"
    )
    network.add_argument(
        "--device",
        metavar="NAME",
        help="device of the network: auto, cpu, cuda, ... (default: auto)",
    )
    network.add_argument("--batch-size", metavar="N", help="images per batch (default: 1)")
    network.add_argument("--threads", metavar="N", help="threads on a CPU (default: all cores)")
    network.add_argument(
        "--precision",
        choices=("float32", "float64"),
        help="precision of the network (default: float32)",
    )
    network.add_argument(
        "--autocast", action="store_const", const="yes", help="run backbones in bfloat16"
    )
    folds = command.add_argument_group("components, for networks with folds")
    folds.add_argument("--fold", metavar="K", help="only components that left out fold K, from 0")
    folds.add_argument("--instance", metavar="J", help="only components of instance J, from 0")
    folds.add_argument(
        "--folds",
        metavar="FILE",
        help="a CSV file with columns id and fold, or mit1003: each image is predicted by the "
        "components that left it out",
    )
    folds.add_argument(
        "--unknown",
        choices=("error", "mixture"),
        help="images without a fold: an error, or the mixture (default: error)",
    )
    folds.add_argument(
        "--component-order",
        choices=("instance-major", "fold-major"),
        help="order of the components in the file (default: instance-major)",
    )
    folds.add_argument(
        "--fold-offset", metavar="K", help="fold of the first component (default: 0)"
    )
    add_writing(command, ".npy")


def _run(options: argparse.Namespace) -> None:
    check_choice("--model", options.model, names())
    check_maps_out(options)
    dataset = first_images(_dataset(options), options)
    parts = [] if options.weights is None else [options.weights]
    settings = {
        "centre": options.centre_bias,
        "category": options.category,
        "device": options.device,
        "batch_size": options.batch_size,
        "n_threads": options.threads,
        "dtype": options.precision,
        "autocast": options.autocast,
        "pixels_per_degree": options.pixels_per_degree,
        "fold": options.fold,
        "instance": options.instance,
        "folds": options.folds,
        "unknown": options.unknown,
        "component_order": options.component_order,
        "fold_offset": options.fold_offset,
    }
    parts += [f"{name}={value}" for name, value in settings.items() if value is not None]
    for part in parts:
        if re.search(r",[a-z_]+=", part):
            raise InputError(
                f"{part!r} looks like several options, with a comma before 'name='; rename it"
            )
    model = named_model(options.model, ",".join(parts) or None, dataset)
    if not isinstance(model, DensityModel):
        raise NeedsDensityError(
            f"{options.model} gives saliency maps, not densities; use export-maps"
        )
    model.check_data(*dataset)
    written = export_predictions(
        model,
        dataset.stimuli,
        options.out,
        files=options.files,
        bits=written_bits(options),
        dtype=options.dtype,
    )
    output.wrote(written, f"{len(dataset)} log densities of {model_name(model)}")
    folds = {name: settings[name] for name in _FOLD_OPTIONS if settings[name] is not None}
    parameters = model.parameters | folds
    if parameters:
        listed = ", ".join(f"{k} {v}" for k, v in parameters.items() if _is_printed(v))
        output.say(f"made with {listed}")


def _is_printed(value: Any) -> bool:
    """Whether a parameter is short and set, so that the report lists it."""
    return value is True or (isinstance(value, (str, int, float)) and value is not False)


def _dataset(options: argparse.Namespace) -> Dataset:
    """Return the data set of --dataset, or the images of --images without fixations."""
    if (options.dataset is None) == (options.images is None):
        raise InputError("give --dataset or --images, exactly one of them")
    if options.dataset is not None:
        return named_dataset(options.dataset, options.root)
    if options.root is not None:
        raise InputError("--root needs --dataset")
    stimuli = load_images(options.images)
    no_fixations = Fixations.from_arrays([], [], [], n_images=len(stimuli))
    return Dataset(options.images.resolve().name, stimuli, no_fixations)
