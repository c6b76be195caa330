"""Maps in folders, archives and files, and which of them belongs to which image."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args

from salmetrics.array_types import AnyArray, Kind, Size
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.densities.resampling import is_turned
from salmetrics.errors import InputError, InputWarning, check_choice, some
from salmetrics.fingerprint import Aside
from salmetrics.io.map_files import MAP_SUFFIXES
from salmetrics.io.map_stacks import other_axis
from salmetrics.io.map_stores import Maps, open_maps
from salmetrics.io.name_parts import natural_key, two_orders
from salmetrics.io.name_templates import (
    counts_images,
    rendered,
    shifted_numbers,
    suggested_template,
)
from salmetrics.io.names import Matching, match_maps, match_numbers

__all__ = ["MapOrder", "StoredMaps", "naming_for", "stem_of"]

MapOrder = Literal["given", "numbered"]
_LISTED = 10  # problems that a message names


class StoredMaps:
    """Maps in a folder, archive or file, by image id; each is read when it is needed.

    A map belongs to an image if one of their paths is the end of the other, suffixes aside:
    "b/001.png" goes with image "b/001.jpg", and so do "maps/b/001.png" and "001.png", but not
    "c/001.png". Slashes and backslashes, composed and decomposed Unicode do not matter, nor does
    case where names differ in more. Of several maps, the one that agrees in more parts of the path
    is taken; if two agree equally well, that is an error, never a guess. Text that all maps have
    before or after their names ("001_SaliencyMap.png"), and a folder that all have in the midst of
    their paths ("b/Output/001.png"), are taken off if every image has exactly one map then; `rule`
    says so.

    Parameters
    ----------
    path
        Path of a folder, searched with its sub-folders, or of a zip or tar archive (.tar, .tar.gz
        ...), with one map per file: 8- or 16-bit PNG or TIFF, JPEG, BMP, .npy, or .mat with one
        variable; of an .npz file; of an HDF5 file with one data set per image, such as
        `export_predictions` and pysaliency write; of SALICON's JSON with PNGs in base64; or of
        maps without names, in the order of the images: a .mat file with a cell array and no
        ``names``; or an array of shape (n, h, w) as an .npy file, or alone in an .npz or HDF5 file.
    stimuli
        The images; maps without names need them.
    part
        The group or array of an HDF5 file, or the variable of a .mat file ("results" by default).
    check_sizes
        Whether each map must have its image's size, which is read from the headers of files.
    map_name
        Template of the name of an image's map, such as "{stem}_SaliencyMap" or "sal_{number:03d}";
        for its fields see `salmetrics.io.name_templates.rendered`.
    map_order
        Order of the images for maps without names, and for a template with {index} or {position}:
        "given", their order; or "numbered", that of the numbers in their names, so that img2 comes
        before img10. It is needed where the two differ and the images are sorted by name.

    Attributes
    ----------
    kind : str or None
        "log_density" or "saliency_map" if the file records what it holds, else None.
    extra : tuple of str
        Names of the maps that belong to none of `stimuli`.
    rule : str or None
        How the names of all maps differ from those of the images, if they do.
    notes : tuple of str
        What was noticed when the maps were checked for images, and warned of then, one line each;
        results record it.

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
        map_name: str | None = None,
        map_order: MapOrder | None = None,
    ) -> None:
        check_choice("map_order", map_order, (None, *get_args(MapOrder)))
        self.path = Path(path)
        self.part = part
        self.extra: tuple[str, ...] = ()
        self.rule: str | None = None
        self._template = None if map_name is None else _without_map_suffix(map_name)
        self._order = map_order
        self._maps = open_maps(path, part)
        self.kind: Kind | None = self._maps.kind
        self._ids = None if stimuli is None else stimuli.ids
        self._check_sizes = check_sizes
        self._placed = self._maps.ordered or (
            self._template is not None and counts_images(self._template)
        )
        if map_name is not None and not _has_names(self._maps):
            which = "are in the order of the images"
            raise InputError(
                f"map_name= is for maps with names; those in {str(path)!r} "
                + (
                    f"have none and {which}, which map_order= says, so leave map_name= out"
                    if self._maps.ordered
                    else "have the numbers of their images, so leave it out"
                )
            )
        if map_order is not None and not self._placed:
            raise InputError(
                f"map_order= is for maps without names, and for map_name= with {{index}} or "
                f"{{position}}; the maps in {str(path)!r} have names, so leave it out"
            )
        if stimuli is None:
            if self._placed:
                which = "without names," if self._maps.ordered else "that map_name= puts"
                raise InputError(
                    f"{str(path)!r} holds {len(self._maps.names)} maps {which} in the order of the "
                    "images: it needs stimuli"
                )
            return
        self._use_for(stimuli)

    @property
    def fingerprint(self) -> str:
        """Digest of all files, by which checkpoints recognise the maps."""
        return self._maps.digest + ("" if self.part is None else f" {self.part}")

    @property
    def parameters(self) -> dict[str, Any]:
        """What says which maps were read: the name of the file, and how names were matched."""
        given = {
            "file": self.path.resolve().name,
            "part": self.part,
            "rule": self.rule,
            "map_name": self._template,
            "map_order": self._order,
        }
        return {name: value for name, value in given.items() if value is not None}

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
            self._use_for(stimuli)

    notes: Aside[tuple[str, ...]] = Aside(
        (), "What was noticed when the maps were checked for images."
    )

    def _use_for(self, stimuli: Stimuli) -> None:
        """Raise one `InputError` for all problems; warn, once, of what is odd."""
        problems = self.problems(stimuli)
        if problems:
            self._refuse(problems, len(stimuli))
        notes = [] if self.rule is None else [self.rule]
        n = len(self.extra)
        if 0 < n <= len(stimuli) // 10:  # more are maps of a larger set
            left = "1 map belongs" if n == 1 else f"{n} maps belong"
            notes.append(f"{left} to no image: {some(self.extra, 3)}")
        notes += self._maps.notes
        for note in notes:
            if note not in self.notes:
                warnings.warn(f"{str(self.path)!r}: {note}", InputWarning, stacklevel=4)
        self.notes = tuple(notes)

    def _refuse(self, problems: Sequence[str], n: int) -> NoReturn:
        """Raise one `InputError` for all problems with the maps of n images."""
        shown = "; ".join(problems[:_LISTED])
        more = f"; and {len(problems) - _LISTED} more" if len(problems) > _LISTED else ""
        extra = len(self.extra)
        left = f". Maps without an image: {extra}, {some(self.extra, 3)}" if extra else ""
        unnamed = any(" for '" in problem for problem in problems) and not self._maps.ordered
        hint = self._hint() if unnamed else ""
        raise InputError(
            f"{str(self.path)!r} does not fit the {n} images: {shown}{more}{left}{hint}"
        )

    def _hint(self) -> str:
        """Return how to name maps, or how to say the names they have."""
        if self._template is not None:
            wanted = rendered(self._template, (self._ids or ())[:1])
            return f". map_name= asks for maps such as {some(wanted)}" if wanted else ""
        suggested = suggested_template(list(self._keys.values()), self._ids or ())
        if suggested is not None:
            template, condition = suggested
            order = ""
            if counts_images(template) and self._order is None:
                orders = two_orders(self._ids or ())
                order = "" if orders is None else f", with map_order={_choice(*orders)}"
            return f". {condition[0].upper()}{condition[1:]}, say so: map_name={template!r}{order}"
        return (
            ". A map is named like its image, apart from the suffix; other names are said by a "
            "template: map_name='{stem}_sal'"
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
            held = "it holds one map" if n == 1 else f"it holds {n} maps"
            advice = other_axis(self._maps.shape or (), len(stimuli), self._maps.axis)
            if advice:
                return [advice]
            return [f"{held} without names, and must hold one for each image, in their order"]
        if self._placed and self._order is None and (orders := two_orders(stimuli.ids)):
            given, numbered = orders
            which = "maps without names" if self._maps.ordered else f"maps {self._template!r}"
            return [
                f"{which} may be meant in the order {given} or {numbered}; say which: "
                "map_order='given' or 'numbered'"
            ]
        if self._template is None and not self._placed and not self._maps.numbered:
            shifted = shifted_numbers(list(self._keys.values()), stimuli.ids)
            if shifted is not None:
                return [
                    f"the maps are numbered from 0 to {len(self._keys) - 1}, the images from 1 to "
                    f"{len(stimuli)}, so that the map of image 1 may be that of number 1 or 0; say "
                    f"which: map_name={shifted[0]!r} or {shifted[1]!r}"
                ]
        matching = self._matched(stimuli.ids)
        self.rule = matching.rule
        self.extra = tuple(sorted(set(self._maps.names) - set(matching.found.values())))
        listed = list(matching.problems.values())
        sizes = dict(zip(stimuli.ids, map(tuple, stimuli.sizes.tolist()), strict=True))
        measured = self._maps.sizes(list(matching.found.values()))
        for image, size in zip(matching.found, measured, strict=True):
            if isinstance(size, InputError):
                listed.append(str(size))
            else:
                listed += self._size_problem(image, size, sizes[image])
        return listed

    def _size_problem(self, image: str, size: Size, wanted: Size) -> list[str]:
        """Return why a map of this size cannot be used for an image of another size, if so."""
        if is_turned(size, wanted):
            return [
                f"the map of {image!r} has size {size}, the image {wanted}: it looks transposed; "
                "save it as (height, width)"
            ]
        if self._check_sizes and size != wanted:
            return [
                f"the map of {image!r} has size {size}, the image {wanted}; use resize='bilinear'"
            ]
        return []

    def __call__(self, stimulus: Stimulus) -> AnyArray:
        """Return the map of an image, read from the file."""
        known = self._of_known
        if stimulus.id not in known.found and stimulus.id not in known.problems:
            if self._ids is not None:  # another image may have its map already
                raise InputError(
                    f"image {stimulus.id!r} is not among the images that {str(self.path)!r} was "
                    "opened for; open it for all images"
                )
            known = self._matched([stimulus.id])
        if stimulus.id in known.problems:
            raise InputError(f"{str(self.path)!r} has {known.problems[stimulus.id]}")
        return self._maps.read(known.found[stimulus.id])

    def name_of(self, image: str) -> str:
        """Return what the map of an image is called in the folder, archive or file.

        Parameters
        ----------
        image
            Id of one of the images that the maps were opened for; others are returned as they are.

        Returns
        -------
        name : str
            Name of the map.
        """
        return self._of_known.found.get(image, image)

    @cached_property
    def _of_known(self) -> Matching:
        """The maps of the images that the store was opened for."""
        return Matching({}, {}) if self._ids is None else self._matched(self._ids)

    def _matched(self, ids: Sequence[str]) -> Matching:
        """Return the map of each image that has exactly one, and the problems of the others."""
        if self._order == "numbered":
            ids = sorted(ids, key=natural_key)
        if self._maps.ordered:
            return Matching(dict(zip(ids, self._maps.names, strict=True)), {})
        if self._maps.numbered:
            return match_numbers(self._maps.names, ids)
        return match_maps(self._keys, ids, self._template)

    @cached_property
    def _keys(self) -> dict[str, str]:
        """What is compared with the ids of images, by name of the map."""
        return {name: self._maps.key(name) for name in self._maps.names}


def naming_for(
    path: str | Path, part: str | None, map_name: str | None, map_order: MapOrder | None
) -> tuple[str | None, MapOrder | None]:
    """Return a template and an order for maps of several models as far as those of one need them.

    Parameters
    ----------
    path, part, map_name, map_order
        See `StoredMaps`.

    Returns
    -------
    map_name, map_order
        None in place of what the maps do not need: a template if they have no names, an order if
        they have.
    """
    maps = open_maps(path, part)
    name = map_name if _has_names(maps) else None
    placed = maps.ordered or (name is not None and counts_images(name))
    return name, map_order if placed else None


def _has_names(maps: Maps) -> bool:
    """Whether maps have names that a template can describe."""
    return not (maps.ordered or maps.numbered)


def stem_of(path: Path) -> str:
    """Return the name of a folder, or of a file without its suffix."""
    path = path.resolve()
    if path.is_dir():
        return path.name
    inner = Path(path.stem) if path.suffix in (".bz2", ".gz", ".xz") else path
    return inner.stem


def _choice(given: str, numbered: str) -> str:
    """Return the values of map_order= and what they stand for."""
    return f"'given' ({given}) or 'numbered' ({numbered})"


def _without_map_suffix(name: str) -> str:
    """Return a template without the suffix of files of maps."""
    for suffix in MAP_SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name
