"""`salmetrics plot category-weights`: draw the weights of backbones over a training."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salmetrics.cli.arguments.figure import add_figure, check_figure, pyplot, save_figure
from salmetrics.errors import InputError
from salmetrics.plotting.category_weights import PANEL_KINDS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["add"]

_COLUMNS = "category, backbone, epoch, weight and, if there are several trainings, fold"
_NO_VALUE = {"category": [""], "backbone": [""], "epoch": [""], "weight": [""], "fold": [""]}


def add(kinds: Any) -> None:
    """Add the figure to the subparsers of `salmetrics plot`."""
    weights = kinds.add_parser(
        "category-weights",
        help="weights of backbones over a training, by category of image",
        examples=("salmetrics plot category-weights run/category_weights.csv --out weights.pdf",),
    )
    weights.set_defaults(run=_run)
    weights.add_argument(
        "files",
        type=Path,
        nargs="+",
        metavar="FILE",
        help=f"CSV with the columns {_COLUMNS}; with several files, each is a run, named after its "
        "folder",
    )
    weights.add_argument(
        "--category",
        action="append",
        metavar="NAME",
        help="category to draw (default: all); may be repeated",
    )
    weights.add_argument(
        "--by",
        choices=PANEL_KINDS,
        default="category",
        help="one panel per category, or per backbone (default: category)",
    )
    add_figure(weights)


def _run(options: argparse.Namespace) -> None:
    check_figure(options)
    pyplot()
    from salmetrics.plotting import plot_category_weights

    tables = [_table(path) for path in options.files]
    history: Any = tables[0]
    where = str(options.files[0])
    if len(tables) > 1:
        names = [path.resolve().parent.name for path in options.files]
        for name in names:
            if names.count(name) > 1:
                raise InputError(
                    f"two files are in folders called {name!r}; folders name the runs, so their "
                    "names must differ"
                )
        history = dict(zip(names, tables, strict=True))
        where = ", ".join(map(str, options.files))
    try:
        axes = plot_category_weights(history, options.category, by=options.by)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    save_figure(axes[0, 0].figure, options)


def _table(path: Path) -> pd.DataFrame:
    import pandas as pd

    if not path.is_file():
        raise InputError(f"there is no file {str(path)!r}")
    text = {"category": str, "backbone": str}  # so that 001 is not 1, and NA not missing
    try:
        return pd.read_csv(path, dtype=text, keep_default_na=False, na_values=_NO_VALUE)
    except ValueError as error:
        raise InputError(f"{str(path)!r} is not a valid CSV file: {str(error).strip()}") from error
