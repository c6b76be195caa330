"""What figures have in common."""

import matplotlib.pyplot as plt
import pytest

from salmetrics import Uniform, evaluate
from salmetrics.plotting import plot_density, plot_fixations, plot_scores
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
