"""Notes of models, and of the models within them."""

import numpy as np
import pytest

import salmetrics
from salmetrics.errors import InputWarning
from salmetrics.fingerprint import fingerprint
from salmetrics.models.conversion import as_model
from salmetrics.models.fitted_density import FittedDensity
from salmetrics.models.fitting.map_to_density import MapToDensity
from salmetrics.models.notes import notes_of

STIMULI = salmetrics.Stimuli.from_sizes([(6, 8)] * 2, ids=["a.png", "b.png"])
FLAT = np.full((6, 8), 1 / 48)
RULE = "the predictions have '_sal' after the name"


def model_of(suffix, kind):
    predictions = {f"{name}{suffix}": FLAT for name in "ab"}
    return as_model(predictions, STIMULI, kind=kind)


@pytest.fixture
def noted():
    with pytest.warns(InputWarning, match=RULE):
        return model_of("_sal", "density")


def test_notes_of_a_model_and_of_those_within(noted):
    plain = model_of("", "density")
    assert notes_of(plain) == ()
    assert notes_of(noted) == (RULE,)
    folds = {"a.png": 0, "b.png": 1}
    for model in (
        salmetrics.Mixture([plain, noted, noted]),
        salmetrics.CrossValidated([plain, noted], folds),
        as_model(noted, resize="bilinear"),
        salmetrics.Mixture([plain, as_model(noted, normalize=True)]),
    ):
        assert notes_of(model) == (RULE,)


def test_notes_of_a_fitted_density():
    with pytest.warns(InputWarning, match=RULE):
        maps = model_of("_sal", "saliency_map")
    fit = MapToDensity(1.0, np.array([0.0, 1]), np.zeros(2), np.zeros(2), 1.0)
    assert notes_of(FittedDensity(maps, fit)) == (RULE,)


def test_digests_do_not_know_notes(noted):
    before = fingerprint(noted)
    noted._predict.notes = ()
    assert fingerprint(noted) == before


def test_attributes_of_users():
    class Mine(salmetrics.SaliencyMapModel):
        notes = "by hand"

        def __init__(self):
            self.me = [self, np.ones(3)]

        def saliency_map(self, stimulus):
            return np.ones(stimulus.size)

    assert notes_of(Mine()) == ()
