"""Images where models are best, worst, or disagree."""

import numpy as np
import pytest

import salmetrics
from salmetrics import Fixations, InputError, Stimuli
from salmetrics.datasets import generate_dataset
from salmetrics.densities.divergence import jensen_shannon
from salmetrics.results.image_selection import best_and_worst, disagreement, image_differences


@pytest.fixture(scope="module")
def data():
    return generate_dataset(7, size=(40, 50), n_subjects=4, n_fixations=6)


@pytest.fixture(scope="module")
def result(data):
    models = {
        "truth": data.truth,
        "centre": salmetrics.GaussianCentreBias(),
        "flat": salmetrics.Uniform(),
    }
    options = {"metrics": ["IG", "KLDiv"], "n_bootstrap": 0, "gold_standard": True}
    return salmetrics.evaluate(models, *data.dataset, **options)


def test_best_and_worst(result):
    found = best_and_worst(result, "truth", metric="IG", n=2)
    assert found.index.tolist() == ["best", "best", "worst", "worst"]
    gains = result.per_image["truth", "IG"].sort_values(ascending=False)
    assert found["image"].tolist() == [*gains.index[:2], *gains.index[-2:]]
    assert found["IG"].tolist() == [*gains.iloc[:2], *gains.iloc[-2:]]
    lower_is_better = best_and_worst(result, "truth", metric="KLDiv", n=1)["KLDiv"]
    assert lower_is_better["best"] < lower_is_better["worst"]
    assert best_and_worst(result, "truth", n=1).columns.tolist() == ["image", "IGE"]
    everything = best_and_worst(result, "flat", metric="KLDiv", n=100)
    assert everything.index.tolist() == ["best"] * 7
    uneven = best_and_worst(result, "flat", metric="IG", n=4)
    assert uneven.index.tolist() == ["best"] * 4 + ["worst"] * 3
    assert sorted(uneven["image"]) == sorted(result.per_image.index)


def test_images_without_a_value_are_left_out():
    stimuli = Stimuli.from_sizes([(20, 30)] * 3)
    fixations = Fixations.from_arrays([1, 2, 15], [1, 2, 9], [0, 0, 2], n_images=3)
    models = {"centre": salmetrics.GaussianCentreBias(), "flat": salmetrics.Uniform()}
    result = salmetrics.evaluate(
        models, stimuli, fixations, metrics=["IG"], baseline=salmetrics.Uniform()
    )
    assert best_and_worst(result, "centre")["image"].tolist() == ["2", "0"]
    assert best_and_worst(result, "centre").columns.tolist() == ["image", "IG"]
    found = image_differences(result, "centre", "flat")
    assert found.index.tolist() == ["2", "0"]


def test_differences(result):
    found = image_differences(result, "truth", "flat")
    gains = result.per_image.xs("IG", axis=1, level="metric")
    expected = (gains["truth"] - gains["flat"]).sort_values(ascending=False)
    assert found.index.tolist() == expected.index.tolist()
    np.testing.assert_array_equal(found, expected)
    assert found.name == "IG of truth less that of flat"
    groups = image_differences(result, ["truth", "centre"], ["flat"], metric="KLDiv")
    scores = result.per_image.xs("KLDiv", axis=1, level="metric")
    expected = (scores["truth"] + scores["centre"]) / 2 - scores["flat"]
    np.testing.assert_allclose(
        groups, expected.sort_values(ascending=False), rtol=1e-12, atol=1e-15
    )
    assert groups.name == "KLDiv of mean of truth, centre less that of mean of flat"


def test_infinite_scores(data):
    class Half(salmetrics.DensityModel):
        def log_density(self, stimulus, *, subject=None):
            log = np.full(stimulus.size, -np.inf)
            there = log[: 1 + 13 * int(stimulus.id)]  # a row of the first image, all of the fourth
            there[:] = -np.log(there.size)
            return log

    models = {"a": Half(), "b": Half(), "flat": salmetrics.Uniform()}
    result = salmetrics.evaluate(models, *data.dataset, metrics=["LL"], n_bootstrap=0)
    both = image_differences(result, "a", "b", metric="LL")
    assert set(both) == {0.0}  # where both are finite
    assert 0 < len(both) < 7
    one = image_differences(result, "flat", "a", metric="LL")
    assert len(one) == 7
    assert np.isinf(one).sum() == 7 - len(both)


def test_disagreement(data):
    stimuli = data.dataset.stimuli
    centre, flat = salmetrics.GaussianCentreBias(), salmetrics.Uniform()
    found = disagreement({"truth": data.truth, "centre": centre, "flat": flat}, stimuli)
    assert found.index.tolist() == list(stimuli.ids)
    expected = [
        jensen_shannon([m.log_density(s) for m in (data.truth, centre, flat)]) for s in stimuli
    ]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(disagreement([flat, flat], stimuli), 0, rtol=0, atol=1e-12)
    left, right = (np.full((40, 50), -np.inf) for _ in range(2))
    left[:, :25], right[:, 25:] = -np.log(1000), -np.log(1000)
    halves = [dict.fromkeys(stimuli.ids, half) for half in (left, right)]
    np.testing.assert_allclose(disagreement(halves, stimuli, progress=False), 1, rtol=1e-12, atol=0)


def test_models_that_use_their_memory_again(data):
    class Same(salmetrics.DensityModel):
        def __init__(self, shift):
            self.shift = shift
            self.memory = np.empty((40, 50))

        def log_density(self, stimulus, *, subject=None):
            self.memory[:] = np.arange(50) * self.shift / 50
            self.memory -= np.log(np.exp(self.memory).sum())
            return self.memory

    one = Same(1.0)
    assert (disagreement([one, Same(-1.0)], data.dataset.stimuli) > 0.01).all()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda r, d: best_and_worst(r, "nobody"), "model must be one of"),
        (lambda r, d: best_and_worst(r, "flat", metric="AUC"), "metric must be one of"),
        (lambda r, d: best_and_worst(r, "flat", n=0), "n must be a whole number >= 1"),
        (
            lambda r, d: best_and_worst(r, "gold-standard", metric="KLDiv"),
            "gold-standard has no KLDiv: ",
        ),
        (lambda r, d: image_differences(r, [], "flat"), "a model, or a list of at least one"),
        (lambda r, d: image_differences(r, "nobody", "flat"), "model must be one of"),
        (lambda r, d: image_differences(r, "flat", "truth", metric="SIM"), "metric must be"),
        (
            lambda r, d: image_differences(r, "flat", "gold-standard", metric="KLDiv"),
            "there is no image on which both have KLDiv",
        ),
        (lambda r, d: disagreement([d.truth], d.dataset.stimuli), "at least two"),
        (
            lambda r, d: disagreement(
                [d.truth, salmetrics.as_model(lambda s: 1, kind="saliency_map")], d.dataset.stimuli
            ),
            "disagreement needs densities; .* gives saliency maps",
        ),
        (
            lambda r, d: disagreement(
                [d.truth, salmetrics.GoldStandard.fit(*d.dataset)], d.dataset.stimuli
            ),
            "gold-standard has one per subject",
        ),
    ],
)
def test_errors(result, data, call, text):
    with pytest.raises(InputError, match=text):
        call(result, data)
