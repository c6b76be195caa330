"""Observation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from salmetrics.checked_map import CheckedMap
from salmetrics.metrics import auc
from salmetrics.protocols import Protocol


@dataclass
class Observation:
    """What is known of one image besides the prediction; costly parts are made when asked for.

    Attributes
    ----------
    x, y
        Fixations in pixels, shape (n,).
    protocol
        Every choice.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    protocol: Protocol
    make_empirical_map: Callable[[], CheckedMap]
    make_negatives: Callable[[], auc.Negatives | str]
    make_other_negatives: Callable[[], auc.Negatives]
    make_other_pixels: Callable[[], NDArray[np.int64]]
    make_baseline: Callable[[], NDArray[np.float64]]
    make_baseline_map: Callable[[], CheckedMap]

    @cached_property
    def empirical_map(self) -> CheckedMap:
        """Blurred fixations, or the user's ground truth."""
        return self.make_empirical_map()

    @cached_property
    def negatives(self) -> auc.Negatives | str:
        """Negatives of AUC."""
        return self.make_negatives()

    @cached_property
    def other_negatives(self) -> auc.Negatives:
        """Fixations on other images."""
        return self.make_other_negatives()

    @cached_property
    def other_pixels(self) -> NDArray[np.int64]:
        """Unique pixels fixated on some other images."""
        return self.make_other_pixels()

    @cached_property
    def baseline(self) -> NDArray[np.float64]:
        """The baseline's log likelihood of each fixation, nats."""
        return self.make_baseline()

    @cached_property
    def baseline_map(self) -> CheckedMap:
        """The baseline's density."""
        return self.make_baseline_map()
