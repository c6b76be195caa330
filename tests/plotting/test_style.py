"""Colours, labels and frames that all figures share."""

import sys

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_rgb

from salmetrics import InputError, Uniform, evaluate
from salmetrics.plotting import plot_density, plot_fixations, plot_scores
from salmetrics.plotting.style import (
    COLOURS,
    as_written,
    balanced,
    current,
    metric_label,
    plain_frame,
    wrapped_grid,
)
from tests.plotting import named
from tests.plotting.drawn import FIXATIONS, STIMULI, Map


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plot_fixations(STIMULI[0], FIXATIONS),
        lambda: plot_density(Uniform().log_density(STIMULI[0])),
        lambda: plot_scores(
            evaluate(Map(), STIMULI, FIXATIONS, metrics=["AUC"], progress=False), "AUC"
        ),
    ],
)
def test_current_axes(ax, draw):
    plt.sca(ax)
    assert draw() is ax
    assert plt.fignum_exists(ax.figure.number)  # not closed


@pytest.mark.parametrize("name", [*named.ON_AXES, *named.NEW])
def test_matplotlib_is_missing(monkeypatch, name):
    found = named.evaluated("short", 3)
    for module in ("matplotlib", "matplotlib.pyplot"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r"figures need matplotlib: pip install 'salmetrics\[rep"):
        named.ON_AXES[name](found, None) if name in named.ON_AXES else named.NEW[name](found)


def test_panels_are_balanced():
    assert [balanced(n, 5) for n in (1, 5, 6, 7, 11)] == [1, 5, 3, 4, 4]
    grid = wrapped_grid(2, 3, 2, (4, 8))
    assert grid.shape == (2, 3)
    places = [[panel.get_subplotspec().rowspan.start for panel in row] for row in grid]
    assert places == [[0, 0, 2], [1, 1, 3]]  # both rows, then what follows of them


def test_a_new_figure_has_a_layout():
    plt.close("all")
    axes = current(None, (3, 2))
    assert axes.figure.get_size_inches().tolist() == [3, 2]
    assert axes.figure.get_layout_engine() is not None
    assert current(None) is axes
    assert current(axes) is axes


def test_dollars_are_escaped():
    assert as_written("$x$ of 3") == r"\$x\$ of 3"
    assert as_written(3) == "3"


def test_labels_name_unit_and_direction():
    assert metric_label("IG") == "IG (bit/fixation), higher is better"
    assert metric_label("KLDiv") == "KLDiv (nat), lower is better"
    assert metric_label("AUC") == "AUC, higher is better"  # has no unit


def test_frames(ax):
    assert plain_frame(ax) is ax
    visible = {side: spine.get_visible() for side, spine in ax.spines.items()}
    assert visible == {"left": True, "bottom": True, "top": False, "right": False}


def test_colours_are_distinct():
    assert len({to_rgb(colour) for colour in COLOURS}) == 6
