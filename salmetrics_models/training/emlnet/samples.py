"""Samples of a training on pixels: images and their empirical maps, all at one size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from salmetrics.array_types import AnyArray
from salmetrics.data.dataset import Dataset
from salmetrics.densities.smoothing import Smoothing, smoothing_of
from salmetrics.errors import InputError
from salmetrics.progress import progress_bar
from salmetrics.protocols import DEFAULT
from salmetrics_models.devices import sent
from salmetrics_models.emlnet.framing import Frame
from salmetrics_models.emlnet.network import Encoder
from salmetrics_models.training.inputs.samples import kept_on_disk

__all__ = ["MapBatch", "MapSamples", "Taps"]


@dataclass(frozen=True)
class MapBatch:
    """Images at one size.

    Attributes
    ----------
    ids
        Ids of the images.
    images
        Pixels, shape (n, 3, h, w): uint8 on the CPU, from 0 to 1 after `to`; None with taps.
    taps
        Outputs of each encoder for the images, shape (n, k, h, w) each; None with pixels.
    target
        Empirical maps with largest value 1, shape (n, h, w).
    fixations
        1 at fixated pixels and 0 elsewhere, shape (n, h, w).
    weights
        Weights of the images, shape (n,), all 1.
    """

    ids: tuple[str, ...]
    images: Tensor | None
    taps: list[list[Tensor]] | None
    target: Tensor
    fixations: Tensor
    weights: Tensor

    @property
    def weight(self) -> float:
        """Sum of the weights."""
        return float(len(self.ids))

    def to(self, device: torch.device, dtype: torch.dtype) -> MapBatch:
        """Return the batch on a device; copies to a GPU run in the background."""
        moved = partial(sent, device=device, dtype=dtype)
        return replace(
            self,
            images=None if self.images is None else moved(self.images) / 255,
            taps=None if self.taps is None else [[moved(t) for t in own] for own in self.taps],
            target=moved(self.target),
            fixations=moved(self.fixations),
            weights=moved(self.weights),
        )


class Taps:
    """Taps of frozen encoders for some images, in a temporary file.

    Parameters
    ----------
    encoders
        Encoders of the public form, whose taps are single maps, on their device.
    dataset
        Data set of the images.
    numbers
        Numbers of the images. On a CPU, the same images have the same taps, bit for bit.
    frame
        Size to which images are brought.
    folder
        Folder of the temporary file.
    progress
        Whether a progress bar is shown on standard error.
    """

    def __init__(
        self,
        encoders: Sequence[Encoder],
        dataset: Dataset,
        numbers: Sequence[int],
        frame: Frame,
        folder: Path,
        *,
        progress: bool = False,
    ) -> None:
        where = next(encoders[0].parameters())
        self._rows = {number: row for row, number in enumerate(numbers)}
        bar = progress_bar(numbers, show=progress, description="taps")
        for number in bar:
            pixels = frame.framed(dataset.stimuli[number].rgb).transpose(2, 0, 1)[None].copy()
            image = torch.from_numpy(pixels).to(where.device).to(where.dtype) / 255
            with torch.no_grad():
                taps = [encoder.taps(image) for encoder in encoders]
            flat = torch.cat([tap.flatten() for own in taps for tap in own]).float().cpu().numpy()
            if number == numbers[0]:
                self._shapes = [[tuple(tap.shape[1:]) for tap in own] for own in taps]
                size = flat.size * len(numbers)
                self._kept = kept_on_disk(size, folder, "taps").reshape(len(numbers), -1)
            self._kept[self._rows[number]] = flat
        self._ends = np.cumsum([int(np.prod(s)) for own in self._shapes for s in own])

    def of(self, numbers: Sequence[int]) -> list[list[Tensor]]:
        """Return the taps of each encoder for some of the images, shape (n, 1, h, w) each."""
        rows = self._kept[[self._rows[number] for number in numbers]]
        parts = iter(np.split(rows, self._ends[:-1], axis=1))
        return [
            [torch.from_numpy(next(parts)).view(len(numbers), *shape) for shape in own]
            for own in self._shapes
        ]


class MapSamples:
    """Some images of a data set with their empirical maps, at one size.

    Parameters
    ----------
    dataset
        Images and fixations.
    chosen
        Numbers of the images; images without fixations are left out.
    frame
        Size to which images are brought.
    sigma
        Standard deviation of the Gaussian that blurs empirical maps, in pixels of the images;
        None: that of the stimuli, or else one degree.
    taps
        Taps of the encoders, to train a decoder; None: batches have pixels.

    Attributes
    ----------
    numbers
        Numbers of the images that are not left out.
    sigma
        The standard deviation that is used, in pixels of the images.

    Raises
    ------
    InputError
        If no image is left, or the standard deviation is unknown.
    """

    def __init__(
        self,
        dataset: Dataset,
        chosen: Iterable[int],
        frame: Frame,
        *,
        sigma: float | None = None,
        taps: Taps | None = None,
    ) -> None:
        self._dataset, self._frame, self._taps = dataset, frame, taps
        stimuli = dataset.stimuli
        smoothing = smoothing_of(
            DEFAULT.override(sigma=sigma), stimuli.sigma, stimuli.pixels_per_degree
        )
        self.sigma = float(np.max(smoothing.sigma))
        counts = dataset.fixations.counts()
        self.numbers = [int(i) for i in chosen if counts[i] > 0]
        if not self.numbers:
            raise InputError(
                f"none of the chosen images of {dataset.name!r} has fixations to train on"
            )

    def batches(self, size: int, rng: np.random.Generator | None = None) -> list[list[int]]:
        """Cut the images into batches.

        A single image that is left over joins the last batch: where a map has one pixel, batch
        normalisation needs more than one image.

        Parameters
        ----------
        size
            Number of images in a batch.
        rng
            Random stream that shuffles the images; None: their order is that of `numbers`.

        Returns
        -------
        batches : list of list of int
            Numbers of images.
        """
        order = np.array(self.numbers)
        if rng is not None:
            order = rng.permutation(order)
        batches = [order[start : start + size].tolist() for start in range(0, order.size, size)]
        if size > 1 and len(batches) > 1 and len(batches[-1]) == 1:
            single = batches.pop()
            batches[-1] += single
        return batches

    def batch(self, images: Sequence[int]) -> MapBatch:
        """Return a batch on the CPU."""
        maps = [self._maps(i) for i in images]
        pixels = None
        if self._taps is None:
            framed = [self._frame.framed(self._dataset.stimuli[i].rgb) for i in images]
            pixels = torch.from_numpy(np.stack(framed).transpose(0, 3, 1, 2))
        return MapBatch(
            tuple(self._dataset.stimuli.ids[i] for i in images),
            pixels,
            None if self._taps is None else self._taps.of(images),
            torch.from_numpy(np.stack([target for target, _ in maps])),
            torch.from_numpy(np.stack([fixated for _, fixated in maps])),
            torch.ones(len(images)),
        )

    def _maps(self, image: int) -> tuple[AnyArray, AnyArray]:
        """Return the empirical map and the fixated pixels of an image, both in the frame."""
        height, width = self._dataset.stimuli.sizes[image].tolist()
        rows = self._dataset.fixations.rows_of_image(image)
        fixations = self._dataset.fixations
        x, y = self._frame.points(fixations.x[rows], fixations.y[rows], (height, width))
        size = (int(self._frame.size[0]), int(self._frame.size[1]))
        pixels = y * size[1] + x
        inner = self._frame.inner((height, width))
        scale = [
            (part.stop - part.start) / full
            for part, full in zip(inner, (height, width), strict=True)
        ]
        smoothing = Smoothing(sigma=(self.sigma * scale[0], self.sigma * scale[1]))
        target = smoothing.points(size, pixels)
        fixated = np.zeros(size[0] * size[1], np.float32)
        fixated[pixels] = 1
        return (target / target.max()).astype(np.float32), fixated.reshape(size)
