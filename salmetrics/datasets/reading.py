"""Shared by the readers: finding files, collecting columns of fixations, MATLAB files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.datasets.description import Description
from salmetrics.errors import InputError, some
from salmetrics.io.damage import reading
from salmetrics.io.name_parts import natural_key

__all__ = [
    "Columns",
    "RawData",
    "elements",
    "explained",
    "find_path",
    "folders_in",
    "images_in",
    "map_of_size",
    "read_mat",
    "require_path",
    "stimuli_of",
]

_DEPTH = 4  # levels of folders that are searched for a file
T = TypeVar("T")


@dataclass(frozen=True)
class RawData:
    """Images and fixations as a reader finds them in the published files.

    Parameters
    ----------
    stimuli
        The images.
    fixations
        Fixations as recorded, including those off their image, which `registry.load` drops and
        counts.
    variant
        Key of the expected counts in `Description.expected`.
    facts
        Further facts by name.
    """

    stimuli: Stimuli
    fixations: Fixations
    variant: str = "all"
    facts: dict[str, Any] = field(default_factory=dict)


class Columns:
    """Columns of fixations, collected scanpath by scanpath.

    Parameters
    ----------
    *names
        Names of the columns in addition to ``x``, ``y``, ``image`` and ``subject``.
    """

    def __init__(self, *names: str) -> None:
        self._parts: dict[str, list[Any]] = {
            name: [] for name in ("x", "y", "image", "subject", *names)
        }
        self._lengths: list[int] = []

    def add(self, x: ArrayLike, y: ArrayLike, image: int, subject: Any, **others: Any) -> None:
        """Add a scanpath; a scalar is the value of all of its fixations.

        Raises
        ------
        ValueError
            If lengths differ, or a position is not finite.
        """
        xs = np.asarray(x, dtype=np.float64).ravel()
        table: dict[str, Any] = {"x": xs, "y": np.asarray(y, dtype=np.float64).ravel()}
        table |= {"image": image, "subject": subject} | others
        if not all(np.isfinite(table[name]).all() for name in ("x", "y")):
            raise ValueError("a position is not finite")
        for name, values in table.items():
            if np.ndim(values) > 0 and np.shape(values) != xs.shape:
                raise ValueError(f"{name} has shape {np.shape(values)}, but x {xs.shape}")
            self._parts[name].append(values)
        self._lengths.append(xs.size)

    def fixations(self, n_images: int) -> Fixations:
        """Return all fixations; can be called only once, because it frees the parts."""
        if not self._parts["x"]:
            empty: list[float] = []
            return Fixations.from_arrays(empty, empty, [], n_images=n_images)
        columns = {}
        while self._parts:  # parts are freed column by column: there may be 200 million fixations
            name, parts = self._parts.popitem()
            columns[name] = self._joined(parts)
        return Fixations.from_arrays(n_images=n_images, **columns)

    def _joined(self, parts: list[Any]) -> NDArray[Any]:
        """Return one column: scalars, arrays of one value per fixation, or both."""
        if all(np.ndim(values) == 0 for values in parts):
            return np.repeat(np.array(parts), self._lengths)
        pairs = zip(parts, self._lengths, strict=True)
        return np.concatenate([np.broadcast_to(values, length) for values, length in pairs])


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn errors that a file of unexpected content causes into an `InputError` naming the file."""
    with reading(repr(str(path)), "is damaged, or not the published file"):
        yield


def find_path(folder: Path, relative: str) -> Path | None:
    """Return the topmost path `relative` in a folder or its sub-folders; None if there is none."""
    level = [folder]
    for _ in range(_DEPTH):
        for parent in level:
            if (parent / relative).exists():
                return parent / relative
        level = [below for parent in level if parent.is_dir() for below in folders_in(parent)]
    return None


def require_path(folder: Path, relative: str, description: Description) -> Path:
    """Return the path that `find_path` returns; raise `InputError` if there is none."""
    path = find_path(folder, relative)
    if path is None:
        raise InputError(
            f"{str(folder)!r} lacks {relative!r} of {description.title}; see {description.homepage}"
        )
    return path


def map_of_size(values: Any, size: ArrayLike) -> NDArray[Any]:
    """Return a map; raise `ValueError` unless it has the (height, width) of its image."""
    array = np.asarray(values)
    expected = tuple(np.asarray(size).tolist())
    if array.shape != expected:
        raise ValueError(f"a map has shape {array.shape}, but its image {expected}")
    return array


def folders_in(folder: Path) -> list[Path]:
    """Return the sub-folders of a folder, sorted, without hidden ones and those of macOS."""
    with os.scandir(folder) as entries:
        return sorted(
            Path(entry.path)
            for entry in entries
            if entry.is_dir() and not entry.name.startswith((".", "__"))
        )


def images_in(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a folder that match a pattern, in natural order of their relative paths.

    Raises
    ------
    InputError
        If no file matches.
    """
    paths = [path for path in folder.glob(pattern) if not path.name.startswith(".")]
    if not paths:
        raise InputError(f"{str(folder)!r} holds no files {pattern}")
    return sorted(paths, key=lambda path: natural_key(path.relative_to(folder).as_posix()))


def stimuli_of(
    paths: Sequence[Path],
    description: Description,
    *,
    root: Path | None = None,
    ids: Sequence[str] | None = None,
    **attributes: ArrayLike,
) -> Stimuli:
    """Return stimuli of image files; ids are paths relative to `root` without suffix by default."""
    if ids is None:
        assert root is not None
        ids = [path.relative_to(root).with_suffix("").as_posix() for path in paths]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(paths)} images of {description.title} are missing from "
            f"{str(paths[0].parent)!r}: {some(missing)}"
        )
    stimuli = Stimuli.from_files(
        paths,
        ids=ids,
        attributes=attributes,
        pixels_per_degree=description.pixels_per_degree,
        sigma=description.sigma,
    )
    wrong = [
        name
        for name, size in zip(stimuli.ids, stimuli.sizes.tolist(), strict=True)
        if description.size is not None and tuple(size) != tuple(description.size)
    ]
    if wrong:
        raise InputError(
            f"images of {description.title} must have size {description.size} (height, width); "
            f"{len(wrong)} do not: {some(wrong)}"
        )
    return stimuli


def read_mat(path: Path, convert: Callable[[dict[str, Any]], T]) -> T:
    """Return the result of `convert` on the variables of a .mat file of version 5.

    Raises
    ------
    InputError
        If the file is missing, damaged, of version 7.3, or of another content.
    """
    from scipy.io import loadmat

    if not path.is_file():
        raise InputError(f"there is no file {str(path)!r}")
    with explained(path):
        try:
            return convert(loadmat(path, squeeze_me=True, struct_as_record=False))
        except NotImplementedError as error:  # SciPy raises this for HDF5
            raise InputError(
                f"{str(path)!r} is a .mat file of version 7.3; the published one is of version 5"
            ) from error


def elements(values: Any) -> Any:
    """Return the elements of an array of structs, of which SciPy unpacks a single one."""
    return np.ravel(values) if isinstance(values, np.ndarray) else [values]
