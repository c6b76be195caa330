"""Names of tensors in the published files of DeepGaze I and IIE, and the place of each here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from salmetrics_models.backbones.loading import backbone_names
from salmetrics_models.deepgaze.network import DeepGazeNetwork
from salmetrics_models.weights.files import check_state

__all__ = ["Place", "load_published", "places"]


@dataclass(frozen=True)
class Place:
    """The place of a published tensor.

    Attributes
    ----------
    key
        Name in the state dict of `DeepGazeNetwork`.
    component
        Index along the first axis of our tensor; None for the whole tensor.
    shape
        Shape of the published tensor.
    """

    key: str
    component: int | None
    shape: tuple[int, ...]


# in a component of DeepGaze IIE: published name, and ours
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
    """Return the place of each tensor of the published file of DeepGaze I or IIE.

    Parameters
    ----------
    network
        Network with one backbone (DeepGaze I) or several (DeepGaze IIE).

    Returns
    -------
    places : dict
        `Place` by published name.
    """
    single = len(network.branches) == 1
    own = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    by_name: dict[str, Place] = {}
    for b, branch in enumerate(network.branches):
        prefix = "" if single else f"models.{b}."
        own_prefix = f"branches.{b}."
        backbone: nn.Module = branch.features.network  # type: ignore[assignment, union-attr]
        name: str = branch.features.backbone.name  # type: ignore[assignment, union-attr]
        for theirs, ours in backbone_names(name, backbone):
            key = f"{own_prefix}features.network.{ours}"
            by_name[f"{prefix}features.features.1.{theirs}"] = Place(key, None, own[key])
        heads = _HEAD_1 if single else _HEADS_2E
        for k in range(network.architecture.n_components):
            for pattern, ours in heads.items():
                key = own_prefix + ours
                shape = _shape(ours, own[key][1:])
                by_name[prefix + pattern.format(k=k)] = Place(key, k, shape)
    return by_name


def _shape(name: str, own: tuple[int, ...]) -> tuple[int, ...]:
    """Return the published shape of one component's part of a tensor."""
    if name.startswith("readouts.weight"):
        return (*own, 1, 1)
    return (1,) if name == "finaliser.centre_weight" else own


def load_published(network: DeepGazeNetwork, state: Mapping[str, Tensor], what: str) -> None:
    """Load the tensors of a published file; all of them, or none.

    Parameters
    ----------
    network
        Network of the same architecture; it receives the tensors.
    state
        Tensors by published name, from `read_tensors`.
    what
        Name of the file in error messages.

    Raises
    ------
    InputError
        If names are missing or unexpected, or a tensor has another shape or an invalid value.
    """
    by_name, own = places(network), network.state_dict()
    check_state({name: place.shape for name, place in by_name.items()}, state, what)
    with torch.no_grad():
        for name, place in by_name.items():
            target = own[place.key] if place.component is None else own[place.key][place.component]
            target.copy_(state[name].reshape(target.shape))
