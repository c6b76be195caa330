"""Weights of a backbone from a file of its own, or from a checkpoint that has it."""

import json
from dataclasses import replace

import pytest
import torch
from torch import nn

from salmetrics import InputError
from salmetrics_models.backbones.loading import backbone_names, load_backbone
from salmetrics_models.backbones.networks import BACKBONES, VGG_19
from salmetrics_models.weights.files import unfilled
from tests.salmetrics_models.toy_backbones import SEES

TOY = SEES["blue"]


@pytest.fixture
def state():
    torch.manual_seed(5)
    return {key: torch.randn_like(tensor) for key, tensor in TOY.make().state_dict().items()}


def loaded(state, path, backbone=TOY):
    """The state of a network after it has loaded a file of these tensors."""
    torch.save(state, path)
    network = backbone.make()
    load_backbone(backbone, network, path)
    return network.state_dict()


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def prefixed(prefix, state):
    return {prefix + key: tensor for key, tensor in state.items()}


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("more", ["classifier.0.weight", "fc.bias", "last_linear.weight"])
def test_a_file_of_its_own(state, tmp_path, prefix, more):
    """Networks that are read may lack the classifier that their files have."""
    given = prefixed(prefix, state | {more: torch.zeros(2)})
    assert_same(loaded(given, tmp_path / "own.pth"), state)


def test_from_the_published_checkpoint_of_deepgaze_2e(state, tmp_path):
    other = {key: torch.zeros_like(tensor) for key, tensor in state.items()}
    given = {}
    for i, name in enumerate(BACKBONES):
        own = state if name == "densenet-201" else other
        given |= prefixed(f"models.{i}.features.features.1.", own)
    given["models.0.readout"] = torch.zeros(1)
    backbone = replace(TOY, name="densenet-201")
    assert_same(loaded(given, tmp_path / "deepgaze2e.pth", backbone), state)
    with pytest.raises(InputError, match="backbone in the file must be one of 'shapenet-c', "):
        load_backbone(TOY, TOY.make(), tmp_path / "deepgaze2e.pth")


def test_from_a_checkpoint_that_was_made_here(state, tmp_path):
    other = {key: torch.zeros_like(tensor) for key, tensor in state.items()}
    tensors = prefixed("branches.0.features.network.", other)
    tensors |= prefixed("branches.1.features.network.", state)
    tensors |= {"branches.1.readouts.weight0": torch.zeros(1)}
    about = {"architecture": {"backbones": [{"name": "other"}, {"name": TOY.name}]}}
    given = {"state_dict": tensors, "about": json.dumps(about)}
    assert_same(loaded(given, tmp_path / "ours.pth"), state)
    given["about"] = json.dumps({"emlnet": {}})
    torch.save(given, tmp_path / "other.pth")
    with pytest.raises(InputError, match="which backbones"):
        load_backbone(TOY, TOY.make(), tmp_path / "other.pth")


def test_vgg_19_from_a_file_of_torchvision(tmp_path):
    """Of the published size: 16 convolutions, and a classifier that nothing reads."""
    network = unfilled(VGG_19.make)
    shapes = {key: tensor.shape for key, tensor in network.state_dict().items()}
    state = {key: torch.full(shape, float(i)) for i, (key, shape) in enumerate(shapes.items())}
    torch.save(state | {"classifier.0.weight": torch.zeros(2, 2)}, tmp_path / "vgg19.pth")
    load_backbone(VGG_19, network, tmp_path / "vgg19.pth")
    assert len(state) == 2 * 16
    assert_same(network.state_dict(), state)


def test_of_another_network(state, tmp_path):
    with pytest.raises(InputError, match=r"is of another model: .* 4 missing, .*; 1 unexpected"):
        loaded({"a.weight": torch.zeros(3)}, tmp_path / "wrong.pth")
    del state["second.0.bias"]
    with pytest.raises(InputError, match=r"1 missing, the first 'second\.0\.bias'"):
        loaded(state, tmp_path / "wrong.pth")
    with pytest.raises(InputError, match=r"there is no file 'none\.pth'"):
        load_backbone(TOY, TOY.make(), "none.pth")


class Names(nn.Module):
    """Holds tensors under the names of a state dict."""

    def __init__(self, names):
        super().__init__()
        self._names = names

    def state_dict(self):
        return dict.fromkeys(self._names)


@pytest.mark.parametrize(
    ("backbone", "published", "ours"),
    [
        ("shapenet-c", "module.conv1.weight", "conv1.weight"),
        ("resnext-50", "layer1.0.conv1.weight", "layer1.0.conv1.weight"),
        ("efficientnet-b5", "_conv_stem.weight", "features.0.0.weight"),
        ("efficientnet-b5", "_bn1.running_mean", "features.8.1.running_mean"),
        ("efficientnet-b5", "_fc.bias", "classifier.1.bias"),
        # the first stage does not expand; blocks are numbered through all stages
        (
            "efficientnet-b5",
            "_blocks.2._depthwise_conv.weight",
            "features.1.2.block.0.0.weight",
        ),
        ("efficientnet-b5", "_blocks.3._expand_conv.weight", "features.2.0.block.0.0.weight"),
        ("efficientnet-b5", "_blocks.38._se_reduce.bias", "features.7.2.block.2.fc1.bias"),
    ],
)
def test_names_of_published_backbones(backbone, published, ours):
    assert list(backbone_names(backbone, Names([ours]))) == [(published, ours)]
