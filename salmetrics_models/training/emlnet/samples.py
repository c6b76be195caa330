"""Images with their empirical maps, for networks that learn from pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from salmetrics.data.dataset import Dataset
from salmetrics.densities.smoothing import Smoothing, smoothing_of
from salmetrics.errors import InputError
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
        Of the images.
    images
        From 0 to 1, shape (n, 3, h, w); None where there are taps.
    taps
        What each encoder makes of them, for a decoder; None where there are images.
    target
        Empirical maps, largest value 1, shape (n, h, w).
    fixations
        1 where somebody looked, shape (n, h, w).
    weights
        Of the images, shape (n,).
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
        """Return the batch on a device; a GPU does not wait for it."""
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
    """What frozen encoders make of images, kept in a temporary file.

    Parameters
    ----------
    encoders
        Of the public form, whose taps are one map each; on their device.
    dataset
        The images.
    numbers
        Of those that are wanted. The same ones make the same taps, bit for bit, on a CPU.
    frame
        The size that images are brought to.
    folder
        For the temporary file.
    progress
        Show a bar on standard error when it takes more than two seconds.
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
        from tqdm import tqdm

        where = next(encoders[0].parameters())
        self._rows = {number: row for row, number in enumerate(numbers)}
        bar = tqdm(numbers, delay=2, disable=not progress, unit="image", desc="taps")
        for number in bar:
            pixels = frame.framed(dataset.stimuli[number].rgb).transpose(2, 0, 1)[None].copy()
            shown = torch.from_numpy(pixels).to(where.device).to(where.dtype) / 255
            with torch.no_grad():
                made = [encoder.taps(shown) for encoder in encoders]
            flat = torch.cat([tap.flatten() for own in made for tap in own]).float().cpu().numpy()
            if number == numbers[0]:
                self._shapes = [[tuple(tap.shape[1:]) for tap in own] for own in made]
                size = flat.size * len(numbers)
                self._kept = kept_on_disk(size, folder, "taps").reshape(len(numbers), -1)
            self._kept[self._rows[number]] = flat
        self._ends = np.cumsum([int(np.prod(s)) for own in self._shapes for s in own])

    def of(self, numbers: Sequence[int]) -> list[list[Tensor]]:
        """Return the taps of each encoder for some images, shape (n, 1, h, w) each."""
        rows = self._kept[[self._rows[number] for number in numbers]]
        parts = iter(np.split(rows, self._ends[:-1], axis=1))
        return [
            [torch.from_numpy(next(parts)).view(len(numbers), *shape) for shape in own]
            for own in self._shapes
        ]


class MapSamples:
    """Some images of a data set, at one size, and where people looked.

    Parameters
    ----------
    dataset
        Images and fixations.
    chosen
        Numbers of the images; those without any fixation are left out.
    frame
        The size that images are brought to.
    sigma
        Of empirical maps, in pixels of the images; None: that of the stimuli, or one degree.
    taps
        Of the encoders, where a decoder is trained.

    Attributes
    ----------
    numbers
        Of the images that are left.
    sigma
        As it is used.
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
        there = dataset.fixations.counts()
        self.numbers = [int(i) for i in chosen if there[i] > 0]
        if not self.numbers:
            raise InputError(
                f"none of the chosen images of {dataset.name!r} has fixations to train on"
            )

    def batches(self, size: int, rng: np.random.Generator | None = None) -> list[list[int]]:
        """Cut the images into batches, in random order if there is a stream.

        One image that is left over goes to the batch before: normalisation needs more than one
        where a map has one pixel.
        """
        order = np.array(self.numbers)
        if rng is not None:
            order = rng.permutation(order)
        made = [order[start : start + size].tolist() for start in range(0, order.size, size)]
        if size > 1 and len(made) > 1 and len(made[-1]) == 1:
            last = made.pop()
            made[-1] += last
        return made

    def batch(self, images: Sequence[int]) -> MapBatch:
        """Return a batch, on the CPU."""
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
            torch.from_numpy(np.stack([there for _, there in maps])),
            torch.ones(len(images)),
        )

    def _maps(self, image: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the empirical map and the fixated pixels of an image, in the frame."""
        height, width = self._dataset.stimuli.sizes[image].tolist()
        rows = self._dataset.fixations.rows_of_image(image)
        own = self._dataset.fixations
        x, y = self._frame.points(own.x[rows], own.y[rows], (height, width))
        size = (int(self._frame.size[0]), int(self._frame.size[1]))
        pixels = y * size[1] + x
        inner = self._frame.inner((height, width))
        scale = [
            (part.stop - part.start) / full
            for part, full in zip(inner, (height, width), strict=True)
        ]
        smoothing = Smoothing(sigma=(self.sigma * scale[0], self.sigma * scale[1]))
        target = smoothing.points(size, pixels)
        there = np.zeros(size[0] * size[1], np.float32)
        there[pixels] = 1
        return (target / target.max()).astype(np.float32), there.reshape(size)
