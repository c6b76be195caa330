"""CAT2000's training set: 20 categories of 100 images, 18 observers an image."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.datasets.description import Description
from salmetrics.datasets.reading import Columns, Found, bar, images_in, placed, read_mat, stimuli_of
from salmetrics.errors import InputError, check_choice
from salmetrics.stimuli import Stimuli

__all__ = ["read"]


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
    if source == "locs":
        known = {"subjects_known": False}
        return Found(
            stimuli, _of_maps(images.parent / "FIXATIONLOCS", stimuli, progress), source, known
        )
    scanpaths = placed(folder, "fixations", description)
    return Found(stimuli, _of_scanpaths(scanpaths, stimuli, progress), source)


def _of_maps(folder: Path, stimuli: Stimuli, progress: bool) -> Any:
    columns = Columns()
    for i, name in enumerate(bar(stimuli.ids, "maps", progress)):
        size = tuple(stimuli.sizes[i])
        path = folder / f"{name}.mat"
        found = read_mat(path, lambda file, size=size: np.reshape(file["fixLocs"], size))  # type: ignore[misc]
        rows, across = np.nonzero(found)
        columns.add(across, rows, i, 0)
    return columns.fixations(len(stimuli))


def _of_scanpaths(folder: Path, stimuli: Stimuli, progress: bool) -> Any:
    """Read files with ``name``, "category-image-subject.eye", and ``data``, from 1."""
    categories = sorted({str(PurePosixPath(name).parent) for name in stimuli.ids})
    numbers = {name: i for i, name in enumerate(stimuli.ids)}
    columns = Columns("index")
    for path in bar(images_in(folder, "*.mat"), "scanpaths", progress):
        name, data = read_mat(path, lambda file: (str(file["name"]), _table(file["data"])))
        try:
            category, image, subject = name.partition(".eye")[0].split("-")
            i = numbers[f"{categories[int(category) - 1]}/{image}"]
        except (ValueError, KeyError, IndexError) as error:
            raise InputError(f"{str(path)!r} is of {name!r}, which is no image here") from error
        height, width = stimuli.sizes[i]
        points = data[:, :2] - 1
        points = points[~np.isnan(data).any(1)]
        inside = ((points >= 0) & (points < (width, height))).all(1)
        points = points[inside]
        again = np.zeros(len(points), bool)
        again[1:] = (points[1:] == points[:-1]).all(1)
        x, y = points[~again].T
        columns.add(x, y, i, subject, index=np.arange(x.size))
    return columns.fixations(len(stimuli))


def _table(values: Any) -> NDArray[np.float64]:
    return np.atleast_2d(np.asarray(values, dtype=np.float64)).reshape(-1, np.shape(values)[-1])
