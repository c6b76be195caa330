"""Predictions from features that are kept: those of the network, and of no other images."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

import salmetrics
from salmetrics import InputError
from salmetrics_models.backbones.backbone import FeatureExtractor
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.deepgaze.finaliser import mixing_for
from salmetrics_models.deepgaze.head import Head
from salmetrics_models.training.inputs.features import Features
from salmetrics_models.training.readouts.from_features import FromFeatures
from tests.salmetrics_models.rounding import assert_equal_in_float32, assert_sums_to_one
from tests.salmetrics_models.training.toy_training import ARCHITECTURE


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
        assert_sums_to_one(log)
        pixels = torch.from_numpy(stimulus.rgb.transpose(2, 0, 1)[None].copy()).float()
        height, width = stimulus.size
        centre = salmetrics.GaussianCentreBias().log_density(stimulus)[::2, ::2]
        expected = []
        for dtype in (torch.float32, torch.float64):
            mixing = mixing_for(centre.shape, stimulus.size, dtype, torch.device("cpu"))
            with torch.no_grad():
                logs = (
                    deepcopy(model._heads[0])
                    .to(dtype)
                    .log_densities(
                        FeatureExtractor(HAND_MADE).to(dtype)(pixels.to(dtype)),
                        torch.from_numpy(centre.copy())[None].to(dtype),
                        mixing,
                        (-(-height // 8), -(-width // 8)),
                    )
                )
                expected.append(mixing.enlarged(logs[:, i % 2])[0])
        assert_equal_in_float32(log, *expected)


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
