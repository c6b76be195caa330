"""The objective of a training: the module that learns, its loss, and its validation scores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol, get_args

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["METRICS", "Metric", "NotANumber", "Objective", "Source"]

Metric = Literal["NSS", "AUC"]
METRICS: tuple[Metric, ...] = get_args(Metric)


class Source(Protocol):
    """Images to train on, or to validate on."""

    def batches(self, size: int, rng: np.random.Generator | None = None) -> list[list[int]]:
        """Cut the images into batches, in random order if `rng` is given."""

    def batch(self, images: Sequence[int]) -> Any:
        """Return a batch on the CPU.

        A batch has `ids`, `weights` (a tensor of shape (n,)), their sum `weight`, and a method
        `to(device, dtype)`.
        """


class NotANumber(ValueError):  # caught by `fit`: users see an `InputError`
    """A validation score is not finite.

    Attributes
    ----------
    what
        Name of the score.
    ids
        Ids of the images.
    """

    def __init__(self, what: str, ids: Sequence[str]) -> None:
        super().__init__(what)
        self.what, self.ids = what, tuple(ids)


class Objective(ABC):
    """What is trained, and for which loss.

    Attributes
    ----------
    module
        The module that learns; its state is what is saved.
    unit
        Unit of the validation score; empty if it has none.
    """

    module: nn.Module
    unit: str = ""

    def to(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move all modules that take part, frozen ones included."""
        self.module.to(device, dtype)

    def groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Return the parameters with their first learning rate, as torch's optimisers take them."""
        return [{"params": list(self.module.parameters()), "lr": learning_rate}]

    @abstractmethod
    def losses(self, batch: Any) -> Tensor:
        """Return the loss of each image, shape (n,)."""

    @abstractmethod
    def scores(
        self, samples: Any, batches: Iterable[tuple[Sequence[int], Any]]
    ) -> dict[str, float]:
        """Return validation scores; "score" decides when training stops and which epoch is kept.

        Parameters
        ----------
        samples
            The validation images.
        batches
            Pairs of image numbers and their batch on the device.
        """

    def constrain(self) -> None:  # noqa: B027  # optional
        """Bring parameters back into their valid range, after each step."""

    def facts(self) -> dict[str, float]:
        """Return numbers of the module that are logged after each epoch."""
        return {}
