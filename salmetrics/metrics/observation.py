"""Observations: the fixations on one image, and what predictions for it are compared with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar, get_args

from salmetrics.array_types import Array, Rows
from salmetrics.checked_map import CheckedMap
from salmetrics.metrics import auc
from salmetrics.protocols import DEFAULT, Nonfixations, Protocol

__all__ = ["NEEDS", "Need", "Observation"]

Need = Literal[
    "baseline", "baseline_map", "empirical_map", "negatives", "other_negatives", "other_pixels"
]
NEEDS: tuple[Need, ...] = get_args(Need)

Part = TypeVar("Part")


@dataclass
class Observation:
    """Everything but the prediction that the score on one image depends on.

    Parts that take time are made when a metric first asks for them, and once.

    Parameters
    ----------
    x, y
        Coordinates of the fixations in pixels, float64, shape (n,).
    protocol
        Every choice.
    make_empirical_map, make_negatives, make_other_negatives, make_other_pixels, make_baseline, \
make_baseline_map
        Functions that make the part of this name; without its function, a part is a LookupError.
    """

    x: Array
    y: Array
    protocol: Protocol = DEFAULT
    make_empirical_map: Callable[[], CheckedMap] | None = None
    make_negatives: Callable[[], auc.Negatives | Nonfixations] | None = None
    make_other_negatives: Callable[[], auc.Negatives] | None = None
    make_other_pixels: Callable[[], Rows] | None = None
    make_baseline: Callable[[], Array] | None = None
    make_baseline_map: Callable[[], CheckedMap] | None = None

    @cached_property
    def empirical_map(self) -> CheckedMap:
        """Blurred fixations, or the user's ground truth, shape (h, w)."""
        return _made("empirical_map", self.make_empirical_map)

    @cached_property
    def negatives(self) -> auc.Negatives | Nonfixations:
        """Negatives of AUC: pixels, or "uniform" or "unfixated"."""
        return _made("negatives", self.make_negatives)

    @cached_property
    def other_negatives(self) -> auc.Negatives:
        """Fixations on all other images, the negatives of shuffled AUC."""
        return _made("other_negatives", self.make_other_negatives)

    @cached_property
    def other_pixels(self) -> Rows:
        """Unique pixels fixated on some other images, flat indices, shape (n,)."""
        return _made("other_pixels", self.make_other_pixels)

    @cached_property
    def baseline(self) -> Array:
        """Log likelihood of each fixation under the baseline in nats, shape (n,)."""
        return _made("baseline", self.make_baseline)

    @cached_property
    def baseline_map(self) -> CheckedMap:
        """Density of the baseline, shape (h, w)."""
        return _made("baseline_map", self.make_baseline_map)


def _made(part: Need, make: Callable[[], Part] | None) -> Part:
    if make is None:
        raise LookupError(f"this observation has no {part}")
    return make()
