"""Optimal maps of densities, and models that give them."""

import numpy as np
import pytest

import salmetrics
from salmetrics import InputError, optimal_saliency_map
from salmetrics.datasets import generate_dataset
from salmetrics.densities.smoothing import Smoothing
from salmetrics.evaluation.optimal_map import checked_mean_density, needs_blur, smoothing_for
from tests.evaluation.example_densities import DENSITIES, KEYS, NONFIXATED, SIGMA, SIZE, SMOOTHING


def test_same_seed_same_map():
    log_density = DENSITIES["edge"]
    one, same, other = (
        optimal_saliency_map("SIM", log_density, sigma=2, n_samples=20, seed=s) for s in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1)])
def test_tiny_images(size):
    log_density = np.full(size, -np.log(np.prod(size)))
    found = optimal_saliency_map("SIM", log_density, sigma=3.0, n_fixations=2, n_samples=5)
    assert found.shape == size
    assert found.sum() == pytest.approx(1, rel=1e-12)


def test_all_fixations_in_one_place():
    log_density = np.full(SIZE, -np.inf)
    log_density[4, 5] = 0
    found = optimal_saliency_map("SIM", log_density, sigma=SIGMA, n_samples=10)
    truth = SMOOTHING.points(SIZE, np.array([4 * SIZE[1] + 5]))
    np.testing.assert_allclose(found, truth / truth.sum(), rtol=1e-5, atol=1e-9)


@pytest.fixture
def data():
    return generate_dataset(6, size=(40, 50), n_subjects=4)


@pytest.mark.parametrize("key", KEYS)
def test_models_of_optimal_maps_score_as_densities_do(data, key):
    """A saliency map model of the best maps has the density's score."""
    stimuli, fixations = data.dataset
    n = round(len(fixations) / len(stimuli))
    model = salmetrics.OptimalMapModel(data.truth, key, stimuli, n_fixations=n)
    found = salmetrics.evaluate(model, stimuli, fixations, metrics=[key])
    expected = salmetrics.evaluate(data.truth, stimuli, fixations, metrics=[key])
    name = f"truth for {key}"
    assert found.value(name, key) == pytest.approx(expected.value("truth", key), abs=1e-6)


def test_sim_of_a_density(data):
    """The optimal map of the truth is better than the density, and than it blurred."""
    stimuli, fixations = data.dataset
    own = salmetrics.sim(data.truth, stimuli, fixations)
    for other in (lambda p: p, Smoothing(sigma=stimuli.sigma).dense):
        maps = [other(np.exp(data.truth.log_density(stimulus))) for stimulus in stimuli]
        assert own > salmetrics.sim(maps, stimuli, fixations)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda d: optimal_saliency_map("IG", d), "metric must be one of 'AUC', .*; got 'IG'"),
        (
            lambda d: optimal_saliency_map("CC", d),
            "CC compares with blurred fixations: pass sigma=",
        ),
        (lambda d: optimal_saliency_map("sAUC", d), "sAUC needs mean_density="),
        (
            lambda d: optimal_saliency_map("sAUC", d, mean_density=np.ones((2, 2))),
            r"mean_density must be of shape \(24, 32\), at least 0",
        ),
        (lambda d: optimal_saliency_map("NSS", np.exp(d)), "log_density must be the natural log"),
        (
            lambda d: optimal_saliency_map("SIM", d, sigma=2, n_samples=1),
            "n_samples must be a whole number >= 2; got 1",
        ),
        (
            lambda d: optimal_saliency_map("SIM", d, sigma=2, n_fixations=0),
            "n_fixations must be a whole number >= 1; got 0",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(InputError, match=text):
        call(DENSITIES["edge"])


def test_wrong_models(data):
    stimuli, fixations = data.dataset
    maps = salmetrics.as_model({}, kind="saliency_map")
    with pytest.raises(InputError, match="the optimal map for NSS needs densities; dict gives"):
        salmetrics.OptimalMapModel(maps, "NSS", stimuli)
    gold = salmetrics.GoldStandard(
        stimuli, fixations, bandwidth=5, centre_weight=0.1, uniform_weight=0.1
    )
    with pytest.raises(InputError, match="gold-standard has one per subject"):
        salmetrics.OptimalMapModel(gold, "NSS", stimuli)
    protocol = salmetrics.get_protocol("default")
    for change, text in [
        ({"sim_fixations": 0}, "sim_fixations must be a whole number >= 1; got 0"),
        ({"sim_samples": 1}, "sim_samples must be a whole number >= 2; got 1"),
        ({"sim_truncate": 0}, "sim_truncate must be a positive number; got 0"),
    ]:
        with pytest.raises(InputError, match=text):
            protocol.override(**change)


def test_maps_that_are_known(data):
    log_density = DENSITIES["two bumps"]
    p = np.exp(log_density)
    np.testing.assert_array_equal(optimal_saliency_map("AUC", log_density), log_density)
    np.testing.assert_array_equal(optimal_saliency_map("NSS-MATLAB", log_density), p)
    blurred = optimal_saliency_map("KLDiv", log_density, sigma=SIGMA)
    np.testing.assert_array_equal(blurred, SMOOTHING.dense(p))
    ratio = optimal_saliency_map("sAUC", log_density, mean_density=7 * NONFIXATED)  # on any scale
    # a difference of logs up to 10 in size, each of a few eps
    np.testing.assert_allclose(ratio, log_density - np.log(NONFIXATED), rtol=0, atol=1e-13)


def test_a_model_gives_the_map_of_the_function(data):
    stimuli, _ = data.dataset
    for key in ("AUC", "NSS", "CC"):
        model = salmetrics.OptimalMapModel(data.truth, key, stimuli)
        assert (model.name, model.metric) == (f"truth for {key}", key)
        expected = optimal_saliency_map(
            key, data.truth.log_density(stimuli[1]), sigma=stimuli.sigma, boundary="constant"
        )
        np.testing.assert_array_equal(model.saliency_map(stimuli[1]), expected)


def test_a_model_says_how_it_blurs(data):
    stimuli, _ = data.dataset
    own = salmetrics.OptimalMapModel(data.truth, "CC", stimuli, sigma=3, truncate=2)
    assert own.blur == {"sigma": 3, "boundary": "constant", "truncate": 2}
    usual = salmetrics.OptimalMapModel(data.truth, "KLDiv", stimuli)
    assert usual.blur == {"sigma": stimuli.sigma, "boundary": "constant", "truncate": 4.0}
    assert salmetrics.OptimalMapModel(data.truth, "NSS", stimuli).blur["sigma"] is None


def test_the_mean_density_of_the_other_images(data):
    stimuli, _ = data.dataset
    model = salmetrics.OptimalMapModel(data.truth, "sAUC", stimuli)
    others = [np.exp(data.truth.log_density(stimulus)) for stimulus in stimuli[1:]]
    # through a grid of 500 x 500 cells and back, so not to the last digits
    np.testing.assert_allclose(
        model.mean_density(stimuli[0]), np.mean(others, axis=0), rtol=0.05, atol=1e-5
    )
    assert salmetrics.OptimalMapModel(data.truth, "NSS", stimuli).mean_density(stimuli[0]) is None


def test_maps_of_models_are_finite_and_keep_the_order():
    """Saliency maps must be finite; log 0 goes just below all others."""

    class Half(salmetrics.DensityModel):
        def log_density(self, stimulus, *, subject=None):
            p = np.arange(12.0).reshape(3, 4)
            p[0] = 0
            with np.errstate(divide="ignore"):
                return np.log(p / p.sum())

    stimuli = salmetrics.Stimuli.from_sizes([(3, 4)])
    m = salmetrics.OptimalMapModel(Half(), "AUC", stimuli).saliency_map(stimuli[0])
    logs = Half().log_density(stimuli[0])
    np.testing.assert_array_equal(m[1:], logs[1:])
    np.testing.assert_array_equal(m[0], np.full(4, logs[1:].min() - 1))


def test_a_model_lets_its_density_check_the_data(data):
    stimuli, fixations = data.dataset
    bias = salmetrics.CentreBias(stimuli, fixations, bandwidth=0.2, floor=0.01)
    model = salmetrics.OptimalMapModel(bias, "NSS", stimuli)
    model.check_data(stimuli, fixations)
    with pytest.raises(InputError, match="other fixations"):
        model.check_data(stimuli, fixations[::2])


def test_which_metrics_need_a_blur():
    assert [key for key in KEYS if needs_blur(key)] == ["CC", "KLDiv", "SIM"]
    assert smoothing_for("CC", 3.0, "reflect", 2.0) == Smoothing(
        sigma=3.0, boundary="reflect", truncate=2.0
    )
    assert smoothing_for("NSS", None, "constant", 4.0).sigma == 0
    with pytest.raises(InputError, match="SIM compares with blurred fixations: pass sigma="):
        smoothing_for("SIM", None, "constant", 4.0)


@pytest.mark.parametrize(
    "bad", [np.zeros((2, 2)), [[1, -1], [1, 1]], [[1, np.inf], [1, 1]], np.ones((2, 3))]
)
def test_densities_of_nonfixations_are_checked(bad):
    expected = [[0.1, 0.2], [0.3, 0.4]]
    np.testing.assert_allclose(
        checked_mean_density("sAUC", [[1, 2], [3, 4]], (2, 2)), expected, rtol=1e-15, atol=0
    )
    with pytest.raises(InputError, match=r"mean_density must be of shape \(2, 2\), at least 0"):
        checked_mean_density("sAUC", bad, (2, 2))
