"""Explained gain, and how maps became densities."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from salmetrics import InputError, Uniform, evaluate, fit_density
from salmetrics.plotting import plot_against_gold_standard, plot_fitted_density
from tests.plotting.drawn import FIXATIONS, STIMULI, Map


def test_against_gold_standard(ax, generated, gold):
    models = {"truth": generated.truth, "uniform": Uniform(), "map": Map()}
    options = {"metrics": ["IG"], "gold_standard": gold, "n_bootstrap": 0}
    result = evaluate(models, *generated.dataset, **options)
    assert plot_against_gold_standard(result, ax=ax) is ax
    gains = result.per_image.xs("IG", axis=1, level="metric")
    for dots, name in zip(ax.collections, ["truth", "uniform"], strict=True):
        expected = np.stack([gains["gold-standard"], gains[name]], axis=1)
        np.testing.assert_array_equal(dots.get_offsets(), expected)
        assert dots.get_label().startswith(f"{name}, IGE ")
    (line, _) = ax.lines
    assert np.array_equal(*line.get_data())
    assert "bit/fixation" in ax.get_xlabel()
    plot_against_gold_standard(result, ["uniform"], ax=ax, color="red")
    assert len(ax.collections) == 3
    with pytest.raises(InputError, match="model must be one of 'truth', 'uniform'; got 'map'"):
        plot_against_gold_standard(result, ["map"], ax=ax)
    plain = evaluate({"u": Uniform()}, STIMULI, FIXATIONS, metrics=["LL"])
    with pytest.raises(InputError, match="has no gold standard"):
        plot_against_gold_standard(plain, ax=ax)


def test_fitted_density(generated):
    fitted = fit_density(lambda s: s.image[:, :, 0], *generated.dataset, folds=2, blur=1)
    figure, axes = plt.subplots(1, 2)
    assert plot_fitted_density(fitted, axes=axes, color="red") is axes
    *thin, thick = axes[0].lines
    assert len(thin) == 2
    assert thick.get_color() == "red"
    x, y = thick.get_data()
    np.testing.assert_array_equal(x, fitted.overall.knots)
    assert (np.diff(y) >= 0).all()
    assert y[-1] == 0
    assert axes[1].lines[-1].get_ydata()[0] == 0
    plt.close(figure)
    new = plot_fitted_density(fitted)
    assert "sigma = 1 pixels" in new[0].get_xlabel()
    plt.close(new[0].figure)
