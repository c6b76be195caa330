"""Densities from maps whose true nonlinearity, blur and centre bias are known."""

import pickle

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import salmetrics
from salmetrics import Fixations, InputError, SaliencyMapModel, Stimuli, fit_density
from salmetrics.densities.sampling import draw_fixations
from salmetrics.models.fitted_density import fitted_if_map


class Noise(SaliencyMapModel):
    """Smoothed noise of another kind in each image."""

    def __init__(self, smooth):
        self.smooth = smooth

    def saliency_map(self, stimulus):
        noise = np.random.default_rng(int(stimulus.id)).normal(size=stimulus.size)
        if self.smooth:
            noise = gaussian_filter(noise, self.smooth, mode="reflect") * self.smooth * 3.5
        return noise


def make(n_images, blur, nonlinearity, *, n=60, size=(60, 80), smooth=1.0):
    """Maps, fixations drawn from densities made of them, and the true log densities."""
    stimuli = Stimuli.from_sizes([size] * n_images)
    maps = Noise(smooth)
    y, x = np.mgrid[: size[0], : size[1]]
    far = np.hypot((2 * y + 1) / size[0] - 1, (2 * x + 1) / size[1] - 1) / np.sqrt(2)
    truth, xs, ys = {}, [], []
    for stimulus in stimuli:
        value = maps.saliency_map(stimulus)
        if blur:
            value = gaussian_filter(value, blur, mode="reflect")
        energy = nonlinearity(value) - 2.0 * far
        truth[stimulus.id] = energy - np.log(np.exp(energy).sum())
        x, y = draw_fixations(truth[stimulus.id], n, np.random.default_rng([int(stimulus.id), 1]))
        xs.append(x)
        ys.append(y)
    image = np.repeat(np.arange(n_images), n)
    fixations = Fixations.from_arrays(np.concatenate(xs), np.concatenate(ys), image)
    return stimuli, fixations, maps, salmetrics.as_model(truth, kind="log_density")


@pytest.mark.slow
@pytest.mark.parametrize(("blur", "smooth"), [(0.0, 2.0), (3.0, 1.0)])
def test_recovers_what_made_the_fixations(blur, smooth):
    def nonlinearity(value):
        return 3.0 * np.tanh(value * (3.0 if blur else 1.0))

    stimuli, fixations, maps, truth = make(
        24, blur, nonlinearity, n=250, size=(45, 60), smooth=smooth
    )
    fitted = fit_density(maps, stimuli, fixations, folds=2)
    # tolerances here are about three standard errors of a fit to 6000 fixations
    assert fitted.overall.blur == pytest.approx(blur, rel=0.15, abs=0.6)
    truth_gain = salmetrics.information_gain(truth, stimuli, fixations)
    gain = salmetrics.information_gain(fitted, stimuli, fixations)
    assert truth_gain - 0.06 < gain < truth_gain + 0.02
    inside = np.quantile(maps.saliency_map(stimuli[0]), [0.2, 0.8]) if not blur else (-0.2, 0.2)
    places = np.linspace(*inside, 9)
    found = np.interp(places, fitted.overall.knots, fitted.overall.values)
    expected = nonlinearity(places)
    np.testing.assert_allclose(found - found.mean(), expected - expected.mean(), rtol=0, atol=0.3)
    far = np.linspace(0.1, 0.8, 8)
    radial = np.interp(far, np.linspace(0, 1, 12), fitted.overall.radial)
    np.testing.assert_allclose(radial - radial.mean(), -2 * (far - far.mean()), rtol=0, atol=0.3)
    assert fitted.overall.grid_error < 0.002


@pytest.mark.slow
def test_images_are_predicted_by_parameters_of_other_images():
    stimuli, fixations, maps, _ = make(10, 0.0, lambda v: 0.0 * v, n=8, smooth=2.0)
    fitted = fit_density(maps, stimuli, fixations, folds=5, blur=0)
    assert len(fitted.fits) == 5
    used = {s.id: fitted.used_for(s) for s in stimuli}
    assert all(sum(fit is other for other in used.values()) == 2 for fit in fitted.fits)
    new = Stimuli.from_sizes([(12, 17)], ids=["99"])[0]
    assert fitted.used_for(new) is fitted.overall
    assert np.exp(fitted.log_density(new)).sum() == pytest.approx(1, rel=1e-9)
    # nothing is to be known here: fitted in sample it seems so, cross-validated it does not
    uniform = salmetrics.GaussianCentreBias(100.0)
    honest = salmetrics.information_gain(fitted, stimuli, fixations, baseline=uniform)
    once = fit_density(maps, stimuli, fixations, folds=None, blur=0)
    assert once.used_for(stimuli[0]) is once.overall
    in_sample = salmetrics.information_gain(once, stimuli, fixations, baseline=uniform)
    assert honest < in_sample
    assert in_sample > 0


def test_a_monotone_map_makes_no_difference():
    stimuli, fixations, maps, _ = make(12, 0.0, np.tanh, smooth=2.0)
    stretched = {s.id: np.exp(maps.saliency_map(s)) for s in stimuli}
    options = {"blur": 0, "folds": None}
    first = fit_density(maps, stimuli, fixations, **options).overall
    second = fit_density(stretched, stimuli, fixations, **options).overall
    # between knots, which are quantiles of values, one is linear in the map and one in its exp
    assert first.log_likelihood == pytest.approx(second.log_likelihood, abs=0.01)
    np.testing.assert_allclose(np.exp(first.knots), second.knots, rtol=1e-3)


@pytest.mark.parametrize(("scale", "shift"), [(1e39, 0.0), (1e-60, 0.0), (1.0, 1e9)])
def test_maps_on_any_scale(scale, shift):
    stimuli, fixations, maps, _ = make(6, 0.0, np.tanh, smooth=2.0)
    scaled = {s.id: shift + scale * maps.saliency_map(s) for s in stimuli}
    options = {"blur": 0, "folds": None}
    found = fit_density(scaled, stimuli, fixations, **options)
    expected = fit_density(maps, stimuli, fixations, **options)
    # each fit ends with a step that gains less than 1e-6 nats, a root of that from the top
    np.testing.assert_allclose(
        found.log_density(stimuli[0]), expected.log_density(stimuli[0]), rtol=0, atol=1e-3
    )


def test_options_and_determinism():
    stimuli, fixations, maps, _ = make(8, 0.0, np.tanh, smooth=2.0)
    fixed = fit_density(maps, stimuli, fixations, blur=2.5, folds=2, centre_bias=False)
    assert {fit.blur for fit in fixed.fits} == {2.5}
    assert fixed.overall.radial.tolist() == [0, 0]
    few = fit_density(maps, stimuli, fixations, blur=0, folds=2, n_centre=4, seed=1)
    assert few.overall.radial.size == 4
    again = fit_density(maps, stimuli, fixations, blur=0, folds=2, n_centre=4, seed=1)
    for a, b in zip([few.overall, *few.fits], [again.overall, *again.fits], strict=True):
        np.testing.assert_array_equal(a.values, b.values)
    assert pickle.loads(pickle.dumps(few)).parameters == few.parameters
    assert few.parameters["folds"] == 2
    assert few.name == "Noise (fitted density)"
    assert repr(fixed).startswith("<FittedDensity of Noise: blur 2.5 px, 2 folds, -1")


def test_a_constant_map_gives_the_centre_bias_alone():
    stimuli, fixations, _, _ = make(6, 0.0, np.tanh)
    flat = fit_density(lambda s: np.ones(s.size), stimuli, fixations, folds=2, blur=0)
    density = np.exp(flat.log_density(stimuli[0]))
    assert density[30, 40] > 2 * density[0, 0]
    np.testing.assert_allclose(density, density[::-1, ::-1], rtol=1e-9)


def test_corners_where_nobody_looked_stay_possible():
    stimuli, fixations, maps, _ = make(10, 0.0, np.tanh, n=30, smooth=2.0)
    middle = fixations[np.hypot(fixations.x - 40, (fixations.y - 30) * 4 / 3) < 25]
    fitted = fit_density(maps, stimuli, middle, folds=None, blur=0)
    assert fitted.log_density(stimuli[0]).min() > -40


def test_errors():
    stimuli, fixations, maps, truth = make(4, 0.0, np.tanh, n=5)
    for change, text in (
        ({"folds": 1}, "folds must be from 2 to 4, the number of images with fixations, or"),
        ({"folds": 5}, "folds must be from 2 to 4"),
        ({"folds": 2, "blur": -1}, "blur must be a number of pixels >= 0, or 'fit'; got -1"),
        ({"folds": 2, "blur": "best"}, "blur must be one of 'fit'; got 'best'"),
        ({"folds": 2.5}, "folds must be from 2 to 4"),
        ({"folds": 2, "seed": -1}, "seed must be a whole number >= 0; got -1"),
        ({"folds": 2, "n_centre": 1}, "n_centre must be a whole number, at least 2; got 1"),
    ):
        with pytest.raises(InputError, match=text):
            fit_density(maps, stimuli, fixations, **change)
    with pytest.raises(InputError, match=r"fit_density is for saliency maps; .* gives densities"):
        fit_density(truth, stimuli, fixations)
    with pytest.raises(InputError, match="there are no fixations to fit to"):
        fit_density(maps, stimuli, fixations[:0], folds=None)
    with pytest.raises(InputError, match="predicted size"):
        fit_density(lambda s: np.ones((3, 3)), stimuli, fixations, folds=2)
    with pytest.raises(InputError, match="NaN"):
        fit_density(lambda s: np.full(s.size, np.nan), stimuli, fixations, folds=2)


def test_one_image_is_too_few_for_the_command_line():
    stimuli = salmetrics.Stimuli.from_sizes([(4, 5), (4, 5)])
    fixations = salmetrics.Fixations.from_arrays([1, 2], [1, 2], [0, 0], n_images=2)
    maps = salmetrics.as_model(np.ones((2, 4, 5)), stimuli, kind="saliency_map")
    with pytest.raises(InputError, match=r"^one image is too few for --fit-density: each image"):
        fitted_if_map(maps, stimuli, fixations)
