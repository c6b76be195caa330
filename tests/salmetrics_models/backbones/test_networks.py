"""Networks of torchvision: their strides, and the padding of TensorFlow."""

import pytest
import torch
from torch import nn

from salmetrics_models.backbones.backbone import layer_shapes
from salmetrics_models.backbones.networks import BACKBONES, VGG_11, VGG_19, SamePaddedConv2d


@pytest.mark.parametrize("vgg", [VGG_11, VGG_19])
def test_strides_of_vgg_are_those_that_it_says(vgg):
    assert [512 // height for _, height, _ in layer_shapes(vgg)] == list(vgg.strides)


def test_efficientnet_halves_sizes_and_rounds_down():
    """The static padding of its TensorFlow original: the layers of stride 2 round down."""
    efficientnet = BACKBONES["efficientnet-b5"]
    *_, (_, height, width) = layer_shapes(efficientnet, (456, 479))
    assert (height, width) == (456 // 32, 479 // 32)


@pytest.mark.parametrize(("kernel", "before", "after"), [(3, 0, 1), (5, 1, 2)])
def test_padding_of_tensorflow(kernel, before, after):
    """For even sizes: as many zeros as the kernel has above its stride, fewer of them before."""
    torch.manual_seed(0)
    layer = SamePaddedConv2d(3, 4, kernel, stride=2, bias=False)
    images = torch.rand(1, 3, 8, 10)
    padded = torch.zeros(1, 3, 8 + before + after, 10 + before + after)
    padded[..., before : before + 8, before : before + 10] = images
    expected = nn.functional.conv2d(padded, layer.weight, stride=2)
    assert expected.shape[-2:] == (4, 5)
    assert torch.equal(layer(images), expected)
