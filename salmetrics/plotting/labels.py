"""Names beside, above and in figures: ticks, labels of axes, titles and legends.

A text that is drawn shortened has the full one as its artist's label, see
`matplotlib.artist.Artist.get_label`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from salmetrics.plotting.fitted_text import (
    LINE,
    Size,
    drawable,
    fitted,
    fitted_all,
    points_of,
    text_width,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "label_axis",
    "label_columns",
    "label_rows",
    "legend_above",
    "legend_inside",
    "legend_size",
    "rows_height",
    "title",
]

_SMALLEST = 4.0  # points: a smaller font is illegible
_TWO_LINES = 7.0  # points: least size of a font that is made smaller to have two lines
_HANDLE = 36.0  # points for a legend's line or patch, with the space around it


def label_rows(axes: Axes, names: Sequence[object]) -> tuple[float, float]:
    """Label the places 0, 1, ... of the vertical axis with names.

    Parameters
    ----------
    axes
        Axes whose rows are labelled. Labels take two lines if the rows are high enough, and a
        smaller font if they are low; at most half of the width of the axes, or more if they have
        one line.
    names
        Name of each row.

    Returns
    -------
    size : float
        Size of the font in points, for further texts in the rows.
    width : float
        Width of the labels in points.
    """
    across, height = _extent(axes)
    widest, pitch = 0.5 * across, height / max(len(names), 1)
    size = float(np.clip(pitch / LINE, _SMALLEST, points_of()))
    lines = int(np.clip(pitch / (LINE * size), 1, 2))
    is_long = max(text_width(text, size) for text in drawable(axes, [*map(str, names)])) > widest
    if is_long and lines == 1 and pitch / (2 * LINE) >= _TWO_LINES:
        lines, size = 2, pitch / (2 * LINE)
    elif is_long and lines == 1:
        widest = 0.72 * across
    shown = fitted_all(axes, names, widest, lines=lines, size=size)
    _set_ticks(axes, "y", range(len(names)), names, shown, fontsize=size)
    width = max(text_width(text, size) for text in shown)
    _need(axes, "left", width + 8)
    return size, width


def label_columns(axes: Axes, names: Sequence[object]) -> None:
    """Label the places 0, 1, ... of the horizontal axis: level if there is room, else upright.

    Parameters
    ----------
    axes
        Axes whose columns are labelled. If there are too many for the smallest font, every second,
        third, ... is labelled.
    names
        Name of each column.
    """
    across, height = _extent(axes)
    pitch = across / max(len(names), 1)
    size = points_of()
    texts = drawable(axes, [str(name) for name in names])
    width = pitch - 0.6 * size
    if all(wrapped(text, width, 2, size) is not None for text in texts):
        shown = fitted_all(axes, names, width, lines=2, size=size)
        _set_ticks(axes, "x", range(len(names)), names, shown)
        return
    size = float(np.clip(pitch / LINE, _SMALLEST, size))
    step = max(1, int(np.ceil(_SMALLEST * LINE / pitch - 1e-9)))
    shown = fitted_all(axes, names, 0.4 * height, size=size)
    places = range(0, len(names), step)
    _set_ticks(axes, "x", places, names[::step], shown[::step], fontsize=size, rotation=90)
    _need(axes, "bottom", max(text_width(text, size) for text in shown) + 8)


def label_axis(
    axes: Axes,
    side: Literal["x", "y"],
    text: str,
    *,
    more: str = "",
    lines: int = 3,
    taken: float = 0.0,
    **kw: Any,
) -> None:
    """Write beside an axis, in lines hardly longer than the axis.

    Parameters
    ----------
    axes
        Axes to label.
    side
        "x" or "y".
    text
        The full text.
    more
        Line after the text, which is neither wrapped nor shortened.
    lines
        Most lines of the text.
    taken
        Length that labels of rows will take from the axis, points.
    **kw
        Options of `matplotlib.axes.Axes.set_xlabel`.
    """
    across, height = _extent(axes)
    size = kw.get("fontsize")
    margin = 0.1 * across  # before the labels of rows have changed the layout
    length = 1.15 * (across if side == "x" else height) - max(taken - margin, 0.0)
    after = f"\n{more}" if more else ""
    shown = fitted(axes, text, max(length, 40.0), lines=lines, size=size) + after
    artist = axes.set_xlabel(shown, **kw) if side == "x" else axes.set_ylabel(shown, **kw)
    artist.set_label(text + after)
    if shown.count("\n"):
        room = (shown.count("\n") + 3) * LINE * points_of(size)
        _need(axes, "bottom" if side == "x" else "left", room)


def title(axes: Axes, name: str, more: str = "", *, lines: int = 3, size: Size = "medium") -> None:
    """Write a name above axes, no wider than they are, and a line below it.

    Parameters
    ----------
    axes
        Axes to write above.
    name
        The full name.
    more
        Line below the name, which is neither wrapped nor shortened.
    lines
        Most lines of the name.
    size
        Size of the font.
    """
    across, _ = _extent(axes)
    shown = fitted(axes, name, across, lines=lines, size=size)
    text = f"{shown}\n{more}" if more else shown
    axes.set_title(text, fontsize=size).set_label(f"{name}\n{more}" if more else name)
    _need(axes, "top", (text.count("\n") + 1) * LINE * points_of(size) + 8)


def legend_above(axes: Axes, values: Mapping[str, str] | None = None, *, columns: int = 3) -> None:
    """Draw a legend above axes, which covers nothing: as few lines as fit, names shortened.

    Parameters
    ----------
    axes
        Axes with labelled artists.
    values
        What follows a name and is never shortened, by the label of its artist: the label ends with
        it.
    columns
        Most columns, unless there are so many artists that they need more.
    """
    handles, names, after = _entries(axes, values)
    across, height = _extent(axes)
    size = points_of("small")
    widest = max(_widths(axes, names, after, size))
    most = max(1, int(0.45 * height / (LINE * size)))  # lines
    fits = [n for n in range(1, columns + 1) if widest <= across / n]
    n_columns = max(min(max(fits, default=1), len(names)), -(-len(names) // most))
    axes.legend(
        handles,
        _shown(axes, names, after, max(across / n_columns - _HANDLE, 4 * size), size),
        frameon=False,
        fontsize=size,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.2,
        ncols=n_columns,
        handlelength=1.6,
        columnspacing=1.2,
    )
    _need(axes, "top", -(-len(names) // n_columns) * LINE * size + 8)


def legend_inside(axes: Axes, values: Mapping[str, str] | None = None) -> None:
    """Draw a legend in the upper left corner of axes, or above them if it is too large for that.

    Parameters
    ----------
    axes, values
        See `legend_above`.
    """
    handles, names, after = _entries(axes, values)
    across, height = _extent(axes)
    size = points_of()
    tall = len(names) * LINE * size > 0.25 * height
    if tall or max(_widths(axes, names, after, size)) > 0.9 * across:
        legend_above(axes, values, columns=2)
        return
    axes.legend(handles, _shown(axes, names, after, across, size), frameon=False, loc="upper left")


def legend_size(
    figure: Figure, names: Sequence[str], size: Size = "small"
) -> tuple[list[str], int]:
    """Return what a legend across a figure shows, and its number of columns.

    Parameters
    ----------
    figure
        The figure.
    names
        Full names of the entries.
    size
        Size of the font.

    Returns
    -------
    shown : list of str
        Names shortened to the width of the figure.
    n_columns : int
        The most columns whose lines fit.
    """
    handle = 6 * points_of(size)  # with the space between columns
    width = 72 * figure.get_figwidth()
    shown = fitted_all(figure, names, width - handle, size=size)
    lengths = [text_width(text, size) + handle for text in shown]
    for n_columns in range(len(shown), 1, -1):
        columns = np.array_split(lengths, n_columns)  # as matplotlib fills them
        if sum(column.max() for column in columns) <= width:
            return shown, n_columns
    return shown, 1


def rows_height(names: Sequence[object], width: float = 6.4) -> float:
    """Return the height in inches of a new figure with one row per name.

    Parameters
    ----------
    names
        Name of each row; rows are higher if one needs two lines.
    width
        Width of the figure, inches.
    """
    half = 0.5 * 0.775 * 72 * width  # what `label_rows` gives them
    is_long = any(text_width(str(name)) > half for name in names)
    return max(2.0, 0.9 + (0.46 if is_long else 0.32) * len(names))


def _figure(axes: Axes) -> Figure:
    figure = axes.get_figure(root=True)
    assert figure is not None  # axes that can be drawn on are in a figure
    return figure


def _extent(axes: Axes) -> tuple[float, float]:
    """Return the width and height of axes, points."""
    box = axes.get_window_extent()
    scale = 72 / _figure(axes).dpi
    return box.width * scale, box.height * scale


def _set_ticks(
    axes: Axes,
    side: Literal["x", "y"],
    places: Sequence[int],
    names: Sequence[object],
    shown: Sequence[str],
    **kwargs: Any,
) -> None:
    axis = axes.xaxis if side == "x" else axes.yaxis
    axis.set_ticks(places, shown, **kwargs)
    for artist, name in zip(axis.get_ticklabels(), names, strict=False):
        artist.set_label(str(name))


def _entries(
    axes: Axes, values: Mapping[str, str] | None
) -> tuple[list[Artist], list[str], list[str]]:
    """Return the artists of a legend, their names, and what follows these."""
    handles, labels = axes.get_legend_handles_labels()
    after = [(values or {}).get(label, "") for label in labels]
    names = [label.removesuffix(end) for label, end in zip(labels, after, strict=True)]
    return handles, names, after


def _widths(axes: Axes, names: Sequence[str], after: Sequence[str], size: float) -> list[float]:
    """Return the widths of a legend's entries, points."""
    texts = (a + b for a, b in zip(drawable(axes, names), after, strict=True))
    return [text_width(text, size) + _HANDLE for text in texts]


def _shown(
    axes: Axes, names: Sequence[str], after: Sequence[str], width: float, size: float
) -> list[str]:
    """Return what a legend shows."""
    taken = max(text_width(end, size) for end in after)
    short = fitted_all(axes, names, max(width - taken, 4 * size), size=size)
    return [a + b for a, b in zip(short, after, strict=True)]


def _need(axes: Axes, side: str, points: float) -> None:
    """Let the margins of a figure grow if a text needs more room than they have.

    Nothing changes if the figure has a layout of its own, or margins that somebody chose.
    """
    from matplotlib import rcParams

    figure = _figure(axes)
    if figure.get_layout_engine() is not None or axes.get_subplotspec() is None:
        return
    usual = {name: value for name, value in rcParams.items() if name.startswith("figure.subplot.")}
    if any(getattr(figure.subplotpars, k.rpartition(".")[2]) != v for k, v in usual.items()):
        return
    box = axes.get_position()
    width, height = figure.get_size_inches() * 72
    room = {"left": box.x0 * width, "bottom": box.y0 * height, "top": (1 - box.y1) * height}[side]
    if points > room:
        figure.set_layout_engine("constrained")
