"""The likelihood of transformed maps: samples on grids, the grid's error, and the optimum."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from salmetrics import Fixations, InputError, SaliencyMapModel, Stimuli
from salmetrics.densities.sampling import draw_fixations
from salmetrics.io.spill import Spill
from salmetrics.models.fitting import map_likelihood
from salmetrics.models.fitting.map_likelihood import ERROR, SampledMaps, fit_to_maps
from salmetrics.models.fitting.map_to_density import MapToDensity, relative_centres

SIZES = [(30, 40), (40, 30), (30, 40), (24, 24)]
STIMULI = Stimuli.from_sizes(SIZES)
ALL = np.arange(len(SIZES))


class Noise(SaliencyMapModel):
    """Smooth noise of another kind in each image; it counts its calls."""

    def __init__(self):
        self.calls = []

    def saliency_map(self, stimulus):
        self.calls.append(stimulus.id)
        noise = np.random.default_rng(int(stimulus.id)).normal(size=stimulus.size)
        return gaussian_filter(noise, 1.5, mode="reflect") * 5


def fixations_from_maps(n=60):
    """Fixations drawn from exp(map - 2 eccentricity)."""
    xs, ys = [], []
    for i, stimulus in enumerate(STIMULI):
        y, x = (relative_centres(length) for length in stimulus.size)
        energy = Noise().saliency_map(stimulus)
        energy = energy - 2 * np.hypot(y[:, np.newaxis], x) / np.sqrt(2)
        x, y = draw_fixations(energy, n, np.random.default_rng(i))
        xs.append(x)
        ys.append(y)
    image = np.repeat(ALL, n)
    return Fixations.from_arrays(np.concatenate(xs), np.concatenate(ys), image)


FIXATIONS = fixations_from_maps()


@contextmanager
def sampled(model=None, fixations=FIXATIONS, spill_bytes=2**30):
    with (
        Spill(STIMULI.sizes, ["map"], spill_bytes) as spill,
        ThreadPoolExecutor(2) as workers,
    ):
        yield SampledMaps(model or Noise(), STIMULI, fixations, spill, workers)


def bits(fitted, images=ALL):
    """Mean log likelihood from whole maps."""
    nats = []
    for i in images:
        log_density = fitted.log_density(Noise().saliency_map(STIMULI[int(i)]).astype(np.float32))
        rows = FIXATIONS.rows_of_image(int(i))
        at = FIXATIONS.y[rows].astype(int), FIXATIONS.x[rows].astype(int)
        nats.append(log_density[at])
    return np.concatenate(nats).mean() / np.log(2)


# ---- samples


@pytest.mark.parametrize("blur", [0.0, 2.0])
def test_samples_are_the_grid_and_then_the_fixations(blur):
    model = Noise()
    with sampled(model) as maps:
        samples = maps.samples(ALL[:2], blur, 100)
        assert maps.samples(ALL[:2], blur, 100)[0].values is samples[0].values  # cached
    for i, sample in enumerate(samples):
        (height, width), rows = SIZES[i], FIXATIONS.rows_of_image(i)
        saliency_map = Noise().saliency_map(STIMULI[i])
        if blur:
            # maps are kept in float32, whose eps is far above that of the blur
            saliency_map = gaussian_filter(saliency_map.astype(np.float32).astype(float), blur)
        step = 3  # the largest with at least 100 cells: 1200 / 9 = 133
        ys, xs = (a.ravel() for a in np.mgrid[1:height:step, 1:width:step])
        assert sample.rows == slice(ys.size, ys.size + rows.size)
        ys = np.concatenate([ys, FIXATIONS.y[rows].astype(int)])
        xs = np.concatenate([xs, FIXATIONS.x[rows].astype(int)])
        bound = 4 * np.finfo(np.float32).eps * abs(saliency_map).max()
        np.testing.assert_allclose(sample.values, saliency_map[ys, xs], rtol=0, atol=bound)
        np.testing.assert_array_equal(sample.ys, relative_centres(height)[ys])
        np.testing.assert_array_equal(sample.xs, relative_centres(width)[xs])
        assert sample.n == height * width


def test_maps_that_are_kept_are_predicted_once():
    for spill_bytes, expected in ((2**30, 4), (0, 8)):
        model = Noise()
        with sampled(model, spill_bytes=spill_bytes) as maps:
            maps.samples(ALL, 0.0, 100)
            maps.samples(ALL, 1.0, 100)
        assert len(model.calls) == expected


def test_what_is_cached_has_an_end():
    with sampled() as maps:
        for blur in np.linspace(1, 2, 20):
            maps.samples(ALL[:1], float(blur), 100)
        assert len(maps._kept) == map_likelihood._KEPT_BLURS


def test_sizes_of_images():
    with sampled() as maps:
        assert (maps.largest, maps.side) == (1200, 40.0)


def test_wrong_maps_name_the_image():
    class Wrong(Noise):
        def saliency_map(self, stimulus):
            return np.full(stimulus.size, np.nan if stimulus.id == "2" else 1.0)

    with sampled(Wrong()) as maps, pytest.raises(InputError, match=r"of Wrong for image '2'.*NaN"):
        maps.samples(ALL, 0.0, 100)


# ---- the grid's error


def test_grid_error_is_that_of_the_likelihood():
    fit = MapToDensity(0.0, np.array([-3.0, 3.0]), np.array([0.0, 6.0]), np.zeros(2), np.sqrt(0.5))
    with sampled() as maps:
        assert maps.grid_error(fit, ALL, 10**6) == pytest.approx(0, abs=1e-12)  # all pixels
        coarse = maps.grid_error(fit, ALL[:1], 100)
    saliency_map = Noise().saliency_map(STIMULI[0]).astype(np.float32).astype(float)
    energy = np.interp(saliency_map, fit.knots, fit.values)
    exact, on_grid = (np.log(np.exp(part).mean()) for part in (energy, energy[1::3, 1::3]))
    # energies up to 6 nats, from maps in float32
    assert coarse == pytest.approx(abs(on_grid - exact) / np.log(2), abs=1e-6)


# ---- the optimum


@pytest.fixture(scope="module", params=[0, 4])
def fitted(request):
    with sampled() as maps:
        return fit_to_maps(maps, ALL, blur=0.0, n_centre=request.param)


def test_the_likelihood_is_that_of_whole_maps(fitted):
    assert fitted.grid_error == pytest.approx(0, abs=1e-12)  # images have fewer pixels than cells
    assert bits(fitted) == pytest.approx(fitted.log_likelihood, abs=1e-6)  # maps in float32


def test_no_other_transformation_is_likelier(fitted):
    """Beyond the cost of bends, 3e-5 nats per squared bend, and the last step's 1e-6 nats."""
    best = bits(fitted)
    rng = np.random.default_rng(0)
    assert (np.diff(fitted.values) >= 0).all()
    changes = [{"aspect": fitted.aspect + step} for step in (-0.1, -0.03, 0.03, 0.1)]
    for _ in range(20):
        noise = 0.3 * rng.standard_normal(fitted.values.size)
        values = np.maximum.accumulate(fitted.values + noise)
        changes.append({"values": values - values[0]})
        noise = 0.3 * rng.standard_normal(fitted.radial.size)
        changes.append({"radial": fitted.radial + noise - noise[0]})
    if fitted.radial.size == 2:  # without a centre bias
        assert not fitted.radial.any()
        changes = [change for change in changes if "values" in change]

    def cost(fit):
        bends = [np.diff(curve, 2) for curve in (fit.values, fit.radial)]
        return 3e-5 * sum((bend**2).sum() for bend in bends) / np.log(2)

    for change in changes:
        other = replace(fitted, **change)
        assert bits(other) - cost(other) < best - cost(fitted) + 2e-6


def test_another_start_ends_at_the_same_likelihood(fitted):
    n_centre = 0 if fitted.radial.size == 2 else 4
    start = replace(fitted, values=np.linspace(0, 9, fitted.values.size), radial=-fitted.radial)
    with sampled() as maps:
        again = fit_to_maps(maps, ALL, blur=0.0, n_centre=n_centre, start=start)
    # each of both ends with a step that gains less than 1e-6 nats; concave but for the aspect
    assert again.log_likelihood == pytest.approx(fitted.log_likelihood, abs=1e-5)


def test_threads_change_nothing(fitted):
    n_centre = 0 if fitted.radial.size == 2 else 4
    with sampled() as maps:
        maps.workers = ThreadPoolExecutor(1)
        alone = fit_to_maps(maps, ALL, blur=0.0, n_centre=n_centre)
        maps.workers.shutdown()
    np.testing.assert_array_equal(alone.values, fitted.values)
    np.testing.assert_array_equal(alone.radial, fitted.radial)


def test_a_blur_that_is_searched_is_the_likeliest():
    with sampled() as maps:
        found = fit_to_maps(maps, ALL, blur="fit", n_centre=0)
        others = [fit_to_maps(maps, ALL, blur=blur, n_centre=0) for blur in (0.0, 1.0, 3.0)]
    assert found.blur == float(f"{found.blur:.2g}")
    assert all(found.log_likelihood >= other.log_likelihood - 1e-6 for other in others)


def test_a_coarse_grid_is_refined(monkeypatch):
    monkeypatch.setattr(map_likelihood, "N_CELLS", 30)
    with sampled() as maps:
        fitted = fit_to_maps(maps, ALL, blur=0.0, n_centre=0)
        refined = {n_cells for _, n_cells in maps._kept}
    assert 30 in refined
    assert len(refined) > 1
    assert all(n_cells % 30 == 0 for n_cells in refined)
    assert fitted.grid_error < ERROR
    assert bits(fitted) == pytest.approx(fitted.log_likelihood, abs=ERROR)


def test_a_grid_that_memory_does_not_hold(monkeypatch):
    monkeypatch.setattr(map_likelihood, "N_CELLS", 10)
    monkeypatch.setattr(map_likelihood, "_MAX_CELLS", 40)
    with (
        sampled() as maps,
        pytest.warns(UserWarning, match=r"the grid of 10 pixels per image, the finest .*blur the"),
    ):
        fitted = fit_to_maps(maps, ALL, blur=0.0, n_centre=0)
    assert fitted.grid_error > ERROR


def test_one_value_only():
    """A constant map has one knot, which becomes two; only the centre bias is fitted."""

    class Flat(Noise):
        def saliency_map(self, stimulus):
            return np.full(stimulus.size, 7.0)

    with sampled(Flat()) as maps, warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = fit_to_maps(maps, ALL, blur=0.0, n_centre=4)
    assert fitted.knots.tolist() == [7, 8]
    assert fitted.radial[-1] < fitted.radial[0]
