"""Readouts of any backbones that were trained here."""

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
    """A model that `salmetrics_models.training` trained; its file describes the architecture.

    Parameters
    ----------
    weights
        Path of the file of a training.
    backbones
        Backbones of your own that the file may name, in addition to those of
        `salmetrics_models.backbones.registry`.
    **options
        Other options of `DeepGaze`, such as `centre_bias`.

    Examples
    --------
    A file as trainings write it, here with random weights on hand-made features:

    >>> from dataclasses import replace
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from salmetrics_models import ReadoutModel
    >>> from salmetrics_models.backbones import HAND_MADE
    >>> from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
    >>> from salmetrics_models.deepgaze.network import DeepGazeNetwork
    >>> from salmetrics_models.weights.files import write_weights
    >>> architecture = replace(DEEPGAZE_2E, backbones=(HAND_MADE,), n_components=6)
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.pth"
    ...     about = {"architecture": architecture.description(), "n_folds": 3}
    ...     write_weights(path, DeepGazeNetwork(architecture).state_dict(), about)
    ...     model = ReadoutModel(path, centre_bias="gaussian", device="cpu")
    >>> model.components_of(fold=1)
    (1, 4)
    """

    architecture = DEEPGAZE_2E  # until the file is read
    default_name = "readout"

    def __init__(
        self, weights: str | Path, *, backbones: Sequence[Backbone] = (), **options: Any
    ) -> None:
        if weights is None:
            raise InputError(
                "weights must be the path of the file of a training, since a readout has no random "
                "weights; got None"
            )
        self.more_backbones = tuple(backbones)
        super().__init__(weights, **options)

    @classmethod
    def from_pretrained(cls, path_or_name: str | Path | None = None, **options: Any) -> Self:
        """Return the model of a file; no weights were published.

        Parameters
        ----------
        path_or_name
            Path of the file of a training.
        **options
            Options of the class.

        Returns
        -------
        model : ReadoutModel
            With the weights of the file.

        Raises
        ------
        InputError
            If no path is given, or the file is not that of a training.
        """
        if path_or_name is None:
            raise InputError(
                "a readout has no published weights; give the path of the file of a training"
            )
        return super().from_pretrained(path_or_name, **options)

    def _architecture_of(self, weights: Weights, what: str) -> Architecture:
        if weights.about is None:
            raise InputError(
                f"{what} has no description of its architecture; it is not the file of a training"
            )
        return self._described(weights.about, what)
