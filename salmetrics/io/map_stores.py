"""Stored maps by name, in folders, archives and files of many maps; read on demand."""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import json
import os
import tarfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.array_types import KINDS, Kind, Size
from salmetrics.errors import InputError, some
from salmetrics.io.archives import ARCHIVE_SUFFIXES, Archive
from salmetrics.io.damage import reading
from salmetrics.io.files import files_below
from salmetrics.io.hdf5_values import as_text
from salmetrics.io.map_files import (
    MAP_SUFFIXES,
    array_head,
    as_grey,
    is_shown_turned,
    map_shape,
    map_size,
    read_map,
)
from salmetrics.io.map_stacks import sole_stack, stack_shape
from salmetrics.io.matlab import MatFile, open_mat, texts
from salmetrics.io.name_parts import is_junk

__all__ = ["MAP_STORES", "MARKER", "Maps", "open_maps"]

MAP_STORES = (
    *ARCHIVE_SUFFIXES,
    ".h5",
    ".hdf5",
    ".json",
    ".mat",
    ".npz",
)  # suffixes of files of many maps
MARKER = "salmetrics.json"  # beside the maps of a folder or archive; declares their kind
_BLOCK = 2**20
_FEW = 16  # arrays: files of more hold one map each


class Maps(ABC):
    """The maps in one folder or file.

    Attributes
    ----------
    path
        Path of the folder or file.
    names
        Names of the maps; "0", "1", ... if they are `ordered`.
    ordered
        Whether the maps have no names, and are in the order of the images.
    numbered
        Whether the names are numbers, which images have at the end of their names.
    kind
        "log_density", "density" or "saliency_map" if the store declares it; else None.
    notes
        What was noticed when the sizes were last read, one line each.
    shape
        Shape of the one array that holds all maps, if there is one.
    axis
        Axis of that array that counts them.
    """

    names: tuple[str, ...]
    ordered: bool = False
    numbered: bool = False
    kind: Kind | None = None
    notes: tuple[str, ...] = ()
    shape: tuple[int, ...] | None = None
    axis: int = 0

    def __init__(self, path: Path) -> None:
        self.path = path

    def key(self, name: str) -> str:
        """Return the part of a map's name that is compared with the ids of images."""
        return name

    @abstractmethod
    def sizes(self, names: Sequence[str]) -> Iterator[Size | InputError]:
        """Yield (height, width) of each map, or the error of a map that is invalid."""

    @abstractmethod
    def read(self, name: str) -> NDArray[Any]:
        """Read a map, shape (h, w)."""

    @cached_property
    def digest(self) -> str:
        """Digest of all bytes, as 32 hexadecimal digits."""
        digest = hashlib.sha256()
        _add_file(digest, self.path)
        return digest.hexdigest()[:32]


def open_maps(path: str | Path, part: str | None = None) -> Maps:
    """Open a folder or file of maps.

    Parameters
    ----------
    path
        Path of a folder, searched with its sub-folders; a zip or tar archive of such files; an .npz
        file; an .npy file of shape (n, h, w); an HDF5 file; a .mat file; or a JSON file in the
        format of SALICON. An array of shape (n, h, w) that is alone in an .npz or HDF5 file holds
        all maps, too.
    part
        Name of the group or array of an HDF5 file, or of the variable of a .mat file ("results" by
        default).

    Returns
    -------
    maps : Maps
        The opened store; maps are read on demand.

    Raises
    ------
    InputError
        If the path does not exist, its format is unknown, or it holds no maps.
    """
    path = Path(path)
    if not os.path.exists(path):  # unlike the method of a path, False for a name that is too long
        raise InputError(f"there is no folder or file of maps {str(path)!r}")
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{str(path)!r} cannot be read: it is empty")
    store = _store_class(path)
    if part is not None and store not in (_Hdf5Maps, _MatMaps):
        raise InputError(
            f"{str(path)!r} has no parts, so {part!r} cannot be chosen; only HDF5 files have "
            "groups and .mat files variables"
        )
    with reading(repr(str(path))):
        maps = store(path) if part is None else store(path, part)
    if not maps.names:
        raise InputError(f"no maps in {str(path)!r}; known suffixes: {', '.join(MAP_SUFFIXES)}")
    return maps


def _store_class(path: Path) -> Any:
    """Return the class that reads the maps of a path."""
    import h5py

    if path.is_dir():
        return _FolderMaps
    suffix = path.suffix.lower()
    if path.name.lower().endswith(ARCHIVE_SUFFIXES):
        return _ArchiveMaps
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    if h5py.is_hdf5(path):
        return _Hdf5Maps
    if zipfile.is_zipfile(path) or tarfile.is_tarfile(path):
        return _ArchiveMaps
    if suffix in (".h5", ".hdf5"):
        raise InputError(
            f"{str(path)!r} is neither a folder nor a file that holds maps: it is no HDF5 file, or "
            "a damaged one"
        )
    raise InputError(
        f"{str(path)!r} is neither a folder nor a file that holds maps: expected .zip, .tar, "
        ".tar.gz, .npz, .npy, .h5, .hdf5, .mat or .json"
    )


class _FileMaps(Maps):
    """One file per map; a file `MARKER` may declare their kind."""

    def _set_kind(self, text: bytes) -> None:
        self.kind = _declared_kind(text, self.path)

    def key(self, name: str) -> str:
        return str(PurePosixPath(name.replace("\\", "/")).with_suffix(""))

    def sizes(self, names: Sequence[str]) -> Iterator[Size | InputError]:
        self.notes = ()
        turned = []
        for name in names:
            suffix = PurePosixPath(name).suffix
            try:
                with self._stream(name) as stream:
                    size = map_size(stream, suffix, self._what(name))
                    if is_shown_turned(stream, suffix):
                        turned.append(name)
            except InputError as error:
                yield error
            else:
                yield size
        if turned:
            self.notes = (
                f"{len(turned)} of {len(names)} maps say that they are to be shown turned or "
                f"mirrored (EXIF orientation), such as {some(turned, 3)}; they are read as stored",
            )

    def read(self, name: str) -> NDArray[Any]:
        with self._stream(name) as stream:
            return read_map(stream, PurePosixPath(name).suffix, self._what(name))

    @abstractmethod
    def _stream(self, name: str) -> AbstractContextManager[IO[bytes]]: ...

    @abstractmethod
    def _what(self, name: str) -> str: ...


class _FolderMaps(_FileMaps):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        files = files_below(path, MAP_SUFFIXES)
        self.names = tuple(file.relative_to(path).as_posix() for file in files)
        if (path / MARKER).is_file():
            self._set_kind((path / MARKER).read_bytes())

    @cached_property
    def digest(self) -> str:
        digest = hashlib.sha256()
        for name in self.names:
            digest.update(f"{name}\n".encode())
            _add_file(digest, self.path / name)
        return digest.hexdigest()[:32]

    def _stream(self, name: str) -> IO[bytes]:
        with reading(self._what(name)):
            return (self.path / name).open("rb")

    def _what(self, name: str) -> str:
        return f"map {str(self.path / name)!r}"


class _ArchiveMaps(_FileMaps):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._archive = Archive(path)
        self.names = tuple(
            sorted(
                name
                for name in self._archive.sizes
                if PurePosixPath(name).suffix.lower() in MAP_SUFFIXES and not is_junk(name)
            )
        )
        if MARKER in self._archive.sizes:
            self._set_kind(self._archive.read(MARKER))

    def read(self, name: str) -> NDArray[Any]:
        # as a whole, because only then is the checksum verified
        stream = io.BytesIO(self._archive.read(name))
        return read_map(stream, PurePosixPath(name).suffix, self._what(name))

    def _stream(self, name: str) -> AbstractContextManager[IO[bytes]]:
        return self._archive.opened(name)

    def _what(self, name: str) -> str:
        return f"map {name!r} in {str(self.path)!r}"


class _NpzMaps(Maps):
    """Arrays by name in an .npz file, or one array of shape (n, h, w)."""

    _array: NDArray[Any] | None = None

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._archive = Archive(path)
        arrays = [name for name in self._archive.sizes if name.endswith(".npy")]
        self._members = {name.removesuffix(".npy"): name for name in arrays}
        self.names = tuple(sorted(self._members))
        self._stack = self._sole_stack()
        if self._stack is not None:
            self.ordered = True
            self.names = tuple(map(str, range(len(self._whole()))))
        if MARKER in self._archive.sizes:
            self.kind = _declared_kind(self._archive.read(MARKER), path)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_array": None}  # it holds all maps in memory

    def sizes(self, names: Sequence[str]) -> Iterator[Size | InputError]:
        for name in names:
            try:
                if self._stack is not None:
                    yield map_shape(self._whole().shape[1:], self._what(name))
                    continue
                with self._archive.opened(self._members[name]) as stream:
                    yield map_size(stream, ".npy", self._what(name))
            except InputError as error:
                yield error

    def _sole_stack(self) -> str | None:
        """Return the name of the array that holds all maps, if there is one."""
        if len(self.names) > _FEW:
            return None
        shapes = {}
        for name in self.names:
            with reading(self._what(name)), self._archive.opened(self._members[name]) as stream:
                shapes[name], _ = array_head(stream)
        return sole_stack(shapes, str(self.path))

    def _whole(self) -> NDArray[Any]:
        """Return the array that holds all maps, which is read once."""
        if self._array is None:
            assert self._stack is not None
            what = f"array {self._stack!r} in {str(self.path)!r}"
            with reading(what):
                data = io.BytesIO(self._archive.read(self._members[self._stack]))
                self._array = np.load(data, allow_pickle=False)
            self.shape = self._array.shape
        return self._array

    def read(self, name: str) -> NDArray[Any]:
        if self._stack is not None:
            return as_grey(self._whole()[int(name)], self._what(name))
        stream = io.BytesIO(self._archive.read(self._members[name]))
        return read_map(stream, ".npy", self._what(name))

    def _what(self, name: str) -> str:
        return f"map {name!r} in {str(self.path)!r}"


class _StackMaps(Maps):
    """An array of shape (n, h, w): one map per image, in the order of the images."""

    ordered = True

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with path.open("rb") as stream:
            self.shape, _ = array_head(stream)
        stack = stack_shape(self.shape)
        if stack is None:
            raise InputError(
                f"{str(path)!r} must hold one map per image, shape (n, height, width); got "
                f"{self.shape}"
            )
        n, self._size = stack
        self.names = tuple(map(str, range(n)))

    def sizes(self, names: Sequence[str]) -> Iterator[Size | InputError]:
        for _ in names:
            yield self._size

    def read(self, name: str) -> NDArray[Any]:
        what = f"map {name} of {str(self.path)!r}"
        with reading(what):
            stack = np.load(self.path, mmap_mode="r", allow_pickle=False)
            return as_grey(np.array(stack[int(name)]), what)


class _Hdf5Maps(Maps):
    """Data sets of an HDF5 file, written by salmetrics, pysaliency or others.

    An array of shape (n, h, w) that is alone, or chosen, holds all maps, in the order of the
    images.
    """

    def __init__(self, path: Path, part: str = "/") -> None:
        super().__init__(path)
        self._part = part
        with self._opened() as file:
            holds = as_text(file.attrs.get("salmetrics", "")) or as_text(file.attrs.get("type", ""))
            if part not in file:
                raise InputError(
                    f"{str(path)!r} has no group {part!r}; it has {some(list(file)) or 'none'}"
                )
            group = file[part]
            self._stack = self._sole_stack(group)
            if holds not in ("", "predictions") and part == "/":
                raise InputError(f"{str(path)!r} is an HDF5 file, but holds {holds}, not maps")
            kind = group.attrs.get("kind")
            self.kind = _checked_kind(None if kind is None else as_text(kind), repr(str(path)))
            if self._stack is None:
                self.names = tuple(sorted(_arrays_below(group)))

    def sizes(self, names: Sequence[str]) -> Iterator[Size | InputError]:
        with reading(repr(str(self.path))), self._opened() as file:
            for name in names:
                try:
                    with reading(self._what(name)):
                        shape = self._array(file, name).shape or ()
                    yield map_shape(shape if self._stack is None else shape[1:], self._what(name))
                except InputError as error:
                    yield error

    def read(self, name: str) -> NDArray[Any]:
        with reading(self._what(name)), self._opened() as file:
            at = () if self._stack is None else int(name)
            return as_grey(np.asarray(self._array(file, name)[at]), self._what(name))

    def _array(self, file: Any, name: str) -> Any:
        """Return the data set that holds a map."""
        return file[self._part][name] if self._stack is None else file[self._stack]

    def _sole_stack(self, group: Any) -> str | None:
        """Return the path of the array that holds all maps, if there is one."""
        part = self._part
        if not hasattr(group, "items"):
            stack = stack_shape(group.shape or ())
            if stack is None or group.dtype.kind not in "biuf":
                raise InputError(
                    f"{part!r} of {str(self.path)!r} is not a group, but one array of shape "
                    f"{group.shape}; an array of all maps has shape (n, height, width)"
                )
            found: str | None = part
        else:
            names = list(itertools.islice(_arrays_below(group), _FEW + 1))
            numeric = {name: group[name] for name in names if group[name].dtype.kind in "biuf"}
            few = {name: array.shape or () for name, array in numeric.items()}
            found = sole_stack(few, str(self.path)) if len(names) <= _FEW else None
            found = None if found is None else f"{group.name.rstrip('/')}/{found}"
        if found is not None:
            self.ordered = True
            self.shape = tuple(group.file[found].shape)
            self.names = tuple(map(str, range(self.shape[0])))
        return found

    def _opened(self) -> Any:
        import h5py

        return h5py.File(self.path, "r")

    def _what(self, name: str) -> str:
        return f"map {name!r} in {str(self.path)!r}"


class _MatMaps(Maps):
    """A variable of a .mat file: a cell array of maps, or an array of shape (h, w, n).

    The maps are in the order of the images, unless a cell array `names` holds their names.
    """

    def __init__(self, path: Path, part: str = "results") -> None:
        super().__init__(path)
        self._part = part
        self._file: MatFile | None = open_mat(path)
        if part not in self._file.names:
            raise InputError(
                f"{str(path)!r} has no variable {part!r}; it has "
                f"{some(self._file.names) or 'none'}. Name one: {path.name}:VARIABLE"
            )
        holds = self._file.holds(part)
        if holds not in ("cells", "numbers"):
            raise InputError(
                f"variable {part!r} of {str(path)!r} is {holds}; expected a cell array with one "
                "map per image, or numbers of shape (height, width, n)"
            )
        self._is_stack = holds == "numbers"
        if self._is_stack:
            shape = self._file.array(part).shape
            if len(shape) not in (2, 3):
                raise InputError(
                    f"variable {part!r} of {str(path)!r} must be a cell array with one map "
                    f"per image, or of shape (height, width, n); got {shape}"
                )
            length = shape[2] if len(shape) == 3 else 1
            self.shape, self.axis = shape, -1
        else:
            length = self._file.length(part)
        names = texts(self._file, "names") if "names" in self._file.names else None
        self.ordered = names is None or len(set(names)) != length
        self.names = tuple(map(str, range(length))) if self.ordered else tuple(names or ())
        self._place = {name: i for i, name in enumerate(self.names)}
        kind = texts(self._file, "kind") if "kind" in self._file.names else None
        self.kind = _checked_kind(kind[0] if kind else None, repr(str(path)))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_file": None}  # it may hold all maps in memory

    def sizes(self, names: Sequence[str]) -> Iterator[Size | InputError]:
        for name in names:
            try:
                height, width = self.read(name).shape
                yield height, width
            except InputError as error:
                yield error

    def read(self, name: str) -> NDArray[Any]:
        i = self._place[name]
        what = f"map {i + 1} of {self._part!r} in {str(self.path)!r}"
        with reading(what):
            if self._file is None:
                self._file = open_mat(self.path)
            if not self._is_stack:
                return as_grey(self._file.cell(self._part, i), what)
            stack = self._file.array(self._part)
            return as_grey(stack if stack.ndim == 2 else stack[:, :, i], what)


class _JsonMaps(Maps):
    """SALICON's format: a list of {"image_id": number, "saliency_map": PNG in base64}."""

    numbered = True

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._entries: dict[str, str] | None = self._load()
        self.names = tuple(self._entries)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_entries": None}

    def sizes(self, names: Sequence[str]) -> Iterator[Size | InputError]:
        for name in names:
            try:
                yield map_size(self._stream(name), ".png", self._what(name))
            except InputError as error:
                yield error

    def read(self, name: str) -> NDArray[Any]:
        return read_map(self._stream(name), ".png", self._what(name))

    def _stream(self, name: str) -> IO[bytes]:
        if self._entries is None:
            self._entries = self._load()
        with reading(self._what(name)):
            return io.BytesIO(base64.b64decode(self._entries[name], validate=True))

    def _load(self) -> dict[str, str]:
        listed = json.loads(self.path.read_text(encoding="utf-8"))
        entries: dict[str, str] = {}
        is_list = isinstance(listed, list)
        for entry in listed if is_list else []:
            known = isinstance(entry, dict) and {"image_id", "saliency_map"} <= set(entry)
            if not known or not isinstance(entry["saliency_map"], str):
                is_list = False
                break
            name = _number(entry["image_id"])
            if name is None:
                is_list = False
                break
            if name in entries:
                raise InputError(f"{str(self.path)!r} holds image {name} twice")
            entries[name] = entry["saliency_map"]
        if not is_list:
            raise InputError(
                f"{str(self.path)!r} must be a list of "
                '{"image_id": number, "saliency_map": PNG in base64}, the format of SALICON'
            )
        return entries

    def _what(self, name: str) -> str:
        return f"the map of image {name} in {str(self.path)!r}"


_BY_SUFFIX: dict[str, Any] = {
    ".json": _JsonMaps,
    ".mat": _MatMaps,
    ".npy": _StackMaps,
    ".npz": _NpzMaps,
}


def _arrays_below(group: Any, prefix: str = "", above: tuple[int, ...] = ()) -> Iterator[str]:
    """Yield the names of all arrays below a group; links are followed, except into cycles."""
    above = (*above, hash(group.id))  # equal for all names of one group
    for name, item in group.items():
        if not hasattr(item, "items"):
            yield prefix + name
        elif hash(item.id) not in above:
            yield from _arrays_below(item, f"{prefix}{name}/", above)


def _declared_kind(text: bytes, path: Path) -> Kind | None:
    """Return the kind that the text of `MARKER` declares."""
    what = f"{MARKER} in {str(path)!r}"
    with reading(what):
        declared = json.loads(text)
    if not isinstance(declared, dict):
        raise InputError(f'{what} must be {{"kind": ...}}; got {type(declared).__name__}')
    return _checked_kind(declared.get("kind"), what)


def _checked_kind(kind: Any, what: str) -> Kind | None:
    if kind not in (None, *KINDS):
        raise InputError(f"{what} declares the kind {kind!r}; expected one of {', '.join(KINDS)}")
    return kind


def _number(value: Any) -> str | None:
    """Return a whole number as text, None for other values; some programs write 12.0 or "12"."""
    try:
        return str(int(value)) if float(value) == int(value) else None
    except (OverflowError, TypeError, ValueError):
        return None


def _add_file(digest: Any, path: Path) -> None:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
