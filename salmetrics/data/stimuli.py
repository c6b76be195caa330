"""What was shown: images with their sizes, ids and attributes."""

from __future__ import annotations

import copy
import hashlib
import operator
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salmetrics.array_types import Size
from salmetrics.errors import InputError
from salmetrics.io.images import as_pixels, read_head, read_pixels
from salmetrics.protocols import WIDEST_BLUR

__all__ = ["Stimuli", "Stimulus", "selected_indices"]


class Stimulus:
    """One image, whose pixels are read on demand.

    The parameters are also attributes.

    Parameters
    ----------
    id
        Unique name of the image.
    size
        (height, width) in pixels.
    load
        Function that returns the pixels, unchecked; None for an image without pixels.
    attributes
        Numbers or texts by name.

    Examples
    --------
    >>> import numpy as np
    >>> stimulus = Stimuli.from_arrays([np.zeros((3, 4), np.uint8)])[0]
    >>> stimulus.id, stimulus.size, stimulus.rgb.shape
    ('0', (3, 4), (3, 4, 3))
    """

    __slots__ = ("attributes", "id", "load", "size")

    def __init__(
        self,
        id: str,
        size: Size,
        load: Callable[[], NDArray[np.uint8]] | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        self.id = id
        self.size = size
        self.attributes = dict(attributes or {})
        self.load = load

    @property
    def image(self) -> NDArray[np.uint8]:
        """Pixels, uint8 of shape (h, w) or (h, w, 3), read from the file at each access.

        Raises
        ------
        InputError
            If the image has no pixels (`Stimuli.from_sizes`), or its file is not readable or has
            changed its size.
        """
        if self.load is None:
            raise InputError(
                f"image {self.id!r} has no pixels: the stimuli were created from sizes alone; "
                "use Stimuli.from_files or Stimuli.from_arrays for models that look at images"
            )
        image = self.load()
        if image.shape[:2] != self.size:
            raise InputError(
                f"image {self.id!r} now has size {image.shape[:2]}, but had {self.size} when the "
                "stimuli were created"
            )
        return image

    @property
    def has_pixels(self) -> bool:
        """Whether the image has pixels, and not only a size."""
        return self.load is not None

    @property
    def path(self) -> Path | None:
        """Path of the image file; None if the pixels are not in a file of their own."""
        if isinstance(self.load, partial) and self.load.func is read_pixels:
            return Path(self.load.args[0])
        return None

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """Pixels with three channels, uint8 of shape (h, w, 3)."""
        image = self.image
        return image if image.ndim == 3 else np.repeat(image[:, :, np.newaxis], 3, axis=2)

    def content(self) -> bytes:
        """Return the bytes that identify this image in digests.

        Returns
        -------
        content : bytes
            Content of the image file, or the pixels of an array; empty if there are no pixels.
        """
        if self.path is not None:
            return self.path.read_bytes()
        return b"" if self.load is None else np.ascontiguousarray(self.load()).tobytes()

    def __repr__(self) -> str:
        return f"Stimulus(id={self.id!r}, size={self.size})"


class Stimuli(Sequence[Stimulus]):
    """An immutable sequence of images, whose sizes are known and whose pixels are read on demand.

    Create it with `from_files`, `from_arrays` or `from_sizes`. An integer index returns a
    `Stimulus`; slices, index arrays and boolean masks return `Stimuli` with the same ids.

    Parameters
    ----------
    loads
        One function per image that returns its pixels, uint8 of shape (h, w) or (h, w, 3); None for
        an image without pixels.
    sizes
        (height, width) of each image in pixels, integers of shape (n, 2).
    ids
        Unique names of the images.
    attributes
        Numbers or texts by name, one per image, such as ``{"category": [...]}``.
    pixels_per_degree
        Pixels in one degree of visual angle; None if unknown.
    sigma
        Standard deviation, in pixels, of the Gaussian that blurs empirical maps; None if unknown.

    Attributes
    ----------
    ids
        Unique names, tuple of str.
    sizes
        (height, width) of each image, read-only int64 array of shape (n, 2).
    attributes
        Read-only arrays of length n by name.
    pixels_per_degree, sigma
        See the parameters.
    name
        Name of the data set, "" by default; see `named`.
    turned
        Ids of images whose file says that it is to be shown turned or mirrored (EXIF orientation);
        their sizes and pixels are those of the file as stored.

    Examples
    --------
    >>> stimuli = Stimuli.from_sizes([(30, 40), (60, 80)], attributes={"category": ["in", "out"]})
    >>> stimuli
    Stimuli(2 images, 2 sizes)
    >>> stimuli[1]
    Stimulus(id='1', size=(60, 80))
    >>> stimuli[stimuli.attributes["category"] == "in"].ids
    ('0',)
    """

    _turned: tuple[str, ...] = ()

    def __init__(
        self,
        loads: Sequence[Callable[[], NDArray[np.uint8]] | None],
        sizes: ArrayLike,
        ids: Sequence[str],
        *,
        attributes: Mapping[str, ArrayLike] | None = None,
        pixels_per_degree: float | None = None,
        sigma: float | None = None,
    ) -> None:
        self.loads = tuple(loads)
        self.sizes = _checked_sizes(sizes, len(self.loads))
        self.ids = _checked_ids(ids, len(self.loads))
        self.pixels_per_degree = _positive("pixels_per_degree", pixels_per_degree)
        self.sigma = _positive("sigma", sigma)
        self.name = ""
        self.attributes: dict[str, NDArray[Any]] = {}
        for name, values in (attributes or {}).items():
            self.attributes[name] = _checked_attribute(name, values, len(self.loads))
        self._freeze()

    def _freeze(self) -> None:
        for array in (self.sizes, *self.attributes.values()):
            array.flags.writeable = False

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._freeze()  # unpickled arrays are writable

    @classmethod
    def from_files(
        cls,
        paths: Sequence[str | Path],
        *,
        root: str | Path | None = None,
        ids: Sequence[str] | None = None,
        attributes: Mapping[str, ArrayLike] | None = None,
        pixels_per_degree: float | None = None,
        sigma: float | None = None,
    ) -> Stimuli:
        """Create stimuli from image files, of which only the headers are read now.

        Parameters
        ----------
        paths
            Paths of the image files.
        root
            Folder that the ids are relative to; the common folder of the files by default.
        ids
            Unique names; the paths relative to `root` by default.
        attributes
            Numbers or texts by name, one per image, such as ``{"category": [...]}``.
        pixels_per_degree
            Pixels in one degree of visual angle; None if unknown.
        sigma
            Standard deviation, in pixels, of the Gaussian that blurs empirical maps; None if
            unknown.

        Returns
        -------
        stimuli : Stimuli
            The images, in the order of `paths`.

        Raises
        ------
        InputError
            If a file is missing, not a readable image or too large, or not inside `root`.
        """
        if isinstance(paths, (str, Path)):
            raise InputError(f"paths must be a list of files; got {str(paths)!r} alone")
        files = [Path(path) for path in paths]
        if ids is None:
            ids = _relative_ids(files, root)
        heads = [read_head(file) for file in files]
        stimuli = cls(
            [partial(read_pixels, file) for file in files],
            [size for size, _ in heads],
            ids,
            attributes=attributes,
            pixels_per_degree=pixels_per_degree,
            sigma=sigma,
        )
        turned = [name for name, head in zip(stimuli.ids, heads, strict=True) if head[1]]
        return stimuli._with_turned(turned)

    @classmethod
    def from_arrays(
        cls,
        arrays: Sequence[ArrayLike],
        ids: Sequence[str] | None = None,
        *,
        attributes: Mapping[str, ArrayLike] | None = None,
        pixels_per_degree: float | None = None,
        sigma: float | None = None,
    ) -> Stimuli:
        """Create stimuli from arrays in memory, which are not copied; models see them read-only.

        Parameters
        ----------
        arrays
            Images, uint8 of shape (h, w), (h, w, 3) or (h, w, 4); uint16 is reduced to its upper
            byte, bool becomes 0 and 255, alpha is dropped.
        ids
            Unique names; "0", "1", ... by default.
        attributes
            Numbers or texts by name, one per image, such as ``{"category": [...]}``.
        pixels_per_degree
            Pixels in one degree of visual angle; None if unknown.
        sigma
            Standard deviation, in pixels, of the Gaussian that blurs empirical maps; None if
            unknown.

        Returns
        -------
        stimuli : Stimuli
            The images, in their order.

        Raises
        ------
        InputError
            If an array has another dtype or shape.
        """
        ids = _checked_ids(_numbered(len(arrays)) if ids is None else ids, len(arrays))
        images = [as_pixels(array, name) for array, name in zip(arrays, ids, strict=True)]
        return cls(
            [partial(_itself, image) for image in images],
            [image.shape[:2] for image in images],
            ids,
            attributes=attributes,
            pixels_per_degree=pixels_per_degree,
            sigma=sigma,
        )

    @classmethod
    def from_sizes(
        cls,
        sizes: ArrayLike,
        ids: Sequence[str] | None = None,
        *,
        attributes: Mapping[str, ArrayLike] | None = None,
        pixels_per_degree: float | None = None,
        sigma: float | None = None,
    ) -> Stimuli:
        """Create stimuli from sizes alone, which is enough for models that ignore pixels.

        Parameters
        ----------
        sizes
            (height, width) of each image in pixels, integers of shape (n, 2).
        ids
            Unique names; "0", "1", ... by default.
        attributes
            Numbers or texts by name, one per image, such as ``{"category": [...]}``.
        pixels_per_degree
            Pixels in one degree of visual angle; None if unknown.
        sigma
            Standard deviation, in pixels, of the Gaussian that blurs empirical maps; None if
            unknown.

        Returns
        -------
        stimuli : Stimuli
            Images without pixels.

        Raises
        ------
        InputError
            If the sizes are not pairs of positive integers.
        """
        try:
            pairs = np.asarray(sizes)
        except ValueError as error:
            raise InputError(f"sizes must be pairs (height, width): {error}") from error
        if pairs.ndim == 0:
            raise InputError(f"sizes must be pairs (height, width); got {sizes!r}")
        n = len(pairs)
        return cls(
            [None] * n,
            pairs,
            _numbered(n) if ids is None else ids,
            attributes=attributes,
            pixels_per_degree=pixels_per_degree,
            sigma=sigma,
        )

    def __len__(self) -> int:
        return len(self.loads)

    @overload
    def __getitem__(self, index: int) -> Stimulus: ...
    @overload
    def __getitem__(self, index: slice | ArrayLike) -> Stimuli: ...
    def __getitem__(self, index: Any) -> Stimulus | Stimuli:
        if isinstance(index, (int, np.integer)):
            if not -len(self) <= operator.index(index) < len(self):
                raise IndexError(f"there are {len(self)} images; there is no image {index}")
            i = range(len(self))[operator.index(index)]
            attributes = {name: values[i] for name, values in self.attributes.items()}
            height, width = self.sizes[i].tolist()
            return Stimulus(self.ids[i], (height, width), self.loads[i], attributes)
        indices = selected_indices(index, len(self), "stimuli")
        selected = Stimuli(
            [self.loads[i] for i in indices],
            self.sizes[indices],
            [self.ids[i] for i in indices],
            attributes={name: values[indices] for name, values in self.attributes.items()},
            pixels_per_degree=self.pixels_per_degree,
            sigma=self.sigma,
        )
        return selected._with_turned(self.turned).named(self.name)

    def _with_turned(self, turned: Sequence[str]) -> Stimuli:
        """Set `turned` to those of the names that are images here; return the stimuli."""
        own = set(turned).intersection(self.ids)
        if own:  # else the attribute is that of the class, so that digests stay the same
            self._turned = tuple(name for name in self.ids if name in own)
        return self

    def __iter__(self) -> Iterator[Stimulus]:
        return (self[i] for i in range(len(self)))

    @property
    def turned(self) -> tuple[str, ...]:
        """Ids of images whose file says that it is to be shown turned or mirrored."""
        return self._turned

    def named(self, name: str) -> Stimuli:
        """Return the same images under the name of a data set.

        Parameters
        ----------
        name
            Name of the data set, "" for none.

        Returns
        -------
        stimuli : Stimuli
            The same images with this `name`.
        """
        result = copy.copy(self)
        result.name = name
        return result

    def with_scale(
        self, *, pixels_per_degree: float | None = None, sigma: float | None = None
    ) -> Stimuli:
        """Return the same images with another scale.

        Parameters
        ----------
        pixels_per_degree
            Pixels in one degree of visual angle; None if unknown.
        sigma
            Standard deviation, in pixels, of the Gaussian that blurs empirical maps; None if
            unknown.

        Returns
        -------
        stimuli : Stimuli
            The same images with this scale.

        Raises
        ------
        InputError
            If a value is not a positive number.
        """
        result = copy.copy(self)
        result.pixels_per_degree = _positive("pixels_per_degree", pixels_per_degree)
        result.sigma = _positive("sigma", sigma)
        return result

    def pixel_digest(self) -> str:
        """Return a digest of all images; reads all files.

        Returns
        -------
        digest : str
            32 hexadecimal digits of SHA-256 over the bytes of files and the pixels of arrays.

        Raises
        ------
        InputError
            If pixels cannot be read.
        """
        digest = hashlib.sha256()
        for stimulus in self:
            digest.update(stimulus.content())
        return digest.hexdigest()[:32]

    def __repr__(self) -> str:
        sizes = {tuple(size) for size in self.sizes.tolist()}
        shown = "x".join(map(str, sizes.pop()[::-1])) if len(sizes) == 1 else f"{len(sizes)} sizes"
        return f"Stimuli({len(self)} images, {shown})"


def selected_indices(index: Any, n: int, what: str) -> NDArray[np.int64]:
    """Return the integer indices that a slice, index array or boolean mask of length n selects.

    Raises
    ------
    InputError
        If a mask has another length, an index is out of range, or the index has another type.
    """
    if isinstance(index, slice):
        return np.arange(n, dtype=np.int64)[index]
    array = np.asarray(index)
    if array.dtype == np.bool_:
        if array.shape != (n,):
            raise InputError(f"a mask for {n} {what} must have shape ({n},); got {array.shape}")
        return np.flatnonzero(array)
    if array.size == 0:
        return np.zeros(0, np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InputError(
            f"{what} are indexed by an integer, a slice, a boolean mask or a list of integers; "
            f"got {array.dtype} of shape {array.shape}"
        )
    if array.min() < -n or array.max() >= n:
        raise InputError(
            f"index {array.max() if array.max() >= n else array.min()} is out of "
            f"range for {n} {what}"
        )
    return array.astype(np.int64) % n


def _itself(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a read-only view; pickles and fingerprints of stimuli hold this function's name."""
    view = image.view()
    view.flags.writeable = False
    return view


def _numbered(n: int) -> list[str]:
    return [str(i) for i in range(n)]


def _relative_ids(files: Sequence[Path], root: str | Path | None) -> list[str]:
    resolved = [
        Path(os.path.abspath(file)) for file in files
    ]  # symbolic links keep their own names
    if root is None:
        return _below_common_folder(resolved)
    folder = Path(os.path.abspath(root))
    for file in resolved:
        if not file.is_relative_to(folder):
            raise InputError(f"image {str(file)!r} is not inside root {str(folder)!r}")
    return [file.relative_to(folder).as_posix() for file in resolved]


def _below_common_folder(files: Sequence[Path]) -> list[str]:
    if not files:
        return []
    folder = files[0].parent
    while not all(file.is_relative_to(folder) for file in files):
        folder = folder.parent
    return [file.relative_to(folder).as_posix() for file in files]


def _checked_ids(ids: Sequence[str], n: int) -> tuple[str, ...]:
    names = tuple(str(name) for name in ids)
    if len(names) != n:
        raise InputError(f"ids must name each of the {n} images; got {len(names)} ids")
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        listed = ", ".join(map(repr, repeated[:5]))
        raise InputError(f"ids must be unique; repeated: {listed} ({len(repeated)} in all)")
    return names


def _checked_sizes(sizes: ArrayLike, n: int) -> NDArray[np.int64]:
    array = np.array(sizes, dtype=np.int64).reshape(-1, 2) if n == 0 else np.array(sizes)
    if array.shape != (n, 2) or array.dtype.kind not in "iu":
        raise InputError(
            f"sizes must be {n} pairs of integers (height, width); got {array.dtype} of shape "
            f"{array.shape}"
        )
    if n and array.min() < 1:
        raise InputError(f"sizes must be at least 1x1; image {int(array.min(1).argmin())} is not")
    return array.astype(np.int64)


def _checked_attribute(name: str, values: ArrayLike, n: int) -> NDArray[Any]:
    """Return an attribute as an array of numbers or texts, one per image."""
    if not isinstance(name, str) or not name or "/" in name:
        raise InputError(f"names of attributes must be text without '/'; got {name!r}")
    column = np.array(values)
    if column.shape[:1] != (n,):
        raise InputError(
            f"attribute {name!r} must have one value for each of the {n} images; got shape "
            f"{column.shape}"
        )
    if column.dtype.kind == "O" and all(isinstance(value, str) for value in column.flat):
        column = column.astype(str)
    if column.dtype.kind not in "biufU":
        odd = next((v for v in column.flat if not isinstance(v, (str, int, float))), column.flat[0])
        raise InputError(f"attribute {name!r} must be numbers or text; got {odd!r}, for example")
    return column


def _positive(name: str, value: float | None) -> float | None:
    if value is not None and not (np.isfinite(value) and value > 0):
        raise InputError(f"{name} must be a positive number; got {value!r}")
    if value is not None and value > WIDEST_BLUR:
        raise InputError(f"{name} must be at most {WIDEST_BLUR} pixels; got {value!r}")
    return value if value is None else float(value)
