"""Weights of backbones from files, their own or those of whole models, and published names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from salmetrics.errors import InputError, check_choice
from salmetrics_models.backbones.backbone import Backbone
from salmetrics_models.backbones.efficientnet_lite import EFFICIENTNET_LITE, published_names
from salmetrics_models.backbones.networks import BACKBONES
from salmetrics_models.weights.files import Weights, load_state, read_weights

__all__ = ["backbone_names", "load_backbone"]

_CLASSIFIERS = ("classifier.", "fc.", "last_linear.")  # prefixes of their tensors


def load_backbone(backbone: Backbone, network: torch.nn.Module, path: str | Path) -> None:
    """Load the weights of a backbone.

    Parameters
    ----------
    backbone
        The backbone.
    network
        Network that `backbone.make` returned; it receives the weights.
    path
        File of this network, with the names of torchvision or of the published files; or a file of
        a whole model that includes it: the published one of DeepGaze IIE, or one written here.

    Raises
    ------
    InputError
        If the file is missing, or is of another network.
    """
    name = backbone.name
    weights = read_weights(path)
    prefix = _prefix_of_backbone(weights, name)
    tensors = {
        key.removeprefix(prefix).removeprefix("module."): tensor
        for key, tensor in weights.tensors.items()
        if key.startswith(prefix)
    }
    own = network.state_dict()
    ours = {theirs.removeprefix("module."): key for theirs, key in backbone_names(name, network)}
    if not own.keys() <= tensors.keys() and ours.keys() <= tensors.keys():
        tensors = {ours[key]: tensor for key, tensor in tensors.items() if key in ours}
    # some networks here lack the classifier that files have
    kept = {k: t for k, t in tensors.items() if k in own or not k.startswith(_CLASSIFIERS)}
    load_state(network, kept, f"{str(path)!r}")


def _prefix_of_backbone(weights: Weights, name: str) -> str:
    """Return the prefix of the names of a backbone's tensors; empty in a file of its own."""
    if any(key.startswith("models.0.features.") for key in weights.tensors):
        names, prefix = list(BACKBONES), "models.{}.features.features.1."
    elif weights.about is not None:
        try:
            names = [entry["name"] for entry in weights.about["architecture"]["backbones"]]
        except (KeyError, TypeError) as error:
            raise InputError(
                f"the description in the file does not say which backbones it has: {error}"
            ) from error
        prefix = "branches.{}.features.network."
    else:
        return ""
    check_choice("backbone in the file", name, names)
    return prefix.format(names.index(name))


# in a block of EfficientNet: published name, and ours without and with an expanding convolution
_EFFICIENTNET_BLOCK = {
    "_expand_conv": (None, "0.0"),
    "_bn0": (None, "0.1"),
    "_depthwise_conv": ("0.0", "1.0"),
    "_bn1": ("0.1", "1.1"),
    "_se_reduce": ("1.fc1", "2.fc1"),
    "_se_expand": ("1.fc2", "2.fc2"),
    "_project_conv": ("2.0", "3.0"),
    "_bn2": ("2.1", "3.1"),
}


_EFFICIENTNET_ENDS = {
    "_conv_stem": "features.0.0",
    "_bn0": "features.0.1",
    "_conv_head": "features.8.0",
    "_bn1": "features.8.1",
    "_fc": "classifier.1",
}


_EFFICIENTNET_STAGES = (3, 5, 5, 7, 7, 9, 3)  # numbers of blocks


def backbone_names(name: str, network: nn.Module) -> Iterator[tuple[str, str]]:
    """Yield the published name and our name of each tensor of a backbone.

    Parameters
    ----------
    name
        Name of the backbone.
    network
        Network of the backbone.
    """
    if name in EFFICIENTNET_LITE:
        yield from published_names(name, network)
        return
    for key in network.state_dict():
        if name == "shapenet-c":
            yield f"module.{key}", key
        elif name == "efficientnet-b5":
            yield _efficientnet_name(key), key
        else:
            yield key, key


def _efficientnet_name(key: str) -> str:
    """Return the published name of a tensor of torchvision's EfficientNet-B5."""
    for theirs, ours in _EFFICIENTNET_ENDS.items():
        if key.startswith(f"{ours}."):
            return theirs + key.removeprefix(ours)
    match = re.fullmatch(r"features\.(\d)\.(\d)\.block\.(.*)\.(\w+)", key)
    assert match is not None
    stage, block, module, tensor = match.groups()
    expands = stage != "1"
    (name,) = (theirs for theirs, ours in _EFFICIENTNET_BLOCK.items() if ours[expands] == module)
    number = sum(_EFFICIENTNET_STAGES[: int(stage) - 1]) + int(block)
    return f"_blocks.{number}.{name}.{tensor}"
