"""Networks trained on other tasks, and the feature maps that are read from their layers."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from salmetrics.errors import InputError, check_choice, check_list
from salmetrics_models.backbones.handmade import HandMadeFeatures
from salmetrics_models.backbones.torchvision_loading import vision_models

__all__ = [
    "ALEXNET",
    "BACKBONES",
    "HAND_MADE",
    "VGG_19",
    "Backbone",
    "CachedDigest",
    "FeatureExtractor",
    "SamePaddedConv2d",
    "digest_of_weights",
    "first_stages",
    "known_backbones",
    "layer_shapes",
    "maps_of",
    "resnet_trunk",
    "vision_network",
]

_PROBE = 512  # side of the image that strides are measured with, in pixels

_MEAN = (0.485, 0.456, 0.406)  # of ImageNet, RGB from 0 to 1
_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Backbone:
    """A network and the layers that are read from it.

    Attributes
    ----------
    name
        Name in results and files of weights.
    make
        Function that returns the network with random weights.
    trunk
        Function from the network to the part of it that the layers need.
    layers
        Names of the modules whose outputs are read, in the order of the features.
    channels
        Number of channels of all features together.
    strides
        Stride of each layer, in pixels; empty unless features are aligned.
    pretrained
        Whether weights come from a file; False for hand-made features.
    pool
        Layers whose features are computed and cached together, so that several choices among them
        share one cache; empty for `layers` alone.

    Examples
    --------
    >>> from salmetrics_models.backbones import HAND_MADE
    >>> backbone = HAND_MADE.reading(["gabor", "contrast"])
    >>> backbone.channels, backbone.strides
    (20, (8, 8))
    """

    name: str
    make: Callable[[], nn.Module]
    trunk: Callable[[Any], Callable[[Tensor], Any]]
    layers: tuple[str, ...]
    channels: int
    strides: tuple[int, ...] = ()
    pretrained: bool = True
    pool: tuple[str, ...] = ()

    def reading(self, layers: Sequence[str], *, pool: Sequence[str] = ()) -> Backbone:
        """Return the same network, read at other layers.

        Parameters
        ----------
        layers
            Names of modules.
        pool
            Layers that are cached together, see the class; they include `layers`.

        Returns
        -------
        backbone : Backbone

        Raises
        ------
        InputError
            If a layer does not exist, is not on the way to the last feature, or has no maps.
        """
        names = tuple(check_list("layers", layers))
        if not names or len(set(names)) < len(names):
            raise InputError(f"layers must be at least one, and different; got {list(names)}")
        for name in names if pool else ():
            check_choice("layer", name, pool)
        shapes = layer_shapes(replace(self, layers=names))
        strides = tuple(_PROBE // height for _, height, _ in shapes)
        channels = sum(n for n, _, _ in shapes)
        return replace(self, layers=names, channels=channels, strides=strides, pool=tuple(pool))


class FeatureExtractor(nn.Module):
    """The feature maps of a backbone: raw outputs of its layers, each at its own size.

    Parameters
    ----------
    backbone
        Network and layers. Weights are random until they are loaded.

    Attributes
    ----------
    network
        The whole network, classifier included, so that its files load and are saved completely;
        only the part that the layers need is computed.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        self.network = backbone.make()
        self.eval()
        self.requires_grad_(False)
        self._reading = threading.Lock()

    def train(self, mode: bool = True) -> FeatureExtractor:
        """Stay in evaluation mode: normalisation keeps the statistics of the original training."""
        return super().train(False)

    def forward(self, images: Tensor, layers: Sequence[str] | None = None) -> list[Tensor]:
        """Return the feature maps of images, one tensor per layer.

        Parameters
        ----------
        images
            RGB from 0 to 255, shape (n, 3, h, w), on the device of the network.
        layers
            Names of the layers; by default those of the backbone.
        """
        wanted = self.backbone.layers if layers is None else layers
        scaled = images / 255
        # in float64 and rounded twice, as in the published models
        mean, std = _mean_and_std(images.device)
        scaled = ((scaled - mean).to(images.dtype) / std).to(images.dtype)
        if images.is_cuda:
            scaled = scaled.contiguous(memory_format=torch.channels_last)
        with self._reading:  # a second thread would find the hooks of this call
            return maps_of(self.network, self.backbone, scaled, wanted)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_reading"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._reading = threading.Lock()


def maps_of(
    network: nn.Module, backbone: Backbone, images: Tensor, layers: Sequence[str] | None = None
) -> list[Tensor]:
    """Return the outputs of a network's layers for images, each at its own size.

    Parameters
    ----------
    network
        Network that `backbone.make` returned. Only one thread may call it at a time.
    backbone
        The backbone, with the layers and the way to them.
    images
        Images in the scale of the network, shape (n, 3, h, w).
    layers
        Names of the layers; by default those of the backbone.

    Raises
    ------
    KeyError
        If the network does not pass through a layer.
    """
    wanted = backbone.layers if layers is None else layers
    maps: dict[str, Tensor] = {}
    handles = [
        network.get_submodule(name).register_forward_hook(partial(_keep, maps, name))
        for name in wanted
    ]
    try:
        backbone.trunk(network)(images)
    finally:
        for handle in handles:
            handle.remove()
    return [maps[name] for name in wanted]


@cache
def _mean_and_std(device: torch.device) -> Tensor:
    """Return both, shape (2, 3, 1, 1); cached, since each copy would make a GPU wait."""
    with torch.inference_mode(False):
        return torch.tensor((_MEAN, _STD), dtype=torch.float64, device=device)[..., None, None]


def _keep(
    maps: dict[str, Tensor], name: str, module: nn.Module, inputs: Any, output: Tensor
) -> None:
    maps[name] = output.clone()  # a rectifier may overwrite it


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


def _vgg19() -> nn.Module:
    """Return VGG-19 without its classifier, which nothing reads."""
    network = vision_network("vgg19")
    network.classifier = nn.Identity()
    return network


VGG_19 = Backbone(
    "vgg-19",
    _vgg19,
    partial(first_stages, 36),
    # conv5_1, relu5_1, relu5_2, conv5_3, relu5_4
    ("features.28", "features.29", "features.31", "features.32", "features.35"),
    5 * 512,
    (16,) * 5,
)

ALEXNET = Backbone(
    "alexnet", partial(vision_network, "alexnet"), partial(first_stages, 11), ("features.10",), 256
)

HAND_MADE = Backbone(
    "hand-made",
    HandMadeFeatures,
    nn.Sequential,
    ("gabor", "colour", "contrast"),
    HandMadeFeatures.channels,
    pretrained=False,
)


def known_backbones() -> dict[str, Backbone]:
    """Return the backbones of DeepGaze and the hand-made features by name."""
    return {b.name: b for b in (*BACKBONES.values(), VGG_19, ALEXNET, HAND_MADE)}


class CachedDigest:
    """`digest_of_weights` of a network, computed again only after a tensor has changed."""

    def __init__(self) -> None:
        self._known: tuple[Any, str] | None = None

    def of(self, network: nn.Module) -> str:
        """Return the digest of all tensors of a network."""
        tensors = network.state_dict()
        versions = tuple((tensor.dtype, tensor._version) for tensor in tensors.values())
        if self._known is None or self._known[0] != versions:
            self._known = versions, digest_of_weights(tensors)
        return self._known[1]


def digest_of_weights(tensors: Mapping[str, Tensor]) -> str:
    """Return the first 16 digits of the SHA-256 of a state dict."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
    return digest.hexdigest()[:16]


def layer_shapes(
    backbone: Backbone, size: tuple[int, int] = (_PROBE, _PROBE)
) -> list[tuple[int, int, int]]:
    """Return (channels, height, width) of each layer's output for images of a size.

    Parameters
    ----------
    backbone
        The backbone.
    size
        (height, width) of the images.

    Raises
    ------
    InputError
        If a layer does not exist, is not on the way to the last feature, or has no maps.
    """
    with torch.device("meta"):  # shapes, without computing values
        network = backbone.make().eval()
    names = {name for name, _ in network.named_modules()}
    missing = [name for name in backbone.layers if name not in names or not name]
    if missing:
        raise InputError(
            f"{backbone.name} has no layer {missing[0]!r}; layers are the names of its modules"
        )
    with torch.no_grad():
        try:
            maps = maps_of(network, backbone, torch.zeros(1, 3, *size, device="meta"))
        except KeyError as error:
            raise InputError(
                f"{backbone.name} does not pass through layer {error.args[0]!r} on the way to its "
                "features"
            ) from error
    for name, output in zip(backbone.layers, maps, strict=True):
        if output.ndim != 4:
            raise InputError(
                f"layer {name!r} of {backbone.name} has no maps: its output has {output.ndim} axes"
            )
    return [(output.shape[1], output.shape[2], output.shape[3]) for output in maps]
