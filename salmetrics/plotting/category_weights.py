"""Weights of backbones over a training, for models that weight them by category of image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from salmetrics.array_types import AnyArray
from salmetrics.errors import InputError, check_choice, check_list, some
from salmetrics.plotting.fitted_text import fitted_all
from salmetrics.plotting.labels import label_axis, legend_size, title
from salmetrics.plotting.style import COLOURS, balanced, plain_frame, pyplot, wrapped_grid

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["PANEL_KINDS", "PanelKind", "plot_category_weights"]

PanelKind = Literal["category", "backbone"]
PANEL_KINDS: tuple[PanelKind, ...] = get_args(PanelKind)

_COLUMNS = ("category", "backbone", "epoch", "weight")
# each style takes all colours before the next does, so that six lines differ by colour alone
_LINE_STYLES = ("solid", (0, (5, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)), (0, (2.5, 1)))
_PANELS = 5  # side by side, at most
_EQUAL: dict[str, Any] = {"color": "0.3", "linewidth": 0.8, "linestyle": "dashed"}
_BAND = "lowest to highest fold"
_WIDTH, _HEIGHT = 2.3, 2.0  # of a panel, inches
_BESIDE = 110.0  # width of names beside given axes, points


def plot_category_weights(
    history: pd.DataFrame | Mapping[str, pd.DataFrame],
    categories: Sequence[Any] | None = None,
    *,
    by: PanelKind = "category",
    axes: AnyArray | None = None,
    **kwargs: Any,
) -> AnyArray:
    """Draw the weights of backbones over the epochs of a training, for categories of images.

    Each line is the mean over the folds that reached the epoch, in a band from the lowest to the
    highest of them. The thin dashed line is the weight that all backbones of the run have if they
    weigh the same. All panels have the same scales, from 0 to a little above the highest weight.

    Parameters
    ----------
    history
        Table with one row per weight and the columns category, backbone, epoch (0: before
        training), weight and, if there are several trainings, fold. A dict of such tables by the
        name of their run gives each run a row of panels.
    categories
        Names of the categories to draw; all by default.
    by
        "category": one panel per category and one line per backbone; "backbone": one panel per
        backbone and one line per category.
    axes
        Axes to draw on, shape (n_runs, n_panels); those of a new figure by default, which wraps
        the panels of a run after at most five.
    **kwargs
        Passed to `matplotlib.axes.Axes.plot`.

    Returns
    -------
    axes : ndarray of matplotlib.axes.Axes, shape (n_runs, n_panels)
        The axes drawn on.

    Raises
    ------
    InputError
        If a table lacks a column or holds an invalid or repeated weight, a category is unknown,
        the lines of a panel are too many to distinguish, or `axes` has another shape.

    References
    ----------
    Galván Díaz (2024), DeepGaze IIE-ACW, figures 7 to 9.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import pandas as pd
    >>> history = pd.DataFrame(
    ...     {
    ...         "category": "Art",
    ...         "backbone": ["A", "B", "A", "B"],
    ...         "epoch": [0, 0, 1, 1],
    ...         "weight": [0.5, 0.5, 0.7, 0.3],
    ...     }
    ... )
    >>> axes = plot_category_weights(history)
    >>> axes.shape, axes[0, 0].get_title()
    ((1, 1), 'Art')
    >>> plt.close(axes[0, 0].figure)
    """
    pyplot()  # raises an error if there is none
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

    check_choice("by", by, PANEL_KINDS)
    runs = _checked_runs(history)
    names = {column: _names(runs.values(), column) for column in ("category", "backbone")}
    if categories is not None:
        wanted = list(dict.fromkeys(check_list("categories", categories)))
        for category in wanted:
            check_choice("category", category, names["category"])
        if not wanted:
            raise InputError("categories must name at least one category; got none")
        names["category"] = wanted
    n_backbones = {run: table["backbone"].nunique() for run, table in runs.items()}
    runs = {run: table[table["category"].isin(names["category"])] for run, table in runs.items()}
    other = "backbone" if by == "category" else "category"
    panels, looks = names[by], _looks(names[other], other)
    shape = (len(runs), len(panels))
    is_new = axes is None
    per_row = balanced(len(panels), _PANELS) if is_new else len(panels)
    if axes is None:
        n_rows = shape[0] * -(-shape[1] // per_row)
        size = (max(_WIDTH * per_row + 0.4, 4.6), _HEIGHT * n_rows + (0.5 if n_rows > 1 else 0.9))
        grid = wrapped_grid(*shape, per_row, size)
    else:
        grid = np.asarray(axes)
    if grid.shape != shape:
        raise InputError(
            f"axes must have shape {shape}, (n_runs, n_panels), see plt.subplots(..., "
            f"squeeze=False); got {grid.shape}"
        )
    overrides = normalize_kwargs(kwargs, Line2D)  # lw is linewidth
    faint = 0.18 if len(looks) <= len(COLOURS) else 0.08  # many bands overlap
    drawn: dict[Any, Line2D] = {}
    for i, (run, table) in enumerate(runs.items()):
        for k, subject in enumerate(panels):
            panel: Axes = grid[i, k]
            rows = dict(iter(table[table[by] == subject].groupby(other)))
            for name in (name for name in looks if name in rows):
                options = {"label": str(name)} | looks[name] | overrides
                line = _draw(panel, rows[name], options, faint)
                drawn.setdefault(name, line)
            if not rows:
                centre: dict[str, Any] = {"ha": "center", "va": "bottom", "color": "0.3"}
                panel.text(0.5, 0.02, "not in this run", transform=panel.transAxes, **centre)
            level = panel.axhline(1 / n_backbones[run], zorder=1, label="equal weights", **_EQUAL)
            panel.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
            plain_frame(panel)
            if i == 0:
                title(panel, str(subject), lines=2)
            if k % per_row == 0 and run is None:
                panel.set_ylabel("weight")
            elif k % per_row == 0:
                label_axis(panel, "y", str(run), more="weight", lines=2)
            else:
                panel.tick_params(labelleft=False)
            if i == len(runs) - 1 and k + per_row >= len(panels):
                panel.set_xlabel("epoch")
            else:
                panel.tick_params(labelbottom=False)
    _share_scales(grid, list(runs.values()), 1 / min(n_backbones.values()))
    handles: list[Artist] = [*(drawn[name] for name in looks if name in drawn), level]
    if any(panel.collections for panel in grid.flat):
        handles.append(Patch(color="0.3", alpha=0.18, linewidth=0, label=_BAND))
    _add_legend(grid, handles, is_new)
    return grid


def _checked_runs(history: Any) -> dict[str | None, pd.DataFrame]:
    """Return checked tables by the name of their run; None names the run of a table alone."""
    import pandas as pd

    if isinstance(history, pd.DataFrame):
        return {None: _checked(history, "history")}
    if not isinstance(history, Mapping):
        kind = type(history).__name__
        raise InputError(
            f"history must be a DataFrame, or a dict of DataFrames by name of run; got {kind}"
        )
    if not history:
        raise InputError("history must hold at least one run; got an empty dict")
    return {run: _checked(table, f"history of {run!r}") for run, table in history.items()}


def _checked(table: Any, name: str) -> pd.DataFrame:
    """Return the columns to draw, with epochs and weights as floats."""
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
        raise InputError(f"{name} must have at least one row; it is empty")
    has_folds = "fold" in table and table["fold"].notna().any()
    weights = table[[*_COLUMNS, *(["fold"] if has_folds else [])]].reset_index(drop=True)
    for column in weights.columns.difference(["epoch", "weight"], sort=False):
        if weights[column].isna().any():
            row = int(weights[column].isna().argmax())
            raise InputError(f"{name}: {column} is missing in row {row}")
    numbers = weights[["epoch", "weight"]].apply(pd.to_numeric, errors="coerce").astype(float)
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
            raise InputError(f"{name}: {rule}; got {weights[column].iloc[row]} in row {row}")
    # object: a categorical column would keep categories that have no row
    weights = weights.astype(object).assign(epoch=epoch, weight=weight)
    repeated = weights.duplicated(weights.columns.difference(["weight"]).tolist())
    if repeated.any():
        first = weights.iloc[int(repeated.argmax())]
        raise InputError(
            f"{name} has two weights of {first['backbone']!r} for {first['category']!r} in epoch "
            f"{first['epoch']:g}; several trainings need a column 'fold', or a table per run"
        )
    return weights


def _names(tables: Iterable[pd.DataFrame], column: str) -> list[Any]:
    """Return the different values of a column, in order of appearance."""
    return list(dict.fromkeys(name for table in tables for name in table[column].unique()))


def _looks(names: Sequence[Any], what: str) -> dict[Any, dict[str, Any]]:
    """Return the colour and line style of each line."""
    most = len(COLOURS) * len(_LINE_STYLES)
    if len(names) > most:
        remedy = "; choose some with categories" if what == "category" else ""
        raise InputError(
            f"at most {most} lines per panel can be distinguished; got {len(names)}{remedy}"
        )
    return {
        name: {
            "color": COLOURS[k % len(COLOURS)],
            "linestyle": _LINE_STYLES[k // len(COLOURS)],
            "linewidth": 1.5,
        }
        for k, name in enumerate(names)
    }


def _draw(axes: Axes, rows: pd.DataFrame, options: dict[str, Any], faint: float) -> Line2D:
    """Draw one line, with a band if there are several folds."""
    by_epoch = rows.groupby("epoch")["weight"].agg(["mean", "min", "max"])
    if len(by_epoch) == 1:
        options = {"marker": "o", "markersize": 4} | options  # a line of one point is invisible
    (line,) = axes.plot(by_epoch.index, by_epoch["mean"], **options)
    if "fold" in rows and rows["fold"].nunique() > 1:
        band: dict[str, Any] = {"color": line.get_color(), "alpha": faint, "linewidth": 0}
        axes.fill_between(by_epoch.index, by_epoch["min"], by_epoch["max"], **band)
    return line


def _share_scales(grid: AnyArray, tables: Sequence[pd.DataFrame], equal: float) -> None:
    """Give all panels the same scales of epochs and weights."""
    ends = [table[["epoch", "weight"]].agg(["min", "max"]) for table in tables if len(table)]
    first, last = min(e["epoch"].min() for e in ends), max(e["epoch"].max() for e in ends)
    low, high = (min(0.0, *(e["weight"].min() for e in ends)), max(e["weight"].max() for e in ends))
    high = max(high, equal)
    reach = 0.02 * (last - first) or 0.5
    room = 0.05 * (high - low)
    for panel in grid.flat:
        panel.set_xlim(first - reach, last + reach)
        panel.set_ylim(low - room if low < 0 else 0, high + room)


def _add_legend(grid: AnyArray, handles: list[Artist], is_new: bool) -> None:
    """Add one legend: above a new figure's panels, or to the right of the given ones."""
    style: dict[str, Any] = {"handles": handles, "frameon": False, "fontsize": "small"}
    figure = grid[0, 0].get_figure(root=True)
    labels, n_columns = legend_size(figure, [str(handle.get_label()) for handle in handles])
    if not is_new:
        labels = fitted_all(figure, [h.get_label() for h in handles], _BESIDE, size="small")
        place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.02, 1)}
        columns = -(-len(handles) // 12)
        grid[0, -1].legend(labels=labels, borderaxespad=0, ncols=columns, **place, **style)
        return
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + 0.19 * -(-len(handles) // n_columns))
    style["handlelength"] = 2.6  # shows which style a line has
    figure.legend(labels=labels, loc="outside upper center", ncols=n_columns, **style)
