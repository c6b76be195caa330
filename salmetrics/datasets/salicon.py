"""SALICON: mouse movements over images of MS COCO."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.datasets.description import Description
from salmetrics.datasets.reading import (
    Columns,
    Found,
    bar,
    each,
    explained,
    images_in,
    placed,
    read_mat,
    stimuli_of,
)
from salmetrics.errors import InputError, check_choice, some

__all__ = ["read"]


def read(
    folder: Path,
    description: Description,
    *,
    part: str = "train",
    edition: str = "2017",
    kind: str = "fixations",
    form: str = "mat",
    progress: bool = True,
) -> Found:
    """Read one part.

    Parameters
    ----------
    part
        "train", "val", or "test", which has images alone.
    edition
        "2015" or "2017".
    kind
        "fixations", inferred from mouse movements, or "mouse", all of their samples.
    form
        "mat", a file an image, or "json", the first release, which has fixations only.
    """
    check_choice("part", part, ("train", "val", "test"))
    check_choice("edition", edition, ("2015", "2017"))
    check_choice("kind", kind, ("fixations", "mouse"))
    check_choice("form", form, ("mat", "json"))
    images = placed(folder, f"images/{part}", description)
    stimuli = stimuli_of(images_in(images, "COCO_*.jpg"), description, root=images)
    if part == "test":
        return Found(stimuli, Columns().fixations(len(stimuli)), "test")
    if form == "json":
        if kind == "mouse":
            raise InputError("form='json' has fixations only; kind='mouse' goes with form='mat'")
        path = placed(folder, f"fixations_{part}2014.json", description)
        return Found(stimuli, _of_json(path, stimuli), f"{part}, json")
    fixations = _of_mat(
        placed(folder, f"fixations{edition}/{part}", description), stimuli, kind, progress
    )
    if (edition, kind) == ("2017", "mouse"):  # as recorded, some are off the image
        fixations = fixations.clip_to(stimuli)
    return Found(stimuli, fixations, f"{part}, {edition}, {kind}")


def _of_mat(folder: Path, stimuli: Stimuli, kind: str, progress: bool) -> Fixations:
    missing = [name for name in stimuli.ids if not (folder / f"{name}.mat").is_file()]
    if missing:
        raise InputError(f"{str(folder)!r} lacks files of {len(missing)} images: {some(missing)}")
    mouse = kind == "mouse"
    columns = Columns("t" if mouse else "index")
    n_scanpaths = 0

    def scanpaths(file: dict[str, Any]) -> list[tuple[NDArray[Any], Any]]:
        found = []
        for gaze in each(file["gaze"]):
            points = np.asarray(gaze.location if mouse else gaze.fixations).reshape(-1, 2)
            # unsigned, so that 0 - 1 would be large
            points = points.astype(np.float64) - 1
            found.append((points, np.ravel(gaze.timestamp) if mouse else np.arange(len(points))))
        return found

    for i, name in enumerate(bar(stimuli.ids, kind, progress)):
        path = folder / f"{name}.mat"
        with explained(path):
            for points, when in read_mat(path, scanpaths):
                x, y = points.T
                columns.add(x, y, i, n_scanpaths, **{"t" if mouse else "index": when})
                n_scanpaths += 1
    return columns.fixations(len(stimuli))


def _of_json(path: Path, stimuli: Stimuli) -> Fixations:
    """Read annotations with ``fixations`` as [row, column], from 1."""
    numbers = {name: i for i, name in enumerate(stimuli.ids)}
    columns = Columns("index")
    with explained(path):
        found = json.loads(path.read_text("utf-8"))
        names = {image["id"]: Path(image["file_name"]).stem for image in found["images"]}
        for n, annotation in enumerate(found["annotations"]):
            rows, across = np.reshape(annotation["fixations"], (-1, 2)).T - 1.0
            i = numbers[names[annotation["image_id"]]]
            columns.add(across, rows, i, n, index=np.arange(rows.size))
    return columns.fixations(len(stimuli))
