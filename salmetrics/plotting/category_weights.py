"""Weights of backbones over a training, for models that weigh them by the category of an image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.errors import InputError, check_choice, check_list, some
from salmetrics.plotting.style import COLOURS, as_written, plain_frame

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["plot_category_weights"]

_COLUMNS = ("category", "backbone", "epoch", "weight")
# all colours of one before the next, so that six lines differ by colour alone
_LINE_STYLES = ("solid", (0, (5, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)), (0, (2.5, 1)))
_PANELS = 5  # beside each other at most
_EQUAL: dict[str, Any] = {"color": "0.3", "linewidth": 0.8, "linestyle": "dashed"}
_BAND = "lowest to highest fold"
_WIDTH, _HEIGHT = 2.3, 2.0  # of a panel, inches


def plot_category_weights(
    history: pd.DataFrame | Mapping[str, pd.DataFrame],
    categories: Sequence[Any] | None = None,
    *,
    by: str = "category",
    axes: NDArray[Any] | None = None,
    **kwargs: Any,
) -> NDArray[Any]:
    """Draw the weights of backbones over the epochs of a training, for categories of images.

    A line is the mean over the folds that have the epoch, in a band from the lowest to the highest
    of them. The thin dashed line is where all backbones of the run weigh the same. All panels share
    their scales; the weights go from 0 to a little more than the highest.

    Parameters
    ----------
    history
        One row a weight, in the columns category, backbone, epoch (0: before training), weight and,
        if there are several trainings, fold. Several runs, by name: each has its row of panels.
    categories
        Names of those to draw; all by default.
    by
        "category": one panel a category, one line a backbone; "backbone": the other way round.
    axes
        To draw on, shape (n_runs, n_panels); by default of a new figure, in which more than five
        panels of a run go on below.
    **kwargs
        Passed to `matplotlib.axes.Axes.plot`.

    Returns
    -------
    The axes, shape (n_runs, n_panels).

    References
    ----------
    Galván Díaz (2024), DeepGaze IIE-ACW, figures 7 to 9.
    """
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

    check_choice("by", by, ("category", "backbone"))
    runs = _checked_runs(history)
    names = {column: _names(runs.values(), column) for column in ("category", "backbone")}
    if categories is not None:
        chosen = list(dict.fromkeys(check_list("categories", categories)))
        for category in chosen:
            check_choice("category", category, names["category"])
        if not chosen:
            raise InputError("categories must name at least one")
        names["category"] = chosen
    n_backbones = {run: table["backbone"].nunique() for run, table in runs.items()}
    runs = {run: table[table["category"].isin(names["category"])] for run, table in runs.items()}
    other = "backbone" if by == "category" else "category"
    panels, looks = names[by], _looks(names[other], other)
    shape = (len(runs), len(panels))
    is_new = axes is None
    per_row = -(-len(panels) // -(-len(panels) // _PANELS)) if is_new else len(panels)
    grid = _new_axes(*shape, per_row) if axes is None else np.asarray(axes)
    if grid.shape != shape:
        raise InputError(
            f"axes must have shape {shape}: runs, panels, as plt.subplots(..., squeeze=False) "
            f"gives them; got {grid.shape}"
        )
    given = normalize_kwargs(kwargs, Line2D)  # lw is linewidth
    faint = 0.18 if len(looks) <= len(COLOURS) else 0.08  # many bands lie on each other
    drawn: dict[Any, Line2D] = {}
    for i, (run, table) in enumerate(runs.items()):
        for k, panel in enumerate(panels):
            one: Axes = grid[i, k]
            rows = dict(iter(table[table[by] == panel].groupby(other)))
            for name in (name for name in looks if name in rows):
                options = {"label": as_written(name)} | looks[name] | given
                line = _draw(one, rows[name], options, faint)
                drawn.setdefault(name, line)
            if not rows:
                centre: dict[str, Any] = {"ha": "center", "va": "bottom", "color": "0.3"}
                one.text(0.5, 0.02, "not in this run", transform=one.transAxes, **centre)
            level = one.axhline(1 / n_backbones[run], zorder=1, label="equal weights", **_EQUAL)
            one.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
            plain_frame(one)
            if i == 0:
                one.set_title(as_written(panel), fontsize="medium")
            if k % per_row == 0:
                one.set_ylabel("weight" if run is None else f"{as_written(run)}\nweight")
            else:
                one.tick_params(labelleft=False)
            if i == len(runs) - 1 and k + per_row >= len(panels):
                one.set_xlabel("epoch")
            else:
                one.tick_params(labelbottom=False)
    _share_scales(grid, list(runs.values()), 1 / min(n_backbones.values()))
    handles: list[Artist] = [*(drawn[name] for name in looks if name in drawn), level]
    if any(one.collections for one in grid.flat):
        handles.append(Patch(color="0.3", alpha=0.18, linewidth=0, label=_BAND))
    _add_legend(grid, handles, is_new)
    return grid


def _checked_runs(history: Any) -> dict[str | None, pd.DataFrame]:
    """Return tables by the name of their run, which is None for one without a name."""
    import pandas as pd

    if isinstance(history, pd.DataFrame):
        return {None: _checked(history, "history")}
    if not isinstance(history, Mapping):
        kind = type(history).__name__
        raise InputError(f"history must be a DataFrame, or a dict of them by run; got {kind}")
    if not history:
        raise InputError("history must hold at least one run")
    return {run: _checked(table, f"history of {run!r}") for run, table in history.items()}


def _checked(table: Any, name: str) -> pd.DataFrame:
    """Return a table that can be drawn, with numbers as such."""
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        raise InputError(f"{name} must be a DataFrame; got {type(table).__name__}")
    missing = [column for column in _COLUMNS if column not in table]
    if missing:
        listed = ", ".join(map(repr, missing))
        raise InputError(
            f"{name} has no column {listed}; its columns are {some(list(table.columns), 9)}"
        )
    if table.empty:
        raise InputError(f"{name} is empty: it has no row")
    has_folds = "fold" in table and table["fold"].notna().any()
    made = table[[*_COLUMNS, *(["fold"] if has_folds else [])]].reset_index(drop=True)
    for column in made.columns.difference(["epoch", "weight"], sort=False):
        if made[column].isna().any():
            row = int(made[column].isna().argmax())
            raise InputError(f"{name}: {column} is missing in row {row}")
    numbers = made[["epoch", "weight"]].apply(pd.to_numeric, errors="coerce").astype(float)
    epoch, weight = numbers["epoch"], numbers["weight"]
    wrong = {
        "weight must be finite": ("weight", ~np.isfinite(weight)),
        "epoch must be a whole number >= 0": (
            "epoch",
            ~np.isfinite(epoch) | (epoch < 0) | (epoch % 1 != 0),
        ),
    }
    for rule, (column, bad) in wrong.items():
        if bad.any():
            row = int(bad.argmax())
            raise InputError(f"{name}: {rule}; got {made[column].iloc[row]} in row {row}")
    made = made.astype(object).assign(epoch=epoch, weight=weight)  # no categories without a row
    twice = made.duplicated(made.columns.difference(["weight"]).tolist())
    if twice.any():
        first = made.iloc[int(twice.argmax())]
        raise InputError(
            f"{name} has two weights of {first['backbone']!r} for {first['category']!r} in epoch "
            f"{first['epoch']:g}; several trainings need a column 'fold', or are runs of their own"
        )
    return made


def _names(tables: Iterable[pd.DataFrame], column: str) -> list[Any]:
    """Return what a column holds, in order of appearance."""
    return list(dict.fromkeys(name for table in tables for name in table[column].unique()))


def _looks(names: Sequence[Any], what: str) -> dict[Any, dict[str, Any]]:
    """Return the colour and line style of each line."""
    most = len(COLOURS) * len(_LINE_STYLES)
    if len(names) > most:
        choose = "; choose some with categories" if what == "category" else ""
        raise InputError(
            f"at most {most} lines of a panel can be told apart; got {len(names)}{choose}"
        )
    return {
        name: {
            "color": COLOURS[k % len(COLOURS)],
            "linestyle": _LINE_STYLES[k // len(COLOURS)],
            "linewidth": 1.5,
        }
        for k, name in enumerate(names)
    }


def _new_axes(n_runs: int, n_panels: int, per_row: int) -> NDArray[Any]:
    """Return axes, shape (n_runs, n_panels), of a figure with so many beside each other.

    What does not fit into a row goes on below, after the rows of the other runs.
    """
    import matplotlib.pyplot as plt

    n_rows = n_runs * -(-n_panels // per_row)
    size = (max(_WIDTH * per_row + 0.4, 4.6), _HEIGHT * n_rows + (0.5 if n_rows > 1 else 0.9))
    figure = plt.figure(figsize=size, layout="constrained")
    places = figure.add_gridspec(n_rows, per_row)
    made = np.empty((n_runs, n_panels), object)
    for i, k in np.ndindex(made.shape):
        made[i, k] = figure.add_subplot(places[k // per_row * n_runs + i, k % per_row])
    return made


def _draw(axes: Axes, rows: pd.DataFrame, options: dict[str, Any], faint: float) -> Line2D:
    """Draw one line, with a band if there are several folds."""
    found = rows.groupby("epoch")["weight"].agg(["mean", "min", "max"])
    if len(found) == 1:
        options = {"marker": "o", "markersize": 4} | options  # a line of one point is not seen
    (line,) = axes.plot(found.index, found["mean"], **options)
    if "fold" in rows and rows["fold"].nunique() > 1:
        band: dict[str, Any] = {"color": line.get_color(), "alpha": faint, "linewidth": 0}
        axes.fill_between(found.index, found["min"], found["max"], **band)
    return line


def _share_scales(grid: NDArray[Any], tables: Sequence[pd.DataFrame], equal: float) -> None:
    """Give all panels the same epochs and weights."""
    ends = [table[["epoch", "weight"]].agg(["min", "max"]) for table in tables if len(table)]
    first, last = min(e["epoch"].min() for e in ends), max(e["epoch"].max() for e in ends)
    low, high = (min(0.0, *(e["weight"].min() for e in ends)), max(e["weight"].max() for e in ends))
    high = max(high, equal)
    reach = 0.02 * (last - first) or 0.5
    room = 0.05 * (high - low)
    for one in grid.flat:
        one.set_xlim(first - reach, last + reach)
        one.set_ylim(low - room if low < 0 else 0, high + room)


def _add_legend(grid: NDArray[Any], handles: list[Artist], is_new: bool) -> None:
    """Add one legend: above a new figure's panels, or to the right of the given ones."""
    style: dict[str, Any] = {"handles": handles, "frameon": False, "fontsize": "small"}
    if not is_new:
        place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.02, 1)}
        grid[0, -1].legend(borderaxespad=0, ncols=-(-len(handles) // 12), **place, **style)
        return
    figure = grid[0, 0].figure
    width, height = figure.get_size_inches()
    lengths = [0.6 + 0.065 * len(str(handle.get_label())) for handle in handles]  # inches, about
    n_rows = 1  # as few as fit
    while n_rows < len(handles) and width < sum(
        max(lengths[k : k + n_rows]) for k in range(0, len(handles), n_rows)
    ):
        n_rows += 1
    figure.set_size_inches(width, height + 0.19 * n_rows)
    style["handlelength"] = 2.6  # shows which style a line has
    figure.legend(loc="outside upper center", ncols=-(-len(handles) // n_rows), **style)
