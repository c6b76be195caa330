"""Backbones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from salmetrics.errors import InputError, check_choice
from salmetrics.io.files import check_file
from salmetrics_models.backbones.backbone import Backbone, FeatureExtractor
from salmetrics_models.backbones.loading import load_backbone
from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.seeds import seeded
from salmetrics_models.training.inputs.stages import Stage

if TYPE_CHECKING:
    pass


def check_weights(
    architecture: Architecture, weights: Mapping[str, str | Path]
) -> list[Path | None]:
    """Return the file of each backbone; None for random weights, or if it needs none.

    Raises
    ------
    InputError
        If a backbone has none, or there is no such file.
    """
    known = [*(backbone.name for backbone in architecture.backbones), "all"]
    for name in weights:
        check_choice("backbone in weights", name, known)
    found: list[Path | None] = []
    for backbone in architecture.backbones:
        given = weights.get(backbone.name, weights.get("all"))
        if given is None and backbone.pretrained:
            raise InputError(
                f"backbone {backbone.name!r} needs weights: give the file that has them in "
                "weights, or 'random'"
            )
        is_file = given not in (None, "random") and backbone.pretrained
        found.append(check_file(given) if is_file else None)  # type: ignore[arg-type]
    return found


def extractor_of(backbone: Backbone, file: Path | None, seed: int) -> FeatureExtractor:
    """Return a backbone with weights from a file, or random ones."""
    with seeded(seed):
        extractor = FeatureExtractor(backbone)
    if file is not None:
        load_backbone(backbone, extractor.network, file)
    return extractor


def check_sizes(architecture: Architecture, stages: Sequence[Stage]) -> None:
    """Raise `InputError` for images that the model would not predict."""
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
