"""The best saliency map of a density, by kind of map, and which metric wants which."""

import numpy as np
import pytest

from salmetrics.checked_map import as_log_density
from salmetrics.densities.optimal_maps import (
    OptimalMapSettings,
    density_itself,
    expected_empirical_map,
    log_density_itself,
    shuffled_auc_map,
    sim_map,
)
from salmetrics.densities.optimal_sim import sim_optimal_map
from salmetrics.densities.sampling import draw_pixels, image_stream
from salmetrics.densities.smoothing import Smoothing
from salmetrics.metrics import auc
from salmetrics.metrics.registry import METRICS

SIZE = (24, 32)
SMOOTHING = Smoothing(sigma=2.0)
DENSITY = np.random.default_rng(0).gamma(0.3, size=SIZE)
DENSITY = np.log(DENSITY / DENSITY.sum())


def test_what_the_maps_are():
    log_density = DENSITY
    p = np.exp(log_density)
    expected = {"AUC": log_density, "NSS": p, "CC": SMOOTHING.dense(p)}
    expected |= {"AUC-Judd": log_density, "NSS-MATLAB": p, "KLDiv": SMOOTHING.dense(p)}
    settings = OptimalMapSettings(SMOOTHING, n_samples=10, image_id="x")
    expected["SIM"] = sim_optimal_map(p, SMOOTHING, 100, image_stream(0, "SIM x"), n_samples=10)
    made = {key: metric.optimal_map for key, metric in METRICS.items() if metric.optimal_map}
    assert made.keys() == expected.keys()
    for key, make in made.items():
        found = make(as_log_density(log_density), settings).values
        np.testing.assert_array_equal(found, expected[key])


def test_ranks_survive_underflow():
    log_density = np.array([[0.0, -800.0, -900.0]])
    found = log_density_itself(as_log_density(log_density), OptimalMapSettings(SMOOTHING))
    assert auc.score(found, [1], [0])[0] == 0.5
    assert auc.score(np.exp(log_density), [1], [0])[0] == pytest.approx(1 / 3, rel=1e-15)


def test_the_expected_empirical_map_is_the_mean_of_sampled_ones():
    p = np.exp(DENSITY)
    found = expected_empirical_map(as_log_density(DENSITY), OptimalMapSettings(SMOOTHING)).values
    n = 200_000
    pixels = draw_pixels(p, n, np.random.default_rng(0))
    mean = SMOOTHING.points(SIZE, pixels) / n
    # a pixel of the mean has a variance below max(kernel) times its value, over n
    error = np.sqrt(found * SMOOTHING.points(SIZE, np.array([400])).max() / n)
    assert (abs(mean - found) < 5 * error).all()


def test_sim_maps_depend_on_their_settings():
    log_density = as_log_density(DENSITY)
    usual = {"n_fixations": 20, "n_samples": 30, "seed": 4, "image_id": "a"}

    def made(**changes):
        return sim_map(log_density, OptimalMapSettings(SMOOTHING, **usual | changes)).values

    best = sim_optimal_map(np.exp(DENSITY), SMOOTHING, 20, image_stream(4, "SIM a"), n_samples=30)
    np.testing.assert_array_equal(made(), best)
    for changes in ({"seed": 5}, {"image_id": "b"}, {"n_fixations": 5}, {"n_samples": 31}):
        assert (made(**changes) != best).any()
    short = sim_optimal_map(
        np.exp(DENSITY),
        Smoothing(sigma=2.0, truncate=1.5),
        20,
        image_stream(4, "SIM a"),
        n_samples=30,
    )
    np.testing.assert_array_equal(made(truncate=1.5), short)


def test_shuffled_auc_map_by_hand():
    p, mean = np.array([[0.5, 0.25, 0.25, 0.0]]), np.array([[0.125, 0.5, 0.0, 0.375]])
    with np.errstate(divide="ignore"):
        found = shuffled_auc_map(as_log_density(np.log(p)), mean).values
    expected = [[np.log(4), -np.log(2), np.inf, -np.inf]]
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    with np.errstate(divide="ignore"):
        empty = shuffled_auc_map(as_log_density(np.log([[1.0, 0.0]])), np.array([[1.0, 0.0]]))
    assert empty.values.tolist() == [[0.0, -np.inf]]  # 0 / 0 is the lowest, not NaN


def test_float32_densities_become_float64_maps():
    log_density = as_log_density(DENSITY.astype(np.float32))
    settings = OptimalMapSettings(SMOOTHING)
    for make in (density_itself, expected_empirical_map):
        assert make(log_density, settings).values.dtype == np.float64
