"""Calls of models: in order, for the images that are wanted, with failures noted or raised."""

import pickle

import numpy as np
import pytest

import salmetrics
from salmetrics import InputError
from salmetrics.engine.calls import Calls, Prediction, Predictions, Predictor, likelihoods_of_image
from salmetrics.engine.plan import Plan
from salmetrics.engine.references import References
from salmetrics.io.spill import Spill
from salmetrics.protocols import DEFAULT
from tests.engine.scenes import Density, Map, PerSubject, log_density, saliency_map, scene

STIMULI, FIXATIONS = scene()


def calls_of(model, images, *, likelihoods=False, maps=True, record=False, spill=None):
    return Calls(
        "m",
        model,
        STIMULI,
        FIXATIONS,
        images,
        wants_likelihoods=likelihoods,
        wants_maps=maps,
        record_errors=record,
        spill=spill,
    )


# ---- one model


@pytest.mark.parametrize(("model", "expected"), [(Map, saliency_map), (Density, log_density)])
def test_one_map_for_all_fixations_of_an_image(model, expected):
    call = calls_of(model(), [0, 3])
    for i in (0, 3):
        prediction = call(i)
        ((rows, array),) = prediction.maps
        np.testing.assert_array_equal(rows, np.flatnonzero(FIXATIONS.image == i))
        np.testing.assert_array_equal(array, expected(STIMULI[i]))
        assert prediction.n_calls == 1
        assert prediction.failure is None
        assert prediction.likelihoods is None


def test_one_map_per_subject():
    prediction = calls_of(PerSubject(), [0])(0)
    assert prediction.n_calls == 2
    for (rows, array), subject in zip(prediction.maps, "xy", strict=True):
        chosen = (FIXATIONS.image == 0) & (FIXATIONS.subject == subject)
        np.testing.assert_array_equal(rows, np.flatnonzero(chosen))
        np.testing.assert_array_equal(array, log_density(STIMULI[0], subject))


def test_a_generator_is_started_once_and_with_the_images_that_are_left():
    class Batches(Map):
        def saliency_maps(self, stimuli):
            self.started.append(stimuli.ids)
            return super().saliency_maps(stimuli)

    model = Batches()
    model.started = []
    call = calls_of(model, [0, 1, 3])
    for i in (0, 1, 3):
        call(i)
    assert model.started == [("a", "b", "d")]


class FailsOn(Map):
    def __init__(self, ids):
        self.ids = ids
        self.started = []

    def saliency_maps(self, stimuli):
        self.started.append(stimuli.ids)
        for stimulus in stimuli:
            if stimulus.id in self.ids:
                raise RuntimeError("no such luck")
            yield self.saliency_map(stimulus)


def test_after_a_recorded_failure_the_generator_is_started_with_the_rest():
    model = FailsOn({"b"})
    call = calls_of(model, [0, 1, 3], record=True)
    first, second, third = (call(i) for i in (0, 1, 3))
    assert (first.failure, third.failure) == (None, None)
    assert second.failure == "RuntimeError: no such luck"
    assert second.maps == []
    np.testing.assert_array_equal(third.maps[0][1], saliency_map(STIMULI[3]))
    assert model.started == [("a", "b", "d"), ("d",)]


def test_a_failure_that_is_raised_names_model_and_image():
    call = calls_of(FailsOn({"b"}), [0, 1])
    call(0)
    with pytest.raises(RuntimeError) as caught:
        call(1)
    assert caught.value.__notes__ == ["while m predicted image 'b'"]


def test_too_few_predictions():
    class Early(Map):
        def saliency_maps(self, stimuli):
            yield self.saliency_map(stimuli[0])

    call = calls_of(Early(), [0, 1])
    call(0)
    with pytest.raises(InputError, match="m stopped predicting before image 'b'"):
        call(1)


def test_memory_that_a_model_uses_again_for_the_next_subject_is_copied():
    class Buffered(PerSubject):
        buffer = np.empty((6, 8))

        def log_density(self, stimulus, *, subject=None):
            self.buffer[:] = log_density(stimulus, subject)
            return self.buffer

    maps = calls_of(Buffered(), [0])(0).maps
    for (_, array), subject in zip(maps, "xy", strict=True):
        np.testing.assert_array_equal(array, log_density(STIMULI[0], subject))


def test_maps_that_the_first_pass_stored_are_read_and_the_model_is_not_called():
    model = FailsOn({"a"})
    with Spill(STIMULI.sizes, ["m"], 10**6) as spill:
        stored = np.float32(saliency_map(STIMULI[0]))
        spill.save("m", 0, [stored])
        call = calls_of(model, [0, 3], spill=spill)
        kept, fresh = call(0), call(3)
    np.testing.assert_array_equal(kept.maps[0][1], stored)
    assert (kept.n_calls, fresh.n_calls) == (0, 1)
    assert model.started == [("d",)]


def test_likelihoods_without_a_map():
    prediction = calls_of(Density(), [1], likelihoods=True, maps=False)(1)
    assert prediction.maps == []
    assert prediction.n_calls == 0
    density = log_density(STIMULI[1])
    np.testing.assert_array_equal(prediction.likelihoods, [density[4, 3], density[7, 0]])


# ---- likelihoods


def test_likelihoods_of_one_image():
    nats = likelihoods_of_image(Density(), STIMULI, FIXATIONS, 3)
    density = log_density(STIMULI[3])
    np.testing.assert_array_equal(nats, [density[5, 7], density[3, 2]])
    assert likelihoods_of_image(Density(), STIMULI, FIXATIONS, 2).shape == (0,)


@pytest.mark.parametrize("bad", [[np.nan, 0.0], [0.0], [[0.0, 0.0]]])
def test_likelihoods_must_be_one_number_per_fixation(bad):
    class Bad(Density):
        def log_likelihoods(self, stimuli, fixations):
            return np.array(bad)

    with pytest.raises(InputError, match="of density for image 'd' must be one number per fix"):
        likelihoods_of_image(Bad(), STIMULI, FIXATIONS, 3)


# ---- all models


def predictor(models, metrics, record=False, **references):
    plan = Plan(models, DEFAULT.override(metrics=metrics))
    return Predictor(
        models, STIMULI, FIXATIONS, plan, References(**references), record_errors=record
    )


def test_images_come_in_order_with_the_models_that_predict_them():
    made = predictor({"m": Map(), "d": Density()}, ("NSS",))
    found = list(made.predict({"m": [0, 3], "d": [1, 3]}))
    assert [(each.i, sorted(each.by_model)) for each in found] == [
        (0, ["m"]),
        (1, ["d"]),
        (3, ["d", "m"]),
    ]
    np.testing.assert_array_equal(found[1].by_model["d"].maps[0][1], log_density(STIMULI[1]))


def test_models_are_asked_for_likelihoods_or_maps_as_metrics_need_them():
    class Own(Density):
        def log_likelihoods(self, stimuli, fixations):
            return np.full(len(fixations), -3.0)

    models = {"own": Own(), "plain": Density()}
    (only_ll,) = predictor(models, ("LL",)).predict({"own": [0], "plain": [0]})
    assert only_ll.by_model["own"].maps == []
    assert only_ll.by_model["own"].likelihoods.tolist() == [-3.0] * 3
    assert len(only_ll.by_model["plain"].maps) == 1  # its likelihoods are read off the map
    assert only_ll.by_model["plain"].likelihoods is None
    (both,) = predictor(models, ("LL", "NSS")).predict({"own": [0]})
    assert len(both.by_model["own"].maps) == 1


def test_references_are_called_only_for_metrics_that_need_them():
    uniform, truth = salmetrics.Uniform(), Map()
    options = {"baseline": uniform, "empirical": truth}
    (found,) = predictor({"m": Density()}, ("IG", "CC"), **options).predict({"m": [1]})
    np.testing.assert_array_equal(found.baseline, np.full(2, -np.log(48)))
    assert found.baseline_map is None
    np.testing.assert_array_equal(found.empirical_map, saliency_map(STIMULI[1]))
    (found,) = predictor({"m": Map()}, ("IG-MATLAB",), baseline=uniform).predict({"m": [1]})
    assert found.baseline is None
    np.testing.assert_array_equal(found.baseline_map, np.full((8, 6), -np.log(48)))
    (found,) = predictor({"m": Map()}, ("IG", "NSS"), **options).predict({"m": [1]})
    assert found.baseline is None  # a saliency map has no information gain
    assert found.empirical_map is None


def test_the_second_pass_needs_no_references():
    made = predictor({"d": Density()}, ("sAUC", "IG"), baseline=salmetrics.Uniform())
    with Spill(STIMULI.sizes, ["d"], 0) as spill:
        (found,) = made.predict({"d": [0]}, spill=spill)
    assert found.baseline is None
    assert found.by_model["d"].likelihoods is None


def test_a_baseline_of_probability_zero():
    class Hole(Density):
        name = "hole"

        def log_likelihoods(self, stimuli, fixations):
            return np.full(len(fixations), -np.inf)

    made = predictor({"m": Density()}, ("IG",), baseline=Hole())
    with pytest.raises(InputError, match=r"hole gives probability 0 to a fixation on image 'a'"):
        list(made.predict({"m": [0]}))


def test_a_predictor_pickles():
    made = pickle.loads(pickle.dumps(predictor({"m": Map()}, ("NSS",))))
    (found,) = made.predict({"m": [3]})
    np.testing.assert_array_equal(found.by_model["m"].maps[0][1], saliency_map(STIMULI[3]))


def test_predictions_that_wait_are_copies():
    own, base, truth = np.ones((2, 2)), np.zeros((2, 2)), np.full((2, 2), 3.0)
    waiting = Predictions(
        0,
        {"m": Prediction(maps=[(np.arange(1), own)])},
        baseline_map=base,
        empirical_map=truth,
    )
    assert waiting.held() is waiting
    for array in (own, base, truth):
        array[:] = -1
    assert waiting.by_model["m"].maps[0][1].tolist() == [[1, 1], [1, 1]]
    assert waiting.baseline_map.tolist() == [[0, 0], [0, 0]]
    assert waiting.empirical_map.tolist() == [[3, 3], [3, 3]]
