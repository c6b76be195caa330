"""Images and the fixations on them, with what is known about the data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from salmetrics.fixations import Fixations
from salmetrics.stimuli import Stimuli, selected_indices

__all__ = ["Dataset"]


class Dataset:
    """A name, stimuli, fixations and facts; ``stimuli, fixations = dataset`` unpacks it.

    Parameters
    ----------
    name
        What tables and files call it.
    stimuli, fixations
        What was shown and where people looked; checked against each other.
    info
        Facts such as ``citation`` and ``licence``.

    Raises
    ------
    InputError
        If the fixations are not on these stimuli.
    """

    def __init__(
        self,
        name: str,
        stimuli: Stimuli,
        fixations: Fixations,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        fixations.check_against(stimuli)
        self.name = name
        self.stimuli = stimuli.named(name)
        self.fixations = fixations
        self.info = dict(info or {})

    def __iter__(self) -> Iterator[Any]:
        return iter((self.stimuli, self.fixations))

    def __len__(self) -> int:
        return len(self.stimuli)

    def __getitem__(self, index: Any) -> Dataset:
        """Images selected by a mask, slice or index array, and their fixations, re-indexed."""
        chosen = selected_indices(
            np.atleast_1d(index) if isinstance(index, (int, np.integer)) else index,
            len(self),
            "images",
        )
        return Dataset(
            self.name, self.stimuli[chosen], self.fixations.select_images(chosen), self.info
        )

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, {self.stimuli!r}, {self.fixations!r})"
