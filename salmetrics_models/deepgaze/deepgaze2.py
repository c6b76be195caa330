"""DeepGaze II, for which users bring their own weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import torch

from salmetrics.data.stimuli import Stimuli
from salmetrics.errors import InputError, check_whole
from salmetrics.progress import progress_bar
from salmetrics_models.backbones.loading import load_backbone
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2
from salmetrics_models.deepgaze.folded import FoldedDeepGaze
from salmetrics_models.deepgaze.head import channel_scale, downsampled
from salmetrics_models.prediction.producer import Task, decoded

__all__ = ["DeepGazeII"]


class DeepGazeII(FoldedDeepGaze):
    """DeepGaze II: VGG-19, aligned features of its fifth stage, four layers of readout.

    No weights for torch were ever published. The class starts from random ones, loads those of VGG
    with `load_backbone`, and saves and loads files of its own.

    Parameters
    ----------
    weights
        Path of a file that `save` wrote; None for random weights.
    n_components
        Number of readouts, one per fold, of random weights; a file has its own number.
    **options
        Other options of `DeepGaze`, such as `centre_bias`.

    References
    ----------
    Kümmerer, Wallis, Gatys and Bethge (2017), Understanding low- and high-level contributions to
    fixation prediction, ICCV, doi:10.1109/ICCV.2017.513.

    Examples
    --------
    >>> from salmetrics_models import DeepGazeII
    >>> model = DeepGazeII(None, n_components=10, centre_bias="gaussian")  # doctest: +SKIP
    >>> model.load_backbone("vgg19.pth")  # doctest: +SKIP
    >>> model.components_of(fold=3)  # doctest: +SKIP
    (3,)
    """

    architecture = DEEPGAZE_2
    default_name = "deepgaze2"

    def __init__(
        self, weights: str | Path | None, *, n_components: int = 1, **options: Any
    ) -> None:
        n = check_whole("n_components", n_components, 1)
        self.architecture = replace(self.architecture, n_components=n)
        self.n_folds = n
        super().__init__(weights, **options)

    def load_backbone(self, path: str | Path) -> None:
        """Load the convolutions of VGG-19.

        Parameters
        ----------
        path
            File of weights, such as that of torchvision for ImageNet; a classifier is ignored.

        Raises
        ------
        InputError
            If the file is missing, or is of another network.
        """
        features: Any = self._network.branches[0].features
        load_backbone(features.backbone, features.network, path)

    def fit_feature_scale(self, stimuli: Stimuli, *, progress: bool = True) -> None:
        """Scale each channel to unit variance over images; the paper does so over ImageNet.

        Parameters
        ----------
        stimuli
            The images.
        progress
            Whether to show a bar on standard error if it takes more than two seconds.

        Raises
        ------
        InputError
            If there are no images.
        """
        branch: Any = self._network.branches[0]
        tasks = decoded((Task(i, s, ()) for i, s in enumerate(stimuli)), self._decoded, 2)
        bar = progress_bar(tasks, show=progress, total=len(stimuli), description="feature scale")
        with torch.inference_mode(), self._settings():
            scale = channel_scale(
                branch.maps(downsampled(self._on_device([task]), self.architecture.downsample))
                for task in bar
            )
        branch.feature_scale.copy_(scale)

    @classmethod
    def from_pretrained(cls, path_or_name: str | Path | None = None, **options: Any) -> Self:
        """Return a model with the weights of a file; no weights were published.

        Parameters
        ----------
        path_or_name
            Path of a file that `save` wrote.
        **options
            Options of the class.

        Returns
        -------
        model : DeepGazeII
            With the weights of the file.

        Raises
        ------
        InputError
            If no path is given, or the file is of another model.
        """
        if path_or_name is None:
            raise InputError("deepgaze2 has no published weights; give the path of a file")
        return super().from_pretrained(path_or_name, **options)
