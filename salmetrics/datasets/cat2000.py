"""CAT2000's training set: 20 categories of 100 images, 18 observers per image."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.datasets.description import Description
from salmetrics.datasets.reading import (
    Columns,
    RawData,
    images_in,
    map_of_size,
    read_mat,
    require_path,
    stimuli_of,
)
from salmetrics.errors import InputError, check_choice
from salmetrics.progress import progress_bar

__all__ = ["read"]

Source = Literal["locs", "fixations"]

_NEIGHBOURHOOD = 3  # pixels; how coordinates were rounded to pixels is not documented
_AGREEMENT = 0.5  # smallest share of fixations on fixated pixels or next to them


def read(
    folder: Path, description: Description, *, source: Source = "locs", progress: bool = True
) -> RawData:
    """Read images and fixations.

    Parameters
    ----------
    source
        "locs": pixels that any observer fixated; "fixations": scanpaths, from exported files.
    """
    check_choice("source", source, get_args(Source))
    images = require_path(folder, "trainSet/Stimuli", description)
    paths = images_in(images, "*/*.jpg")  # the maps in Output are one folder deeper
    category = [path.parent.name for path in paths]
    stimuli = stimuli_of(paths, description, root=images, category=category)
    maps = images.parent / "FIXATIONLOCS"
    if source == "locs":
        facts = {"subjects_known": False}
        return RawData(stimuli, _fixations_from_maps(maps, stimuli, progress), source, facts)
    scanpaths = require_path(folder, "fixations", description)
    return RawData(stimuli, _fixations_from_files(scanpaths, maps, stimuli, progress), source)


def _fixations_from_maps(maps: Path, stimuli: Stimuli, progress: bool) -> Fixations:
    columns = Columns()
    names = progress_bar(stimuli.ids, show=progress, description="maps", unit="file")
    for i, name in enumerate(names):
        y, x = np.nonzero(_fixated(maps, name, stimuli.sizes[i]))
        columns.add(x, y, i, 0)
    return columns.fixations(len(stimuli))


def _fixated(maps: Path, name: str, size: Any) -> NDArray[Any]:
    return read_mat(maps / f"{name}.mat", lambda file: map_of_size(file["fixLocs"], size))


def _fixations_from_files(folder: Path, maps: Path, stimuli: Stimuli, progress: bool) -> Fixations:
    """Read files with ``name``, "category-image-subject.eye", and ``data``, counted from 1.

    The numbering of the categories is not documented. It is assumed to be alphabetical, which the
    maps of fixated pixels of the same download must confirm.
    """
    categories = sorted({str(PurePosixPath(name).parent) for name in stimuli.ids})
    numbers = {name: i for i, name in enumerate(stimuli.ids)}
    columns = Columns("index")
    agreeing = np.zeros((len(stimuli), 2))  # fixations on fixated pixels, and all
    near: dict[int, NDArray[Any]] = {}
    paths = images_in(folder, "*.mat")
    for path in progress_bar(paths, show=progress, description="scanpaths", unit="file"):
        name, data = read_mat(path, lambda file: (str(file["name"]), _table(file["data"])))
        try:
            category, image, subject = name.partition(".eye")[0].split("-")
            i = numbers[f"{categories[int(category) - 1]}/{image}"]
        except (ValueError, KeyError, IndexError) as error:
            raise InputError(
                f"{str(path)!r} is for image {name!r}, which does not exist"
            ) from error
        height, width = stimuli.sizes[i]
        points = data[~np.isnan(data).any(1), :2] - 1
        points = points[((points >= 0) & (points < (width, height))).all(1)]
        is_repeated = np.zeros(len(points), bool)
        is_repeated[1:] = (points[1:] == points[:-1]).all(1)
        x, y = points[~is_repeated].T
        columns.add(x, y, i, subject, index=np.arange(x.size))
        if i not in near:
            fixated = _fixated(maps, stimuli.ids[i], stimuli.sizes[i])
            # only the last image, because the files of an image follow each other
            near = {i: maximum_filter(fixated > 0, size=_NEIGHBOURHOOD)}
        agreeing[i] += near[i][y.astype(int), x.astype(int)].sum(), x.size
    wrong = np.flatnonzero(agreeing[:, 0] < _AGREEMENT * agreeing[:, 1])
    if wrong.size:
        raise InputError(
            f"scanpaths in {str(folder)!r} do not agree with the maps of fixated pixels of "
            f"{wrong.size} images, such as {stimuli.ids[wrong[0]]!r}; they may belong to other "
            "images"
        )
    return columns.fixations(len(stimuli))


def _table(values: Any) -> NDArray[np.float64]:
    """Return rows of numbers, shape (n, m), from an array that SciPy has squeezed."""
    table = np.asarray(values, dtype=np.float64)
    return table.reshape(-1, table.shape[-1]) if table.size else np.empty((0, 2))
