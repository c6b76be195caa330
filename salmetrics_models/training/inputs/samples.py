"""Images as training sees them: features, fixations at the map's pixels, centre bias, weights."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from salmetrics.data.dataset import Dataset
from salmetrics.errors import InputError, some
from salmetrics.models.base import DensityModel, log_density_of
from salmetrics.models.baselines import GaussianCentreBias, Uniform
from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.deepgaze.centre_bias import FixedCentreBias
from salmetrics_models.deepgaze.finaliser import Mixing, mixing_for, nearest
from salmetrics_models.deepgaze.head import readout_grid
from salmetrics_models.devices import sent

__all__ = ["Batch", "HasMaps", "Samples", "checked_weights", "kept_on_disk", "warn_of_empty"]

Array = NDArray[Any]
_OF_SIZE = (FixedCentreBias, GaussianCentreBias, Uniform)  # the same for all images of a size


class HasMaps(Protocol):
    """What knows the features of images, such as `Features`."""

    def maps(self, numbers: Sequence[int]) -> list[Tensor]:
        """Return the maps of each layer for images of one size, by their numbers."""


@dataclass(frozen=True)
class Batch:
    """Images of one size.

    Attributes
    ----------
    ids
        Of the images.
    size
        (height, width) of the images.
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
    weight
        Their sum.
    """

    ids: tuple[str, ...]
    size: tuple[int, int]
    maps: list[Tensor]
    grid: tuple[int, int]
    centre: Tensor
    counts: Tensor
    weights: Tensor
    weight: float

    @property
    def mixing(self) -> Mixing:
        """What normalises densities of the map over the image."""
        height, width = self.centre.shape[-2:]
        return mixing_for((height, width), self.size, self.centre.dtype, self.centre.device)

    def to(self, device: torch.device, dtype: torch.dtype) -> Batch:
        """Return the batch on a device; a GPU does not wait for it."""
        moved = partial(sent, device=device, dtype=dtype)
        return replace(
            self,
            maps=[moved(m) for m in self.maps],
            centre=moved(self.centre),
            counts=moved(self.counts),
            weights=moved(self.weights),
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
        A density model, above 0 everywhere. Its log densities are kept in a temporary file, once
        for all images of a size if the model says the same of them.
    architecture
        Of the network; its `downsample` is that of the features.
    average
        What counts alike: each "image", or each "fixation".
    image_weights, fixation_weights
        Of all images and fixations of the data set; None: all alike.
    folder
        For the temporary file.
    progress
        Show a bar on standard error when it takes more than two seconds.

    Attributes
    ----------
    numbers
        Of the images that are left.
    weights
        Of all images, mean 1 over those.
    baseline
        The centre bias's mean log likelihood of the fixations of each image, nats.
    """

    def __init__(
        self,
        dataset: Dataset,
        chosen: Iterable[int],
        features: HasMaps,
        centre_bias: DensityModel,
        architecture: Architecture,
        *,
        average: str = "image",
        image_weights: Array | None = None,
        fixation_weights: Array | None = None,
        folder: Path | None = None,
        progress: bool = False,
    ) -> None:
        self._dataset = dataset
        self._features = features
        self._architecture = architecture
        self._of_fixation = fixation_weights
        fixations = dataset.fixations
        totals = np.bincount(fixations.image, fixation_weights, minlength=len(dataset))
        of_image = np.ones(len(dataset)) if image_weights is None else image_weights
        self.numbers = [int(i) for i in chosen if totals[i] > 0 and of_image[i] > 0]
        if not self.numbers:
            raise InputError(
                f"none of the chosen images of {dataset.name!r} has fixations to train on"
            )
        own = of_image * (totals if average == "fixation" else 1)
        self.weights = own / own[self.numbers].mean()
        self._fixations = {i: self._at_map(i) for i in self.numbers}
        self.baseline: dict[int, float] = {}
        self._centre, self._start = self._centres(centre_bias, folder, progress)

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
        weights = self.weights[list(images)]
        return Batch(
            tuple(stimuli.ids[i] for i in images),
            (height, width),
            self._features.maps(images),
            readout_grid(self._architecture, (height, width)),
            torch.from_numpy(centre).view(-1, *map_size),
            torch.from_numpy(counts).view(-1, *map_size),
            torch.from_numpy(weights),
            float(weights.sum()),
        )

    def full_counts(self, image: int) -> Tensor:
        """Return fixations, or their weights, at the pixels of an image, shape (h, w)."""
        height, width = self._dataset.stimuli.sizes[image].tolist()
        x, y, weights = self._pixels(image)
        counts = np.bincount(y * width + x, weights, minlength=height * width)
        return torch.from_numpy(counts).view(height, width)

    # ---- inside

    def _pixels(self, image: int) -> tuple[Array, Array, Array]:
        """Return columns and rows of the pixels of an image's fixations, and their weights."""
        rows = self._dataset.fixations.rows_of_image(image)
        columns = self._dataset.fixations.columns
        x, y = (np.floor(columns[axis][rows]).astype(int) for axis in "xy")
        weights = np.ones(rows.size) if self._of_fixation is None else self._of_fixation[rows]
        return x, y, weights

    def _at_map(self, image: int) -> tuple[Array, Array]:
        """Return pixels of the map that have fixations, and how many."""
        height, width = self._dataset.stimuli.sizes[image].tolist()
        map_size = self.map_size(image)
        rows, columns = (
            nearest(n, side, torch.float32, torch.device("cpu")).numpy()
            for n, side in zip(map_size, (height, width), strict=True)
        )
        x, y, weights = self._pixels(image)
        pixels, where = np.unique(rows[y] * map_size[1] + columns[x], return_inverse=True)
        return pixels.astype(np.int32), np.bincount(where, weights)

    def _centres(
        self, centre_bias: DensityModel, folder: Path | None, progress: bool
    ) -> tuple[Array, dict[int, int]]:
        """Return log densities of the centre bias at the map's pixels, and where each begins."""
        from tqdm import tqdm

        # what stands for an image: its size, or itself
        sizes = self._dataset.stimuli.sizes.tolist()
        shared = isinstance(centre_bias, _OF_SIZE)
        keys = {i: tuple(sizes[i]) if shared else (i,) for i in self.numbers}
        lengths = {key: int(np.prod(self.map_size(i))) for i, key in keys.items()}
        ends = np.cumsum(list(lengths.values())).tolist()
        starts = dict(zip(lengths, [0, *ends[:-1]], strict=True))
        kept = kept_on_disk(ends[-1], folder, "the centre bias")
        step = self._architecture.map_factor
        bar = tqdm(self.numbers, delay=2, disable=not progress, unit="image", desc="centre bias")
        known: dict[tuple[int, ...], Array] = {}
        for i in bar:
            start = starts[keys[i]]
            stimulus = self._dataset.stimuli[i]
            height, width = self.map_size(i)
            log = known.get(keys[i])
            if log is None:
                log = log_density_of(centre_bias, stimulus).values
            if shared:
                known[keys[i]] = log
            if not np.isfinite(log).all():
                raise InputError(
                    f"the centre bias gives probability 0 to pixels of image {stimulus.id!r}; "
                    "training needs one that is above 0 everywhere"
                )
            x, y, weights = self._pixels(i)
            self.baseline[i] = float((log[y, x] * weights).sum() / weights.sum())
            small = log[::step, ::step][:height, :width]
            kept[start : start + small.size] = small.ravel()
        return kept, {i: starts[key] for i, key in keys.items()}


def kept_on_disk(n: int, folder: Path | None, what: str) -> Array:
    """Return an array of n float32 in a temporary file, which is gone when nothing reads it."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):  # a full disk is an error now, and no signal later
                os.posix_fallocate(file.fileno(), 0, 4 * n)
            return np.memmap(file, np.float32, "r+", shape=(n,))
    except OSError as error:
        raise InputError(
            f"{4 * n / 1e9:.1f} GB for {what} can't be written to "
            f"{str(folder or tempfile.gettempdir())!r}: {error.strerror or error}"
        ) from error


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
    try:
        array = np.asarray(weights, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be numbers: {error}") from error
    if array.shape != (n,):
        raise InputError(f"{name} must be {n} numbers; got shape {array.shape}")
    wrong = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if wrong.size:
        raise InputError(
            f"{name} must be finite and at least 0; number {wrong[0]} is {array[wrong[0]]}"
        )
    if not (array > 0).any():
        raise InputError(f"{name} are all 0")
    return array
