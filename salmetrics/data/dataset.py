"""Images and the fixations on them, with what is known about the data set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, selected_indices
from salmetrics.errors import InputError, check_choice, some
from salmetrics.fingerprint import fingerprint

__all__ = ["Dataset", "data_fingerprint"]


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

    def where(self, **conditions: Any) -> Dataset:
        """Images that meet all conditions, and their fixations.

        Parameters
        ----------
        **conditions
            By attribute of the images, or ``size`` (height, width) or ``id``: a value, several
            values, or a function that tells of the array of all values which are meant; of
            ``size`` the array has shape (n, 2).

        Raises
        ------
        InputError
            For an attribute that the images don't have, and conditions that no image meets.

        Examples
        --------
        >>> stimuli = Stimuli.from_sizes([(3, 4), (4, 3)], attributes={"category": ["in", "out"]})
        >>> fixations = Fixations.from_arrays([1, 2, 1], [0, 0, 2], [0, 0, 1])
        >>> len(Dataset("mine", stimuli, fixations).where(category="in", size=(3, 4)).fixations)
        2
        """
        facts = {"id": np.array(self.stimuli.ids), "size": self.stimuli.sizes}
        return self[_met(conditions, self.stimuli.attributes | facts, "image", len(self))]

    def where_fixations(self, **conditions: Any) -> Dataset:
        """All images, with the fixations that meet all conditions.

        Parameters
        ----------
        **conditions
            By column of the fixations, such as ``subject``, ``index`` or ``duration``: a value,
            several values, or a function that tells of the whole column which are meant.

        Raises
        ------
        InputError
            For a column that the fixations don't have, and conditions that no fixation meets.

        Examples
        --------
        >>> stimuli = Stimuli.from_sizes([(3, 4)])
        >>> fixations = Fixations.from_arrays([1, 2], [0, 0], [0, 0], index=[0, 1])
        >>> dataset = Dataset("mine", stimuli, fixations)
        >>> len(dataset.where_fixations(index=lambda index: index > 0).fixations)
        1
        """
        met = _met(conditions, self.fixations.columns, "fixation", len(self.fixations))
        return Dataset(self.name, self.stimuli, self.fixations[met], self.info)

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, {self.stimuli!r}, {self.fixations!r})"


def _met(
    conditions: Mapping[str, Any], known: Mapping[str, NDArray[Any]], what: str, n: int
) -> NDArray[np.bool_]:
    """Tell which of n images or fixations meet all conditions."""
    met = np.ones(n, dtype=bool)
    for name, wanted in conditions.items():
        check_choice(f"a condition on {what}s", name, known)
        values = known[name]
        if callable(wanted):
            told = np.asarray(wanted(values))
            if told.shape != (n,) or told.dtype != np.bool_:
                raise InputError(
                    f"the function for {name!r} must return one truth value for each of {n} "
                    f"{what}s; got {told.dtype} of shape {told.shape}"
                )
            met &= told
        else:
            accepted = _accepted(wanted, is_size=values.ndim == 2)
            met &= np.array([_plain(value) in accepted for value in values.tolist()], dtype=bool)
        if n and not met.any():
            there = some(list(dict.fromkeys(map(_plain, values.tolist()))))
            raise InputError(
                f"no {what} meets the conditions up to {name!r}: {wanted!r}; there are {there}"
            )
    return met


def _accepted(wanted: Any, *, is_size: bool) -> set[Any]:
    """One value or several as a set of plain ones."""
    if is_size:
        pairs = np.asarray(wanted)
        if pairs.size % 2 or pairs.dtype.kind not in "iu":
            raise InputError(f"size must be (height, width), or several of these; got {wanted!r}")
        return set(map(tuple, pairs.reshape(-1, 2).tolist()))
    scalar = isinstance(wanted, np.ndarray) and wanted.ndim == 0
    one = scalar or isinstance(wanted, str) or not isinstance(wanted, Iterable)
    return {_plain(value) for value in ([wanted] if one else wanted)}


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, (np.generic, np.ndarray)) else value
    return tuple(value) if isinstance(value, list) else value


def data_fingerprint(stimuli: Stimuli, fixations: Fixations) -> dict[str, str]:
    """Digest ids and sizes, pixels, and fixations; reads all images."""
    return {
        "images": fingerprint([list(stimuli.ids), stimuli.sizes]),
        "attributes": fingerprint(stimuli.attributes),
        "pixels": stimuli.pixel_digest(),
        "fixations": fingerprint([fixations.x, fixations.y, fixations.image, fixations.subject]),
    }
