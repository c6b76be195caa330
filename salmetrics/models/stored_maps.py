"""Maps in folders, archives and files, and which of them belongs to which image."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from salmetrics.array_types import AnyArray, Kind
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.errors import InputError, some
from salmetrics.io.images import without_image_suffix
from salmetrics.io.map_stores import open_maps

__all__ = ["StoredMaps", "stem_of"]

_LISTED = 10  # problems that a message names


class StoredMaps:
    """Maps in a folder, archive or file, by image id; each is read when it is needed.

    A map belongs to an image if one of their paths is the end of the other, suffixes aside:
    "b/001.png" goes with image "b/001.jpg", and so do "maps/b/001.png" and "001.png", but not
    "c/001.png". Of several that could, the one that agrees in more parts of the path is taken; if
    two agree equally well, that is an error, never a guess.

    Parameters
    ----------
    path
        Path of a folder, searched with its sub-folders, or of a zip or tar archive (.tar, .tar.gz
        ...), with one map per file: 8- or 16-bit PNG or TIFF, JPEG, BMP, .npy, or .mat with one
        variable; of an .npz file; of an HDF5 file with one data set per image, such as
        `export_predictions` and pysaliency write; of SALICON's JSON with PNGs in base64; or of
        maps without names, in the order of the images: a .mat file with a cell array and no
        ``names``, or an .npy file of shape (n, h, w).
    stimuli
        The images; maps without names need them.
    part
        The group of an HDF5 file, or the variable of a .mat file ("results" by default).
    check_sizes
        Whether each map must have its image's size, which is read from the headers of files.

    Attributes
    ----------
    kind : str or None
        "log_density" or "saliency_map" if the file records what it holds, else None.
    extra : tuple of str
        Names of the maps that belong to none of `stimuli`.

    Raises
    ------
    InputError
        If the map of an image is missing, ambiguous, of another size or not readable; one error
        lists all such images.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from salmetrics import Stimuli
    >>> stimuli = Stimuli.from_sizes([(2, 3), (2, 3)], ids=["b/001.jpg", "c/001.jpg"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("b", "c"):
    ...         (Path(folder) / name).mkdir()
    ...         np.save(Path(folder) / name / "001.npy", np.full((2, 3), ord(name)))
    ...     StoredMaps(folder, stimuli)(stimuli[1])
    array([[99, 99, 99],
           [99, 99, 99]])
    """

    def __init__(
        self,
        path: str | Path,
        stimuli: Stimuli | None = None,
        *,
        part: str | None = None,
        check_sizes: bool = True,
    ) -> None:
        self.path = Path(path)
        self.part = part
        self.extra: tuple[str, ...] = ()
        self._maps = open_maps(path, part)
        self.kind: Kind | None = self._maps.kind
        self._ids = None if stimuli is None else stimuli.ids
        self._check_sizes = check_sizes
        if stimuli is None:
            if self._maps.ordered:
                raise InputError(
                    f"{str(path)!r} holds {len(self._maps.names)} maps without names, in the order "
                    "of the images: it needs stimuli"
                )
            return
        problems = self.problems(stimuli)
        if problems:
            self._refuse(problems, len(stimuli))

    @property
    def fingerprint(self) -> str:
        """Digest of all files, by which checkpoints recognise the maps."""
        return self._maps.digest + ("" if self.part is None else f" {self.part}")

    def check(self, stimuli: Stimuli) -> None:
        """Check that each image has its map; maps that were opened for images were checked then.

        Parameters
        ----------
        stimuli
            The images.

        Raises
        ------
        InputError
            If the map of an image is missing, ambiguous, of another size or not readable.
        """
        if self._ids is None:
            problems = self.problems(stimuli)
            if problems:
                self._refuse(problems, len(stimuli))

    def _refuse(self, problems: Sequence[str], n: int) -> NoReturn:
        """Raise one `InputError` for all problems with the maps of n images."""
        shown = "; ".join(problems[:_LISTED])
        more = f"; and {len(problems) - _LISTED} more" if len(problems) > _LISTED else ""
        extra = len(self.extra)
        left = f". Maps without an image: {extra}, {some(self.extra, 3)}" if extra else ""
        unnamed = any(" for '" in problem for problem in problems) and not self._maps.ordered
        hint = ". A map is named like its image, apart from the suffix" if unnamed else ""
        raise InputError(
            f"{str(self.path)!r} does not fit the {n} images: {shown}{more}{left}{hint}"
        )

    def problems(self, stimuli: Stimuli) -> list[str]:
        """Return everything that prevents the maps from being used for these images.

        Parameters
        ----------
        stimuli
            The images.

        Returns
        -------
        problems : list of str
            One line per problem; empty if there is none. `extra` is set as well.
        """
        if self._maps.ordered and len(self._maps.names) != len(stimuli):
            n = len(self._maps.names)
            return [f"{n} maps without names, in the order of the images, need {n} images"]
        map_by_image, problems = self._matched(stimuli.ids)
        self.extra = tuple(sorted(set(self._maps.names) - set(map_by_image.values())))
        listed = list(problems.values())
        sizes = dict(zip(stimuli.ids, map(tuple, stimuli.sizes.tolist()), strict=True))
        measured = self._maps.sizes(list(map_by_image.values()))
        for image, size in zip(map_by_image, measured, strict=True):
            if isinstance(size, InputError):
                listed.append(str(size))
            elif self._check_sizes and size != sizes[image]:
                listed.append(
                    f"the map of {image!r} has size {size}, the image {sizes[image]}; use "
                    "resize='bilinear', or --resize bilinear"
                )
        return listed

    def __call__(self, stimulus: Stimulus) -> AnyArray:
        """Return the map of an image, read from the file."""
        map_by_image, problems = self._of_known
        if stimulus.id not in map_by_image and stimulus.id not in problems:
            if self._ids is not None:  # another image may have its map already
                raise InputError(
                    f"image {stimulus.id!r} is not among the images that {str(self.path)!r} was "
                    "opened for; open it for all images"
                )
            map_by_image, problems = self._matched([stimulus.id])
        if stimulus.id in problems:
            raise InputError(f"{str(self.path)!r} has {problems[stimulus.id]}")
        return self._maps.read(map_by_image[stimulus.id])

    @cached_property
    def _of_known(self) -> tuple[dict[str, str], dict[str, str]]:
        """The result of `_matched` for the images that the maps were opened for."""
        return ({}, {}) if self._ids is None else self._matched(self._ids)

    def _matched(self, ids: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Return the map of each image that has exactly one, and the problems of the others."""
        if self._maps.ordered:
            return dict(zip(ids, self._maps.names, strict=True)), {}
        if self._maps.numbered:
            candidates = {i: self._by_last.get(_number(_parts(i)[-1]), []) for i in ids}
        else:
            candidates = self._best_candidates(ids)
        claims = defaultdict(list)
        for image, maps in candidates.items():
            for name in maps:
                claims[name].append(image)
        map_by_image, problems = {}, {}
        for image, maps in candidates.items():
            rivals = [other for name in maps for other in claims[name] if other != image]
            if len(maps) == 1 and not rivals:
                map_by_image[image] = maps[0]
            elif not maps:
                problems[image] = f"no map for {image!r}"
            elif len(maps) > 1:
                problems[image] = f"{len(maps)} maps for {image!r} ({', '.join(maps)})"
            else:
                problems[image] = f"one map, {maps[0]}, for {image!r} and {some(rivals, 3)}"
        return map_by_image, problems

    def _best_candidates(self, ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the maps that agree best with each image, and with no other image better."""
        ratings: dict[str, dict[str, tuple[int, bool]]] = {}
        best_of_map: dict[str, tuple[int, bool]] = {}
        for image in ids:
            parts = _parts(image)
            last = PurePosixPath(image).name
            rated = {
                name: (_n_shared(parts, theirs), last == their_last)
                for name in self._by_last.get(parts[-1], [])
                for theirs, their_last in [self._parts_of[name]]
            }
            ratings[image] = {name: rating for name, rating in rated.items() if rating[0] > 0}
            for name, rating in ratings[image].items():
                best_of_map[name] = max(rating, best_of_map.get(name, rating))
        candidates = {}
        for image, rated in ratings.items():
            own = {name: rating for name, rating in rated.items() if rating == best_of_map[name]}
            best = max(own.values(), default=None)
            candidates[image] = sorted(name for name, rating in own.items() if rating == best)
        return candidates

    @cached_property
    def _parts_of(self) -> dict[str, tuple[tuple[str, ...], str]]:
        """Parts of each map's path, and the last part with its image suffix."""
        keys = {name: self._maps.key(name) for name in self._maps.names}
        return {name: (_parts(key), PurePosixPath(key).name) for name, key in keys.items()}

    @cached_property
    def _by_last(self) -> dict[Any, list[str]]:
        """Maps by the last part of their path, without suffix; or by their number."""
        groups = defaultdict(list)
        for name in self._maps.names:
            last = self._parts_of[name][0][-1]
            groups[_number(last) if self._maps.numbered else last].append(name)
        return dict(groups)


def stem_of(path: Path) -> str:
    """Return the name of a folder, or of a file without its suffix."""
    path = path.resolve()
    if path.is_dir():
        return path.name
    inner = Path(path.stem) if path.suffix in (".bz2", ".gz", ".xz") else path
    return inner.stem


def _n_shared(ours: tuple[str, ...], theirs: tuple[str, ...]) -> int:
    """Return the number of parts in which two paths agree if one ends with the other; else 0."""
    n = min(len(ours), len(theirs))
    return n if ours[-n:] == theirs[-n:] else 0


def _parts(path: str) -> tuple[str, ...]:
    """Return the parts of a path, the last without an image suffix."""
    return PurePosixPath(without_image_suffix(path)).parts or ("",)


def _number(name: str) -> int | str:
    """Return the number at the end of a name, or the name if there is none."""
    digits = re.search(r"[0-9]+$", name)
    return int(digits.group()) if digits else name
