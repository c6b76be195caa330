"""`salmetrics pack`: write a data set into one HDF5 file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from salmetrics.cli.arguments.dataset import add_data, dataset_of, shortened
from salmetrics.data.dataset import Dataset
from salmetrics.data.hdf5 import write_hdf5
from salmetrics.errors import InputError

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "pack", help="write images and fixations into one HDF5 file, for --dataset"
    )
    command.set_defaults(run=_run)
    add_data(command)
    command.add_argument(
        "--out", type=Path, required=True, help="file to write, ending in .h5 or .hdf5"
    )
    command.add_argument(
        "--name", help="name of the data set (default: that of the data set or folder)"
    )
    command.add_argument(
        "--copy-images",
        action="store_true",
        help="store the pixels of the images (default: their paths)",
    )


def _run(options: argparse.Namespace) -> None:
    if options.out.suffix.lower() not in (".h5", ".hdf5"):
        raise InputError(f"--out must end in .h5 or .hdf5; got {str(options.out)!r}")
    dataset = shortened(dataset_of(options), options)
    stimuli = dataset.stimuli
    if options.sigma is not None or options.pixels_per_degree is not None:
        stimuli = stimuli.with_scale(
            pixels_per_degree=options.pixels_per_degree or stimuli.pixels_per_degree,
            sigma=options.sigma or stimuli.sigma,
        )
    named = Dataset(options.name or dataset.name, stimuli, dataset.fixations, dataset.info)
    write_hdf5(named, options.out, images="copy" if options.copy_images else "link")
    print(f"wrote {options.out}: {named.name}, {named.stimuli}, {named.fixations}")
