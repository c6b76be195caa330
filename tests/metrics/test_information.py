"""Log likelihood and information gain by hand, against pysaliency, and their laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysaliency_reference import pysaliency
from strategies import fixated_maps, log_densities

from salmetrics.errors import InputError
from salmetrics.metrics import information

with np.errstate(divide="ignore"):
    LOG_DENSITY = np.log([[0.5, 0.25], [0.25, 0.0]])
UNIFORM = np.log(np.full((2, 2), 0.25))


def test_by_hand():
    x, y = [0, 1, 0], [0, 0, 1]
    np.testing.assert_allclose(information.score(LOG_DENSITY, x, y), [-1, -2, -2], rtol=1e-14)
    gains = information.score(LOG_DENSITY, x, y, UNIFORM)
    np.testing.assert_allclose(gains, [1, 0, 0], rtol=0, atol=1e-15)


def test_zero_probability():
    assert information.score(LOG_DENSITY, [1], [1]).tolist() == [-np.inf]
    assert information.score(LOG_DENSITY, [1], [1], UNIFORM).tolist() == [-np.inf]
    assert information.score(UNIFORM, [1], [1], LOG_DENSITY).tolist() == [np.inf]


def test_no_fixation_and_one_pixel():
    assert information.score(UNIFORM, [], []).shape == (0,)
    assert information.score([[0.0]], [0, 0], [0, 0]).tolist() == [0.0, 0.0]


def test_matlab_by_hand():
    # (0, 1, 3) / 4 over (0, 1, 1) / 2, a pixel fixated twice counting once
    expected = (np.log2(0.75 / 0.5) + np.log2(0.25 / 0.5)) / 2
    m, baseline = [[2, 3, 5]], [[1, 2, 2]]
    result = information.matlab(m, [2, 1, 1], [0, 0, 0], baseline)
    np.testing.assert_allclose(result, expected, rtol=1e-14)
    # at the minimum the scaled density is 0, and epsilon what is left
    np.testing.assert_allclose(information.matlab(m, [0], [0], [[1, 2, 1]]), 0, rtol=0, atol=1e-15)
    np.testing.assert_allclose(
        information.matlab(m, [0], [0], [[1, 0, 0]]), -52 - np.log2(1 + 2.0**-52), rtol=1e-12
    )


def test_matlab_of_constant_maps_and_no_fixation():
    np.testing.assert_allclose(
        information.matlab([[0, 1, 3]], [2], [0], [[5, 5, 5]]), np.log2(0.75 * 3), rtol=1e-12
    )
    assert information.matlab([[0, 0]], [0], [0], [[5, 5]]) == 0.0
    assert np.isnan(information.matlab([[0, 1]], [], [], [[1, 0]]))


def test_matlab_against_its_formula(rng):
    m, baseline = rng.random((2, 20, 30)).astype(np.float32)
    x, y = rng.integers(0, 30, 40), rng.integers(0, 20, 40)
    x[30:], y[30:] = x[:10], y[:10]
    fixated = np.zeros((20, 30), bool)
    fixated[y, x] = True
    logs = []
    for values in (m.astype(np.float64), baseline.astype(np.float64)):
        scaled = (values - values.min()) / (values.max() - values.min())
        logs.append(np.log2(2.0**-52 + scaled[fixated] / scaled.sum()))
    expected = np.mean(logs[0] - logs[1])
    result = information.matlab(m, x, y, baseline)
    np.testing.assert_allclose(result, expected, rtol=1e-9)


class Stored(pysaliency.Model):
    """A model of pysaliency with one log density for every image."""

    def __init__(self, log_density):
        super().__init__()
        self.stored = log_density

    def _log_density(self, stimulus):
        return self.stored


def test_against_pysaliency(rng):
    model, baseline = (np.log(p / p.sum()) for p in rng.random((2, 20, 30)))
    x, y = rng.integers(0, 30, 40), rng.integers(0, 20, 40)
    stimuli = pysaliency.Stimuli([np.zeros((20, 30, 3))])
    fixations = pysaliency.Fixations.create_without_history(x, y, np.zeros(40, int))
    likelihoods = Stored(model).log_likelihoods(stimuli, fixations)
    np.testing.assert_allclose(information.score(model, x, y), likelihoods / np.log(2), rtol=1e-9)
    gains = Stored(model).information_gains(stimuli, fixations, Stored(baseline))
    np.testing.assert_allclose(
        information.score(model, x, y, baseline), gains, rtol=1e-9, atol=1e-12
    )


@given(densities=log_densities(n=3))
def test_additive(densities):
    x, y, model, between, baseline = densities
    likelihood = information.score(model, x, y)
    gain = information.score(model, x, y, baseline)
    expected = likelihood - information.score(baseline, x, y)
    np.testing.assert_allclose(gain, expected, rtol=0, atol=1e-12)
    via = information.score(model, x, y, between) + information.score(between, x, y, baseline)
    np.testing.assert_allclose(gain, via, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(information.score(model, x, y, model), np.zeros(x.size))


@pytest.mark.slow
@given(densities=log_densities(n=2))
def test_expected_gain_under_the_model_is_not_negative(densities):
    _, _, model, baseline = densities
    rows, columns = np.indices(model.shape)
    gains = information.score(model, columns.ravel(), rows.ravel(), baseline)
    assert np.exp(model.ravel()) @ gains >= -1e-12


@given(densities=log_densities(n=1), data=st.data())
def test_order_of_fixations(densities, data):
    x, y, model = densities
    order = data.draw(st.permutations(range(x.size)))
    np.testing.assert_array_equal(
        information.score(model, x[order], y[order]), information.score(model, x, y)[order]
    )


@given(scene=fixated_maps(), factor=st.integers(1, 9), shift=st.integers(-9, 9))
def test_matlab_is_affine_invariant_and_0_for_itself(scene, factor, shift):
    m, x, y = scene
    baseline = np.arange(m.size, dtype=np.float64).reshape(m.shape)
    np.testing.assert_allclose(
        information.matlab(factor * m + shift, x, y, baseline),
        information.matlab(m, x, y, baseline),
        rtol=1e-12,
        atol=1e-12,
    )
    assert information.matlab(m, x, y, m) == 0.0


def test_float32_log_density(rng):
    weights = rng.random((20, 30))
    log_density = np.log(weights / weights.sum()).astype(np.float32)
    result = information.score(log_density, [3, 4], [5, 6])
    expected = log_density.astype(np.float64)[[5, 6], [3, 4]] / np.log(2)
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, expected, rtol=1e-14)


def test_units():
    bits = np.array([1.0, -2.0])
    np.testing.assert_array_equal(information.in_unit(bits, "bit"), bits)
    np.testing.assert_allclose(information.in_unit(bits, "nat"), bits * np.log(2), rtol=1e-15)
    with pytest.raises(InputError, match="unit must be one of 'bit', 'nat'; got 'bits'"):
        information.in_unit(bits, "bits")


def test_refused():
    with pytest.raises(InputError, match="log_density must be the natural log of a density"):
        information.score(UNIFORM + 1, [0], [0])
    with pytest.raises(InputError, match="baseline must be the natural log of a density"):
        information.score(UNIFORM, [0], [0], np.exp(UNIFORM))
    with pytest.raises(InputError, match="saliency_map and baseline must have the same shape"):
        information.score(UNIFORM, [0], [0], UNIFORM.reshape(1, 4))
    with pytest.raises(InputError, match="1 of 1 fixations are outside the map of width 2"):
        information.score(UNIFORM, [2], [0])
    with pytest.raises(InputError, match="baseline must be finite"):
        information.matlab(UNIFORM, [0], [0], LOG_DENSITY)
    with pytest.raises(InputError, match="saliency_map and baseline must have the same shape"):
        information.matlab(UNIFORM, [0], [0], UNIFORM.reshape(1, 4))
