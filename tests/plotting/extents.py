"""Where the texts of a figure are."""

from itertools import combinations

import numpy as np


def texts(figure):
    """Return the visible texts of a drawn figure, with their boxes in pixels."""
    figure.draw_without_rendering()
    found = [*figure.texts]  # the label of a figure's axis is among them
    legends = [*figure.legends]
    for axes in figure.axes:
        if not axes.get_visible() or not axes.axison:
            continue
        legends += [axes.get_legend()]
        found += [axes.title, axes._left_title, axes._right_title, *axes.texts]
        for axis, (low, high) in (
            (axes.xaxis, np.sort(axes.get_xlim())),
            (axes.yaxis, np.sort(axes.get_ylim())),
        ):
            found += [axis.label, axis.offsetText]
            reach = 1e-6 * (high - low)
            for tick in axis.get_major_ticks():
                if low - reach <= tick.get_loc() <= high + reach:
                    found += [tick.label1, tick.label2]
    for legend in legends:
        if legend is not None:
            found += [*legend.get_texts(), legend.get_title()]
    renderer = figure.canvas.get_renderer()
    return [
        (text, text.get_window_extent(renderer))
        for text in found
        if text is not None and text.get_visible() and text.get_text().strip()
    ]


def faults(figure):
    """Return a line for each text that leaves the figure or overlaps another one."""
    boxes = [(text.get_text(), box) for text, box in texts(figure)]
    whole = figure.bbox
    found = [
        f"{text!r} leaves the figure: {box.extents.round()} of {whole.extents}"
        for text, box in boxes
        if box.x0 < whole.x0 - 1
        or box.y0 < whole.y0 - 1
        or box.x1 > whole.x1 + 1
        or box.y1 > whole.y1 + 1
    ]
    for (one, a), (other, b) in combinations(boxes, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        high = min(a.y1, b.y1) - max(a.y0, b.y0)
        if across > 1 and high > 1:  # a pixel of rounding
            found.append(f"{one!r} overlaps {other!r} by {across:.0f} x {high:.0f} pixels")
    return found
