"""COCO-FreeView and COCO-Search18: free viewing and visual search on the same images."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from salmetrics.datasets.description import Description
from salmetrics.datasets.reading import (
    Columns,
    RawData,
    explained,
    images_in,
    require_path,
    stimuli_of,
)
from salmetrics.errors import InputError, check_choice
from salmetrics.io.downloads import file_digest

__all__ = ["read_freeview", "read_search18"]

Part = Literal["train", "validation", "test"]
SearchPart = Literal["train", "validation"]

_SEARCH_COLUMNS = ("task", "target_present", "correct", "reaction_time")
_SPLITS = {"train": "train", "valid": "validation", "validation": "validation", "test": "test"}


def read_freeview(folder: Path, description: Description, *, part: Part = "train") -> RawData:
    """Read one part.

    Parameters
    ----------
    part
        "train", "validation", or "test": the images without published fixations.
    """
    check_choice("part", part, get_args(Part))
    trials = _trials(require_path(folder, description.files[2].holds, description))
    return _raw_data(folder, description, trials, part, search=False)


def read_search18(folder: Path, description: Description, *, part: SearchPart = "train") -> RawData:
    """Read one part.

    Parameters
    ----------
    part
        "train" or "validation".
    """
    check_choice("part", part, get_args(SearchPart))
    train = require_path(folder, description.files[2].holds, description)
    present = (train, train.with_name(train.name.replace("_train_", "_validation_")))
    absent = require_path(folder, description.files[3].holds, description)
    trials = [trial for path in (*present, absent) for trial in _trials(path)]
    return _raw_data(folder, description, trials, part, search=True)


def _trials(path: Path) -> list[dict[str, Any]]:
    with explained(path):
        trials: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
        named = [(trial["name"], trial["split"]) for trial in trials]
        for trial in trials:
            trial["file"] = path
    unknown = sorted({split for _, split in named} - set(_SPLITS))
    if unknown:
        raise InputError(
            f"{str(path)!r} has trials of split {unknown[0]!r}; expected {', '.join(_SPLITS)}"
        )
    return trials


def _raw_data(
    folder: Path,
    description: Description,
    trials: list[dict[str, Any]],
    part: str,
    *,
    search: bool,
) -> RawData:
    images = _images(folder, description)
    if part == "test":
        with_trials = {trial["name"] for trial in trials}
        names = [name for name in images if name not in with_trials]
        trials = []
    else:
        trials = [trial for trial in trials if _SPLITS[trial["split"]] == part]
        names = sorted({trial["name"] for trial in trials})
    missing = [name for name in names if name not in images]
    if missing:
        raise InputError(
            f"{len(missing)} images of {description.title} are missing: {missing[0]!r} ..."
        )
    stimuli = stimuli_of(
        [images[name] for name in names],
        description,
        ids=[Path(name).stem for name in names],
    )
    numbers = {name: i for i, name in enumerate(names)}
    columns = Columns("index", "duration", *(_SEARCH_COLUMNS if search else ()))
    for trial in trials:
        with explained(trial["file"]):
            _add(columns, trial, numbers[trial["name"]], search=search)
    return RawData(stimuli, columns.fixations(len(stimuli)), part)


def _add(columns: Columns, trial: dict[str, Any], image: int, *, search: bool) -> None:
    further: dict[str, Any] = {}
    if search:
        seconds = trial.get("RT")
        further = {
            "task": trial["task"],
            "target_present": trial["condition"] == "present",
            "correct": bool(trial["correct"]),
            "reaction_time": math.nan if seconds is None else seconds / 1000,
        }
    further |= {"index": np.arange(len(trial["X"])), "duration": np.array(trial["T"]) / 1000}
    columns.add(trial["X"], trial["Y"], image, int(trial["subject"]), **further)


def _images(folder: Path, description: Description) -> dict[str, Path]:
    """Return the images by name, sorted; images of several tasks with one name must be equal."""
    images: dict[str, Path] = {}
    for source in description.files[:2]:
        for path in images_in(require_path(folder, source.holds, description), "*/*.jpg"):
            first = images.setdefault(path.name, path)
            if first is not path and file_digest(first, "md5") != file_digest(path, "md5"):
                raise InputError(f"{str(first)!r} and {str(path)!r} must be the same image")
    return dict(sorted(images.items()))
