"""Samples of a training: features of images, fixations on the map, centre bias and weights."""

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
from torch import Tensor

from salmetrics.array_types import AnyArray, Size
from salmetrics.data.dataset import Dataset
from salmetrics.errors import InputError, some
from salmetrics.models.base import DensityModel, log_density_of
from salmetrics.models.baselines import GaussianCentreBias, Uniform
from salmetrics.progress import progress_bar
from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.deepgaze.centre_bias import FixedCentreBias
from salmetrics_models.deepgaze.finaliser import Mixing, mixing_for, nearest
from salmetrics_models.deepgaze.head import readout_grid
from salmetrics_models.devices import sent
from salmetrics_models.training.loop.recipe import Average

__all__ = ["Batch", "HasMaps", "Samples", "checked_weights", "kept_on_disk", "warn_of_empty"]

_BY_SIZE = (FixedCentreBias, GaussianCentreBias, Uniform)  # the same for all images of a size


class HasMaps(Protocol):
    """An object that returns the features of images, such as `Features`."""

    def maps(self, numbers: Sequence[int]) -> list[Tensor]:
        """Return the maps of each layer for images of one size, given their numbers."""


@dataclass(frozen=True)
class Batch:
    """Images of one size.

    Attributes
    ----------
    ids
        Ids of the images.
    size
        (height, width) of the images, in pixels.
    maps
        Features of each layer of the backbone, shape (n, channels, h, w).
    grid
        (height, width) of the readout.
    centre
        Log density of the centre bias at the map's pixels, nats, shape (n, h, w).
    counts
        Number, or total weight, of the fixations at the map's pixels, shape (n, h, w).
    weights
        Weights of the images, shape (n,); their mean over all samples is 1.
    weight
        Sum of `weights`.
    """

    ids: tuple[str, ...]
    size: Size
    maps: list[Tensor]
    grid: Size
    centre: Tensor
    counts: Tensor
    weights: Tensor
    weight: float

    @property
    def mixing(self) -> Mixing:
        """The mixing that normalises densities of the map over the image."""
        height, width = self.centre.shape[-2:]
        return mixing_for((height, width), self.size, self.centre.dtype, self.centre.device)

    def to(self, device: torch.device, dtype: torch.dtype) -> Batch:
        """Return the batch on a device; copies to a GPU run in the background."""
        moved = partial(sent, device=device, dtype=dtype)
        return replace(
            self,
            maps=[moved(m) for m in self.maps],
            centre=moved(self.centre),
            counts=moved(self.counts),
            weights=moved(self.weights),
        )


class Samples:
    """Some images of a data set, ready for training or validation.

    Parameters
    ----------
    dataset
        Images and fixations.
    chosen
        Numbers of the images; images without fixations or with weight 0 are left out.
    features
        Features of all images of the data set.
    centre_bias
        Density model whose densities are above 0 everywhere. Its log densities are stored in a
        temporary file, only once per size if they depend on nothing else.
    architecture
        Architecture of the network; its `downsample` is that of the features.
    average
        What counts equally: each "image" or each "fixation".
    image_weights, fixation_weights
        Weights of all images and of all fixations of the data set; None: all are equal.
    folder
        Folder of the temporary file.
    progress
        Whether a progress bar is shown on standard error.

    Attributes
    ----------
    numbers
        Numbers of the images that are not left out.
    weights
        Weights of all images of the data set; their mean over `numbers` is 1.
    baseline
        Mean log likelihood of each image's fixations under the centre bias, nats per fixation.

    Raises
    ------
    InputError
        If no image is left, the centre bias is 0 somewhere, or the disk is full.
    """

    def __init__(
        self,
        dataset: Dataset,
        chosen: Iterable[int],
        features: HasMaps,
        centre_bias: DensityModel,
        architecture: Architecture,
        *,
        average: Average = "image",
        image_weights: AnyArray | None = None,
        fixation_weights: AnyArray | None = None,
        folder: Path | None = None,
        progress: bool = False,
    ) -> None:
        self._dataset = dataset
        self._features = features
        self._architecture = architecture
        self._fixation_weights = fixation_weights
        fixations = dataset.fixations
        totals = np.bincount(fixations.image, fixation_weights, minlength=len(dataset))
        given = np.ones(len(dataset)) if image_weights is None else image_weights
        self.numbers = [int(i) for i in chosen if totals[i] > 0 and given[i] > 0]
        if not self.numbers:
            raise InputError(
                f"none of the chosen images of {dataset.name!r} has fixations to train on"
            )
        weights = given * (totals if average == "fixation" else 1)
        self.weights = weights / weights[self.numbers].mean()
        self._fixations = {i: self._at_map(i) for i in self.numbers}
        self.baseline: dict[int, float] = {}
        self._centre, self._start = self._centres(centre_bias, folder, progress)

    def map_size(self, image: int) -> Size:
        """Return the (height, width) of an image's map."""
        height, width = self._dataset.stimuli.sizes[image].tolist()
        step = self._architecture.map_factor
        return height // step, width // step

    def batches(self, size: int, rng: np.random.Generator | None = None) -> list[list[int]]:
        """Cut the images into batches.

        Parameters
        ----------
        size
            Most images in a batch; all images of a batch have the same height and width.
        rng
            Random stream that shuffles images and batches; None: their order is that of `numbers`.

        Returns
        -------
        batches : list of list of int
            Numbers of images.
        """
        order = np.array(self.numbers)
        if rng is not None:
            order = rng.permutation(order)
        by_size: dict[tuple[int, ...], list[int]] = {}
        for i in order.tolist():
            by_size.setdefault(tuple(self._dataset.stimuli.sizes[i].tolist()), []).append(i)
        batches = [
            same[start : start + size]
            for same in by_size.values()
            for start in range(0, len(same), size)
        ]
        return batches if rng is None else [batches[k] for k in rng.permutation(len(batches))]

    def batch(self, images: Sequence[int]) -> Batch:
        """Return a batch on the CPU.

        Parameters
        ----------
        images
            Numbers of images of one size, as `batches` returns them.
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
        """Return the number, or total weight, of the fixations at an image's pixels, (h, w)."""
        height, width = self._dataset.stimuli.sizes[image].tolist()
        x, y, weights = self._pixels(image)
        counts = np.bincount(y * width + x, weights, minlength=height * width)
        return torch.from_numpy(counts).view(height, width)

    def _pixels(self, image: int) -> tuple[AnyArray, AnyArray, AnyArray]:
        """Return the columns and rows of an image's fixated pixels, and the fixations' weights."""
        rows = self._dataset.fixations.rows_of_image(image)
        columns = self._dataset.fixations.columns
        x, y = (np.floor(columns[axis][rows]).astype(int) for axis in "xy")
        weights = (
            np.ones(rows.size) if self._fixation_weights is None else self._fixation_weights[rows]
        )
        return x, y, weights

    def _at_map(self, image: int) -> tuple[AnyArray, AnyArray]:
        """Return the map's pixels that are fixated, and the total weight of their fixations."""
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
    ) -> tuple[AnyArray, dict[int, int]]:
        """Return the centre bias's log densities on maps, one after another, and their starts."""
        # an image's key: its size if that determines the density, otherwise its number
        sizes = self._dataset.stimuli.sizes.tolist()
        shared = isinstance(centre_bias, _BY_SIZE)
        keys = {i: tuple(sizes[i]) if shared else (i,) for i in self.numbers}
        lengths = {key: int(np.prod(self.map_size(i))) for i, key in keys.items()}
        ends = np.cumsum(list(lengths.values())).tolist()
        starts = dict(zip(lengths, [0, *ends[:-1]], strict=True))
        kept = kept_on_disk(ends[-1], folder, "the centre bias")
        step = self._architecture.map_factor
        bar = progress_bar(self.numbers, show=progress, description="centre bias")
        known: dict[tuple[int, ...], AnyArray] = {}
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
                    f"the centre bias has probability 0 at some pixels of image {stimulus.id!r}; "
                    "training needs a centre bias that is above 0 everywhere"
                )
            x, y, weights = self._pixels(i)
            self.baseline[i] = float((log[y, x] * weights).sum() / weights.sum())
            small = log[::step, ::step][:height, :width]
            kept[start : start + small.size] = small.ravel()
        return kept, {i: starts[key] for i, key in keys.items()}


def kept_on_disk(n: int, folder: Path | None, what: str) -> AnyArray:
    """Return an array in a temporary file, which vanishes with the array.

    Parameters
    ----------
    n
        Number of its values, float32.
    folder
        Folder of the file; None: the system's folder of temporary files.
    what
        Contents of the array, for messages.

    Raises
    ------
    InputError
        If the disk is full, or the folder cannot be written.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(
                os, "posix_fallocate"
            ):  # so that a full disk is an error now, not a signal later
                os.posix_fallocate(file.fileno(), 0, 4 * n)
            return np.memmap(file, np.float32, "r+", shape=(n,))
    except OSError as error:
        raise InputError(
            f"{4 * n / 1e9:.1f} GB for {what} cannot be written to "
            f"{str(folder or tempfile.gettempdir())!r}: {error.strerror or error}"
        ) from error


def warn_of_empty(
    dataset: Dataset, image_weights: AnyArray | None, fixation_weights: AnyArray | None
) -> None:
    """Warn of images that do not take part: without fixations, or with weight 0.

    Parameters
    ----------
    dataset
        Images and fixations.
    image_weights, fixation_weights
        Weights of all images and of all fixations; None: all are equal.
    """
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


def checked_weights(name: str, weights: Any, n: int) -> AnyArray | None:
    """Return weights as an array.

    Parameters
    ----------
    name
        Name of the argument in messages.
    weights
        Weights of images or of fixations; None is returned as it is.
    n
        Number of images or of fixations.

    Returns
    -------
    weights : ndarray of shape (n,), float64, or None
        Finite, none below 0 and at least one above 0.

    Raises
    ------
    InputError
        For invalid weights.
    """
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
        raise InputError(f"{name} are all 0; at least one must be above 0")
    return array
