"""Bars of scores."""

import numpy as np
import pytest

from salmetrics import (
    Fixations,
    GaussianCentreBias,
    InputError,
    Stimuli,
    Uniform,
    evaluate,
)
from salmetrics.plotting import plot_scores
from tests.plotting.drawn import FIXATIONS, STIMULI, Map


def test_scores(ax):
    models = {"flat": Uniform(), "map": Map(), "centre": GaussianCentreBias()}
    stimuli = Stimuli.from_arrays([np.zeros((10, 16), np.uint8)] * 3)
    fixations = Fixations.from_arrays([1.5, 15, 8, 3], [2, 9.5, 5, 5], [0, 1, 2, 2])
    result = evaluate(
        models, stimuli, fixations, metrics=["IG", "AUC"], baseline=Uniform(), progress=False
    )
    assert plot_scores(result, "IG", ax=ax, color="red") is ax
    assert [label.get_text() for label in ax.get_yticklabels()] == ["flat", "centre"]
    widths = [patch.get_width() for patch in ax.patches]
    assert widths == [result.value("flat", "IG"), result.value("centre", "IG")]
    assert [text.get_text() for text in ax.texts] == [f"{w:.3f}" for w in widths]
    assert ax.patches[0].get_facecolor() == (1, 0, 0, 1)
    assert ax.get_xlabel() == "IG (bit/fixation), higher is better"
    assert ax.yaxis_inverted()
    (bars,) = ax.containers[1:]  # of errors
    (lines,) = bars.lines[2]
    rows = result.summary.xs("IG", level="metric")[["low", "high"]].dropna()
    ends = [segment[:, 0].tolist() for segment in lines.get_segments()]
    np.testing.assert_allclose(ends, rows.to_numpy(), rtol=1e-12, atol=1e-12)


def test_scores_below_0_and_infinite(ax):
    class Corner(Uniform):
        name = "corner"

        def log_density(self, stimulus, *, subject=None):
            log = np.full(stimulus.size, -np.inf)
            log[0, 0] = 0
            return log

        @property
        def knows_likelihoods(self):
            return False

    models = {"corner": Corner(), "centre": GaussianCentreBias(0.05)}
    result = evaluate(models, STIMULI, FIXATIONS, metrics=["IG"], baseline=Uniform())
    plot_scores(result, "IG", ax=ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["corner", "centre"]
    assert ax.patches[0].get_width() == 0
    corner, centre = ax.texts
    assert corner.get_text() == "-inf"
    assert (centre.get_ha(), centre.xyann[0], centre.xy[0]) == ("left", 6, 0)  # beside the bar
    nothing = evaluate(Map(), STIMULI, FIXATIONS, metrics=["IG", "AUC"], baseline=Uniform())
    with pytest.raises(InputError, match="no model has IG"):
        plot_scores(nothing, "IG", ax=ax)
