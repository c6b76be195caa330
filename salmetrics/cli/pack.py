"""`salmetrics pack`: write a data set into one HDF5 file."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from salmetrics.cli import output
from salmetrics.cli.arguments.dataset import add_data, dataset_of, first_images
from salmetrics.cli.arguments.scoring import add_json
from salmetrics.data.dataset import Dataset
from salmetrics.data.hdf5 import write_hdf5

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "pack",
        examples=(
            "salmetrics pack --images photos --fixations fixations.csv --sigma 35 --out mine.h5",
        ),
    )
    command.set_defaults(run=_run)
    add_data(command)
    file = command.add_argument_group("file")
    file.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="file to write, ending in .h5 or .hdf5; an existing file is replaced",
    )
    file.add_argument(
        "--copy-images",
        action="store_true",
        help="store the pixels of the images (default: their paths)",
    )
    add_json(file)


def _run(options: argparse.Namespace) -> None:
    output.check_out(options.out, (".h5", ".hdf5"))
    dataset = first_images(dataset_of(options), options)
    stimuli = dataset.stimuli
    if options.sigma is not None or options.pixels_per_degree is not None:
        stimuli = stimuli.with_scale(
            pixels_per_degree=options.pixels_per_degree or stimuli.pixels_per_degree,
            sigma=options.sigma or stimuli.sigma,
        )
    named = Dataset(dataset.name, stimuli, dataset.fixations, dataset.info)
    write = partial(write_hdf5, named, images="copy" if options.copy_images else "link")
    output.save(options.out, write, f"{named.name}, {named.stimuli}, {named.fixations}")
    output.document(
        {
            "name": named.name,
            "n_images": len(named),
            "n_fixations": len(named.fixations),
            "left_out": dict(named.fixations.left_out),
            "sigma": stimuli.sigma,
            "pixels_per_degree": stimuli.pixels_per_degree,
        }
    )
