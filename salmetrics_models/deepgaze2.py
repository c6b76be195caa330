"""DeepGaze II, whose weights are its user's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from salmetrics.errors import InputError, check_whole
from salmetrics.folds import Folds
from salmetrics.stimuli import Stimuli
from salmetrics_models.checkpoints import load_state, read_tensors
from salmetrics_models.cross_validated import CrossValidatedDeepGaze
from salmetrics_models.deepgaze import DeepGaze
from salmetrics_models.networks import DEEPGAZE_2, Architecture
from salmetrics_models.producer import Task, decoded

__all__ = ["DeepGazeII"]


class DeepGazeII(DeepGaze):
    """DeepGaze II: VGG-19, aligned features of its fifth stage, four layers of readout.

    No weights for torch were ever published. The class has random ones, takes VGG's with
    `load_backbone`, and saves and loads its own checkpoints.

    Parameters
    ----------
    weights
        A checkpoint that `save` wrote; None for random weights.
    n_components
        Readouts, such as one a fold; that of the checkpoint, if there is one.
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
        self.architecture = replace(DEEPGAZE_2, n_components=n)
        super().__init__(weights, **options)

    def load_backbone(self, path: str | Path) -> None:
        """Take the convolutions of VGG-19 from a file, such as torchvision's for ImageNet."""
        state = read_tensors(path)
        kept = {key: tensor for key, tensor in state.items() if not key.startswith("classifier.")}
        load_state(self._network.branches[0].features.network, kept, f"{str(path)!r}")  # type: ignore[union-attr, arg-type]

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
        n = 0
        sums = squares = torch.zeros(())
        tasks = decoded((Task(i, one, ()) for i, one in enumerate(stimuli)), self._decoded, 2)
        bar = tqdm(tasks, total=len(stimuli), delay=2, disable=not progress, unit="image")
        bar.set_description("feature scale")
        with torch.inference_mode(), self._settings():
            for task in bar:
                images = self._on_device([task])[..., ::2, ::2]
                maps = torch.cat(branch.features(images), 1).double()
                n += maps.shape[-2] * maps.shape[-1]
                sums = sums + maps.sum((0, 2, 3))
                squares = squares + maps.square().sum((0, 2, 3))
        if n == 0:
            raise InputError("there are no images to fit the scale of features to")
        variance = torch.as_tensor(squares / n - (sums / n) ** 2)
        # a channel that never moves, rounding aside, carries nothing, and stays as it is
        moves = variance > 1e-12 * (squares / n)
        scale = torch.where(moves, variance.clamp(min=0).sqrt(), 1.0)
        branch.feature_scale.copy_(scale)

    @classmethod
    def from_pretrained(cls, path_or_name: str | Path | None = None, **options: Any) -> Self:
        """Refuse names: no weights were published; paths are as of the class."""
        if path_or_name is None:
            raise InputError("deepgaze2 has no published weights; give a file")
        return super().from_pretrained(path_or_name, **options)

    def components_of(self, *, fold: int) -> tuple[int, ...]:
        """Return the index of the component of a fold, from 0."""
        if not 0 <= check_whole("fold", fold, 0) < self.n_components:
            raise InputError(f"fold must be from 0 to {self.n_components - 1}; got {fold}")
        return (fold,)

    def cross_validated(self, folds: Folds, *, unknown: str = "error") -> CrossValidatedDeepGaze:
        """Return a model that predicts the images of fold k by component k."""
        if folds.n_folds != self.n_components:
            raise InputError(
                f"{self.name} has {self.n_components} components; got {folds.n_folds} folds"
            )
        components = [self.components_of(fold=k) for k in range(folds.n_folds)]
        return CrossValidatedDeepGaze(self, components, folds, unknown)

    def _architecture_of(self, state: Mapping[str, Tensor]) -> Architecture:
        first = state.get("branches.0.readouts.weight0")
        if first is None:
            return self.architecture
        return replace(DEEPGAZE_2, n_components=first.shape[0])
