"""Maximum likelihood: simulated data of known width and weights, optima by other means, bounds."""

import warnings

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from salmetrics import Fixations, InputError
from salmetrics.models.fitting.likelihood import (
    LEAST_WEIGHT,
    Optimum,
    best_weights,
    best_width,
    fit_kernel_mixture,
    parts_of_images,
    rounded,
    weight_curvature,
)

CENTRES = np.array([15.0, 40.0, 48.0, 80.0])
LENGTH = 100.0
WIDTH, UNIFORM = 2.5, 0.3


def simulated(n, *, seed=0):
    """Positions on a line: around one of the centres, or anywhere."""
    rng = np.random.default_rng(seed)
    near = rng.choice(CENTRES, n) + WIDTH * rng.standard_normal(n)
    return np.where(rng.random(n) < UNIFORM, rng.random(n) * LENGTH, near)


def components_of(x):
    """Return the function of the width that `fit_kernel_mixture` takes."""

    def components(width):
        kernels = norm.pdf(x[:, np.newaxis], CENTRES, width).mean(axis=1)
        return np.stack([kernels, np.full(x.size, 1 / LENGTH)], axis=1)

    return components


FREE = {"width": None, "width_range": (0.2, 30.0), "fixed": np.array([np.nan, np.nan])}


def fit(x, **changes):
    return fit_kernel_mixture(components_of(x), **{**FREE, "names": ("uniform",), **changes})


# ---- kernels and weights together


@pytest.mark.parametrize("seed", range(3))
def test_simulated_data_give_their_width_and_weights_back(seed):
    """Within four standard errors, which the curvature at the optimum says."""
    n = 20_000
    mixture = fit(simulated(n, seed=seed))
    nats = {name: bits * np.log(2) for name, bits in mixture.optimum.curvature.items()}
    assert sorted(nats) == ["bandwidth", "uniform"]
    error = 1 / np.sqrt(n * nats["bandwidth"])
    assert 0.004 < error < 0.02
    assert abs(np.log(mixture.width / WIDTH)) < 4 * error
    error = 1 / np.sqrt(n * nats["uniform"])  # of the logit
    assert 0.01 < error < 0.05
    logit = np.log(mixture.weights[1] / mixture.weights[0])
    assert abs(logit - np.log(UNIFORM / (1 - UNIFORM))) < 4 * error
    assert mixture.weights.sum() == pytest.approx(1, abs=1e-15)
    assert mixture.optimum.at_bound == ()


def test_no_neighbour_is_likelier():
    x = simulated(500)
    mixture = fit(x)
    components = components_of(x)

    def bits(width, uniform):
        return np.log2(components(width) @ [1 - uniform, uniform]).mean()

    best = bits(mixture.width, mixture.weights[1])
    np.testing.assert_array_equal(mixture.densities, components(mixture.width))
    # the reported likelihood is that before weights are rounded to four digits
    assert best == pytest.approx(mixture.optimum.log_likelihood, abs=1e-7)
    for factor in (0.9, 0.99, 1.01, 1.1):
        assert bits(mixture.width * factor, mixture.weights[1]) < best
        assert bits(mixture.width, mixture.weights[1] * factor) < best


def test_given_width_and_given_weights():
    x = simulated(400)
    calls = []

    def components(width):
        calls.append(width)
        return components_of(x)(width)

    mixture = fit_kernel_mixture(components, **FREE | {"width": 4.0}, names=("uniform",))
    assert calls == [4.0]
    assert mixture.width == 4
    assert list(mixture.optimum.curvature) == ["uniform"]
    assert mixture.optimum.n_evaluations == 1
    assert fit(x, fixed=np.array([np.nan, 0.25])).weights.tolist() == [0.75, 0.25]
    both = fit(x, width=4.0, fixed=np.array([np.nan, 0.25]))
    assert (both.width, both.optimum.curvature) == (4.0, {})
    expected = np.log2(components_of(x)(4.0) @ [0.75, 0.25]).mean()
    assert both.optimum.log_likelihood == pytest.approx(expected, rel=1e-12)


def test_fixations_that_no_kernel_predicts_do_not_count():
    x = simulated(400)
    alone = np.arange(400) % 7 == 0

    def components(width):
        densities = components_of(x)(width)
        densities[alone, 0] = np.nan
        return densities

    mixture = fit_kernel_mixture(components, **FREE, names=("uniform",))
    expected = fit(x[~alone])
    assert (mixture.width, mixture.optimum) == (expected.width, expected.optimum)
    np.testing.assert_array_equal(mixture.weights, expected.weights)
    assert mixture.densities.shape == (400, 2)


def test_bounds():
    """Positions from kernels only leave nothing to the uniform density; some need a width of 0."""
    rng = np.random.default_rng(0)
    x = CENTRES[rng.integers(0, 4, 200)] + 1e-3 * rng.standard_normal(200)
    mixture = fit(x)
    assert set(mixture.optimum.at_bound) == {"bandwidth", "uniform"}
    assert mixture.width == pytest.approx(0.2, rel=2e-3)  # the search ends within 2e-3 of it
    with pytest.warns(UserWarning, match="the fit of the line ended at the end of the range of"):
        mixture.optimum.warn("line")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Optimum(-1.0, {}, 3).warn("line")


# ---- weights


def test_best_weights_against_expectation_maximisation(rng):
    densities = rng.gamma(0.5, size=(300, 3))
    weights, bits = best_weights(densities)
    slow = np.full(3, 1 / 3)
    for _ in range(20_000):
        shares = slow * densities
        slow = (shares / shares.sum(1, keepdims=True)).mean(0)
    # both end where the gain is below 1e-15: weights within the root of that
    np.testing.assert_allclose(weights, slow, rtol=0, atol=1e-6)
    assert bits == pytest.approx(np.log2(densities @ slow).mean(), abs=1e-12)


def test_best_weights_beside_given_ones(rng):
    densities = rng.gamma(0.5, size=(300, 3))
    weights, bits = best_weights(densities, np.array([np.nan, 0.2, np.nan]))
    assert weights[1] == 0.2
    assert weights.sum() == pytest.approx(1, abs=1e-14)

    def cost(w):
        return -np.log2(densities @ [0.8 - w, 0.2, w]).mean()

    slow = minimize_scalar(cost, bounds=(0, 0.8), method="bounded", options={"xatol": 1e-10})
    assert bits == pytest.approx(-slow.fun, abs=1e-12)
    assert weights[2] == pytest.approx(slow.x, abs=1e-6)  # the top is flat


def test_weights_that_leave_no_choice(rng):
    densities = rng.gamma(0.5, size=(50, 2))
    assert best_weights(densities, np.array([np.nan, 0.4]))[0].tolist() == [0.6, 0.4]
    assert best_weights(densities, np.array([0.6, 0.4]))[0].tolist() == [0.6, 0.4]
    weights, _ = best_weights(np.c_[densities, densities], np.array([np.nan, np.nan, 0.7, 0.3]))
    assert weights.tolist() == [0, 0, 0.7, 0.3]


def test_fixations_that_are_impossible():
    weights, bits = best_weights(np.array([[0.5, 0.2], [0.0, 0.0]]))
    assert np.isnan(weights).all()
    assert bits == -np.inf


def test_a_useless_component_gets_the_least_weight():
    weights, _ = best_weights(np.array([[0.5, 1e-9]] * 9))
    assert 0 < weights[1] < LEAST_WEIGHT  # so that nothing becomes impossible


@pytest.mark.parametrize("k", range(3))
def test_weight_curvature_is_a_second_derivative(k, rng):
    densities = rng.gamma(0.5, size=(200, 3))
    weights = np.array([0.5, 0.3, 0.2])

    def bits(logit):
        weight = 1 / (1 + np.exp(-logit))
        others = np.delete(weights, k) / (1 - weights[k]) * (1 - weight)
        return np.log2(densities @ np.insert(others, k, weight)).mean()

    at, step = np.log(weights[k] / (1 - weights[k])), 1e-3
    numeric = -(bits(at + step) - 2 * bits(at) + bits(at - step)) / step**2
    # the error of the quotient is about step**2 / 12 times the fourth derivative, and eps / step**2
    assert weight_curvature(densities, weights, k) == pytest.approx(numeric, rel=1e-5, abs=1e-8)


def test_weights_at_their_end_have_no_curvature(rng):
    densities = rng.gamma(0.5, size=(20, 2))
    assert weight_curvature(densities, np.array([1.0, 0.0]), 0) == 0
    assert weight_curvature(densities, np.array([1.0, 0.0]), 1) == 0


# ---- widths


def test_best_width_of_a_parabola():
    """In the log of the width: its top, and twice its coefficient."""
    tried = []

    def likelihood(width):
        tried.append(width)
        return 1.0 - 0.7 * np.log(width / 3.3) ** 2

    width, curvature, n, at_bound = best_width(likelihood, 0.5, 50.0)
    assert width == pytest.approx(3.3, rel=1e-3)  # the tolerance
    assert curvature == pytest.approx(1.4, rel=1e-9)  # differences of a parabola are exact
    assert n == len(tried) == len(set(tried))
    assert not at_bound


@pytest.mark.parametrize(("sign", "end"), [(1, 50.0), (-1, 0.5)])
def test_best_width_at_an_end(sign, end):
    width, _, _, at_bound = best_width(lambda w: sign * np.log(w), 0.5, 50.0)
    assert at_bound
    assert width == pytest.approx(end, rel=2e-3)


def test_the_higher_of_two_tops():
    def likelihood(width):
        z = np.log(width)
        return np.exp(-((z - 0) ** 2) / 0.1) + 2 * np.exp(-((z - 2.5) ** 2) / 0.5)

    assert best_width(likelihood, 0.5, 50.0)[0] == pytest.approx(np.exp(2.5), rel=2e-3)


def test_widths_that_are_impossible():
    """An infinite or undefined likelihood is never the best."""

    def likelihood(width):
        return -np.inf if width < 2 else np.nan if width > 20 else -(np.log(width / 6) ** 2)

    assert best_width(likelihood, 0.5, 50.0)[0] == pytest.approx(6, rel=1e-3)


def test_four_digits():
    assert [rounded(v) for v in (0.123456, 123456.0, 9.99996)] == [0.1235, 123500.0, 10.0]


# ---- parts of the images


def fixations_on(images, n):
    zeros = np.zeros(len(images))
    return Fixations.from_arrays(zeros, zeros, images, n_images=n)


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_parts_are_nearly_equal(folds):
    images, parts = parts_of_images(fixations_on([0, 0, 2, 3, 5, 6, 8], 10), folds, 0)
    assert images.tolist() == [0, 2, 3, 5, 6, 8]
    assert np.ptp(np.bincount(parts, minlength=folds)) <= 1
    assert set(parts.tolist()) == set(range(folds))


def test_parts_depend_on_the_seed_alone():
    fixations = fixations_on(np.arange(40), 40)
    first = parts_of_images(fixations, 4, 0)[1]
    np.testing.assert_array_equal(parts_of_images(fixations, 4, 0)[1], first)
    assert (parts_of_images(fixations, 4, 1)[1] != first).any()
    assert not parts_of_images(fixations, None, 0)[1].any()


@pytest.mark.parametrize(
    ("images", "folds", "seed", "text"),
    [
        ([], None, 0, "there are no fixations to fit to"),
        ([0, 1, 4], 1, 0, "folds must be from 2 to 3, .* or None; got 1"),
        ([0, 1, 4], 4, 0, "folds must be from 2 to 3, .* or None; got 4"),
        ([0, 1, 4], 2.0, 0, "folds must be from 2 to 3, .* or None; got 2.0"),
        ([0, 0, 0], 2, 0, "one image with fixations is too few for folds, .*; folds=None fits to"),
        ([0, 1, 4], 2, -1, "seed must be a whole number >= 0; got -1"),
    ],
)
def test_wrong_parts(images, folds, seed, text):
    with pytest.raises(InputError, match=text):
        parts_of_images(fixations_on(images, 5), folds, seed)
