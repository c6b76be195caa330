"""Networks of torchvision as backbones: those of the papers, with the layers that they read."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor, nn

from salmetrics_models.backbones.backbone import Backbone
from salmetrics_models.backbones.torchvision_loading import vision_models

__all__ = [
    "ALEXNET",
    "BACKBONES",
    "RESNET_50",
    "RESNET_101",
    "VGG_11",
    "VGG_19",
    "SamePaddedConv2d",
    "first_stages",
    "resnet_trunk",
    "vision_network",
]


class SamePaddedConv2d(nn.Conv2d):
    """A convolution with TensorFlow's padding for even sizes: fewer zeros before than after."""

    def forward(self, images: Tensor) -> Tensor:
        """Return the convolution of images of shape (n, channels, h, w)."""
        before = (self.kernel_size[0] - 2) // 2
        after = self.kernel_size[0] - 2 - before
        padded = nn.functional.pad(images, (before, after, before, after))
        return nn.functional.conv2d(
            padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups
        )


def _efficientnet_b5() -> nn.Module:
    """Return EfficientNet-B5 with the static padding of its TensorFlow original.

    The padding is that of 456x456 pixels, where every layer with stride 2 has inputs of even size;
    so layers with stride 2 halve any size and round down.
    """
    network = vision_models().efficientnet_b5(weights=None)
    for parent in list(network.modules()):
        for name, module in list(parent.named_children()):
            if isinstance(module, nn.Conv2d) and module.stride == (2, 2):
                padded = SamePaddedConv2d(
                    module.in_channels,
                    module.out_channels,
                    module.kernel_size,  # type: ignore[arg-type]
                    stride=2,
                    groups=module.groups,
                    bias=module.bias is not None,
                )
                padded.load_state_dict(module.state_dict())
                setattr(parent, name, padded)
    return network


def resnet_trunk(network: Any) -> nn.Sequential:
    """Return a ResNet of torchvision without its classifier."""
    stages = (network.layer1, network.layer2, network.layer3, network.layer4)
    return nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool, *stages)


def first_stages(n: int, network: Any) -> nn.Sequential:
    """Return the first n stages of a network that holds them in `features`."""
    stages: nn.Sequential = network.features[:n]
    return stages


def vision_network(name: str) -> nn.Module:
    """Return a network of torchvision with random weights."""
    network: nn.Module = getattr(vision_models(), name)(weights=None)
    return network


BACKBONES = {
    backbone.name: backbone
    for backbone in (
        Backbone(
            "shapenet-c",  # a ResNet-50 trained on stylised images
            partial(vision_network, "resnet50"),
            resnet_trunk,
            (
                "layer3.0.conv2",
                "layer3.3.conv2",
                "layer3.5.conv1",
                "layer3.5.conv2",
                "layer4.1.conv2",
                "layer4.2.conv2",
            ),
            2048,
        ),
        Backbone(
            "efficientnet-b5",
            _efficientnet_b5,
            partial(first_stages, 7),
            ("features.5.4.block.1.0", "features.5.6.block.1.0", "features.6.8.block.3.0"),
            2416,
        ),
        Backbone(
            "densenet-201",
            partial(vision_network, "densenet201"),
            partial(first_stages, -1),
            (
                "features.denseblock4.denselayer32.norm1",
                "features.denseblock4.denselayer32.conv1",
                "features.denseblock4.denselayer31.conv2",
            ),
            2048,
        ),
        Backbone(
            "resnext-50",
            partial(vision_network, "resnext50_32x4d"),
            resnet_trunk,
            ("layer3.5.conv1", "layer3.5.conv2", "layer3.4.conv2", "layer4.2.conv2"),
            2560,
        ),
    )
}


def _vgg(name: str) -> nn.Module:
    """Return a VGG without its classifier, which nothing reads."""
    network = vision_network(name)
    network.classifier = nn.Identity()
    return network


VGG_19 = Backbone(
    "vgg-19",
    partial(_vgg, "vgg19"),
    partial(first_stages, 36),
    # conv5_1, relu5_1, relu5_2, conv5_3, relu5_4
    ("features.28", "features.29", "features.31", "features.32", "features.35"),
    5 * 512,
    (16,) * 5,
    offsets=(7.5,) * 5,
)

VGG_11 = Backbone(
    "vgg-11",
    partial(_vgg, "vgg11"),
    partial(first_stages, 20),
    # conv5_1, relu5_1, conv5_2, relu5_2
    ("features.16", "features.17", "features.18", "features.19"),
    4 * 512,
    (16,) * 4,
    offsets=(7.5,) * 4,
)

ALEXNET = Backbone(
    "alexnet", partial(vision_network, "alexnet"), partial(first_stages, 11), ("features.10",), 256
)

RESNET_50 = Backbone(
    "resnet-50",
    partial(vision_network, "resnet50"),
    resnet_trunk,
    BACKBONES["shapenet-c"].layers,
    BACKBONES["shapenet-c"].channels,
)

RESNET_101 = Backbone(
    "resnet-101",
    partial(vision_network, "resnet101"),
    resnet_trunk,
    (
        "layer3.0.conv2",
        "layer3.11.conv2",
        "layer3.22.conv1",
        "layer3.22.conv2",
        "layer4.1.conv2",
        "layer4.2.conv2",
    ),
    2048,
)
