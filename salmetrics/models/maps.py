"""Maps that somebody else made: a folder with one file an image."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.errors import InputError
from salmetrics.io.files import files_below
from salmetrics.stimuli import Stimuli, Stimulus

__all__ = ["MapFolder"]

_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".npy", ".png", ".tif", ".tiff")
_LISTED = 5  # problems that a message names


class MapFolder:
    """Maps by image id, read when asked for; a function of a stimulus.

    A file belongs to an image if its path below the folder is the image's id, but for the suffix;
    or else if its name is that of the id's last part, and no other file has that name.

    Parameters
    ----------
    folder
        Searched with its sub-folders.
    stimuli
        If given, each of them must have exactly one map of its size; one error lists what is
        missing or ambiguous.

    Raises
    ------
    InputError
        For a folder without maps, and for images without theirs.
    """

    def __init__(self, folder: str | Path, stimuli: Stimuli | None = None) -> None:
        self.folder = Path(folder)
        files = [path.relative_to(self.folder) for path in files_below(self.folder, _SUFFIXES)]
        if not files:
            raise InputError(
                f"no maps in {str(self.folder)!r}; known suffixes: {', '.join(_SUFFIXES)}"
            )
        self._by_path = _grouped((path.with_suffix("").as_posix(), path) for path in files)
        self._by_name = _grouped((path.stem, path) for path in files)
        if stimuli is not None:
            self._check(stimuli.ids)

    @property
    def fingerprint(self) -> str:
        """Digest of all files; a checkpoint rests on it."""
        digest = hashlib.sha256()
        for path in sorted({path for paths in self._by_path.values() for path in paths}):
            digest.update(f"{path.as_posix()}\n".encode())
            digest.update((self.folder / path).read_bytes())
        return digest.hexdigest()[:32]

    def __call__(self, stimulus: Stimulus) -> NDArray[Any]:
        """Read the map of an image."""
        found = self._found(stimulus.id)
        if len(found) != 1:
            raise InputError(f"{str(self.folder)!r} has {self._problem(stimulus.id, found)}")
        return _read(self.folder / found[0])

    def _check(self, ids: Iterable[str]) -> None:
        found = {name: self._found(name) for name in ids}
        bad = [self._problem(name, files) for name, files in found.items() if len(files) != 1]
        if bad:
            more = f" and {len(bad) - _LISTED} more" if len(bad) > _LISTED else ""
            raise InputError(
                f"{str(self.folder)!r} does not fit the {len(found)} images: it has "
                f"{'; '.join(bad[:_LISTED])}{more}. Maps are named like their images, but for the "
                "suffix"
            )

    def _found(self, name: str) -> list[Path]:
        for key in (name, str(PurePosixPath(name).with_suffix(""))):
            if key in self._by_path:
                return self._by_path[key]
        path = PurePosixPath(name)
        return self._by_name.get(path.stem, self._by_name.get(path.name, []))

    def _problem(self, name: str, found: list[Path]) -> str:
        if not found:
            return f"no map for {name!r}"
        return f"{len(found)} maps for {name!r} ({', '.join(str(path) for path in found)})"


def _grouped(pairs: Iterable[tuple[str, Path]]) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = {}
    for key, path in pairs:
        groups.setdefault(key, []).append(path)
    return groups


def _read(path: Path) -> NDArray[Any]:
    """Read a map: as it is from .npy, grey levels of 8 or 16 bits from an image file."""
    from PIL import Image

    try:
        if path.suffix.lower() == ".npy":
            array: NDArray[Any] = np.load(path, allow_pickle=False)
        else:
            with Image.open(path) as image:
                array = np.asarray(image)
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"map {str(path)!r} can't be read: {error}") from error
    if array.ndim == 3 and array.shape[2] in (2, 4):
        array = array[:, :, :-1]  # alpha
    if array.ndim == 3 and (array == array[:, :, :1]).all():
        array = array[:, :, 0]
    if array.ndim != 2:
        raise InputError(
            f"map {str(path)!r} must be grey, shape (height, width); got {array.shape}. A heat map "
            "in false colours is no saliency map"
        )
    return array
