"""Figures in files, as the commands that draw have in common."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salmetrics.errors import InputError
from salmetrics.io.files import check_target, replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIGURES", "add_figure", "check_out", "pyplot", "save_figure"]

FIGURES = (".pdf", ".png", ".svg")


def add_figure(command: argparse.ArgumentParser) -> None:
    """Add options that say where the figure goes, and how large it is."""
    figure = command.add_argument_group("figure")
    figure.add_argument(
        "--out", type=Path, required=True, help=f"a file ending in {', '.join(FIGURES)}"
    )
    figure.add_argument(
        "--size", type=float, nargs=2, metavar=("WIDTH", "HEIGHT"), help="in inches"
    )
    figure.add_argument("--dpi", type=int, default=150, help="default: 150")


def check_out(path: Path, suffixes: Sequence[str] = FIGURES) -> str:
    """Return the suffix of --out; raise `InputError` unless it can be written."""
    suffix = path.suffix.lower()
    if suffix not in suffixes:
        raise InputError(f"--out must end in {', '.join(suffixes)}; got {str(path)!r}")
    check_target(path)
    return suffix


def pyplot() -> Any:
    """Return matplotlib.pyplot, which draws without a screen."""
    try:
        import matplotlib
    except ImportError as error:
        raise InputError("figures need matplotlib: pip install 'salmetrics[report]'") from error
    matplotlib.use("Agg")
    import matplotlib.pyplot

    return matplotlib.pyplot


def save_figure(figure: Figure, path: Path, *, size: Any = None, dpi: int = 150) -> None:
    """Write a figure, in one step, and close it."""
    if size is not None:
        if min(size) <= 0:
            raise InputError(f"--size must be two positive numbers; got {size}")
        figure.set_size_inches(*size)
    if dpi < 1:
        raise InputError(f"--dpi must be at least 1; got {dpi}")
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=dpi, format=path.suffix.lower()[1:])
    pyplot().close(figure)
