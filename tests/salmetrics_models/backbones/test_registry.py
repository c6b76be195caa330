"""All backbones by name, with the channels that they say."""

import pytest

from salmetrics_models.backbones.backbone import layer_shapes
from salmetrics_models.backbones.registry import known_backbones


def test_known_backbones():
    assert list(known_backbones()) == [
        *("shapenet-c", "efficientnet-b5", "densenet-201", "resnext-50"),
        *("vgg-11", "vgg-19", "alexnet", "resnet-50", "resnet-101", "hand-made"),
        *("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"),
    ]


@pytest.mark.parametrize("name", known_backbones())
def test_channels_are_those_of_the_layers(name):
    backbone = known_backbones()[name]
    shapes = layer_shapes(backbone, (224, 256))
    assert len(shapes) == len(backbone.layers)
    assert sum(channels for channels, _, _ in shapes) == backbone.channels
