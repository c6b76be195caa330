"""`salmetrics ground-truth`: write the blurred fixations that CC, KLDiv and SIM compare with."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from salmetrics.cli import output
from salmetrics.cli.arguments.dataset import add_data, dataset_of, first_images, heading
from salmetrics.cli.arguments.map_output import add_writing, check_maps_out, written_bits
from salmetrics.cli.arguments.parsing import section
from salmetrics.cli.arguments.scoring import add_json
from salmetrics.data.dataset import Dataset
from salmetrics.errors import InputError
from salmetrics.models.empirical import EmpiricalMaps
from salmetrics.models.export import export_predictions
from salmetrics.protocols import PROTOCOLS
from salmetrics.results.rendering import counted

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "ground-truth",
        examples=(
            "salmetrics ground-truth --dataset mit1003 --out truth",
            "salmetrics ground-truth --images photos --fixations fixations.csv \\",
            "    --sigma-degrees 1 --pixels-per-degree 35 --bits 16 --out truth",
        ),
    )
    command.set_defaults(run=_run)
    add_data(command)
    blur = command.add_argument_group("blur, besides --sigma: one degree or that of the data set")
    blur.add_argument(
        "--sigma-degrees",
        type=float,
        metavar="DEGREES",
        help="standard deviation of the Gaussian in degrees, with --pixels-per-degree",
    )
    blur.add_argument(
        "--protocol",
        default="default",
        choices=sorted(PROTOCOLS),
        metavar="NAME",
        help=f"how fixations are blurred: that of {', '.join(sorted(PROTOCOLS))} (default: "
        "default)",
    )
    add_writing(command, ".png")
    add_json(section(command, "files"))


def _run(options: argparse.Namespace) -> None:
    check_maps_out(options)
    dataset, left_out = _with_fixations(first_images(dataset_of(options), options))
    output.say(heading(dataset))
    stimuli = dataset.stimuli
    if options.pixels_per_degree is not None:  # which replaces a width that the data set has
        stimuli = stimuli.with_scale(pixels_per_degree=options.pixels_per_degree)
    if options.sigma is not None and options.sigma_degrees is not None:
        raise InputError("give --sigma or --sigma-degrees, not both")
    maps = EmpiricalMaps(
        stimuli,
        dataset.fixations,
        protocol=options.protocol,
        sigma=options.sigma,
        sigma_degrees=options.sigma_degrees,
    )
    written = export_predictions(
        maps,
        stimuli,
        options.out,
        files=options.files,
        bits=written_bits(options),
        dtype=options.dtype,
        levels="proportional",
    )
    smoothing = maps.smoothing
    width = f"{smoothing.cycles:g} cycles" if smoothing.cycles else f"sigma {smoothing.sigma:g}"
    more = f"; {left_out} images without fixations are left out" if left_out else ""
    bits = written_bits(options)
    levels = "" if bits is None else f", grey levels of {bits} bits from 0 to each maximum"
    output.wrote(
        written,
        f"{counted(len(dataset), 'map')}, {width}, protocol {maps.protocol.name}{levels}{more}",
    )
    output.document(
        {
            "n_maps": len(dataset),
            "n_without_fixations": left_out,
            "left_out": dict(dataset.fixations.left_out),
            "sigma": smoothing.sigma,
            "cycles": smoothing.cycles,
            "protocol": maps.protocol.name,
        }
    )


def _with_fixations(dataset: Dataset) -> tuple[Dataset, int]:
    """Return the images that have fixations, and the number of the others."""
    chosen = np.flatnonzero(dataset.fixations.counts())
    if chosen.size == 0:
        raise InputError(f"{dataset.name} has no fixations, so no ground truth")
    left_out = len(dataset) - chosen.size
    return (dataset[chosen] if left_out else dataset), left_out
