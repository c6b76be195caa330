"""`salmetrics export-maps`: write the predictions of a model."""

from __future__ import annotations

import argparse
from typing import Any

from salmetrics.array_types import KINDS
from salmetrics.cli import output
from salmetrics.cli.arguments.dataset import add_data, dataset_of, first_images
from salmetrics.cli.arguments.map_output import (
    add_one_model,
    add_writing,
    check_maps_out,
    written_bits,
)
from salmetrics.cli.arguments.model import opened, split_name
from salmetrics.cli.arguments.parsing import section
from salmetrics.cli.arguments.scoring import add_json, map_reading
from salmetrics.errors import InputError
from salmetrics.models.export import export_predictions
from salmetrics.models.quantised import QuantisedModel
from salmetrics.results.rendering import counted

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "export-maps",
        examples=(
            "salmetrics export-maps --dataset mit1003 --model centre-bias --out densities.h5",
        ),
    )
    command.set_defaults(run=_run)
    add_data(command, width=False, images_alone=True)
    add_one_model(command, KINDS, "log_density")
    levels = command.add_argument_group("grey levels, for benchmarks that take images")
    levels.add_argument(
        "--quantise",
        action="store_true",
        help="write log densities in 256 grey levels with equal numbers of pixels",
    )
    levels.add_argument(
        "--without",
        metavar="SPEC",
        help="density to divide by first, such as centre-bias, for shuffled AUC",
    )
    add_writing(command, ".npy")
    add_json(section(command, "files"))


def _run(options: argparse.Namespace) -> None:
    if options.without is not None and not options.quantise:
        raise InputError("--without needs --quantise")
    if options.quantise and options.bits == 16:
        raise InputError("--quantise writes 8 bits per pixel; leave out --bits 16")
    if options.quantise:
        options.usual_files = ".png"
    check_maps_out(options)
    name, spec = split_name(options.model)
    dataset = first_images(dataset_of(options), options)
    model: Any = opened(spec, dataset, kind=options.kind, **map_reading(options))
    model.check_data(*dataset)
    if options.quantise:
        without = None
        if options.without is not None:
            without = opened(options.without, dataset, kind="log_density", **map_reading(options))
        model = QuantisedModel(model, without)
    written = export_predictions(
        model,
        dataset.stimuli,
        options.out,
        files=options.files,
        bits=written_bits(options),
        dtype=options.dtype,
    )
    called = name or model.name or spec
    output.wrote(written, f"{counted(len(dataset), 'map')} of {called}")
    output.document({"dataset": dataset.name, "model": called, "n_maps": len(dataset)})
