"""Options that say how a table of fixations is written."""

from __future__ import annotations

import argparse
from typing import get_args

from salmetrics.data.fixation_columns import MISSING
from salmetrics.data.fixation_tables import TableFormat
from salmetrics.data.positions import Origin, Units
from salmetrics.data.presets import PRESETS
from salmetrics.data.table_cells import DECIMALS

__all__ = ["add_table", "table_format"]


def add_table(command: argparse.ArgumentParser) -> None:
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
        "-1 to 1 from the middle; height, fractions of the height from the middle, PsychoPy's "
        "default; or degree, with --pixels-per-degree (default: pixel)",
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


def table_format(options: argparse.Namespace) -> TableFormat:
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
