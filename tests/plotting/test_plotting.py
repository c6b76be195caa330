import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt

from salmetrics import (
    Fixations,
    GaussianCentreBias,
    InputError,
    SaliencyMapModel,
    Stimuli,
    Uniform,
    evaluate,
    fit_density,
)
from salmetrics.datasets import generate_dataset
from salmetrics.plotting import (
    plot_against_gold_standard,
    plot_density,
    plot_fitted_density,
    plot_fixations,
    plot_scores,
)

STIMULI = Stimuli.from_arrays([np.random.default_rng(0).integers(0, 256, (10, 16), np.uint8)])
FIXATIONS = Fixations.from_arrays([1.5, 15, 8], [2, 9.5, 5], [0, 0, 0])


class Map(SaliencyMapModel):
    def saliency_map(self, stimulus):
        return stimulus.image.astype(float)


@pytest.fixture
def ax():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def origin_is_at_the_top(ax):
    return ax.get_xlim() == (0, 16) and ax.get_ylim() == (10, 0)


def test_fixations(ax):
    assert plot_fixations(STIMULI[0], FIXATIONS, ax=ax, s=25) is ax
    (image,), (points,) = ax.images, ax.collections
    assert np.array_equal(image.get_array(), STIMULI[0].rgb)
    assert image.get_extent() == [0, 16, 10, 0]
    assert points.get_offsets().tolist() == [[1.5, 2], [15, 9.5], [8, 5]]
    assert points.get_sizes().tolist() == [25]
    assert origin_is_at_the_top(ax)


def test_density(ax):
    log_density = GaussianCentreBias().log_density(STIMULI[0])
    assert plot_density(log_density, ax=ax, cmap="magma") is ax
    (image,) = ax.images
    np.testing.assert_allclose(image.get_array(), np.exp(log_density) * 160, rtol=1e-12)
    assert (image.get_clim()[0], image.cmap.name) == (0, "magma")
    assert image.get_extent() == [0, 16, 10, 0]
    assert origin_is_at_the_top(ax)
    bar = ax.figure.axes[1]
    assert bar.get_ylabel() == "density / uniform"
    with pytest.raises(InputError, match="log_density must be the natural log"):
        plot_density(np.exp(log_density), ax=ax)


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
    np.testing.assert_allclose(ends, rows.to_numpy())


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
    assert (centre.get_ha(), centre.xyann[0]) == ("right", -6)  # beside the bar, not on it
    nothing = evaluate(Map(), STIMULI, FIXATIONS, metrics=["IG", "AUC"], baseline=Uniform())
    with pytest.raises(InputError, match="no model has IG"):
        plot_scores(nothing, "IG", ax=ax)


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


@pytest.fixture(scope="module")
def explained():
    generated = generate_dataset(6, size=(40, 50), n_subjects=4, n_fixations=6)
    models = {"truth": generated.truth, "uniform": Uniform(), "map": Map()}
    options = {"metrics": ["IG"], "gold_standard": True, "n_bootstrap": 0}
    return generated, evaluate(models, *generated.dataset, **options)


def test_against_gold_standard(ax, explained):
    _, result = explained
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


def test_fitted_density(explained):
    generated, _ = explained
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


def test_contours_enclose_their_mass():
    y, x = np.mgrid[:60, :80]
    log = -((x - 30) ** 2 + (y - 25) ** 2) / 200.0
    log = log - np.log(np.exp(log).sum())
    figure, axes = plt.subplots()
    assert plot_density(log, masses=(0.5, 0.9), ax=axes) is axes
    legend = axes.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["90 %", "50 %"]
    assert legend.get_title().get_text() == "mass inside"
    (contours,) = [c for c in axes.collections if hasattr(c, "levels")]
    for mass, level in zip((0.9, 0.5), contours.levels, strict=True):
        assert np.exp(log)[log >= level].sum() == pytest.approx(mass, abs=0.01)
    plt.close(figure)
