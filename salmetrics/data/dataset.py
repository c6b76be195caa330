"""A data set: images, the fixations on them, and facts about both."""

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

    An index selects images, with the fixations on them: an integer, a slice, an index array or a
    boolean mask. The parameters are also attributes.

    Parameters
    ----------
    name
        Name of the data set in tables and files.
    stimuli
        Images that were shown.
    fixations
        Fixations on these images; None for a data set without any, such as one of ground-truth
        maps.
    info
        Facts such as ``citation`` and ``licence``.

    Raises
    ------
    InputError
        If the fixations do not belong to these stimuli.

    Examples
    --------
    >>> stimuli = Stimuli.from_sizes([(30, 40), (30, 40)])
    >>> fixations = Fixations.from_arrays([5, 6, 7], [8, 9, 10], [0, 0, 1])
    >>> dataset = Dataset("mine", stimuli, fixations, {"licence": "CC0"})
    >>> dataset[1]
    Dataset('mine', Stimuli(1 images, 40x30), Fixations(1 fixations, 1 images, 1 subjects))
    """

    def __init__(
        self,
        name: str,
        stimuli: Stimuli,
        fixations: Fixations | None = None,
        info: Mapping[str, Any] | None = None,
    ) -> None:
        fixations = Fixations.none(stimuli) if fixations is None else fixations
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
        """Return the selected images and the fixations on them, re-indexed."""
        selected = selected_indices(
            np.atleast_1d(index) if isinstance(index, (int, np.integer)) else index,
            len(self),
            "images",
        )
        return Dataset(
            self.name, self.stimuli[selected], self.fixations.select_images(selected), self.info
        )

    def where(self, **conditions: Any) -> Dataset:
        """Return the images that meet all conditions, with the fixations on them.

        Parameters
        ----------
        **conditions
            Conditions by attribute of the images, or by ``size`` (height, width) or ``id``. Each is
            a value, several values, or a function from the array of all values to a boolean array
            of shape (n,); the array of sizes has shape (n, 2).

        Returns
        -------
        dataset : Dataset
            The images that meet all conditions, in their order, and the fixations on them.

        Raises
        ------
        InputError
            If the images do not have an attribute, or no image meets the conditions.

        Examples
        --------
        >>> stimuli = Stimuli.from_sizes([(3, 4), (4, 3)], attributes={"category": ["in", "out"]})
        >>> fixations = Fixations.from_arrays([1, 2, 1], [0, 0, 2], [0, 0, 1])
        >>> len(Dataset("mine", stimuli, fixations).where(category="in", size=(3, 4)).fixations)
        2
        """
        facts = {"id": np.array(self.stimuli.ids), "size": self.stimuli.sizes}
        return self[_mask(conditions, self.stimuli.attributes | facts, "image", len(self))]

    def where_fixations(self, **conditions: Any) -> Dataset:
        """Return all images, with the fixations that meet all conditions.

        Parameters
        ----------
        **conditions
            Conditions by column of the fixations, such as ``subject``, ``index`` or ``duration``.
            Each is a value, several values, or a function from the whole column to a boolean array
            of the same length.

        Returns
        -------
        dataset : Dataset
            All images, and the fixations that meet all conditions, in their order.

        Raises
        ------
        InputError
            If the fixations do not have a column, or no fixation meets the conditions.

        Examples
        --------
        >>> stimuli = Stimuli.from_sizes([(3, 4)])
        >>> fixations = Fixations.from_arrays([1, 2], [0, 0], [0, 0], index=[0, 1])
        >>> dataset = Dataset("mine", stimuli, fixations)
        >>> len(dataset.where_fixations(index=lambda index: index > 0).fixations)
        1
        """
        mask = _mask(conditions, self.fixations.columns, "fixation", len(self.fixations))
        return Dataset(self.name, self.stimuli, self.fixations[mask], self.info)

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, {self.stimuli!r}, {self.fixations!r})"


def _mask(
    conditions: Mapping[str, Any], table: Mapping[str, NDArray[Any]], what: str, n: int
) -> NDArray[np.bool_]:
    """Return for each of n images or fixations whether it meets all conditions, shape (n,)."""
    mask = np.ones(n, dtype=bool)
    for name, condition in conditions.items():
        check_choice(f"a condition on {what}s", name, table)
        values = table[name]
        if callable(condition):
            result = np.asarray(condition(values))
            if result.shape != (n,) or result.dtype != np.bool_:
                raise InputError(
                    f"the function for {name!r} must return one boolean for each of {n} {what}s; "
                    f"got {result.dtype} of shape {result.shape}"
                )
            mask &= result
        else:
            accepted = _accepted(condition, is_size=values.ndim == 2)
            mask &= np.array([_plain(value) in accepted for value in values.tolist()], dtype=bool)
        if n and not mask.any():
            values_in_data = some(list(dict.fromkeys(map(_plain, values.tolist()))))
            raise InputError(
                f"no {what} meets the conditions up to {name!r}: {condition!r}; the data have "
                f"{values_in_data}"
            )
    return mask


def _accepted(condition: Any, *, is_size: bool) -> set[Any]:
    """Return the value, or the values, of a condition as a set of Python objects."""
    if is_size:
        pairs = np.asarray(condition)
        if pairs.size % 2 or pairs.dtype.kind not in "iu":
            raise InputError(
                f"size must be (height, width), or several of these; got {condition!r}"
            )
        return set(map(tuple, pairs.reshape(-1, 2).tolist()))
    is_array_of_one = isinstance(condition, np.ndarray) and condition.ndim == 0
    is_alone = is_array_of_one or isinstance(condition, str) or not isinstance(condition, Iterable)
    return {_plain(value) for value in ([condition] if is_alone else condition)}


def _plain(value: Any) -> Any:
    """Return a value as a Python object; a list becomes a tuple, which is hashable."""
    value = value.item() if isinstance(value, (np.generic, np.ndarray)) else value
    return tuple(value) if isinstance(value, list) else value


def data_fingerprint(stimuli: Stimuli, fixations: Fixations) -> dict[str, str]:
    """Return digests of ids and sizes, attributes, pixels and fixations; all images are read."""
    return {
        "images": fingerprint([list(stimuli.ids), stimuli.sizes]),
        "attributes": fingerprint(stimuli.attributes),
        "pixels": stimuli.pixel_digest(),
        "fixations": fingerprint([fixations.x, fixations.y, fixations.image, fixations.subject]),
    }
