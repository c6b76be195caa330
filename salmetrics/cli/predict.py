"""`salmetrics predict`: write a network's log densities, with or without fixations at hand."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from salmetrics.cli.arguments.dataset import add_first, named_dataset, shortened
from salmetrics.cli.arguments.map_output import add_writing
from salmetrics.cli.arguments.model import opened
from salmetrics.data.dataset import Dataset
from salmetrics.data.fixations import Fixations
from salmetrics.datasets.folder import load_images
from salmetrics.errors import InputError, check_choice
from salmetrics.models.base import DensityModel, model_name
from salmetrics.models.export import export_predictions
from salmetrics.models.registry import names

__all__ = ["add"]

_OF_FOLDS = ("fold", "instance", "folds", "component_order", "fold_offset")


def add(commands: Any) -> None:
    """Add the command."""
    command = commands.add_parser(
        "predict", help="write a network's log densities for all images; goes on where it stopped"
    )
    command.set_defaults(run=_run)
    data = command.add_argument_group("data: --dataset, or --images")
    data.add_argument("--dataset", metavar="SPEC", help="as of evaluate")
    data.add_argument("--root", type=Path, help="its folder")
    data.add_argument("--images", type=Path, help="a folder of images; no fixations are needed")
    add_first(data)
    network = command.add_argument_group("network")
    network.add_argument(
        "--model", required=True, metavar="NAME", help="registered, such as deepgaze2e"
    )
    network.add_argument("--weights", metavar="FILE", help="default: the published ones")
    network.add_argument(
        "--centre-bias",
        metavar="FILE",
        help="a .npy file with a log density, uniform, gaussian, or mit1003 (default: that of the "
        "data set, with each image left out)",
    )
    network.add_argument(
        "--pixels-per-degree",
        metavar="NUMBER",
        help="of the display, or dataset for that of the data set (default: images as they are)",
    )
    network.add_argument(
        "--category", metavar="NAME", help="of all images, for networks that ask for it"
    )
    network.add_argument("--device", help="auto, cpu, cuda, ... (default: auto)")
    network.add_argument("--batch-size", metavar="N", help="images predicted together (default: 1)")
    network.add_argument("--threads", metavar="N", help="of torch on a CPU (default: all cores)")
    network.add_argument(
        "--precision", choices=("float32", "float64"), help="of the network (default: float32)"
    )
    network.add_argument(
        "--autocast", action="store_const", const="yes", help="backbones in bfloat16"
    )
    folds = command.add_argument_group("components, of networks that have folds")
    folds.add_argument("--fold", metavar="K", help="only those that left out fold K, from 0")
    folds.add_argument("--instance", metavar="J", help="only those of instance J, from 0")
    folds.add_argument(
        "--folds",
        metavar="FILE",
        help="a CSV file with columns id and fold, or mit1003: each image is predicted by the "
        "components that left it out",
    )
    folds.add_argument(
        "--unknown", choices=("error", "mixture"), help="what happens to images of no fold"
    )
    folds.add_argument(
        "--component-order",
        choices=("instance-major", "fold-major"),
        help="of the file (default: instance-major)",
    )
    folds.add_argument("--fold-offset", metavar="K", help="fold of the first component")
    add_writing(command, ".npy")


def _run(options: argparse.Namespace) -> None:
    check_choice("--model", options.model, names())
    dataset = shortened(_dataset(options), options)
    parts = [] if options.weights is None else [options.weights]
    given = {
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
    parts += [f"{name}={value}" for name, value in given.items() if value is not None]
    for part in parts:
        if re.search(r",[a-z_]+=", part):
            raise InputError(f"{part!r} looks like several options; rename the file")
    spec = options.model + (f":{','.join(parts)}" if parts else "")
    model = opened(spec, dataset)
    if not isinstance(model, DensityModel):
        raise InputError(f"{options.model} gives no densities; export-maps writes saliency maps")
    model.check_data(*dataset)
    made = export_predictions(
        model,
        dataset.stimuli,
        options.out,
        files=options.files,
        bits=options.bits or 8,
        dtype=options.dtype,
    )
    print(f"wrote {made}: {len(dataset)} log densities of {model_name(model)}")
    chosen = {name: value for name, value in given.items() if value is not None}
    said = model.parameters | {name: chosen[name] for name in _OF_FOLDS if name in chosen}
    if said:
        print(f"made with {', '.join(f'{k} {v}' for k, v in said.items() if _is_said(v))}")


def _is_said(value: Any) -> bool:
    return value is True or (isinstance(value, (str, int, float)) and value is not False)


def _dataset(options: argparse.Namespace) -> Dataset:
    if (options.dataset is None) == (options.images is None):
        raise InputError("give --dataset or --images")
    if options.dataset is not None:
        return named_dataset(options.dataset, options.root)
    if options.root is not None:
        raise InputError("--root goes with --dataset")
    stimuli = load_images(options.images)
    none = Fixations.from_arrays([], [], [], n_images=len(stimuli))
    return Dataset(options.images.resolve().name, stimuli, none)
