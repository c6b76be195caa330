"""DeepGaze II, whose weights are its user's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import torch

from salmetrics.data.stimuli import Stimuli
from salmetrics.errors import InputError, check_whole
from salmetrics_models.backbones.loading import load_backbone
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2
from salmetrics_models.deepgaze.folded import FoldedDeepGaze
from salmetrics_models.deepgaze.head import channel_scale, downsampled
from salmetrics_models.prediction.producer import Task, decoded

__all__ = ["DeepGazeII"]


class DeepGazeII(FoldedDeepGaze):
    """DeepGaze II: VGG-19, aligned features of its fifth stage, four layers of readout.

    No weights for torch were ever published. The class has random ones, takes VGG's with
    `load_backbone`, and saves and loads its own checkpoints.

    Parameters
    ----------
    weights
        A checkpoint that `save` wrote; None for random weights.
    n_components
        Readouts, one a fold; that of the checkpoint, if there is one.
    **options
        As of `DeepGaze`.

    References
    ----------
    Kümmerer, Wallis, Gatys and Bethge (2017), ICCV, doi:10.1109/ICCV.2017.513.
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
        """Take the convolutions of VGG-19 from a file, such as torchvision's for ImageNet."""
        features: Any = self._network.branches[0].features
        load_backbone(features.backbone, features.network, path)

    def fit_feature_scale(self, stimuli: Stimuli, *, progress: bool = True) -> None:
        """Let each channel have unit variance over images, as the paper has over ImageNet.

        Parameters
        ----------
        stimuli
            The images.
        progress
            Show a bar on standard error when it takes more than two seconds.
        """
        from tqdm import tqdm

        branch: Any = self._network.branches[0]
        tasks = decoded((Task(i, one, ()) for i, one in enumerate(stimuli)), self._decoded, 2)
        bar = tqdm(tasks, total=len(stimuli), delay=2, disable=not progress, unit="image")
        bar.set_description("feature scale")
        with torch.inference_mode(), self._settings():
            scale = channel_scale(
                branch.maps(downsampled(self._on_device([task]), self.architecture.downsample))
                for task in bar
            )
        branch.feature_scale.copy_(scale)

    @classmethod
    def from_pretrained(cls, path_or_name: str | Path | None = None, **options: Any) -> Self:
        """Refuse names: no weights were published; paths are as of the class."""
        if path_or_name is None:
            raise InputError("deepgaze2 has no published weights; give a file")
        return super().from_pretrained(path_or_name, **options)
