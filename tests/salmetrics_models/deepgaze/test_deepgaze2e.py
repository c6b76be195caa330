"""DeepGaze IIE: its numbers of instances and folds, and each component alone."""

import numpy as np
import pytest
import torch

from salmetrics import InputError, Stimuli
from salmetrics_models import DeepGazeIIE
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
from tests.salmetrics_models.toy_models import OPTIONS, ToyDeepGazeIIE


def test_the_published_model(model_2e, photo):
    """Of the published size, from a file in the published layout."""
    (stimulus,) = Stimuli.from_arrays([photo])
    assert model_2e.architecture == DEEPGAZE_2E
    assert (model_2e.n_components, model_2e.n_folds) == (30, 10)
    assert model_2e.network.digest == model_2e.weights_digest
    log = model_2e.log_density(stimulus)
    assert (log.shape, log.dtype) == (photo.shape[:2], np.float32)


@pytest.mark.slow
def test_another_models_weights(file_1):
    """Of the published size: of the 5461 tensors of DeepGaze IIE, DeepGaze I has none."""
    with pytest.raises(InputError, match=r"5461 missing, the first '.*'; 19 unexpected, the first"):
        DeepGazeIIE(file_1, **OPTIONS)


def test_components_are_the_parts_of_the_mixture(toy_file_2e, photo):
    model = ToyDeepGazeIIE(toy_file_2e, **OPTIONS, dtype="float64")
    (stimulus,) = Stimuli.from_arrays([photo])
    densities = np.exp(model.log_densities_of_components(stimulus))
    assert densities.shape == (30, *photo.shape[:2])
    part = model.with_components((4,)).log_density(stimulus)
    np.testing.assert_allclose(np.exp(part), densities[4], rtol=1e-10, atol=0)
    whole = model.log_density(stimulus)
    np.testing.assert_allclose(np.exp(whole), densities.mean(0), rtol=1e-10, atol=0)


def test_components_at_the_size_of_the_image_only(toy_file_2e, photo):
    (stimulus,) = Stimuli.from_arrays([photo])
    model = ToyDeepGazeIIE(toy_file_2e, **OPTIONS, pixels_per_degree=30)
    with pytest.raises(InputError, match="size of the image"):
        model.log_densities_of_components(stimulus)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same(file_2e, photo):
    stimuli = Stimuli.from_arrays([photo, photo[:, ::-1].copy(), photo[:100]])
    options = {"centre_bias": "uniform", "dtype": "float64", "batch_size": 2}
    expected = DeepGazeIIE(file_2e, device="cpu", **options).log_densities(stimuli)
    found = DeepGazeIIE(file_2e, device="cuda", **options).log_densities(stimuli)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)
