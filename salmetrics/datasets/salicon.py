"""SALICON: mouse movements over images of MS COCO, in place of eye movements."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.datasets.description import Description
from salmetrics.datasets.reading import (
    Columns,
    RawData,
    elements,
    explained,
    images_in,
    read_mat,
    require_path,
    stimuli_of,
)
from salmetrics.errors import InputError, check_choice, some
from salmetrics.progress import progress_bar

__all__ = ["read"]

Part = Literal["train", "val", "test"]
Edition = Literal["2015", "2017"]
Kind = Literal["fixations", "mouse"]
Form = Literal["mat", "json"]


def read(
    folder: Path,
    description: Description,
    *,
    part: Part = "train",
    edition: Edition = "2017",
    kind: Kind = "fixations",
    form: Form = "mat",
    progress: bool = True,
) -> RawData:
    """Read one part.

    Parameters
    ----------
    part
        "train", "val", or "test", which has no fixations.
    edition
        "2015" or "2017".
    kind
        "fixations", inferred from mouse movements, or "mouse", all mouse samples.
    form
        "mat", one file per image, or "json", the first release, which has no mouse samples.
    """
    check_choice("part", part, get_args(Part))
    check_choice("edition", edition, get_args(Edition))
    check_choice("kind", kind, get_args(Kind))
    check_choice("form", form, get_args(Form))
    images = require_path(folder, f"images/{part}", description)
    stimuli = stimuli_of(images_in(images, "COCO_*.jpg"), description, root=images)
    if part == "test":
        return RawData(stimuli, Columns().fixations(len(stimuli)), "test")
    if form == "json":
        if kind == "mouse":
            raise InputError("form 'json' has no mouse samples; kind 'mouse' needs form 'mat'")
        path = require_path(folder, f"fixations_{part}2014.json", description)
        return RawData(stimuli, _fixations_from_json(path, stimuli), f"{part}, json")
    fixations = _fixations_from_mat(
        require_path(folder, f"fixations{edition}/{part}", description), stimuli, kind, progress
    )
    if (edition, kind) == ("2017", "mouse"):  # some samples were recorded off the image
        fixations = fixations.clip_to(stimuli)
    return RawData(stimuli, fixations, f"{part}, {edition}, {kind}")


def _fixations_from_mat(folder: Path, stimuli: Stimuli, kind: Kind, progress: bool) -> Fixations:
    missing = [name for name in stimuli.ids if not (folder / f"{name}.mat").is_file()]
    if missing:
        raise InputError(f"{str(folder)!r} lacks files of {len(missing)} images: {some(missing)}")
    mouse = kind == "mouse"
    columns = Columns("t" if mouse else "index")
    n_scanpaths = 0

    def scanpaths(file: dict[str, Any]) -> list[tuple[NDArray[Any], Any]]:
        converted = []
        for gaze in elements(file["gaze"]):
            points = np.asarray(gaze.location if mouse else gaze.fixations).reshape(-1, 2)
            # to float first, because the integers are unsigned and 0 - 1 would wrap around
            points = points.astype(np.float64) - 1
            times = np.ravel(gaze.timestamp) if mouse else np.arange(len(points))
            converted.append((points, times))
        return converted

    names = progress_bar(stimuli.ids, show=progress, description=kind, unit="file")
    for i, name in enumerate(names):
        path = folder / f"{name}.mat"
        with explained(path):
            for points, times in read_mat(path, scanpaths):
                x, y = points.T
                columns.add(x, y, i, n_scanpaths, **{"t" if mouse else "index": times})
                n_scanpaths += 1
    return columns.fixations(len(stimuli))


def _fixations_from_json(path: Path, stimuli: Stimuli) -> Fixations:
    """Read annotations, whose ``fixations`` are [row, column], counted from 1."""
    numbers = {name: i for i, name in enumerate(stimuli.ids)}
    columns = Columns("index")
    with explained(path):
        document = json.loads(path.read_text("utf-8"))
        names = {image["id"]: Path(image["file_name"]).stem for image in document["images"]}
        for n, annotation in enumerate(document["annotations"]):
            y, x = np.reshape(annotation["fixations"], (-1, 2)).T - 1.0
            i = numbers[names[annotation["image_id"]]]
            columns.add(x, y, i, n, index=np.arange(y.size))
    return columns.fixations(len(stimuli))
