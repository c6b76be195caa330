"""Images, fixations, densities and maps of gain."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import salmetrics
from salmetrics import GaussianCentreBias, InputError
from salmetrics.densities.sampling import draw_fixations, image_stream
from salmetrics.plotting import (
    plot_density,
    plot_fixations,
    plot_information_gain_map,
    plot_samples,
)
from salmetrics.plotting.images import contour_levels
from tests.plotting.drawn import FIXATIONS, STIMULI, points


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
        # a few pixels of equal distance, each with at most 1 / (200 pi) = 0.0016, decide
        assert np.exp(log)[log >= level].sum() == pytest.approx(mass, abs=0.01)
    plt.close(figure)


def test_shared_contours_are_those_of_the_largest_mass(ax):
    log = np.full((6, 8), -np.inf)
    log[:, :4] = -np.log(24)
    plot_density(log, masses=(0.25, 0.5), ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["50 %"]
    ax.clear()
    plot_density(np.full((6, 8), -np.log(48)), masses=(0.25,), ax=ax)
    assert ax.get_legend() is None


def test_density_with_a_norm_and_without_bar(ax):
    log = GaussianCentreBias().log_density(salmetrics.Stimuli.from_sizes([(20, 30)])[0])
    plot_density(log, masses=(0.5,), bar=False, legend=False, ax=ax, norm="log")
    assert len(ax.figure.axes) == 1
    assert ax.get_legend() is None


def test_samples(ax, generated):
    stimulus = generated.dataset.stimuli[1]
    log = generated.truth.log_density(stimulus)
    assert plot_samples(stimulus, log, 30, seed=2, ax=ax, s=4) is ax
    x, y = draw_fixations(log, 30, image_stream(2, stimulus.id))
    np.testing.assert_array_equal(points(ax), np.c_[x, y])
    assert ax.collections[0].get_sizes().tolist() == [4]
    with pytest.raises(InputError, match=r"size of image '1', \(40, 50\); got \(5, 5\)"):
        plot_samples(stimulus, np.full((5, 5), -np.log(25)), 3, ax=ax)
    with pytest.raises(InputError, match="n must be a whole number >= 0"):
        plot_samples(stimulus, log, -1, ax=ax)


def test_information_gain_map(ax, generated):
    stimuli, fixations = generated.dataset
    gold = salmetrics.GoldStandard(
        stimuli, fixations, bandwidth=3, centre_weight=0.1, uniform_weight=0.1, upper_bound=True
    )
    gain = salmetrics.information_gain_map(
        generated.truth, stimuli[0], gold_standard=gold, baseline=GaussianCentreBias()
    )
    assert plot_information_gain_map(gain, ax=ax) is ax
    (picture,) = ax.images
    np.testing.assert_array_equal(picture.get_array(), gain)
    low, high = picture.get_clim()
    assert low == -high
    assert high == pytest.approx(np.quantile(abs(gain), 0.999), rel=1e-12)
    assert ax.get_title() == f"{gain.sum():+.3f} bit/fixation"
    assert ax.figure.axes[1].get_ylabel() == "gain (bit/fixation/pixel)"
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 50), (40, 0))


def test_information_gain_map_over_the_image(ax, generated):
    stimulus = generated.dataset.stimuli[0]
    gain = np.zeros((40, 50))
    gain[10, 20], gain[30, 40] = 0.5, -0.5
    plot_information_gain_map(gain, stimulus=stimulus, ax=ax, vmin=-1, vmax=1)
    grey, picture = ax.images
    np.testing.assert_allclose(grey.get_array(), stimulus.rgb.mean(axis=2), rtol=1e-12)
    assert picture.get_alpha()[0, 0] == 0  # the image shows where nothing is gained
    assert picture.get_alpha()[10, 20] == 1
    assert picture.get_clim() == (-1, 1)
    ax.clear()
    plot_information_gain_map(np.zeros((40, 50)), ax=ax)
    assert ax.images[0].get_clim() == (-1, 1)


@pytest.mark.parametrize("gain", [np.zeros(3), np.zeros((0, 3)), np.full((2, 2), np.nan)])
def test_wrong_gains(ax, gain):
    with pytest.raises(InputError, match="gain must be a map"):
        plot_information_gain_map(gain, ax=ax)


def test_infinite_gains_have_the_colours_of_the_ends(ax):
    gain = np.zeros((4, 5))
    gain[0, 0], gain[1, 1], gain[2, 2], gain[3, 3] = np.inf, 0.5, -np.inf, -0.5
    plot_information_gain_map(gain, ax=ax)
    shown = ax.images[0].get_array()
    assert np.isfinite(shown).all()
    assert shown[0, 0] >= ax.images[0].get_clim()[1]
    assert shown[2, 2] <= ax.images[0].get_clim()[0]
    with pytest.raises(InputError, match="finite somewhere"):
        plot_information_gain_map(np.full((2, 2), np.inf), ax=ax)


def test_a_gain_of_another_size(ax, generated):
    with pytest.raises(
        InputError, match=r"gain must have the size of image '0', \(40, 50\); got \(2"
    ):
        plot_information_gain_map(np.zeros((2, 2)), stimulus=generated.dataset.stimuli[0], ax=ax)


@given(st.integers(0, 10**6), st.lists(st.floats(0.001, 0.999), min_size=1, max_size=5))
def test_contour_levels_enclose_their_mass(seed, masses):
    p = np.random.default_rng(seed).gamma(0.3, size=(7, 9))
    log = np.log(p / p.sum())
    p = np.exp(log)
    for mass, level in zip(masses, contour_levels(log, masses), strict=True):
        assert p[log >= level].sum() >= mass - 1e-9
        assert p[log > level].sum() < mass + 1e-9


def test_contour_levels_that_are_refused():
    log = GaussianCentreBias().log_density(STIMULI[0])
    with pytest.raises(InputError, match="masses must be between 0 and 1"):
        contour_levels(log, [0.5, 1])
    with pytest.raises(InputError, match="log_density"):
        contour_levels(log + 1)
