"""Images as training sees them: features, fixations at the map's pixels, centre bias, weights."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from salmetrics.dataset import Dataset
from salmetrics.errors import InputError, some
from salmetrics.models.base import DensityModel, log_density_of
from salmetrics_models.architectures import Architecture
from salmetrics_models.finaliser import Mixing, mixing_for, nearest
from salmetrics_models.heads import readout_grid
from salmetrics_models.training.features import Features

__all__ = ["Batch", "Samples", "checked_weights", "warn_of_empty"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Batch:
    """Images of one size.

    Attributes
    ----------
    ids
        Of the images.
    maps
        Of each layer of the backbone, shape (n, channels, h, w).
    grid
        (height, width) of the readout.
    centre
        Log density of the centre bias at the map's pixels, shape (n, h, w).
    counts
        Fixations, or their weights, at the map's pixels, shape (n, h, w).
    weights
        Of the images, mean 1 over all that are trained on, shape (n,).
    mixing
        What normalises densities of the map over the image.
    """

    ids: tuple[str, ...]
    maps: list[Tensor]
    grid: tuple[int, int]
    centre: Tensor
    counts: Tensor
    weights: Tensor
    mixing: Mixing

    def to(self, device: torch.device, dtype: torch.dtype) -> Batch:
        """Return the batch on a device; a GPU does not wait for it."""

        def moved(tensor: Tensor) -> Tensor:
            if device.type == "cuda":
                tensor = tensor.pin_memory().to(device, non_blocking=True)
            return tensor.to(dtype)

        return Batch(
            self.ids,
            [moved(m) for m in self.maps],
            self.grid,
            moved(self.centre),
            moved(self.counts),
            moved(self.weights),
            mixing_for(self.mixing.map_size, self.mixing.size, dtype, device),
        )


class Samples:
    """Some images of a data set.

    Parameters
    ----------
    dataset
        Images and fixations.
    chosen
        Numbers of the images; those without any fixation (or weight) are left out.
    features
        Of all images of the data set.
    centre_bias
        A density model. Its log densities are kept in a temporary file.
    architecture
        Of the network; its `downsample` is that of the features.
    average
        What counts alike: each "image", or each "fixation".
    image_weights, fixation_weights
        Of all images and fixations of the data set; None: all alike.
    folder
        For the temporary file.
    """

    def __init__(
        self,
        dataset: Dataset,
        chosen: Iterable[int],
        features: Features,
        centre_bias: DensityModel,
        architecture: Architecture,
        *,
        average: str = "image",
        image_weights: Array | None = None,
        fixation_weights: Array | None = None,
        folder: Path | None = None,
    ) -> None:
        self._dataset = dataset
        self._features = features
        self._architecture = architecture
        fixations = dataset.fixations
        of_fixation = np.ones(len(fixations)) if fixation_weights is None else fixation_weights
        of_image = np.ones(len(dataset)) if image_weights is None else image_weights
        totals = np.bincount(fixations.image, of_fixation, minlength=len(dataset))
        self.numbers = [int(i) for i in chosen if totals[i] > 0 and of_image[i] > 0]
        if not self.numbers:
            raise InputError(
                f"none of the chosen images of {dataset.name!r} has fixations to train on"
            )
        own = of_image * (totals if average == "fixation" else 1)
        self.weights = own / own[self.numbers].mean()
        self._of_fixation = of_fixation
        self._fixations = {i: self._at_map(i) for i in self.numbers}
        self._centre, self._start = self._centres(centre_bias, folder)
        self.baseline = self._baseline(centre_bias)

    @property
    def ids(self) -> list[str]:
        """Ids of the images."""
        return [self._dataset.stimuli.ids[i] for i in self.numbers]

    def map_size(self, image: int) -> tuple[int, int]:
        """Return (height, width) of an image's map."""
        height, width = self._dataset.stimuli.sizes[image].tolist()
        step = self._architecture.map_factor
        return height // step, width // step

    def batches(self, size: int, rng: np.random.Generator | None = None) -> list[list[int]]:
        """Cut the images into batches of one size, in random order if there is a stream."""
        order = np.array(self.numbers)
        if rng is not None:
            order = rng.permutation(order)
        by_size: dict[tuple[int, ...], list[int]] = {}
        for i in order.tolist():
            by_size.setdefault(tuple(self._dataset.stimuli.sizes[i].tolist()), []).append(i)
        made = [
            same[start : start + size]
            for same in by_size.values()
            for start in range(0, len(same), size)
        ]
        return made if rng is None else [made[k] for k in rng.permutation(len(made))]

    def batch(self, images: Sequence[int]) -> Batch:
        """Return a batch, on the CPU.

        Parameters
        ----------
        images
            Numbers, as `batches` gives them.
        """
        stimuli = self._dataset.stimuli
        height, width = stimuli.sizes[images[0]].tolist()
        map_size = self.map_size(images[0])
        n_pixels = map_size[0] * map_size[1]
        counts = np.zeros((len(images), n_pixels))
        centre = np.empty((len(images), n_pixels), np.float32)
        for k, i in enumerate(images):
            pixels, weights = self._fixations[i]
            counts[k, pixels] = weights
            centre[k] = self._centre[self._start[i] : self._start[i] + n_pixels]
        return Batch(
            tuple(stimuli.ids[i] for i in images),
            self._features.maps(images),
            readout_grid(self._architecture, (height, width)),
            torch.from_numpy(centre).view(-1, *map_size),
            torch.from_numpy(counts).view(-1, *map_size),
            torch.from_numpy(self.weights[list(images)]),
            mixing_for(map_size, (height, width), torch.float32, torch.device("cpu")),
        )

    def full_counts(self, image: int) -> Tensor:
        """Return fixations, or their weights, at the pixels of an image, shape (h, w)."""
        height, width = self._dataset.stimuli.sizes[image].tolist()
        mine = self._dataset.fixations.rows_of_image(image)
        x, y = self._pixels(mine)
        counts = np.bincount(y * width + x, self._of_fixation[mine], minlength=height * width)
        return torch.from_numpy(counts).view(height, width)

    # ---- inside

    def _pixels(self, rows: Array) -> tuple[Array, Array]:
        """Return the column and the row of the pixels of some fixations."""
        columns = self._dataset.fixations.columns
        return np.floor(columns["x"][rows]).astype(int), np.floor(columns["y"][rows]).astype(int)

    def _at_map(self, image: int) -> tuple[Array, Array]:
        """Return pixels of the map that have fixations, and how many."""
        height, width = self._dataset.stimuli.sizes[image].tolist()
        map_size = self.map_size(image)
        rows, columns = (
            nearest(n, side, torch.float32, torch.device("cpu")).numpy()
            for n, side in zip(map_size, (height, width), strict=True)
        )
        mine = self._dataset.fixations.rows_of_image(image)
        x, y = self._pixels(mine)
        flat = rows[y] * map_size[1] + columns[x]
        pixels, where = np.unique(flat, return_inverse=True)
        return pixels, np.bincount(where, self._of_fixation[mine])

    def _centres(
        self, centre_bias: DensityModel, folder: Path | None
    ) -> tuple[Array, dict[int, int]]:
        """Return log densities of the centre bias at the map's pixels, and where each begins."""
        lengths = [int(np.prod(self.map_size(i))) for i in self.numbers]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        with tempfile.TemporaryFile(dir=folder) as file:  # gone when nothing reads it any more
            kept: Array = np.memmap(file, np.float32, "w+", shape=(int(starts[-1]),))
        step = self._architecture.map_factor
        for i, start in zip(self.numbers, starts.tolist(), strict=False):
            height, width = self.map_size(i)
            log = log_density_of(centre_bias, self._dataset.stimuli[i]).values
            small = log[::step, ::step][:height, :width]
            kept[start : start + small.size] = small.ravel()
        return kept, dict(zip(self.numbers, starts.tolist(), strict=False))

    def _baseline(self, centre_bias: DensityModel) -> dict[int, float]:
        """Return the centre bias's mean log likelihood of each image's fixations, nats."""
        part = self._dataset[np.array(self.numbers)]
        logs = centre_bias.log_likelihoods(*part)
        rows = [self._dataset.fixations.rows_of_image(i) for i in self.numbers]
        weights = self._of_fixation[np.concatenate(rows)]
        sums = np.bincount(part.fixations.image, logs * weights, minlength=len(part))
        totals = np.bincount(part.fixations.image, weights, minlength=len(part))
        return dict(zip(self.numbers, (sums / totals).tolist(), strict=True))


def warn_of_empty(
    dataset: Dataset, image_weights: Array | None, fixation_weights: Array | None
) -> None:
    """Warn of images that nothing is learnt from: without fixations, or with weight 0."""
    totals = np.bincount(dataset.fixations.image, fixation_weights, minlength=len(dataset))
    if image_weights is not None:
        totals = totals * image_weights
    empty = [dataset.stimuli.ids[i] for i in np.flatnonzero(totals == 0)]
    if empty:
        warnings.warn(
            f"{len(empty)} of {len(dataset)} images of {dataset.name!r} have no fixations, or "
            f"weight 0, and are left out of training: {some(empty)}",
            stacklevel=2,
        )


def checked_weights(name: str, weights: Any, n: int) -> Array | None:
    """Return weights of n images or fixations; raise `InputError` for such as can't be."""
    if weights is None:
        return None
    array = np.asarray(weights, dtype=float)
    if array.shape != (n,) or not np.isfinite(array).all() or (array < 0).any():
        raise InputError(
            f"{name} must be {n} finite numbers >= 0; got shape {array.shape}"
            + ("" if array.shape != (n,) else ", with others among them")
        )
    if not (array > 0).any():
        raise InputError(f"{name} are all 0")
    return array
