"""Names of tensors in the published checkpoints, and where each goes here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from salmetrics_models.emlnet_networks import Decoder, Encoder
from salmetrics_models.networks import DeepGazeNetwork

__all__ = ["Place", "backbone_names", "decoder_names", "encoder_names", "places"]


@dataclass(frozen=True)
class Place:
    """Where a published tensor goes.

    Attributes
    ----------
    key
        In the state dict of `DeepGazeNetwork`.
    component
        Index along its first axis; None for the tensor as a whole.
    shape
        Of the published tensor.
    """

    key: str
    component: int | None
    shape: tuple[int, ...]


# in a component of DeepGaze IIE: name there, and here
_HEADS_2E = {
    "saliency_networks.{k}.layernorm0.weight": "readouts.norm_weight0",
    "saliency_networks.{k}.layernorm0.bias": "readouts.norm_bias0",
    "saliency_networks.{k}.conv0.weight": "readouts.weight0",
    "saliency_networks.{k}.bias0.bias": "readouts.bias0",
    "saliency_networks.{k}.layernorm1.weight": "readouts.norm_weight1",
    "saliency_networks.{k}.layernorm1.bias": "readouts.norm_bias1",
    "saliency_networks.{k}.conv1.weight": "readouts.weight1",
    "saliency_networks.{k}.bias1.bias": "readouts.bias1",
    "saliency_networks.{k}.layernorm2.weight": "readouts.norm_weight2",
    "saliency_networks.{k}.layernorm2.bias": "readouts.norm_bias2",
    "saliency_networks.{k}.conv2.weight": "readouts.weight2",
    "saliency_networks.{k}.bias2.bias": "readouts.bias2",
    "fixation_selection_networks.{k}.layernorm0.layernorm_part0.weight": "readouts.norm_weight3",
    "fixation_selection_networks.{k}.layernorm0.layernorm_part0.bias": "readouts.norm_bias3",
    "fixation_selection_networks.{k}.conv0.conv_part0.weight": "readouts.weight3",
    "fixation_selection_networks.{k}.bias0.bias": "readouts.bias3",
    "fixation_selection_networks.{k}.layernorm1.weight": "readouts.norm_weight4",
    "fixation_selection_networks.{k}.layernorm1.bias": "readouts.norm_bias4",
    "fixation_selection_networks.{k}.conv1.weight": "readouts.weight4",
    "fixation_selection_networks.{k}.bias1.bias": "readouts.bias4",
    "fixation_selection_networks.{k}.conv2.weight": "readouts.weight5",
    "finalizers.{k}.center_bias_weight": "finaliser.centre_weight",
    "finalizers.{k}.gauss.sigma": "finaliser.sigma",
}

_HEAD_1 = {
    "readout_network.conv0.weight": "readouts.weight0",
    "finalizer.center_bias_weight": "finaliser.centre_weight",
    "finalizer.gauss.sigma": "finaliser.sigma",
}

# in a block of EfficientNet: name there, and here without and with an expanding convolution
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
_EFFICIENTNET_STAGES = (3, 5, 5, 7, 7, 9, 3)  # blocks


def places(network: DeepGazeNetwork) -> dict[str, Place]:
    """Return the place of each tensor of the published checkpoint of DeepGaze I or IIE."""
    single = len(network.branches) == 1
    own = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    found: dict[str, Place] = {}
    for b, branch in enumerate(network.branches):
        there = "" if single else f"models.{b}."
        here = f"branches.{b}."
        backbone: nn.Module = branch.features.network  # type: ignore[assignment, union-attr]
        name: str = branch.features.backbone.name  # type: ignore[assignment, union-attr]
        for theirs, ours in backbone_names(name, backbone):
            key = f"{here}features.network.{ours}"
            found[f"{there}features.features.1.{theirs}"] = Place(key, None, own[key])
        heads = _HEAD_1 if single else _HEADS_2E
        for k in range(network.architecture.n_components):
            for pattern, ours in heads.items():
                key = here + ours
                found[there + pattern.format(k=k)] = Place(key, k, _shape(ours, own[key][1:]))
    return found


def _shape(name: str, own: tuple[int, ...]) -> tuple[int, ...]:
    """Return the published shape of one component's part of a tensor."""
    if name.startswith("readouts.weight"):
        return (*own, 1, 1)
    return (1,) if name == "finaliser.centre_weight" else own


def backbone_names(name: str, network: nn.Module) -> Iterator[tuple[str, str]]:
    """Yield each tensor's published name and its own."""
    for key in network.state_dict():
        if name == "shapenet-c":
            yield f"module.{key}", key
        elif name == "efficientnet-b5":
            yield _efficientnet_name(key), key
        else:
            yield key, key


def _efficientnet_name(key: str) -> str:
    """Return what the published checkpoint calls a tensor of torchvision's EfficientNet-B5."""
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


def encoder_names(encoder: Encoder) -> dict[str, str]:
    """Return the name of each tensor in a published encoder of EML-NET, and its own.

    There, a backbone's names are torchvision's, and tap i is called output{i}.
    """
    found = {}
    for key in encoder.state_dict():
        theirs = re.sub(r"^outputs\.(\d+)\.", r"output\1.", key)
        found[theirs.removeprefix("network.")] = key
    return found


def decoder_names(decoder: Decoder) -> dict[str, str]:
    """Return the name of each tensor in the published decoder of EML-NET, and its own."""
    of_encoders = ("img_model", "pla_model")  # ImageNet, Places
    found = {}
    for key in decoder.state_dict():
        theirs = re.sub(r"^maps\.(\d+)\.", lambda m: f"{of_encoders[int(m[1])]}.", key)
        found[theirs] = key
    return found
