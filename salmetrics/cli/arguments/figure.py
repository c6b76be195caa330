"""Options of commands that draw, and figures written to files."""

from __future__ import annotations

import argparse
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salmetrics.cli import output
from salmetrics.errors import InputError
from salmetrics.io.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "add_figure", "add_size", "check_figure", "pyplot", "save_figure"]

FIGURES = (".pdf", ".png", ".svg")
_LONGEST = 20_000  # pixels


def add_figure(command: argparse.ArgumentParser) -> None:
    """Add the options for the file and the size of the figure."""
    figure = command.add_argument_group("figure")
    figure.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help=f"file to write, ending in {', '.join(FIGURES)}; an existing file is replaced",
    )
    add_size(figure)


def add_size(group: argparse._ArgumentGroup) -> None:
    """Add the options for the size of a figure."""
    group.add_argument(
        "--size",
        type=float,
        nargs=2,
        metavar=("WIDTH", "HEIGHT"),
        help="size of the figure in inches (default: that of its kind)",
    )
    group.add_argument(
        "--dpi",
        type=int,
        default=150,
        metavar="N",
        help="pixels per inch of the figure (default: 150)",
    )


def check_figure(options: argparse.Namespace, suffixes: Sequence[str] = FIGURES) -> str:
    """Return the suffix of --out; raise `InputError` for an invalid name, size or resolution."""
    suffix = output.check_out(options.out, tuple(suffixes))
    if options.dpi < 1:
        raise InputError(f"--dpi must be at least 1; got {options.dpi}")
    longest = _LONGEST / options.dpi
    if options.size is not None and not all(1 <= length <= longest for length in options.size):
        raise InputError(
            f"--size must be two numbers from 1 to {longest:.0f} inches; got "
            f"{options.size[0]:g} {options.size[1]:g}"
        )
    return suffix


def pyplot() -> Any:
    """Return matplotlib.pyplot, set to draw without a screen."""
    try:
        import matplotlib
    except ImportError as error:
        raise InputError("figures need matplotlib: pip install 'salmetrics[report]'") from error
    matplotlib.use("Agg")
    import matplotlib.pyplot

    return matplotlib.pyplot


def save_figure(figure: Figure, options: argparse.Namespace, text: str = "") -> None:
    """Write a figure atomically, and close it; `text` is what the report says of it."""
    if options.size is not None:
        figure.set_size_inches(*options.size)

    contents = io.BytesIO()  # matplotlib's own errors hide that a disk is full
    figure.savefig(contents, dpi=options.dpi, format=options.out.suffix.lower()[1:])

    def write(path: Path) -> None:
        with replacing(path) as temporary:
            temporary.write_bytes(contents.getvalue())

    output.save(options.out, write, text)
    pyplot().close(figure)
