"""`salmetrics plot category-weights`: weights of backbones over a training."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salmetrics.cli.arguments.figure import add_figure, check_figure, pyplot, save_figure
from salmetrics.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["add"]

_COLUMNS = "category, backbone, epoch, weight and, if there are several trainings, fold"
_NO_VALUE = {"category": [""], "backbone": [""], "epoch": [""], "weight": [""], "fold": [""]}


def add(kinds: Any) -> None:
    """Add the figure."""
    weights = kinds.add_parser(
        "category-weights", help="weights of backbones over a training, by category of image"
    )
    weights.set_defaults(run=_run)
    weights.add_argument(
        "files",
        type=Path,
        nargs="+",
        metavar="FILE",
        help=f"CSV with columns {_COLUMNS}; of several, each is a run with its folder's name",
    )
    weights.add_argument(
        "--category", action="append", metavar="NAME", help="may be repeated; default: all"
    )
    weights.add_argument(
        "--by",
        choices=("category", "backbone"),
        default="category",
        help="what each panel is of (default: category)",
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
                    f"two files are in folders called {name!r}; each must have its own, which "
                    "names the run"
                )
        history = dict(zip(names, tables, strict=True))
        where = ", ".join(map(str, options.files))
    try:
        axes = plot_category_weights(history, options.category, by=options.by)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    save_figure(axes[0, 0].figure, options)
    print(f"wrote {options.out}")


def _table(path: Path) -> pd.DataFrame:
    import pandas as pd

    if not path.is_file():
        raise InputError(f"there is no file {str(path)!r}")
    text = {"category": str, "backbone": str}  # 001 is not 1, NA is not missing
    try:
        return pd.read_csv(path, dtype=text, keep_default_na=False, na_values=_NO_VALUE)
    except ValueError as error:
        raise InputError(f"{str(path)!r} can't be read as CSV: {str(error).strip()}") from error
