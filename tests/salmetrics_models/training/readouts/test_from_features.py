"""Predictions from features that are kept: those of the network, and of no other images."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import salmetrics
from salmetrics import InputError
from salmetrics_models.backbones.backbone import HAND_MADE, FeatureExtractor
from salmetrics_models.deepgaze.finaliser import mixing_for
from salmetrics_models.deepgaze.head import Head
from salmetrics_models.training.inputs.features import Features
from salmetrics_models.training.readouts.from_features import FromFeatures
from tests.salmetrics_models.training.toy_training import ARCHITECTURE, LOG_ROUNDING


@pytest.fixture(scope="module")
def model(dataset):
    """Two random readouts, one for images of even number and one for those of odd number."""
    torch.manual_seed(4)
    architecture = replace(ARCHITECTURE, n_components=2)
    heads = [Head(HAND_MADE, architecture)]
    with torch.no_grad():
        heads[0].readouts.weight5.mul_(5.0)  # so that densities are far from the centre bias
    return FromFeatures(
        architecture,
        heads,
        [Features(FeatureExtractor(HAND_MADE), dataset.stimuli)],
        salmetrics.GaussianCentreBias(),
        lambda image: (int(image.removeprefix("blobs")) % 2,),
        "by hand",
        {"weights": "random"},
    )


def test_log_densities_are_those_of_the_head(model, dataset):
    """Of the component of each image; computed here from pixels, one step after the other."""
    for i in (0, 1, 2):
        stimulus = dataset.stimuli[i]
        log = model.log_density(stimulus)
        assert log.shape == stimulus.size
        assert np.log(np.exp(log.astype(float)).sum()) == pytest.approx(0, abs=LOG_ROUNDING)
        pixels = torch.from_numpy(stimulus.rgb.transpose(2, 0, 1)[None].copy()).float()
        height, width = stimulus.size
        centre = salmetrics.GaussianCentreBias().log_density(stimulus)[::2, ::2]
        mixing = mixing_for(centre.shape, stimulus.size, torch.float32, torch.device("cpu"))
        with torch.no_grad():
            maps = FeatureExtractor(HAND_MADE)(pixels)
            logs = model._heads[0].log_densities(
                maps,
                torch.from_numpy(centre.astype(np.float32))[None],
                mixing,
                (-(-height // 8), -(-width // 8)),
            )
            expected = mixing.enlarged(logs[:, i % 2])[0]
        np.testing.assert_allclose(log, expected, rtol=0, atol=LOG_ROUNDING)


def test_what_results_record_of_it(model):
    assert model.name == "by hand"
    assert model.parameters == {"weights": "random", "centre_bias": "gaussian-centre-bias"}
    assert not any(p.requires_grad for p in model._heads[0].parameters())


def test_other_pixels_than_those_of_the_features(trained, dataset):
    kept = trained.from_features()
    salmetrics.log_likelihood(kept, *dataset[:2])
    with pytest.raises(InputError, match="the features of image 'blobs1' belong to another size"):
        kept.log_density(salmetrics.resize(dataset, (70, 70)).stimuli[1])
    images = [255 - one.image for one in dataset[:2].stimuli]
    other = salmetrics.Stimuli.from_arrays(images, dataset.stimuli.ids[:2])
    with pytest.raises(InputError, match="the features of image 'blobs0' belong to other pixels"):
        salmetrics.log_likelihood(kept, other, dataset[:2].fixations)
    renamed = salmetrics.Stimuli.from_arrays(images, ["x", "y"])
    with pytest.raises(InputError, match="there are no features of image 'x'"):
        salmetrics.log_likelihood(kept, renamed, dataset[:2].fixations)
