"""The record of the data a leave-one-out model was made from, by which images are recognised."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import numpy as np

from salmetrics.array_types import Rows, Size
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.errors import InputError

__all__ = ["KnownImages"]


class KnownImages:
    """Ids, sizes and digests of the fixations of images.

    Parameters
    ----------
    what
        Name of the model in messages, such as "centre bias".
    stimuli, fixations
        The data the model was made from.
    subjects
        Whether fixations of other subjects count as other fixations.
    """

    def __init__(
        self, what: str, stimuli: Stimuli, fixations: Fixations, *, subjects: bool = False
    ) -> None:
        self.ids = tuple(stimuli.ids)
        self._what = what
        self._subjects = subjects
        self._sizes = dict(zip(stimuli.ids, map(tuple, stimuli.sizes.tolist()), strict=True))
        self._counts = Counter(self._sizes.values())
        self._digests = {
            name: self._digest(fixations, fixations.rows_of_image(i))
            for i, name in enumerate(stimuli.ids)
        }

    @classmethod
    def from_record(cls, what: str, record: dict[str, Any]) -> KnownImages:
        """Return the object whose `record` this is."""
        known = cls.__new__(cls)
        known.ids = tuple(record["ids"])
        known._what = what
        known._subjects = record["subjects"]
        sizes, digests = map(tuple, record["sizes"]), map(bytes.fromhex, record["digests"])
        known._sizes = dict(zip(known.ids, sizes, strict=True))
        known._counts = Counter(known._sizes.values())
        known._digests = dict(zip(known.ids, digests, strict=True))
        return known

    def record(self) -> dict[str, Any]:
        """Return everything as lists and dicts that JSON can hold."""
        return {
            "ids": list(self.ids),
            "subjects": self._subjects,
            "sizes": [list(self._sizes[name]) for name in self.ids],
            "digests": [self._digests[name].hex() for name in self.ids],
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KnownImages) and self.record() == other.record()

    __hash__ = None  # type: ignore[assignment]

    def __contains__(self, name: str) -> bool:
        return name in self._sizes

    def common_sizes(self, n: int, least: int) -> list[tuple[int, ...]]:
        """Return the n most frequent sizes that at least `least` images have."""
        ranked = sorted(self._counts, key=lambda size: (-self._counts[size], size))
        return [size for size in ranked[:n] if self._counts[size] >= least]

    def size(self, stimulus: Stimulus) -> Size:
        """Return the size of an image; raise `InputError` if a known image had another one."""
        size = (int(stimulus.size[0]), int(stimulus.size[1]))
        known = self._sizes.get(stimulus.id, size)
        if known != size:
            raise InputError(
                f"image {stimulus.id!r} has size {size}, but {known} in the stimuli that this "
                f"{self._what} was made from"
            )
        return size

    def check_fixations(self, name: str, fixations: Fixations, rows: Rows) -> None:
        """Raise `InputError` if a known image comes with other fixations."""
        if name in self._digests and self._digests[name] != self._digest(fixations, rows):
            raise InputError(
                f"this {self._what} leaves out image {name!r}, which now comes with other "
                "fixations; make a new one from the fixations that are scored"
            )

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Check the size and the fixations of every image that has fixations."""
        for i in np.flatnonzero(fixations.counts()).tolist():
            self.size(stimuli[i])
            self.check_fixations(stimuli.ids[i], fixations, fixations.rows_of_image(i))

    def _digest(self, fixations: Fixations, rows: Rows) -> bytes:
        """Return a digest of an image's fixations that does not depend on their order."""
        columns = [fixations.x[rows], fixations.y[rows]]
        order = np.lexsort(columns[::-1])
        if self._subjects:
            subject = fixations.subject[rows]
            order = np.lexsort([np.unique(subject, return_inverse=True)[1], *columns[::-1]])
            names = "\n".join(map(str, subject[order].tolist())).encode()
        else:
            names = b""
        positions = np.stack(columns)[:, order].tobytes()
        return hashlib.blake2b(positions + names, digest_size=16).digest()
