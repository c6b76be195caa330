"""FIGRIM: a memory game with target and filler images."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from salmetrics.datasets.description import Description
from salmetrics.datasets.reading import (
    Columns,
    RawData,
    elements,
    images_in,
    read_mat,
    require_path,
    stimuli_of,
)
from salmetrics.errors import InputError, check_choice
from salmetrics.io.name_parts import natural_key

__all__ = ["read"]

Phase = Literal["encoding", "all"]

_VIEWS = ("enc", "rec", "rec2")
_SOURCES = {"Fillers": "allImages_fillers.mat", "Targets": "allImages_release.mat"}


def read(folder: Path, description: Description, *, phase: Phase = "encoding") -> RawData:
    """Read images and fixations.

    Ids are the published paths without suffix, such as "Targets/tower/sun_x", however the archives
    were unpacked.

    Parameters
    ----------
    phase
        "encoding", only the first view of each image, or "all".
    """
    check_choice("phase", phase, get_args(Phase))
    parts = {name: require_path(folder, name, description) for name in ("Fillers", "Targets")}
    named = [
        (f"{part}/{path.relative_to(base).as_posix()}", path)
        for part, base in parts.items()
        for path in images_in(base, "**/*.jpg")
    ]
    named.sort(key=lambda item: natural_key(item[0]))
    paths = [path for _, path in named]
    stimuli = stimuli_of(
        paths,
        description,
        ids=[name.removesuffix(".jpg") for name, _ in named],
        category=[path.parent.name for path in paths],
    )
    numbers = {name: i for i, (name, _) in enumerate(named)}
    columns = Columns("index", "phase", "response")
    for part, name in _SOURCES.items():
        source = require_path(folder, name, description)
        for image, subject, view, points, response in read_mat(source, _views):
            image = f"{part}/{image}"
            if image not in numbers:
                raise InputError(
                    f"{str(source)!r} has fixations on image {image!r}, which does not exist"
                )
            if phase == "encoding" and view != 0:
                continue
            further: dict[str, Any] = {
                "index": np.arange(len(points)),
                "phase": view,
                "response": response,
            }
            columns.add(points[:, 0], points[:, 1], numbers[image], subject, **further)
    return RawData(stimuli, columns.fixations(len(stimuli)), phase)


def _views(file: dict[str, Any]) -> list[tuple[str, int, int, Any, int]]:
    """Return image, subject, number of the view, points and response of each view."""
    views = []
    for image in elements(file["allImages"]):
        for subject, data in enumerate(elements(image.userdata)):
            if np.size(data.trial) == 0:  # the subject was not shown this image
                continue
            for view, name in enumerate(_VIEWS):
                points = np.asarray(getattr(data.fixations, name), dtype=np.float64)
                if points.size:
                    response = int(np.ravel(data.SDT)[view])
                    points = points.reshape(-1, points.shape[-1])[:, :2]
                    name = f"{image.category}/{image.filename}"
                    views.append((name, subject, view, points, response))
    return views
