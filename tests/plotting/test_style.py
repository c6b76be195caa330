"""Colours, labels and frames that all figures share."""

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_rgb

from salmetrics import Uniform, evaluate
from salmetrics.plotting import plot_density, plot_fixations, plot_scores
from salmetrics.plotting.style import COLOURS, as_written, metric_label, plain_frame
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
