"""Readouts of any backbones, as they were trained here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from salmetrics.errors import InputError
from salmetrics_models.backbones.backbone import Backbone
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E, Architecture
from salmetrics_models.deepgaze.folded import FoldedDeepGaze
from salmetrics_models.weights.files import Weights

__all__ = ["ReadoutModel"]


class ReadoutModel(FoldedDeepGaze):
    """A model that `salmetrics_models.training` trained, of whatever architecture its file tells.

    Parameters
    ----------
    weights
        The file.
    backbones
        Your own that it may name, besides those of `salmetrics_models.backbones.backbone`.
    **options
        As of `DeepGaze`.
    """

    architecture = DEEPGAZE_2E  # until the file tells
    default_name = "readout"

    def __init__(
        self, weights: str | Path, *, backbones: Sequence[Backbone] = (), **options: Any
    ) -> None:
        if weights is None:
            raise InputError("a readout has no random weights; give the file of a training")
        self.more_backbones = tuple(backbones)
        super().__init__(weights, **options)

    @classmethod
    def from_pretrained(cls, path_or_name: str | Path | None = None, **options: Any) -> Self:
        """Refuse names, as nothing is published; paths are as of the class."""
        if path_or_name is None:
            raise InputError("a readout has no published weights; give the file of a training")
        return super().from_pretrained(path_or_name, **options)

    def _architecture_of(self, weights: Weights, what: str) -> Architecture:
        if weights.about is None:
            raise InputError(f"{what} does not say which architecture it is of")
        return self._described(weights.about, what)
