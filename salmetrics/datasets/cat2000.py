"""CAT2000's training set: 20 categories of 100 images, 18 observers an image."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.datasets.description import Description
from salmetrics.datasets.reading import (
    Columns,
    Found,
    bar,
    images_in,
    placed,
    read_mat,
    shaped,
    stimuli_of,
)
from salmetrics.errors import InputError, check_choice

__all__ = ["read"]

_NEAR = 3  # pixels: how coordinates were rounded to pixels is not documented
_AGREE = 0.5  # share of fixations that are on fixated pixels, or beside them


def read(
    folder: Path, description: Description, *, source: str = "locs", progress: bool = True
) -> Found:
    """Read images and fixations.

    Parameters
    ----------
    source
        "locs": pixels that anybody looked at; "fixations": scanpaths, from exported files.
    """
    check_choice("source", source, ("locs", "fixations"))
    images = placed(folder, "trainSet/Stimuli", description)
    paths = images_in(images, "*/*.jpg")  # those of Output are one folder deeper
    category = [path.parent.name for path in paths]
    stimuli = stimuli_of(paths, description, root=images, category=category)
    maps = images.parent / "FIXATIONLOCS"
    if source == "locs":
        known = {"subjects_known": False}
        return Found(stimuli, _of_maps(maps, stimuli, progress), source, known)
    scanpaths = placed(folder, "fixations", description)
    return Found(stimuli, _of_scanpaths(scanpaths, maps, stimuli, progress), source)


def _of_maps(maps: Path, stimuli: Stimuli, progress: bool) -> Fixations:
    columns = Columns()
    for i, name in enumerate(bar(stimuli.ids, "maps", progress)):
        rows, across = np.nonzero(_fixated(maps, name, stimuli.sizes[i]))
        columns.add(across, rows, i, 0)
    return columns.fixations(len(stimuli))


def _fixated(maps: Path, name: str, size: Any) -> NDArray[Any]:
    return read_mat(maps / f"{name}.mat", lambda file: shaped(file["fixLocs"], size))


def _of_scanpaths(folder: Path, maps: Path, stimuli: Stimuli, progress: bool) -> Fixations:
    """Read files with ``name``, "category-image-subject.eye", and ``data``, from 1.

    What the number of a category counts is not documented. It is taken for the place in the
    alphabet, and the maps of fixated pixels, of the same download, have to bear that out.
    """
    categories = sorted({str(PurePosixPath(name).parent) for name in stimuli.ids})
    numbers = {name: i for i, name in enumerate(stimuli.ids)}
    columns = Columns("index")
    agreeing = np.zeros((len(stimuli), 2))  # fixations on fixated pixels, and all
    near: dict[int, NDArray[Any]] = {}
    for path in bar(images_in(folder, "*.mat"), "scanpaths", progress):
        name, data = read_mat(path, lambda file: (str(file["name"]), _table(file["data"])))
        try:
            category, image, subject = name.partition(".eye")[0].split("-")
            i = numbers[f"{categories[int(category) - 1]}/{image}"]
        except (ValueError, KeyError, IndexError) as error:
            raise InputError(f"{str(path)!r} is of {name!r}, which is no image here") from error
        height, width = stimuli.sizes[i]
        points = data[~np.isnan(data).any(1), :2] - 1
        points = points[((points >= 0) & (points < (width, height))).all(1)]
        again = np.zeros(len(points), bool)
        again[1:] = (points[1:] == points[:-1]).all(1)
        x, y = points[~again].T
        columns.add(x, y, i, subject, index=np.arange(x.size))
        if i not in near:
            fixated = _fixated(maps, stimuli.ids[i], stimuli.sizes[i])
            near = {i: maximum_filter(fixated > 0, size=_NEAR)}  # files of an image are neighbours
        agreeing[i] += near[i][y.astype(int), x.astype(int)].sum(), x.size
    wrong = np.flatnonzero(agreeing[:, 0] < _AGREE * agreeing[:, 1])
    if wrong.size:
        raise InputError(
            f"scanpaths in {str(folder)!r} do not agree with the maps of fixated pixels of "
            f"{wrong.size} images, such as {stimuli.ids[wrong[0]]!r}; they may be of other images"
        )
    return columns.fixations(len(stimuli))


def _table(values: Any) -> NDArray[np.float64]:
    """Return rows of numbers, one alone or none too; SciPy squeezes them."""
    found = np.asarray(values, dtype=np.float64)
    return found.reshape(-1, found.shape[-1]) if found.size else np.empty((0, 2))
