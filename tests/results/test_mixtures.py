"""Mixtures scored from the values of their parts, against mixtures that predict."""

import numpy as np
import pytest

import salmetrics
from salmetrics import InputError, Mixture
from salmetrics.datasets import generate_dataset
from salmetrics.results.mixtures import instance_mixtures, mixture_sweep, mixtures


class Corner(salmetrics.DensityModel):
    """Nothing in the left half."""

    name = "corner"

    def log_density(self, stimulus, *, subject=None):
        log = np.full(stimulus.size, -np.inf)
        right = log[:, stimulus.size[1] // 2 :]
        right[:] = -np.log(right.size)
        return log


@pytest.fixture(scope="module")
def data():
    return generate_dataset(6, size=(40, 50), n_subjects=4, n_fixations=6)


@pytest.fixture(scope="module")
def models(data):
    return {
        "truth": data.truth,
        "centre": salmetrics.GaussianCentreBias(),
        "flat": salmetrics.Uniform(),
        "corner": Corner(),
    }


@pytest.fixture(scope="module")
def result(data, models, gold):
    maps = salmetrics.as_model(lambda s: s.rgb[:, :, 0], kind="saliency_map")
    return salmetrics.evaluate(
        models | {"map": maps},
        *data.dataset,
        metrics=["AUC", "LL", "IG"],
        gold_standard=gold,
        n_bootstrap=50,
    )


@pytest.fixture(scope="module")
def gold(data):
    return salmetrics.GoldStandard.fit(*data.dataset)


def scored(parts, weights, data, result, gold):
    return salmetrics.evaluate(
        {"mix": Mixture(parts, weights)},
        *data.dataset,
        metrics=["LL", "IG"],
        baseline=result.baseline_model,
        gold_standard=gold,
        n_bootstrap=50,
    )


@pytest.mark.slow
def test_equal_to_mixtures_that_predict(data, models, result, gold):
    found = mixtures(result)
    names = list(models)
    assert found.models == [
        *names,
        *(f"{a} + {b}" for i, a in enumerate(names) for b in names[i + 1 :]),
        *(" + ".join(n for n in names if n != left) for left in reversed(names)),
        " + ".join(names),
        "gold-standard",
    ]
    assert found.metrics == ["LL", "IG", "IGE"]
    for mixture in found.models[:-1]:
        parts = [models[name] for name in mixture.split(" + ")]
        expected = scored(parts, None, data, result, gold)
        for metric in found.metrics:
            value = found.value(mixture, metric)
            assert value == pytest.approx(expected.value("mix", metric), abs=1e-10), mixture
        if np.isfinite(value):
            np.testing.assert_allclose(
                found.per_image[mixture, "IG"],
                expected.per_image["mix", "IG"],
                rtol=0,
                atol=1e-10,
            )
            ends = ["low", "high"]
            np.testing.assert_allclose(
                found.summary.loc[(mixture, "IG"), ends].astype(float),
                expected.summary.loc[("mix", "IG"), ends].astype(float),
                rtol=0,
                atol=1e-10,
            )
    for metric in found.metrics:
        assert found.value("gold-standard", metric) == result.value("gold-standard", metric)


def test_where_one_part_is_impossible(result):
    """Half of a density is one bit less; of nothing and nothing, nothing."""
    found = mixtures(result, sizes=[1, 2], models=["flat", "corner"])
    assert found.value("corner", "LL") == -np.inf
    flat = result.per_fixation["flat", "LL"]
    half = np.where(np.isinf(result.per_fixation["corner", "LL"]), flat - 1, flat + np.log2(1.5))
    assert found.value("flat + corner", "LL") == pytest.approx(half.mean(), abs=1e-12)


def test_results_of_mixtures_are_evaluations(result, tmp_path):
    found = mixtures(result, sizes=[1, 2], models=["truth", "flat"])
    table = found.compare("truth", "truth + flat", metric="IG")
    assert table["difference"].item() > 0
    assert found.rank("IG").index[0] == "truth"
    assert found.by("subject").loc[(0, "truth", "IG"), "value"] == pytest.approx(
        result.by("subject").loc[(0, "truth", "IG"), "value"], rel=1e-12
    )
    found.save(tmp_path / "mixed.h5")
    again = salmetrics.Evaluation.load(tmp_path / "mixed.h5")
    assert repr(again) == repr(found)
    weights = again.provenance["models"]["truth + flat"]["parameters"]["weights"]
    assert weights == [0.5, 0.5]
    with pytest.raises(InputError, match="single fixations were not kept"):
        mixtures(again, [1])
    with pytest.raises(InputError, match="single fixations were not kept"):
        _ = found.per_fixation


def test_names_that_collide(data, models):
    named = {"t": models["truth"], "u": models["flat"], "t + u": models["centre"]}
    result = salmetrics.evaluate(named, *data.dataset, metrics=["LL"], n_bootstrap=0)
    for sizes in ([1, 2], [2]):
        with pytest.raises(InputError, match=r"two mixtures would have the name 't \+ u'"):
            mixtures(result, sizes)
    assert len(mixtures(result, [1]).models) == 3


def test_without_a_gold_standard_or_gain(data, models):
    two = {name: models[name] for name in ("truth", "flat")}
    likelihoods = salmetrics.evaluate(two, *data.dataset, metrics=["LL"], n_bootstrap=0)
    assert mixtures(likelihoods).metrics == ["LL"]
    assert mixtures(likelihoods).models == ["truth", "flat", "truth + flat"]
    ranks = salmetrics.evaluate(two, *data.dataset, metrics=["AUC"], n_bootstrap=0)
    with pytest.raises(InputError, match="scored by LL and IG; the evaluation has 'AUC'"):
        mixtures(ranks)


def test_without_a_gain_of_the_gold_standard(data, models):
    """Where IGE is undefined, it is for mixtures too, with the reason."""
    two = {name: models[name] for name in ("truth", "flat")}
    flat = salmetrics.Uniform()
    result = salmetrics.evaluate(
        two, *data.dataset, metrics=["IG"], baseline=data.truth, gold_standard=flat
    )
    found = mixtures(result)
    assert np.isnan(found.value("truth + flat", "IGE"))
    assert found.reasons["truth + flat", "IGE"] == result.reasons["truth", "IGE"]


def test_sweep(data, models, result, gold):
    found = mixture_sweep(result, "truth", "centre", metric="IGE", weights=[0, 0.3, 1])
    assert found.index.tolist() == [0, 0.3, 1]
    assert found.index.name == "weight of centre, beside truth"
    assert found.columns.name == "IGE"
    assert found["value"].iloc[0] == pytest.approx(result.value("truth", "IGE"), abs=1e-12)
    assert found["value"].iloc[2] == pytest.approx(result.value("centre", "IGE"), abs=1e-12)
    expected = scored([models["truth"], models["centre"]], [0.7, 0.3], data, result, gold)
    assert found["value"].iloc[1] == pytest.approx(expected.value("mix", "IGE"), abs=1e-10)
    assert (found["low"] < found["high"]).all()
    usual = mixture_sweep(result, "flat", "centre")
    assert len(usual) == 21
    # log2 of a sum of linear functions of the weight is concave, and so is its mean
    assert (np.diff(usual["value"], 2) < 1e-12).all()


def test_sweep_from_an_impossible_model(result):
    found = mixture_sweep(result, "corner", "flat", metric="LL", weights=[0, 0.5])
    assert found["value"].iloc[0] == -np.inf
    assert np.isfinite(found["value"].iloc[1])


def test_instances(data, models, result, gold):
    groups = {"a": ["truth", "flat"], "b": ["centre", "corner", "gold-standard"]}
    found = instance_mixtures(result, groups)
    assert found.models == ["1 instance each", "2 instances each", "gold-standard"]
    parts = [models[name] for name in ("truth", "flat", "centre", "corner")]
    expected = scored(parts, None, data, result, gold).value("mix", "IG")
    assert found.value("2 instances each", "IG") == pytest.approx(expected, abs=1e-10)
    pair = mixtures(result, [2], models=["truth", "centre"])
    assert found.value("1 instance each", "LL") == pair.value("truth + centre", "LL")


def test_failed_predictions(data, models):
    class Half(salmetrics.Uniform):
        name = "half"

        def __init__(self, there):
            self.there = there

        @property
        def knows_likelihoods(self):
            return False

        def log_density(self, stimulus, *, subject=None):
            if (int(stimulus.id) < 3) != self.there:
                raise ValueError("no")
            return super().log_density(stimulus)

    parts = {"first": Half(True), "second": Half(False), "flat": models["flat"]}
    result = salmetrics.evaluate(parts, *data.dataset, metrics=["LL"], on_error="record")
    found = mixtures(result, [2])
    assert found.summary.loc[("first + flat", "LL"), "n_images"] == 3
    assert found.value("first + flat", "LL") == pytest.approx(-np.log2(2000), rel=1e-12)
    assert np.isnan(found.value("first + second", "LL"))
    assert found.reasons == {("first + second", "LL"): "no fixation has a value"}
    assert "LL of first + second: no fixation has a value" in repr(found)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda r: mixtures(r, [0]), "sizes must be a whole number >= 1; got 0"),
        (lambda r: mixtures(r, [7]), "there are 4 models, too few for mixtures of \\[7\\]"),
        (lambda r: mixtures(r, models=["nobody"]), "model must be one of 'truth'"),
        (lambda r: mixtures(r, models=["map", "flat"]), "map cannot be mixed, as it has no LL: a"),
        (lambda r: mixture_sweep(r, "flat", "flat"), "two models; both are 'flat'"),
        (lambda r: mixture_sweep(r, "flat", "truth", metric="AUC"), "one of 'LL', 'IG', 'IGE'"),
        (lambda r: mixture_sweep(r, "flat", "truth", weights=[1.1]), "numbers from 0 to 1"),
        (lambda r: mixture_sweep(r, "flat", "truth", weights=[]), "numbers from 0 to 1"),
        (lambda r: mixture_sweep(r, "flat", "truth", weights="abc"), "numbers from 0 to 1"),
        (lambda r: mixtures(r, 2), "sizes must be a list; got 2"),
        (lambda r: mixtures(r, models="flat"), "models must be a list; got 'flat'"),
        (lambda r: instance_mixtures(r, {"a": "flat"}), "groups must be a list; got 'flat'"),
        (lambda r: instance_mixtures(r, {}), "groups must each have at least one"),
        (lambda r: instance_mixtures(r, {"a": []}), "groups must each have at least one"),
        (lambda r: instance_mixtures(r, {"a": ["flat"], "b": ["flat"]}), "each model one group"),
    ],
)
def test_errors(result, call, text):
    with pytest.raises(InputError, match=text):
        call(result)
