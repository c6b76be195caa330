"""Backbones to train on: their files, their weights, the sizes of images they take."""

from dataclasses import replace

import pytest
import torch

import salmetrics
from salmetrics import InputError
from salmetrics_models.backbones.backbone import FeatureExtractor
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
from salmetrics_models.training import Stage
from salmetrics_models.training.inputs.backbones import (
    check_sizes,
    check_weights,
    extractor_of,
    files_of,
)
from tests.salmetrics_models.toy_backbones import SEES
from tests.salmetrics_models.training.toy_training import ARCHITECTURE, RECIPE, blob_dataset

TWO = replace(DEEPGAZE_2E, backbones=(SEES["red"], HAND_MADE, SEES["green"]))


def test_files_of_backbones(tmp_path):
    own, every = tmp_path / "own.pth", tmp_path / "all.pth"
    for path in (own, every):
        path.touch()
    # hand-made features need no file, even if one has all others
    assert files_of(TWO, {"sees-red": own, "all": every}) == [own, None, every]
    assert files_of(TWO, {"sees-red": "random", "all": str(every)}) == [None, None, every]
    assert files_of(TWO, {"all": "random"}) == [None, None, None]
    assert files_of(ARCHITECTURE, {}) == [None]


def test_wrong_weights(tmp_path):
    for weights, text in (
        ({}, "backbone 'sees-red' needs weights"),
        ({"sees-red": "random"}, "backbone 'sees-green' needs weights"),
        ({"all": tmp_path / "none.pth"}, "there is no file .*none.pth"),
        ({"red": "random"}, "backbone in weights must be one of 'sees-red', 'hand-made', 'sees-g"),
    ):
        with pytest.raises(InputError, match=text):
            files_of(TWO, weights)


def test_weights_of_encoders(tmp_path):
    """Names of encoders are not those of their backbones, and no file is for all."""
    encoders = {"a": SEES["red"], "b": HAND_MADE}
    own = tmp_path / "own.pth"
    own.touch()
    assert check_weights(encoders, {"a": own}, role="encoder") == {"a": own}
    assert check_weights(encoders, {"a": "random", "b": own}, role="encoder") == {"b": own}
    for weights, text in (
        ({}, "encoder 'a' needs weights of sees-red: give the file that has them in weights"),
        ({"all": own}, "encoder in weights must be one of 'a', 'b'; got 'all'"),
        ("random", "weights must be a mapping from names of encoders to files, .*got 'random'"),
    ):
        with pytest.raises(InputError, match=text):
            check_weights(encoders, weights, role="encoder")


def test_random_weights_have_a_seed():
    state = torch.random.get_rng_state()
    one, same, other = (extractor_of(SEES["red"], None, seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(state, torch.random.get_rng_state())  # nobody else's stream moves
    name = "network.first.0.weight"
    assert torch.equal(one[name], same[name])
    assert not torch.equal(one[name], other[name])


def test_weights_of_a_file(tmp_path):
    torch.manual_seed(9)
    source = FeatureExtractor(SEES["red"]).network.state_dict()
    torch.save(source, tmp_path / "red.pth")
    extractor = extractor_of(SEES["red"], tmp_path / "red.pth", 0)
    for key, tensor in extractor.network.state_dict().items():
        assert torch.equal(tensor, source[key]), key
    torch.save({"first.0.weight": torch.zeros(3)}, tmp_path / "wrong.pth")
    with pytest.raises(InputError, match="is of another model"):
        extractor_of(SEES["red"], tmp_path / "wrong.pth", 0)


def test_images_that_are_too_small(dataset, stage):
    check_sizes(ARCHITECTURE, [stage])
    small = salmetrics.resize(dataset, (63, 90))
    with pytest.raises(InputError, match=r"at least 64 pixels .* 'blobs0' of stage 'blobs' has 63"):
        check_sizes(ARCHITECTURE, [replace(stage, dataset=small)])
    validated = Stage("v", dataset, RECIPE, validation=salmetrics.resize(dataset, (90, 63)))
    with pytest.raises(InputError, match="'blobs0' of stage 'v' has 90 x 63"):
        check_sizes(ARCHITECTURE, [stage, validated])
    check_sizes(ARCHITECTURE, [Stage("v", dataset, RECIPE, validation=blob_dataset(2, name="w"))])
