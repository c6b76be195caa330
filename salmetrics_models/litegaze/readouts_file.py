"""Files of readouts without their backbones: what a training learnt, and from which images."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from salmetrics.array_types import AnyArray
from salmetrics.data.folds import Folds
from salmetrics.data.stimuli import Stimuli
from salmetrics.errors import InputError
from salmetrics.io.files import check_file, check_target
from salmetrics_models.backbones.backbone import Backbone
from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.deepgaze.centre_bias import FixedCentreBias
from salmetrics_models.deepgaze.folded import FoldedDeepGaze
from salmetrics_models.litegaze.known_images import KnownImages, thumbnail
from salmetrics_models.weights.digests import digest_of_weights
from salmetrics_models.weights.tensor_files import read_safetensors, write_safetensors

__all__ = ["READOUTS", "TrainedReadouts", "read_readouts", "write_readouts"]

READOUTS = Path(str(resources.files("salmetrics_models.litegaze"))) / "readouts.safetensors"

_BACKBONE = ".features.network."  # in names of tensors that other files hold
_MANY = 1000  # numbers of one readout in a tensor that may be rounded in the file
_CENTRES, _THUMBNAILS, _FOLDS = "centre_biases", "thumbnails", "folds"


@dataclass(frozen=True, eq=False)
class TrainedReadouts:
    """The content of a file of readouts.

    Attributes
    ----------
    architecture
        Architecture of the network, with all components.
    n_folds
        Number of folds.
    backbones
        Digest of each backbone's weights, by the backbone's name.
    tensors
        Tensors of the network by name, without those of the backbones.
    centres
        Centre bias of the training images of each fold, and last the mixture of all.
    known
        The images of the training.
    digest
        First 16 digits of the SHA-256 of the file.
    """

    architecture: Architecture
    n_folds: int
    backbones: dict[str, str]
    tensors: dict[str, Tensor]
    centres: tuple[FixedCentreBias, ...]
    known: KnownImages
    digest: str


def read_readouts(path: Path, backbones: Iterable[Backbone] = ()) -> TrainedReadouts:
    """Read a file of readouts.

    Parameters
    ----------
    path
        Path of the file.
    backbones
        Backbones that the file may name, in addition to those of salmetrics.

    Raises
    ------
    InputError
        If the file is missing, damaged, or not such a file.
    """
    weights = read_safetensors(path)
    tensors = dict(weights.tensors)
    about = weights.about or {}
    try:
        architecture = Architecture.from_description(about["architecture"], backbones)
        n_folds, digests = int(about["n_folds"]), dict(about["backbones"])
        logs = tensors.pop(_CENTRES).double().numpy()
        known = KnownImages(tensors.pop(_THUMBNAILS).numpy(), tensors.pop(_FOLDS).numpy())
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{str(path)!r} is not a file of readouts of litegaze: it has no {error}"
        ) from error
    mixture = np.logaddexp.reduce(logs) - np.log(len(logs))
    centres = (
        *(_centre(log, f"centre bias of fold {k}") for k, log in enumerate(logs)),
        _centre(mixture, "centre bias of the training"),
    )
    if len(logs) != n_folds or known.folds.max() >= n_folds:
        raise InputError(f"{str(path)!r} is damaged: its parts are of other numbers of folds")
    digest = hashlib.sha256(check_file(path).read_bytes()).hexdigest()[:16]
    return TrainedReadouts(
        architecture, n_folds, digests, _with_norm(tensors), centres, known, digest
    )


def _merge_norm(state: dict[str, Tensor], prefix: str) -> None:
    """Merge the scales and offsets of a readout's first normalisation into its first layer.

    They are a quarter of the numbers, and the products are the same without them.
    """
    if f"{prefix}norm_weight0" not in state:
        return
    norm_weight, norm_bias = (
        state.pop(f"{prefix}{name}0") for name in ("norm_weight", "norm_bias")
    )
    weight = state[f"{prefix}weight0"]
    state[f"{prefix}bias0"] = state[f"{prefix}bias0"] + (weight @ norm_bias[..., None])[..., 0]
    state[f"{prefix}weight0"] = weight * norm_weight[:, None]


def _with_norm(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors with the neutral scales and offsets that `_merge_norm` left out."""
    whole = {key: tensor.float() for key, tensor in tensors.items()}
    for key, weight in tensors.items():
        if key.endswith("readouts.weight0"):
            neutral = weight.new_ones(weight.shape[0], weight.shape[2]).float()
            whole.setdefault(key.replace("weight0", "norm_weight0"), neutral)
            whole.setdefault(key.replace("weight0", "norm_bias0"), neutral * 0)
    return whole


def _centre(log: AnyArray, name: str) -> FixedCentreBias:
    """Return a centre bias of a file, whose digits in the file have rounded its sum."""
    return FixedCentreBias(log - np.logaddexp.reduce(log, axis=None), name, smooth=True)


def write_readouts(
    path: str | Path,
    model: FoldedDeepGaze,
    stimuli: Stimuli,
    folds: Folds,
    centre_biases: Sequence[Tensor],
    *,
    dtype: torch.dtype = torch.float16,
    about: dict[str, Any] | None = None,
) -> None:
    """Write the readouts of a model, without its backbones.

    Parameters
    ----------
    path
        Path of the file.
    model
        Model of a training with folds.
    stimuli
        Images of the training.
    folds
        Folds of the images.
    centre_biases
        Log density of the centre bias of each fold's training images, shape (h, w).
    dtype
        Type of the large tensors in the file.
    about
        Further facts for the description, such as the recipe.

    Raises
    ------
    InputError
        If the file cannot be written, or an image is in no fold.
    """
    network: Any = model.network
    state = {k: t for k, t in network.state_dict().items() if _BACKBONE not in k}
    for b in range(len(network.branches)):
        _merge_norm(state, f"branches.{b}.readouts.")
    tensors = {key: t.to(dtype if t[0].numel() >= _MANY else t.dtype) for key, t in state.items()}
    tensors[_CENTRES] = torch.stack(list(centre_biases)).float()
    tensors[_THUMBNAILS] = torch.from_numpy(np.stack([thumbnail(s.rgb) for s in stimuli]))
    tensors[_FOLDS] = torch.from_numpy(folds.of(stimuli).astype(np.uint8))
    extractors = [branch.features for branch in network.branches]
    digests = {e.backbone.name: digest_of_weights(e.network.state_dict()) for e in extractors}
    description = {
        "architecture": network.architecture.description(),
        "n_folds": folds.n_folds,
        "backbones": digests,
    }
    write_safetensors(check_target(path), tensors, (about or {}) | description)
