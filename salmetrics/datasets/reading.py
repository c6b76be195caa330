"""What readers of data sets share: places of files, columns of fixations, MATLAB files."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salmetrics.data.fixations import Fixations
from salmetrics.data.folds import natural_key
from salmetrics.data.stimuli import Stimuli
from salmetrics.datasets.description import Description
from salmetrics.errors import InputError, some

__all__ = [
    "Columns",
    "Found",
    "bar",
    "each",
    "explained",
    "folders_in",
    "images_in",
    "place",
    "placed",
    "read_mat",
    "shaped",
    "stimuli_of",
]

_DEPTH = 4  # of folders in which a file is looked for
# what comes of other bytes than expected: of parsers, and of asking for what isn't there
_OTHER_CONTENT = (
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    OverflowError,
    TypeError,
    ValueError,
    zlib.error,
)
Made = TypeVar("Made")


@dataclass(frozen=True)
class Found:
    """What a reader makes of the files.

    Attributes
    ----------
    stimuli
        The images.
    fixations
        As recorded; those off their image are dropped, and counted, by whoever called the reader.
    variant
        Whose counts are expected, of `Description.expected`.
    facts
        More that is known of them.
    """

    stimuli: Stimuli
    fixations: Fixations
    variant: str = "all"
    facts: dict[str, Any] = field(default_factory=dict)


class Columns:
    """Columns of fixations that grow scanpath by scanpath."""

    def __init__(self, *names: str) -> None:
        self._parts: dict[str, list[NDArray[Any]]] = {
            name: [] for name in ("x", "y", "image", "subject", *names)
        }

    def add(self, x: ArrayLike, y: ArrayLike, image: int, subject: Any, **others: Any) -> None:
        """Add a scanpath; values that are no arrays stand for all of its fixations.

        Raises
        ------
        ValueError
            If lengths differ, or a position is no finite number.
        """
        xs = np.asarray(x, dtype=np.float64).ravel()
        given: dict[str, Any] = {"x": xs, "y": np.asarray(y, dtype=np.float64).ravel()}
        given |= {"image": image, "subject": subject} | others
        if not all(np.isfinite(given[name]).all() for name in ("x", "y")):
            raise ValueError("a position is no finite number")
        for name, values in given.items():
            if np.ndim(values) > 0 and np.shape(values) != xs.shape:
                raise ValueError(f"{name} has shape {np.shape(values)}, and x {xs.shape}")
            self._parts[name].append(np.broadcast_to(values, xs.shape))

    def fixations(self, n_images: int) -> Fixations:
        """Return all of them; once."""
        if not self._parts["x"]:
            empty: list[float] = []
            return Fixations.from_arrays(empty, empty, [], n_images=n_images)
        columns = {}
        while self._parts:  # parts go as their whole comes, as there may be 200 million fixations
            name, parts = self._parts.popitem()
            columns[name] = np.concatenate(parts)
        return Fixations.from_arrays(n_images=n_images, **columns)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say which file it is that has other contents than the published one."""
    from scipy.io.matlab import MatReadError

    try:
        yield
    except InputError:
        raise
    except (MatReadError, OSError, *_OTHER_CONTENT) as error:
        raise InputError(
            f"{str(path)!r} is damaged, or not the published file: {error!r}"
        ) from error


def place(folder: Path, relative: str) -> Path | None:
    """Find a file or folder in a folder, or in one not too deep in it; the least deep one."""
    level = [folder]
    for _ in range(_DEPTH):
        for each in level:
            if (each / relative).exists():
                return each / relative
        level = [below for each in level if each.is_dir() for below in folders_in(each)]
    return None


def placed(folder: Path, relative: str, description: Description) -> Path:
    """Find a file or folder; raise `InputError` if it isn't there."""
    found = place(folder, relative)
    if found is None:
        raise InputError(
            f"{str(folder)!r} holds no {relative!r}, which {description.title} has; "
            f"see {description.homepage}"
        )
    return found


def shaped(values: Any, size: ArrayLike) -> NDArray[Any]:
    """Return a map; raise `ValueError` unless it has the size of its image."""
    found = np.asarray(values)
    if found.shape != tuple(np.asarray(size).tolist()):
        raise ValueError(f"a map has shape {found.shape}, and its image {tuple(np.asarray(size))}")
    return found


def folders_in(folder: Path) -> list[Path]:
    """Return the folders in one, sorted, but hidden ones and those of other programs."""
    with os.scandir(folder) as entries:
        found = [Path(e.path) for e in entries if e.is_dir() and not e.name.startswith((".", "__"))]
    return sorted(found)


def images_in(folder: Path, pattern: str) -> list[Path]:
    """Return the images of a folder in natural order of their relative paths.

    Raises
    ------
    InputError
        If there are none.
    """
    found = [path for path in folder.glob(pattern) if not path.name.startswith(".")]
    if not found:
        raise InputError(f"{str(folder)!r} holds no images {pattern}")
    return sorted(found, key=lambda path: natural_key(path.relative_to(folder).as_posix()))


def stimuli_of(
    paths: Sequence[Path],
    description: Description,
    *,
    root: Path | None = None,
    ids: Sequence[str] | None = None,
    **attributes: ArrayLike,
) -> Stimuli:
    """Make stimuli of files, with ids, or names relative to a folder and without suffix."""
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
            f"images of {description.title} have size {description.size} (height, width); "
            f"{len(wrong)} have not: {some(wrong)}"
        )
    return stimuli


def read_mat(path: Path, convert: Callable[[dict[str, Any]], Made]) -> Made:
    """Read a .mat file of version 5, and what is needed of it.

    Raises
    ------
    InputError
        Naming the file, if it is none, is cut off, of version 7.3, or holds something else.
    """
    from scipy.io import loadmat

    if not path.is_file():
        raise InputError(f"there is no file {str(path)!r}")
    with explained(path):
        try:
            return convert(loadmat(path, squeeze_me=True, struct_as_record=False))
        except NotImplementedError as error:  # SciPy's word for HDF5
            raise InputError(
                f"{str(path)!r} is a .mat file of version 7.3; the published one is of version 5"
            ) from error


def bar(items: Sequence[Made], title: str, progress: bool) -> Iterable[Made]:
    """Go through items, with a bar on standard error if that takes long."""
    from tqdm import tqdm

    shown: Iterable[Made] = tqdm(items, delay=2, disable=not progress, desc=title, unit="file")
    return shown


def each(values: Any) -> Any:
    """Return the elements of what SciPy squeezed: one alone comes without its array."""
    return np.ravel(values) if isinstance(values, np.ndarray) else [values]
