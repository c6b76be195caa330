"""What a training is for: the module that learns, its loss, and its scores on validation images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["METRICS", "NotANumber", "Objective"]

METRICS = ("NSS", "AUC")


class Source(Protocol):
    """Images to train on, or to stop on."""

    def batches(self, size: int, rng: np.random.Generator | None = None) -> list[list[int]]:
        """Cut the images into batches, in random order if there is a stream."""

    def batch(self, images: Sequence[int]) -> Any:
        """Return a batch on the CPU.

        It has `ids`, `weights` (a tensor, shape (n,)), their sum `weight`, and `to(device, dtype)`.
        """


class NotANumber(ValueError):  # never seen by users
    """A score that is not finite.

    Attributes
    ----------
    what
        Which.
    ids
        Of the images.
    """

    def __init__(self, what: str, ids: Sequence[str]) -> None:
        super().__init__(what)
        self.what, self.ids = what, tuple(ids)


class Objective(ABC):
    """What is trained, and for what.

    Attributes
    ----------
    module
        What learns, and what states hold.
    unit
        Of the score.
    """

    module: nn.Module
    unit: str = ""

    def to(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move all that is computed with."""
        self.module.to(device, dtype)

    def groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Return parameters with their first learning rate, as torch's optimizers take them."""
        return [{"params": list(self.module.parameters()), "lr": learning_rate}]

    @abstractmethod
    def losses(self, batch: Any) -> Tensor:
        """Return the loss of each image, shape (n,)."""

    @abstractmethod
    def scores(
        self, samples: Any, batches: Iterable[tuple[Sequence[int], Any]]
    ) -> dict[str, float]:
        """Return scores on validation images; "score" is what training is stopped by.

        Parameters
        ----------
        samples
            The images.
        batches
            Numbers of images, and their batch on the device.
        """

    def constrain(self) -> None:  # noqa: B027  # optional
        """Bring values back to where they can be, after a step."""

    def facts(self) -> dict[str, float]:
        """Return numbers of the module that are logged after each epoch."""
        return {}
