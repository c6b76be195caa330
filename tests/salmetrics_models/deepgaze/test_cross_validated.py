"""Each image by the components of its fold, in batches of any folds."""

import numpy as np
import pytest

import salmetrics
from salmetrics import Fixations, Folds, InputError, Stimuli
from salmetrics_models.deepgaze.network import DeepGazeNetwork
from tests.salmetrics_models.toy_models import OPTIONS, ToyDeepGazeII


@pytest.fixture
def used(monkeypatch):
    """The components of each call of a network, image by image."""
    calls = []
    forward = DeepGazeNetwork.forward

    def watched(self, images, centre, components):
        calls.append([tuple(chosen) for chosen in components])
        return forward(self, images, centre, components)

    monkeypatch.setattr(DeepGazeNetwork, "forward", watched)
    return calls


def test_each_image_is_predicted_by_the_components_of_its_fold(toy_2e, photo, used):
    images = [np.roll(photo[:70, :70], 5 * i, 0) for i in range(10)]
    stimuli = Stimuli.from_arrays(images)
    fixations = Fixations.from_arrays(range(5, 65, 6), [30] * 10, range(10))
    folds = Folds({name: (3 * i) % 10 for i, name in enumerate(stimuli.ids)})
    model = toy_2e.cross_validated(folds)
    result = salmetrics.evaluate(model, stimuli, fixations, metrics=["LL", "AUC"], n_bootstrap=0)
    assert used == [[toy_2e.components_of(fold=folds[name])] for name in stimuli.ids]
    assert np.isfinite(result.value("cross-validated deepgaze2e", "LL"))
    part = toy_2e.with_components((0, 10, 20))
    expected = part.log_density(stimuli[0])
    np.testing.assert_array_equal(model.log_density(stimuli[0]), expected)
    with pytest.raises(InputError, match="has only some of its components; folds need all of them"):
        part.cross_validated(folds)


def test_folds_share_batches(photo, used):
    """Images of several folds go through the backbone together, and get readouts of their own."""
    model = ToyDeepGazeII(None, n_components=4, batch_size=3, dtype="float64", **OPTIONS)
    stimuli = Stimuli.from_arrays([np.roll(photo[:80, :90], 7 * i, 0) for i in range(7)])
    folds = Folds({name: (3 * i) % 4 for i, name in enumerate(stimuli.ids[:6])})
    crossed = model.cross_validated(folds, unknown="mixture")
    singly = [crossed.log_density(stimulus) for stimulus in stimuli]
    used.clear()
    together = list(crossed.log_densities(stimuli))
    assert used == [[(0,), (3,), (2,)], [(1,), (0,), (3,)], [(0, 1, 2, 3)]]
    for one, other in zip(together, singly, strict=True):
        # the same sums, over other numbers of images at once
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-10)
    model.centre_bias = salmetrics.GaussianCentreBias()  # what was made keeps its own
    np.testing.assert_array_equal(crossed.log_density(stimuli[0]), singly[0])
    np.testing.assert_allclose(next(crossed.log_densities(stimuli)), singly[0], rtol=0, atol=1e-10)
    spread = abs(singly[0] - model.log_density(stimuli[0])).max()
    assert spread > 1e-5  # the mixture is another


def test_what_it_says_of_itself(toy_2e):
    folds = Folds({str(i): i for i in range(10)})
    crossed = toy_2e.cross_validated(folds, component_order="fold-major")
    parameters = crossed.parameters
    assert crossed.name == "cross-validated deepgaze2e"
    assert parameters["weights"] == toy_2e.weights_digest
    assert parameters["components"] == [[3 * k, 3 * k + 1, 3 * k + 2] for k in range(10)]
    assert "models" not in parameters


def test_images_of_no_fold(toy_2e, photo):
    stimuli = Stimuli.from_arrays([photo], ids=["new"])
    folds = Folds({str(i): i for i in range(10)})
    crossed = toy_2e.cross_validated(folds, unknown="mixture")
    found = crossed.log_density(stimuli[0])
    np.testing.assert_array_equal(found, toy_2e.log_density(stimuli[0]))
    with pytest.raises(InputError, match="'new'"):
        toy_2e.cross_validated(folds).log_density(stimuli[0])
    with pytest.raises(InputError, match="'new'"):  # at its turn, also among others
        list(toy_2e.cross_validated(folds).log_densities(stimuli))
