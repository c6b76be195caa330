"""Each image is predicted by the model that was not trained on it."""

import numpy as np
import pytest
from scipy.special import logsumexp

import salmetrics
from salmetrics import CrossValidated, Dataset, Fixations, InputError, Stimuli
from salmetrics.data.folds import kfold
from salmetrics.datasets import generate_dataset

DATASET = generate_dataset(23, size=(24, 32), n_subjects=2).dataset


class Told(salmetrics.DensityModel):
    """Knows images by the sum of their pixels, and notes which it predicted."""

    def __init__(self, k, trained_on=None):
        self.k = k
        self.trained_on = trained_on
        self.seen = []

    def log_density(self, stimulus, *, subject=None):
        self.seen.append(stimulus.id)
        density = stimulus.rgb.mean(2) + 10.0 * (self.k + 1)
        return np.log(density / density.sum())


FOLDS = kfold(DATASET.stimuli, 4)


def told(**options):
    return CrossValidated([Told(k) for k in range(4)], FOLDS, **options)


def test_each_image_by_its_model():
    model = told()
    evaluation = salmetrics.evaluate(model, *DATASET, metrics=["LL", "IG", "AUC", "NSS"])
    assert evaluation.n_predictions == len(DATASET)
    for k, part in enumerate(model.models):
        assert tuple(part.seen) == FOLDS.test(k)
    for k, part in enumerate(model.models):
        chosen = DATASET[FOLDS.of(DATASET.stimuli) == k]
        alone = salmetrics.log_likelihood(part, *chosen, average="image")
        mine = salmetrics.log_likelihood(model, *chosen, average="image")
        assert mine == alone


def test_likelihoods_of_parts_that_know_them():
    parts = [salmetrics.CentreBias(*DATASET, bandwidth=b) for b in (0.05, 0.1, 0.2, 0.3)]
    model = CrossValidated(parts, FOLDS)
    assert model.knows_likelihoods
    found = model.log_likelihoods(*DATASET)
    of_image = FOLDS.of(DATASET.stimuli)[DATASET.fixations.image]
    expected = np.array([part.log_likelihoods(*DATASET) for part in parts])
    np.testing.assert_array_equal(found, expected[of_image, np.arange(of_image.size)])
    other = Dataset("x", DATASET.stimuli, DATASET.fixations[::2])
    with pytest.raises(InputError, match="fixations"):
        salmetrics.information_gain(model, *other)


def test_unknown_images():
    stimuli = Stimuli.from_arrays([DATASET.stimuli[0].image], ids=["new"])
    fixations = Fixations.from_arrays([3], [4], [0])
    with pytest.raises(InputError, match="1 of 1 images are in no fold: 'new'"):
        salmetrics.log_likelihood(told(), stimuli, fixations)
    with pytest.raises(InputError, match="image 'new' is in no fold, so every model may have been"):
        told().log_density(stimuli[0])
    model = told(unknown="mixture")
    parts = [part.log_density(stimuli[0]) for part in model.models]
    np.testing.assert_allclose(
        model.log_density(stimuli[0]), logsumexp(parts, axis=0) - np.log(4), rtol=1e-12
    )
    assert np.isfinite(salmetrics.log_likelihood(model, stimuli, fixations))


def test_models_that_saw_their_test_images():
    models = [Told(k, trained_on=FOLDS.train(k) + FOLDS.validation(k)) for k in range(4)]
    CrossValidated(models, FOLDS)
    CrossValidated((model for model in models), dict(FOLDS))
    models[2] = Told(2, trained_on=FOLDS.test(2)[:1])
    with pytest.raises(InputError, match="model 2 was trained on 1 of the images"):
        CrossValidated(models, FOLDS)


def test_a_mixture_that_saw_an_image_outside_the_folds():
    stimuli = Stimuli.from_arrays([DATASET.stimuli[0].image], ids=["new"])
    models = [Told(k, trained_on=[*FOLDS.train(k), "new"]) for k in range(4)]
    model = CrossValidated(models, FOLDS, unknown="mixture")
    with pytest.raises(
        InputError, match="model 0 was trained on 1 of the images outside the folds"
    ):
        salmetrics.log_likelihood(model, stimuli, Fixations.from_arrays([3], [4], [0]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CrossValidated([Told(0)], FOLDS), "there are 1 models for 4 folds"),
        (lambda: told(unknown="guess"), "unknown must be one of 'error', 'mixture'"),
        (
            lambda: CrossValidated([salmetrics.as_model({}, kind="saliency_map")] * 4, FOLDS),
            "cross-validation \\(model 0\\) needs densities; .* gives saliency maps",
        ),
    ],
)
def test_wrong_models(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_name_and_parameters():
    model = told(name="mine")
    assert model.name == "mine"
    assert model.parameters == {
        "n_folds": 4,
        "scheme": "deepgaze3",
        "unknown": "error",
        "models": [{}] * 4,
    }
