"""Scores of predictions on one image, from predictions made by hand."""

import numpy as np
import pytest

import salmetrics
from salmetrics import InputError
from salmetrics.densities.mean_density import MeanDensity, from_grid, to_grid
from salmetrics.densities.smoothing import Smoothing
from salmetrics.engine.calls import Prediction, Predictions
from salmetrics.engine.plan import Plan
from salmetrics.engine.references import References
from salmetrics.engine.scorer import Scorer
from salmetrics.io.spill import Spill
from salmetrics.protocols import DEFAULT
from tests.engine.scenes import Density, Map, PerSubject, log_density, saliency_map, scene

STIMULI, FIXATIONS = scene()
ROWS = {i: np.flatnonzero(FIXATIONS.image == i) for i in range(4)}


def scorer(model, metrics, *, choices=None, record=False, **references):
    models = {"m": model}
    protocol = DEFAULT.override(metrics=metrics, **(choices or {}))
    return Scorer(
        models,
        STIMULI,
        FIXATIONS,
        protocol,
        plan=Plan(models, protocol),
        references=References(**references),
        record_errors=record,
    )


def predicted(i, array, **references):
    return Predictions(i, {"m": Prediction(maps=[(ROWS[i], array)], n_calls=1)}, **references)


def at_fixations(array, rows):
    return array[FIXATIONS.y[rows].astype(int), FIXATIONS.x[rows].astype(int)]


def nss(array, rows):
    return (at_fixations(array, rows) - array.mean()) / array.std()


def test_a_saliency_map_is_scored_as_it_is():
    array = saliency_map(STIMULI[0])
    scores = scorer(Map(), ("NSS", "AUC")).score(predicted(0, array))
    assert (scores.i, scores.failures, scores.n_calls) == (0, {}, {"m": 1})
    # two-pass and one-pass moments of 48 numbers differ by a few eps
    np.testing.assert_allclose(scores.values["m", "NSS"], nss(array, ROWS[0]), rtol=1e-12)
    ranks = [np.mean(array < value) + np.mean(array == value) / 2 for value in array.flat]
    expected = at_fixations(np.reshape(ranks, array.shape), ROWS[0])
    np.testing.assert_allclose(scores.values["m", "AUC"], expected, rtol=1e-12)


def test_a_density_is_scored_on_the_optimal_map_of_each_metric():
    logs = log_density(STIMULI[0])
    scores = scorer(Density(), ("LL", "NSS", "CC")).score(predicted(0, logs))
    np.testing.assert_allclose(
        scores.values["m", "LL"], at_fixations(logs, ROWS[0]) / np.log(2), rtol=1e-14
    )
    np.testing.assert_allclose(scores.values["m", "NSS"], nss(np.exp(logs), ROWS[0]), rtol=1e-12)
    smoothing = Smoothing(sigma=1.0)
    pixels = np.ravel_multi_index(
        (FIXATIONS.y[ROWS[0]].astype(int), FIXATIONS.x[ROWS[0]].astype(int)), (6, 8)
    )
    truth = smoothing.points((6, 8), pixels)
    expected = np.corrcoef(smoothing.dense(np.exp(logs)).ravel(), truth.ravel())[0, 1]
    assert scores.values["m", "CC"] == pytest.approx(expected, rel=1e-12)


def test_a_density_scored_as_it_is():
    logs = log_density(STIMULI[0])
    own = scorer(Density(), ("SIM-MATLAB", "AUC-Borji"), choices={"maps": "density"})
    scores = own.score(predicted(0, logs))
    as_map = scorer(Map(), ("SIM-MATLAB", "AUC-Borji")).score(predicted(0, np.exp(logs)))
    assert scores.values == as_map.values


def test_likelihoods_of_a_model_go_before_those_of_its_map():
    prediction = Prediction(
        maps=[(ROWS[3], log_density(STIMULI[3]))], likelihoods=np.log([0.5, 0.25])
    )
    scores = scorer(Density(), ("LL",)).score(Predictions(3, {"m": prediction}))
    np.testing.assert_allclose(scores.values["m", "LL"], [-1, -2], rtol=1e-14)


def test_information_gain_over_the_baseline_that_was_predicted():
    prediction = Prediction(likelihoods=np.log([0.5, 0.25]))
    own = scorer(Density(), ("IG",), baseline=salmetrics.Uniform())
    scores = own.score(Predictions(3, {"m": prediction}, baseline=np.log([0.25, 0.5])))
    np.testing.assert_allclose(scores.values["m", "IG"], [1, -1], rtol=1e-14)


def test_one_map_per_subject():
    chosen = {s: ROWS[0][FIXATIONS.subject[ROWS[0]] == s] for s in "xy"}
    maps = [(rows, log_density(STIMULI[0], s)) for s, rows in chosen.items()]
    scores = scorer(PerSubject(), ("NSS",)).score(Predictions(0, {"m": Prediction(maps=maps)}))
    for (rows, logs), subject in zip(maps, "xy", strict=True):
        own = FIXATIONS.subject[ROWS[0]] == subject
        np.testing.assert_allclose(
            scores.values["m", "NSS"][own], nss(np.exp(logs), rows), rtol=1e-12
        )


def test_given_ground_truth():
    array, truth = saliency_map(STIMULI[0]), saliency_map(STIMULI[3])
    own = scorer(Map(), ("CC",), empirical=Map())
    scores = own.score(predicted(0, array, empirical_map=truth))
    expected = np.corrcoef(array.ravel(), truth.ravel())[0, 1]
    assert scores.values["m", "CC"] == pytest.approx(expected, rel=1e-12)


# ---- the second pass


def test_shuffled_auc_over_the_mean_of_the_other_predictions():
    own = scorer(Density(), ("sAUC",))
    logs = {i: log_density(STIMULI[i]).astype(np.float32) for i in (0, 1, 3)}
    mean = MeanDensity()
    for i in (0, 1, 3):
        first = own.score(predicted(i, log_density(STIMULI[i])))
        assert first.values == {}
        np.testing.assert_array_equal(first.densities["m"], to_grid(np.exp(logs[i], dtype=float)))
        mean = mean.add(first.densities["m"])
    found = own.score_shuffled(predicted(0, log_density(STIMULI[0])), {"m": mean})
    others = np.mean([to_grid(np.exp(logs[i], dtype=float)) for i in (1, 3)], axis=0)
    ratio = logs[0] - np.log(from_grid(others, (6, 8)))
    negatives = [
        ratio[int(y * 6 / height), int(x * 8 / width)]
        for x, y, i in zip(FIXATIONS.x, FIXATIONS.y, FIXATIONS.image, strict=True)
        if i != 0
        for height, width in [STIMULI.sizes[i]]
    ]
    expected = [
        np.mean(negatives < value) + np.mean(negatives == value) / 2
        for value in at_fixations(ratio, ROWS[0])
    ]
    np.testing.assert_allclose(found.values["m", "sAUC"], expected, rtol=1e-12)


def test_a_mean_over_one_image_gives_no_value():
    own = scorer(Density(), ("sAUC",))
    prediction = predicted(0, log_density(STIMULI[0]))
    mean = MeanDensity().add(own.score(prediction).densities["m"])
    found = own.score_shuffled(predicted(0, log_density(STIMULI[0])), {"m": mean})
    assert np.isnan(found.values["m", "sAUC"]).tolist() == [True] * 3


def test_what_the_second_pass_needs_is_stored():
    own = scorer(Density(), ("sAUC", "NSS"))
    with Spill(STIMULI.sizes, ["m"], 10**6) as spill:
        own.score(predicted(1, log_density(STIMULI[1])), spill)
        (stored,) = spill.load("m", 1, 1)
    np.testing.assert_array_equal(stored, log_density(STIMULI[1]).astype(np.float32))


# ---- failures


def test_failures_of_calls_are_passed_on():
    failed = Predictions(0, {"m": Prediction(failure="RuntimeError: no", n_calls=2)})
    scores = scorer(Map(), ("NSS",)).score(failed)
    assert (scores.failures, scores.values) == ({"m": "RuntimeError: no"}, {})
    assert scores.n_calls == {"m": 2}


@pytest.mark.parametrize(
    ("model", "array", "text"),
    [
        (Map(), np.full((6, 8), np.nan), "the saliency map of m for image 'a' must be finite"),
        (Map(), np.ones((8, 6)), r"m predicted size \(8, 6\) for image 'a' of size \(6, 8\)"),
        (Density(), np.zeros((6, 8)), "the log density of m for image 'a' must be"),
    ],
)
def test_invalid_predictions_are_raised_or_recorded(model, array, text):
    with pytest.raises(InputError, match=text):
        scorer(model, ("NSS",)).score(predicted(0, array))
    scores = scorer(model, ("NSS",), record=True).score(predicted(0, array))
    assert scores.values == {}
    with pytest.raises(InputError, match=text):
        raise InputError(scores.failures["m"])


def test_an_invalid_ground_truth_is_raised_even_if_errors_of_models_are_recorded():
    own = scorer(Map(), ("CC",), record=True, empirical=Map())
    array = saliency_map(STIMULI[0])
    with pytest.raises(InputError, match="the empirical map for image 'a' must be finite"):
        own.score(predicted(0, array, empirical_map=array * np.nan))
