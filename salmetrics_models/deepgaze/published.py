"""Names of tensors in the published checkpoints, and where each goes here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from salmetrics_models.backbones.loading import backbone_names
from salmetrics_models.deepgaze.network import DeepGazeNetwork
from salmetrics_models.weights.files import _check

__all__ = ["Place", "load_published", "places"]


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


def load_published(network: DeepGazeNetwork, state: Mapping[str, Tensor], what: str) -> None:
    """Put the tensors of a published checkpoint where they belong; all of them, or none.

    Parameters
    ----------
    network
        `DeepGazeNetwork` of the same architecture.
    state
        As `read_tensors` gives it.
    what
        What messages call the file.

    Raises
    ------
    InputError
        Naming the first missing and unexpected names, or tensors of another shape.
    """
    wanted, own = places(network), network.state_dict()
    _check({name: place.shape for name, place in wanted.items()}, state, what)
    with torch.no_grad():
        for name, place in wanted.items():
            target = own[place.key] if place.component is None else own[place.key][place.component]
            target.copy_(state[name].reshape(target.shape))
