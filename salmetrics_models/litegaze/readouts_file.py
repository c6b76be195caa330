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

__all__ = ["READOUTS", "Readouts", "read_readouts", "write_readouts"]

READOUTS = Path(str(resources.files("salmetrics_models.litegaze"))) / "readouts.safetensors"

_BACKBONE = ".features.network."  # in names of tensors that other files hold
_CENTRES, _THUMBNAILS, _FOLDS = "centre_biases", "thumbnails", "folds"


@dataclass(frozen=True, eq=False)
class Readouts:
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


def read_readouts(path: Path, backbones: Iterable[Backbone] = ()) -> Readouts:
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
    return Readouts(architecture, n_folds, digests, tensors, centres, known, digest)


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
        Type of the numbers of the readouts in the file.
    about
        Further facts for the description, such as the recipe.

    Raises
    ------
    InputError
        If the file cannot be written, or an image is in no fold.
    """
    network: Any = model.network
    state = {k: t for k, t in network.state_dict().items() if _BACKBONE not in k}
    tensors = {key: tensor.to(dtype) for key, tensor in state.items()}
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
