"""The base of all models: prediction in batches of images of the same size."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from salmetrics.array_types import AnyArray
from salmetrics.data.stimuli import Stimulus
from salmetrics.errors import InputError, check_choice, check_whole
from salmetrics_models.devices import device_of, sent, settings_of_torch
from salmetrics_models.prediction.producer import (
    Task,
    batches,
    decoded,
    is_out_of_memory,
    predicted,
)

__all__ = ["Batched", "Dtype", "moved"]

Dtype = Literal["float32", "float64"]
_DTYPES: dict[Dtype, torch.dtype] = {"float32": torch.float32, "float64": torch.float64}


class Batched(ABC):
    """A model that predicts in batches; subclasses decode an image, and compute a batch.

    Parameters
    ----------
    device
        "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1", ...
    dtype
        Type of the computation, "float32" or "float64".
    batch_size
        Number of images of the same size that are predicted together.
    n_threads
        Number of threads of torch on a CPU; None leaves it as it is.
    """

    name: str | None

    def __init__(
        self, *, device: str, dtype: Dtype, batch_size: int, n_threads: int | None
    ) -> None:
        check_choice("dtype", dtype, _DTYPES)
        self.device = device_of(device)
        self.dtype = dtype
        self.batch_size = check_whole("batch_size", batch_size, 1)
        self.n_threads = None if n_threads is None else check_whole("n_threads", n_threads, 1)

    @property
    def place(self) -> tuple[torch.dtype, torch.device]:
        """Type and device of the computation."""
        return _DTYPES[self.dtype], self.device

    @abstractmethod
    def _decoded(self, stimulus: Stimulus) -> NDArray[np.uint8]:
        """Return the pixels of an image at the size of prediction, shape (h, w, 3)."""

    @abstractmethod
    def _computed(self, images: Tensor, batch: list[Task]) -> Tensor:
        """Return the predictions for images of shape (n, 3, h, w), on the device."""

    @abstractmethod
    def _finished(self, prediction: AnyArray, task: Task) -> AnyArray:
        """Return the prediction for an image, in the form that users get, from the computed one."""

    # ---- called by subclasses

    def _alone(self, task: Task) -> AnyArray:
        """Return the prediction for one image."""
        task.pixels = self._decoded(task.stimulus)
        return self._launched([task])()[0]

    def _in_batches(self, tasks: Iterable[Task]) -> Iterator[AnyArray]:
        """Yield predictions in order; images of the same size are predicted together."""
        with closing(decoded(tasks, self._decoded, 2 * self.batch_size)) as ready:
            groups = batches(ready, lambda: self.batch_size)
            yield from predicted(groups, self._launched, overlapping=self.device.type == "cuda")

    def _settings(self) -> AbstractContextManager[None]:
        """Limit torch to `n_threads` on a CPU and disable TF32 on a GPU."""
        return settings_of_torch(self.device, self.n_threads)

    def _on_device(self, batch: list[Task]) -> Tensor:
        """Return the pixels of images of the same size on the device, shape (n, 3, h, w)."""
        pixels = []
        for task in batch:
            if task.error is not None:
                raise task.error
            pixels.append(task.pixels)
        return moved(np.stack(pixels).transpose(0, 3, 1, 2), *self.place)  # type: ignore[arg-type]

    def _launched(self, batch: list[Task]) -> Callable[[], list[AnyArray]]:
        """Start a batch, and return a function that waits for it; halve it if memory is short."""
        try:
            return self._started(batch)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        # the error is gone here, and with it the tensors that its frames held
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if len(batch) == 1:
            raise InputError(
                f"image {batch[0].stimulus.id!r} of {batch[0].size} pixels (height, width) does "
                f"not fit into the memory of {self.device}"
            )
        half = -(-len(batch) // 2)
        warnings.warn(
            f"{len(batch)} images of {batch[0].size} pixels do not fit into "
            f"memory; {self.name} continues with batches of {half}",
            stacklevel=2,
        )
        self.batch_size = min(self.batch_size, half)
        parts = [batch[start : start + half] for start in range(0, len(batch), half)]
        predictions = [prediction for part in parts for prediction in self._launched(part)()]
        return lambda: predictions

    def _started(self, batch: list[Task]) -> Callable[[], list[AnyArray]]:
        """Start a batch; on a GPU, this returns before the results are computed."""
        images = self._on_device(batch)
        with torch.inference_mode(), self._settings():
            computed = self._computed(images, batch)
            if self.device.type != "cuda":
                return lambda: self._all_finished(computed.numpy(), batch)
            copied = torch.empty(computed.shape, dtype=computed.dtype, pin_memory=True)
            copied.copy_(computed, non_blocking=True)
            event = torch.cuda.Event()
            event.record(torch.cuda.current_stream(self.device))

        def wait() -> list[AnyArray]:
            event.synchronize()
            # the next batch uses the pinned memory again
            return self._all_finished(copied.numpy().copy(), batch)

        return wait

    def _all_finished(self, predictions: AnyArray, batch: list[Task]) -> list[AnyArray]:
        return [self._finished(p, task) for p, task in zip(predictions, batch, strict=True)]


def moved(array: AnyArray, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return an array as a tensor of a type on a device, without waiting for a GPU."""
    return sent(torch.from_numpy(np.require(array, requirements=["C", "W"])), device, dtype)
