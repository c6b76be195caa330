"""Backbones of a training: their files of weights, and the sizes of images that they accept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from salmetrics.errors import InputError, check_choice
from salmetrics.io.files import check_file
from salmetrics_models.backbones.backbone import Backbone, FeatureExtractor
from salmetrics_models.backbones.loading import load_backbone
from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.seeds import seeded
from salmetrics_models.training.inputs.stages import Stage

__all__ = ["check_sizes", "check_weights", "extractor_of", "files_of"]


def check_weights(
    backbones: Mapping[str, Backbone],
    weights: Mapping[str, str | Path],
    *,
    role: str = "backbone",
    shared: str | None = None,
) -> dict[str, Path]:
    """Return the files of weights by name; backbones with random weights are left out.

    Parameters
    ----------
    backbones
        Backbones by the names that `weights` uses.
    weights
        A file, or "random", by name. Backbones that need no weights may be missing, and those whose
        weights a package holds.
    role
        What the names stand for, in messages: "backbone" or "encoder".
    shared
        Name in `weights` of a file for all pretrained backbones without a file of their own; None:
        there is no such name, and files are accepted for backbones that need none, too.

    Raises
    ------
    InputError
        For unknown names, files that do not exist, or a backbone without the weights it needs.
    """
    if not isinstance(weights, Mapping):
        raise InputError(
            f"weights must be a mapping from names of {role}s to files, or to 'random'; got "
            f"{weights!r}"
        )
    known = [*backbones] if shared is None else [*backbones, shared]
    for name in weights:
        check_choice(f"{role} in weights", name, known)
    files: dict[str, Path] = {}
    for name, backbone in backbones.items():
        given = weights.get(name)
        if given is None and shared is not None:
            given = weights.get(shared)
        if given is None and backbone.packaged is not None:
            files[name] = backbone.packaged.path()
            continue
        if given is None and backbone.pretrained:
            which = "" if name == backbone.name else f" of {backbone.name}"
            raise InputError(
                f"{role} {name!r} needs weights{which}: give the file that has them in weights, or "
                "'random'"
            )
        takes_file = backbone.pretrained or shared is None
        if given is not None and given != "random" and takes_file:
            files[name] = check_file(given)
    return files


def files_of(architecture: Architecture, weights: Mapping[str, str | Path]) -> list[Path | None]:
    """Return the file of each backbone of an architecture; None for random or no weights.

    Parameters
    ----------
    architecture
        Architecture whose backbones are trained on.
    weights
        See `check_weights`; "all" stands for a file that has the weights of all backbones.

    Raises
    ------
    InputError
        See `check_weights`.
    """
    backbones = {backbone.name: backbone for backbone in architecture.backbones}
    files = check_weights(backbones, weights, shared="all")
    return [files.get(name) for name in backbones]


def extractor_of(backbone: Backbone, file: Path | None, seed: int) -> FeatureExtractor:
    """Return a feature extractor with the weights of a file, or with random ones.

    Parameters
    ----------
    backbone
        Network and layers.
    file
        File of weights; None: they are random.
    seed
        Seed of the random weights.

    Raises
    ------
    InputError
        If the file does not belong to this backbone.
    """
    with seeded(seed):
        extractor = FeatureExtractor(backbone)
    if file is not None:
        load_backbone(backbone, extractor.network, file)
    return extractor


def check_sizes(architecture: Architecture, stages: Sequence[Stage]) -> None:
    """Check that all images are large enough for an architecture.

    Parameters
    ----------
    architecture
        Architecture that is trained.
    stages
        Stages with images to train on and to validate on.

    Raises
    ------
    InputError
        If an image is too small.
    """
    least = architecture.least_side
    for stage in stages:
        for dataset in (stage.dataset, stage.validation):
            if dataset is None:
                continue
            small = np.flatnonzero(dataset.stimuli.sizes.min(1) < least)
            if small.size:
                height, width = dataset.stimuli.sizes[small[0]].tolist()
                raise InputError(
                    f"this architecture needs images of at least {least} pixels in height and "
                    f"width; {dataset.stimuli.ids[small[0]]!r} of stage {stage.name!r} has "
                    f"{height} x {width}"
                )
