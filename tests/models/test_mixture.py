"""Mixtures and shuffled baselines against their definitions."""

import pickle

import numpy as np
import pytest

import salmetrics
from salmetrics import (
    CentreBias,
    DensityModel,
    Fixations,
    GaussianCentreBias,
    GoldStandard,
    InputError,
    Mixture,
    ShuffledBaseline,
    Stimuli,
    Uniform,
)
from salmetrics.fingerprint import fingerprint

SIZES = [(20, 30), (24, 16), (20, 30), (9, 9)]


class Bump(DensityModel):
    """A Gaussian at a place of the image's own."""

    def __init__(self):
        self.calls = []

    def log_density(self, stimulus, *, subject=None):
        self.calls.append(stimulus.id)
        height, width = stimulus.size
        y, x = np.mgrid[:height, :width]
        at = np.random.default_rng(int(stimulus.id)).random(2)
        squares = (y / height - at[0]) ** 2 + (x / width - at[1]) ** 2
        density = np.exp(-squares / 0.05)
        return np.log(density / density.sum())


@pytest.fixture
def data(rng):
    stimuli = Stimuli.from_sizes(SIZES)
    image = rng.integers(0, 4, 60)
    y, x = (rng.random((60, 2)) * stimuli.sizes[image]).T
    return stimuli, Fixations.from_arrays(x, y, image, subject=rng.integers(0, 3, 60))


def test_mixture(data):
    stimuli, fixations = data
    parts = [GaussianCentreBias(), CentreBias(*data, bandwidth=0.1), Uniform()]
    mixture = Mixture(parts, [0.5, 0.3, 0.2])
    for stimulus in stimuli:
        expected = sum(
            w * np.exp(p.log_density(stimulus)) for w, p in zip((0.5, 0.3, 0.2), parts, strict=True)
        )
        np.testing.assert_allclose(np.exp(mixture.log_density(stimulus)), expected, rtol=1e-12)
    maps = [mixture.log_density(s) for s in stimuli]
    columns = fixations.image, fixations.y.astype(int), fixations.x.astype(int)
    expected = [maps[i][y, x] for i, y, x in zip(*columns, strict=True)]
    np.testing.assert_allclose(mixture.log_likelihoods(*data), expected, rtol=1e-9)
    assert mixture.name == "0.5 gaussian-centre-bias + 0.3 centre-bias + 0.2 uniform"
    assert mixture.parameters["weights"] == [0.5, 0.3, 0.2]
    assert not mixture.leave_one_out
    assert not mixture.subject_dependent
    with pytest.raises(InputError, match="now comes with other fixations"):
        salmetrics.log_likelihood(mixture, stimuli, fixations[1:])
    assert Mixture({"a": Uniform(), "b": Uniform()}).name == "0.5 a + 0.5 b"


def test_mixture_passes_the_subject_on(data):
    gold = GoldStandard(
        *data, bandwidth=2.0, centre_weight=0.0, uniform_weight=0.2, upper_bound=False
    )
    mixture = Mixture([gold, Uniform()], [0.6, 0.4])
    assert mixture.subject_dependent
    stimulus = data[0][0]
    expected = 0.6 * np.exp(gold.log_density(stimulus, subject=1)) + 0.4 / 600
    np.testing.assert_allclose(
        np.exp(mixture.log_density(stimulus, subject=1)), expected, rtol=1e-12
    )
    expected = 0.6 * np.exp(gold.log_likelihoods(*data))
    expected += 0.4 / np.prod(data[0].sizes, axis=1)[data[1].image]
    np.testing.assert_allclose(np.exp(mixture.log_likelihoods(*data)), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("models", "weights", "text"),
    [
        ([], None, "at least one model"),
        ([Uniform()], [0.5, 0.5], "weights must be one for each of 1 models"),
        ([Uniform(), Uniform()], [0.7, 0.7], "at least 0 and add up to 1"),
        ([Uniform(), Uniform()], [-0.5, 1.5], "at least 0 and add up to 1"),
    ],
)
def test_mixture_errors(models, weights, text):
    with pytest.raises(InputError, match=text):
        Mixture(models, weights)


def test_shuffled_baseline_is_the_mean_of_the_others():
    stimuli = Stimuli.from_sizes([(500, 500)] * 3)  # the grid itself: nothing is interpolated
    model = Bump()
    shuffled = ShuffledBaseline(model, stimuli)
    densities = [np.exp(model.log_density(s)) for s in stimuli]
    expected = (densities[0] + densities[2]) / 2
    found = np.exp(shuffled.log_density(stimuli[1]))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert shuffled.leave_one_out
    assert shuffled.name == "shuffled Bump"
    assert len(pickle.dumps(shuffled)) < 10_000
    assert fingerprint(shuffled) == fingerprint(ShuffledBaseline(model, stimuli))
    model.calls.clear()
    new = Stimuli.from_sizes([(500, 500)], ids=["7"])[0]
    np.testing.assert_allclose(np.exp(shuffled.log_density(new)), sum(densities) / 3, rtol=1e-9)
    assert model.calls == []  # an unknown image is not predicted


def test_shuffled_baseline_of_any_sizes(data):
    stimuli, fixations = data
    shuffled = ShuffledBaseline(Bump(), stimuli)
    for stimulus in stimuli:
        density = np.exp(shuffled.log_density(stimulus))
        assert density.shape == tuple(stimulus.size)
        assert density.sum() == pytest.approx(1, rel=1e-12)
    model = Bump()
    gain = salmetrics.information_gain(model, *data, baseline=ShuffledBaseline(model, stimuli))
    assert np.isfinite(gain)
    larger = Stimuli.from_sizes([(100, 150), (120, 80)])
    constant = ShuffledBaseline(GaussianCentreBias(), larger)
    expected = GaussianCentreBias().log_density(larger[0])
    # on the grid, a pixel is up to 5 cells, over which the log of the Gaussian bends by 0.05
    np.testing.assert_allclose(constant.log_density(larger[0]), expected, rtol=0, atol=0.05)
    with pytest.raises(InputError, match="at least two images"):
        ShuffledBaseline(Bump(), stimuli[:1])
    gold = GoldStandard(*data, bandwidth=2.0, centre_weight=0.0, uniform_weight=0.2)
    with pytest.raises(InputError, match=r"needs one density per image; .* has one per subject"):
        ShuffledBaseline(gold, stimuli)
    for make in (lambda m: Mixture([m]), lambda m: ShuffledBaseline(m, stimuli)):
        with pytest.raises(InputError, match="gives saliency maps"):
            make(salmetrics.as_model(lambda s: np.ones(s.size), kind="saliency_map"))


def test_a_mixture_of_maps_predicts_once(data):
    """Without likelihoods of their own, parts are asked for one map per image."""
    parts = [Bump(), Bump()]
    assert not Mixture(parts).knows_likelihoods
    assert Mixture([Bump(), CentreBias(*data)]).knows_likelihoods
    result = salmetrics.evaluate(Mixture(parts), *data, metrics=["LL", "AUC"], progress=False)
    assert result.n_predictions == len(data[0])
    for part in parts:
        assert part.calls == list(data[0].ids)


def test_a_part_without_weight_is_not_asked():
    unused = Bump()
    (stimulus,) = Stimuli.from_sizes([(4, 5)])
    fixations = Fixations.from_arrays([1.0], [2.0], [0])
    mixture = Mixture([unused, Uniform()], [0, 1])
    np.testing.assert_allclose(mixture.log_density(stimulus), -np.log(20), rtol=1e-15)
    found = mixture.log_likelihoods(Stimuli.from_sizes([(4, 5)]), fixations)
    np.testing.assert_allclose(found, -np.log(20), rtol=1e-15)
    assert unused.calls == []


def test_what_a_mixture_takes_from_its_parts(data):
    centre = CentreBias(*data)
    assert Mixture([centre, centre]).leave_one_out
    gold = GoldStandard(
        *data, bandwidth=2.0, centre_weight=0.0, uniform_weight=0.2, hold_out="fixation"
    )
    assert "each fixation has a prediction" in Mixture([Uniform(), gold]).without_maps
    parameters = Mixture([Uniform(), GaussianCentreBias(0.3)]).parameters["models"]
    assert parameters == [{"name": "uniform"}, {"name": "gaussian-centre-bias", "sigma": 0.3}]
