"""Data sets of the user: a folder of images, and a table or maps of fixations."""

from __future__ import annotations

import os
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, get_args, overload

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.checks.positions import outside_hint
from salmetrics.data.dataset import Dataset
from salmetrics.data.fixation_columns import MISSING
from salmetrics.data.fixation_maps import MapValues
from salmetrics.data.fixation_tables import TableFormat
from salmetrics.data.fixations import MOVED, OUTSIDE, Fixations, read_fixations
from salmetrics.data.positions import Origin, Units
from salmetrics.data.presets import PRESETS
from salmetrics.data.stimuli import Stimuli
from salmetrics.errors import InputError, InputWarning, check_choice, some
from salmetrics.io.files import files_below
from salmetrics.io.images import IMAGE_SUFFIXES
from salmetrics.io.map_files import MAP_SUFFIXES
from salmetrics.io.map_stores import MAP_STORES, open_maps
from salmetrics.io.name_templates import counts_images
from salmetrics.models.conversion import path_and_part
from salmetrics.models.stored_maps import MapOrder, StoredMaps

__all__ = ["Outside", "load_folder", "load_images"]

Outside = Literal["error", "drop", "clip"]

WITHOUT_MAP = "images without a map of fixations"
_OF_SCREEN = (
    "Tables of this program have positions on the screen: if the image did not fill it, subtract "
    "the place of the image"
)


def load_folder(
    images: str | Path,
    fixations: str | Path,
    *,
    image: str | None = None,
    x: str | None = None,
    y: str | None = None,
    subject: str | None = None,
    preset: str | None = None,
    units: Units | None = None,
    origin: Origin | None = None,
    one_based: bool = False,
    missing: Literal["error", "drop"] = "error",
    unknown_images: Literal["error", "drop"] = "error",
    image_name: str | None = None,
    separator: str | None = None,
    decimal: Literal[".", ","] | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    values: MapValues | None = None,
    map_name: str | None = None,
    map_order: MapOrder | None = None,
    sigma: float | None = None,
    pixels_per_degree: float | None = None,
    outside: Outside = "error",
) -> Dataset:
    """Load the images in a folder, sorted by name, and the fixations on them.

    Parameters
    ----------
    images
        Folder of images, searched with its sub-folders; ids are paths relative to it.
    fixations
        Table with one row per fixation, in a file of text; further columns are kept. Or a folder,
        archive or file of fixation maps, one per image (``file.mat:variable`` names a part); see
        `StoredMaps`.
    image, x, y, subject, preset, units, origin, one_based
        Columns of the table and their meaning; see `Fixations.from_csv`.
    missing
        Treatment of rows of a table without a value, and of images without a map: "error"; or
        "drop", which leaves the rows out, and the images without fixations.
    unknown_images
        Treatment of rows of a table on images that are not in the folder: "error" or "drop".
    image_name
        Template of the name of an image in the table, see `Fixations.from_csv`.
    separator, decimal, encoding, comment
        How the table is written, if it is not found; see `Fixations.from_csv`.
    values
        Meaning of the values of maps, "counts" or "marks"; see `Fixations.from_maps`.
    map_name, map_order
        Names and order of the maps; see `StoredMaps`.
    sigma
        Standard deviation, in pixels, of the Gaussian that blurs empirical maps; CC, KLDiv and SIM
        need it or `pixels_per_degree`.
    pixels_per_degree
        Pixels in one degree of visual angle.
    outside
        Treatment of fixations outside their image: "error"; "drop"; or "clip", to the centre of the
        nearest pixel.

    Returns
    -------
    dataset : Dataset
        Images and fixations, with the name of the folder. `fixations.left_out` counts what is left
        out; `info` has ``dropped_outside`` and ``recorded``, the number of fixations before.

    Raises
    ------
    InputError
        If the folder, the file, a column, a row or an image is missing or invalid; the message
        names it.

    Examples
    --------
    >>> import os, tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("cat.png", "dog.png"):
    ...         Image.new("RGB", (40, 30)).save(Path(folder) / name)
    ...     lines = ["file,x,y", "cat,10,20", "dog,3,4"]
    ...     _ = (Path(folder) / "table.csv").write_text(os.linesep.join(lines))
    ...     load_folder(folder, Path(folder) / "table.csv").fixations
    Fixations(2 fixations, 2 images, 1 subjects)
    """
    check_choice("outside", outside, get_args(Outside))
    check_choice("missing", missing, MISSING)
    folder = Path(images)
    stimuli = load_images(folder, sigma=sigma, pixels_per_degree=pixels_per_degree)
    form = TableFormat(
        image=image,
        x=x,
        y=y,
        subject=subject,
        preset=preset,
        units=units,
        origin=origin,
        one_based=one_based,
        missing=missing,
        unknown_images=unknown_images,
        image_name=image_name,
        separator=separator,
        decimal=decimal,
        encoding=encoding,
        comment=comment,
    )
    where: Callable[[int], str] = "fixation {}".format
    path, part = path_and_part(fixations)
    if _are_maps(path):
        naming: _Naming = {"part": part, "map_name": map_name, "map_order": map_order}
        points = _fixations_in_maps(path, stimuli, form, values, naming)
    elif values is not None:
        raise InputError(f"values= is for maps of fixations; {str(fixations)!r} is a table")
    else:
        points, where = read_fixations(fixations, stimuli, form)
    n_recorded = len(points)
    of_screen = preset is not None and PRESETS[preset].of_screen
    if outside != "error":
        odd = _odd_places(points, stimuli)
        odd = f"{odd}. {_OF_SCREEN}" if odd and of_screen else odd
        points = _with_note(points, odd, stacklevel=3)
    if outside == "drop":
        points = points.drop_outside(stimuli)
    elif outside == "clip":
        points = points.clip_to(stimuli)
    try:
        advice = "use outside='drop', or outside='clip', which moves them to the edge"
        points.check_against(stimuli, where=where, advice=advice)
    except InputError as error:
        hint = f". {_OF_SCREEN}" if of_screen else ""
        raise InputError(f"{str(fixations)!r}: {error}{hint}") from error
    facts: dict[str, Any] = {"recorded": n_recorded}
    for key, reason in (("dropped_outside", OUTSIDE), ("moved_inside", MOVED)):
        if reason in points.left_out or key == "dropped_outside":
            facts[key] = points.left_out.get(reason, 0)
    return Dataset(folder.resolve().name, stimuli, points, facts)


def _with_note(fixations: Fixations, note: str | None, *, stacklevel: int) -> Fixations:
    """Warn of what was noticed while fixations were read, and return them with the note."""
    if note is None:
        return fixations
    warnings.warn(note, InputWarning, stacklevel=stacklevel)
    notes = (*fixations.notes, note)
    return Fixations(fixations.columns, fixations.n_images, fixations.left_out, notes)


def _odd_places(fixations: Fixations, stimuli: Stimuli) -> str | None:
    """Return whether fixations are off their image because they are in other units or places.

    Those that are not errors are left out or moved, and what is left may look as it should.
    """
    outside = fixations.outside(stimuli)
    heights, widths = stimuli.sizes[fixations.image].T
    hint = outside_hint(fixations.x, fixations.y, widths, heights) if outside.any() else ""
    if not hint and outside.sum() >= 10 and outside.mean() > _LARGE_SHARE:
        hint = "Check the units, the origin and the size of the images"
    if not hint:
        return None
    return f"{outside.sum()} of {len(fixations)} fixations are outside their image. {hint}"


def load_images(
    folder: str | Path, *, sigma: float | None = None, pixels_per_degree: float | None = None
) -> Stimuli:
    """Load the images in a folder, sorted by name; for the parameters see `load_folder`."""
    if os.path.isfile(folder):
        raise InputError(f"{str(folder)!r} is a file; images= takes a folder of images")
    if not os.path.isdir(folder):
        raise InputError(f"image folder {str(folder)!r} does not exist")
    paths = files_below(Path(folder), IMAGE_SUFFIXES)
    if not paths:
        raise InputError(
            f"no images in {str(folder)!r}; known suffixes: {', '.join(IMAGE_SUFFIXES)}"
        )
    return Stimuli.from_files(paths, root=folder, sigma=sigma, pixels_per_degree=pixels_per_degree)


# ---- maps of fixations


_TABLES = (".csv", ".tsv", ".txt")
_LARGE_SHARE = 0.2  # of fixations outside


class _Naming(TypedDict):
    """Part of a file, and names and order of its maps."""

    part: str | None
    map_name: str | None
    map_order: MapOrder | None


def _are_maps(path: Path) -> bool:
    """Whether a path is a folder, archive or file of maps; a table may be in a .zip, too."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if os.path.isdir(path):
        return True
    stores = set(MAP_SUFFIXES).union(MAP_STORES) - {".json"}
    return (
        os.path.isfile(path)
        and suffixes[-1:] != []
        and suffixes[-1] in stores
        and not (len(suffixes) > 1 and suffixes[-2] in _TABLES)
        and not (suffixes[-1] == ".zip" and _holds_a_table(path))
    )


def _holds_a_table(path: Path) -> bool:
    """Whether a zip archive holds a table of text, and nothing else but what systems add."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [Path(info.filename) for info in archive.infolist() if not info.is_dir()]
    except (OSError, zipfile.BadZipFile):
        return False  # reading it says what is wrong
    own = [name for name in names if "__MACOSX" not in name.parts and name.name[:1] != "."]
    return len(own) == 1 and own[0].suffix.lower() in _TABLES


def _fixations_in_maps(
    path: Path,
    stimuli: Stimuli,
    form: TableFormat,
    values: MapValues | None,
    naming: _Naming,
) -> Fixations:
    """Read fixations from one map of counts per image."""
    given = [name for name in form.given() if name != "missing"]
    if given:
        raise InputError(
            f"{str(path)!r} holds maps of fixations; {', '.join(f'{name}=' for name in given)} "
            "need a table"
        )
    template = naming["map_name"]
    try:
        in_order = open_maps(path, naming["part"]).ordered or (
            template is not None and counts_images(template)
        )
    except InputError as error:
        if not path.is_dir():
            raise
        raise InputError(
            f"{error}. A folder of fixations holds one map of fixations per image; a table is a "
            "file: fixations='table.csv'"
        ) from error
    without = []
    if form.missing == "drop" and not in_order:
        without = _without_map(StoredMaps(path, check_sizes=False, **naming), stimuli)
    chosen = [i for i, name in enumerate(stimuli.ids) if name not in set(without)]
    try:
        maps = StoredMaps(path, stimuli[chosen], check_sizes=False, **naming)
    except InputError as error:
        if "no map for" not in str(error) or in_order:
            raise
        raise InputError(
            f"{error}. Images without a map have no fixations with missing='drop'"
        ) from error
    counted = Fixations.from_maps(
        _MapsOfFixations(maps, stimuli, set(without)),
        values=values,
        names=[maps.name_of(name) for name in stimuli.ids],
    )
    left_out = {WITHOUT_MAP: len(without)} if without else {}
    notes = [f"the maps of fixations: {note}" for note in maps.notes]
    return Fixations(counted.columns, counted.n_images, left_out, [*notes, *counted.notes])


def _without_map(maps: StoredMaps, stimuli: Stimuli) -> list[str]:
    """Return the ids of the images that have no map."""
    problems = set(maps.problems(stimuli))
    lacking = [name for name in stimuli.ids if f"no map for {name!r}" in problems]
    if len(lacking) == len(stimuli):
        raise InputError(
            f"{str(maps.path)!r} has a map for none of the {len(stimuli)} images "
            f"({some(stimuli.ids, 3)}); a map is named like its image, apart from the suffix"
        )
    return lacking


class _MapsOfFixations(Sequence[NDArray[Any]]):
    """The map of each image, read when it is needed; zeros for images without a map."""

    def __init__(self, maps: StoredMaps, stimuli: Stimuli, without: set[str]) -> None:
        self._maps = maps
        self._stimuli = stimuli
        self._without = without

    def __len__(self) -> int:
        return len(self._stimuli)

    @overload
    def __getitem__(self, index: int) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[NDArray[Any]]: ...
    def __getitem__(self, index: int | slice) -> NDArray[Any] | Sequence[NDArray[Any]]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        return self._map(index)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self._map(i) for i in range(len(self)))

    def _map(self, index: int) -> NDArray[Any]:
        stimulus = self._stimuli[index]
        if stimulus.id in self._without:
            return np.zeros(stimulus.size, np.uint8)
        counts = np.asarray(self._maps(stimulus))
        if counts.shape[:2] != stimulus.size:
            raise InputError(
                f"the map of fixations of {stimulus.id!r} has size {counts.shape[:2]}, the image "
                f"{stimulus.size} (height, width); maps of fixations cannot be resized"
            )
        return counts
