"""Maps by name in folders, archives and files that hold many: opened here, read when asked for."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.errors import InputError
from salmetrics.io.archives import Archive, is_junk
from salmetrics.io.files import files_below
from salmetrics.io.hdf5_values import as_text
from salmetrics.io.map_files import MAP_SUFFIXES, array_head, as_grey, map_size, read_map, reading
from salmetrics.io.matlab import MatFile, open_mat

__all__ = ["Maps", "open_maps"]

Size = tuple[int, int]
_BLOCK = 2**20


class Maps(ABC):
    """Maps that one folder or file holds.

    Attributes
    ----------
    path
        Of the folder or file.
    names
        Of the maps; "0", "1", ... if they are `ordered`.
    ordered
        Whether maps have no names and stand in the order of the images.
    numbered
        Whether names are numbers, those at the end of the images' names.
    kind
        "log_density" or "saliency_map" if the file says so.
    """

    names: tuple[str, ...]
    ordered: bool = False
    numbered: bool = False
    kind: str | None = None

    def __init__(self, path: Path) -> None:
        self.path = path

    def key(self, name: str) -> str:
        """Return what is compared with an image's id."""
        return name

    @abstractmethod
    def sizes(self, names: Sequence[str]) -> Iterator[Size | InputError]:
        """Yield (height, width) of each of the maps, or what is wrong with it."""

    @abstractmethod
    def read(self, name: str) -> NDArray[Any]:
        """Read a map, shape (h, w)."""

    @cached_property
    def digest(self) -> str:
        """Digest of all bytes."""
        digest = hashlib.sha256()
        _add_file(digest, self.path)
        return digest.hexdigest()[:32]


def open_maps(path: str | Path, part: str | None = None) -> Maps:
    """Open a folder or file of maps.

    Parameters
    ----------
    path
        A folder, searched with its sub-folders; a zip or tar archive of such files; an .npz file;
        an .npy file of shape (n, h, w); an HDF5 file; a .mat file; or a JSON file as SALICON
        wants it.
    part
        The group of an HDF5 file, or the variable of a .mat file ("results" by default).

    Raises
    ------
    InputError
        If there is no such path, it is of no known kind, or has no maps.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"there is no folder or file of maps {str(path)!r}")
    opened = _opener(path)
    if part is not None and opened not in (_Hdf5Maps, _MatMaps):
        raise InputError(
            f"{str(path)!r} has no parts to name; {part!r} would be a group of an HDF5 file or a "
            "variable of a .mat file"
        )
    with reading(repr(str(path))):
        maps = opened(path) if part is None else opened(path, part)
    if not maps.names:
        raise InputError(f"no maps in {str(path)!r}; known suffixes: {', '.join(MAP_SUFFIXES)}")
    return maps


def _opener(path: Path) -> Any:
    import h5py

    if path.is_dir():
        return _FolderMaps
    suffix = path.suffix.lower()
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    if h5py.is_hdf5(path):
        return _Hdf5Maps
    if zipfile.is_zipfile(path) or tarfile.is_tarfile(path):
        return _ArchiveMaps
    raise InputError(
        f"{str(path)!r} is neither a folder nor a file that holds maps: expected .zip, .tar, "
        ".tar.gz, .npz, .npy, .h5, .hdf5, .mat or .json"
    )


class _FileMaps(Maps):
    """One map a file."""

    def key(self, name: str) -> str:
        return str(PurePosixPath(name.replace("\\", "/")).with_suffix(""))

    def sizes(self, names: Sequence[str]) -> Iterator[Size | InputError]:
        for name in names:
            try:
                with self._stream(name) as stream:
                    yield map_size(stream, PurePosixPath(name).suffix, self._what(name))
            except InputError as error:
                yield error

    def read(self, name: str) -> NDArray[Any]:
        with self._stream(name) as stream:
            return read_map(stream, PurePosixPath(name).suffix, self._what(name))

    @abstractmethod
    def _stream(self, name: str) -> IO[bytes]: ...

    @abstractmethod
    def _what(self, name: str) -> str: ...


class _FolderMaps(_FileMaps):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        found = (file.relative_to(path).as_posix() for file in files_below(path, MAP_SUFFIXES))
        self.names = tuple(name for name in found if not is_junk(name))

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

    def _stream(self, name: str) -> IO[bytes]:
        return io.BytesIO(self._archive.read(name))

    def _what(self, name: str) -> str:
        return f"map {name!r} in {str(self.path)!r}"


class _NpzMaps(Maps):
    """Arrays by name in an .npz file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._archive = Archive(path)
        self._members = {name.removesuffix(".npy"): name for name in self._archive.sizes}
        self.names = tuple(sorted(self._members))

    def sizes(self, names: Sequence[str]) -> Iterator[Size | InputError]:
        for name in names:
            try:
                stream = io.BytesIO(self._archive.read(self._members[name]))
                yield map_size(stream, ".npy", self._what(name))
            except InputError as error:
                yield error

    def read(self, name: str) -> NDArray[Any]:
        stream = io.BytesIO(self._archive.read(self._members[name]))
        return read_map(stream, ".npy", self._what(name))

    def _what(self, name: str) -> str:
        return f"map {name!r} in {str(self.path)!r}"


class _StackMaps(Maps):
    """An array of shape (n, h, w), one map an image, in order."""

    ordered = True

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with path.open("rb") as stream:
            self._shape, _ = array_head(stream)
        if len(self._shape) != 3 or 0 in self._shape:
            raise InputError(
                f"{str(path)!r} must hold one map an image, shape (n, height, width); got "
                f"{self._shape}"
            )
        self.names = tuple(map(str, range(self._shape[0])))

    def sizes(self, names: Sequence[str]) -> Iterator[Size | InputError]:
        for _ in names:
            yield self._shape[1], self._shape[2]

    def read(self, name: str) -> NDArray[Any]:
        what = f"map {name} of {str(self.path)!r}"
        with reading(what):
            stack = np.load(self.path, mmap_mode="r", allow_pickle=False)
            return as_grey(np.array(stack[int(name)]), what)


class _Hdf5Maps(Maps):
    """Data sets of an HDF5 file, ours or pysaliency's."""

    def __init__(self, path: Path, part: str = "/") -> None:
        super().__init__(path)
        self._part = part
        with self._opened() as file:
            holds = as_text(file.attrs.get("salmetrics", "")) or as_text(file.attrs.get("type", ""))
            if part not in file:
                raise InputError(
                    f"{str(path)!r} has no group {part!r}; it has {', '.join(file) or 'none'}"
                )
            group = file[part]
            if holds not in ("", "predictions") and part == "/":
                raise InputError(f"{str(path)!r} is an HDF5 file, but holds {holds}, not maps")
            kind = as_text(group.attrs.get("kind", ""))
            self.kind = kind or None
            self.names = tuple(_arrays_below(group))

    def sizes(self, names: Sequence[str]) -> Iterator[Size | InputError]:
        with self._opened() as file:
            for name in names:
                shape = file[self._part][name].shape
                if len(shape) == 2 and 0 not in shape:
                    yield int(shape[0]), int(shape[1])
                else:
                    yield InputError(
                        f"{self._what(name)} must be a map of shape (height, width); got {shape}"
                    )

    def read(self, name: str) -> NDArray[Any]:
        with reading(self._what(name)), self._opened() as file:
            return as_grey(np.asarray(file[self._part][name][()]), self._what(name))

    def _opened(self) -> Any:
        import h5py

        return h5py.File(self.path, "r")

    def _what(self, name: str) -> str:
        return f"map {name!r} in {str(self.path)!r}"


class _MatMaps(Maps):
    """One .mat file: a cell array, or an array of shape (h, w, n), one map an image, in order."""

    ordered = True

    def __init__(self, path: Path, part: str = "results") -> None:
        super().__init__(path)
        self._part = part
        self._file: MatFile | None = open_mat(path)
        if part not in self._file.names:
            raise InputError(
                f"{str(path)!r} has no variable {part!r}; it has "
                f"{', '.join(self._file.names) or 'none'}. Name one: {path.name}:VARIABLE"
            )
        length = self._file.length(part)
        self._is_stack = length is None
        if length is None:
            shape = self._file.array(part).shape
            if len(shape) != 3:
                raise InputError(
                    f"variable {part!r} of {str(path)!r} must be a cell array with one map an "
                    f"image, or of shape (height, width, n); got {shape}"
                )
            length = shape[2]
        self.names = tuple(map(str, range(length)))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_file": None}  # it may hold all maps

    def sizes(self, names: Sequence[str]) -> Iterator[Size | InputError]:
        for name in names:
            try:
                height, width = self.read(name).shape
                yield height, width
            except InputError as error:
                yield error

    def read(self, name: str) -> NDArray[Any]:
        what = f"map {int(name) + 1} of {self._part!r} in {str(self.path)!r}"
        with reading(what):
            if self._file is None:
                self._file = open_mat(self.path)
            if self._is_stack:
                return as_grey(self._file.array(self._part)[:, :, int(name)], what)
            return as_grey(self._file.cell(self._part, int(name)), what)


class _JsonMaps(Maps):
    """SALICON's form: a list of {"image_id": number, "saliency_map": PNG in base64}."""

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
            name = str(entry["image_id"])
            if name in entries:
                raise InputError(f"{str(self.path)!r} holds image {name} twice")
            entries[name] = entry["saliency_map"]
        if not is_list:
            raise InputError(
                f"{str(self.path)!r} must be a list of "
                '{"image_id": number, "saliency_map": PNG in base64}, as SALICON wants it'
            )
        return entries

    def _what(self, name: str) -> str:
        return f"the map of image {name} in {str(self.path)!r}"


_BY_SUFFIX: dict[str, Any] = {
    ".json": _JsonMaps,
    ".mat": _MatMaps,
    ".npy": _StackMaps,
    ".npz": _NpzMaps,
    ".zip": _ArchiveMaps,
}


def _arrays_below(group: Any) -> Iterator[str]:
    import h5py

    names: list[str] = []
    group.visititems(
        lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None
    )
    return iter(names)


def _add_file(digest: Any, path: Path) -> None:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
