"""COCO-FreeView and COCO-Search18: the same images, looked at freely and searched."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from salmetrics.datasets.description import Description
from salmetrics.datasets.reading import Columns, Found, explained, images_in, placed, stimuli_of
from salmetrics.errors import InputError, check_choice
from salmetrics.io.downloads import file_digest

__all__ = ["read_freeview", "read_search18"]

_OF_SEARCH = ("task", "target_present", "correct", "reaction_time")
_SPLITS = {"train": "train", "valid": "validation", "validation": "validation", "test": "test"}


def read_freeview(folder: Path, description: Description, *, part: str = "train") -> Found:
    """Read one part.

    Parameters
    ----------
    part
        "train", "validation", or "test", which has images alone: those of no other part.
    """
    check_choice("part", part, ("train", "validation", "test"))
    trials = _trials(placed(folder, description.files[2].holds, description))
    return _found(folder, description, trials, part, search=False)


def read_search18(folder: Path, description: Description, *, part: str = "train") -> Found:
    """Read one part.

    Parameters
    ----------
    part
        "train" or "validation".
    """
    check_choice("part", part, ("train", "validation"))
    train = placed(folder, description.files[2].holds, description)
    present = (train, train.with_name(train.name.replace("_train_", "_validation_")))
    absent = placed(folder, description.files[3].holds, description)
    trials = [trial for path in (*present, absent) for trial in _trials(path)]
    return _found(folder, description, trials, part, search=True)


def _trials(path: Path) -> list[dict[str, Any]]:
    with explained(path):
        found = json.loads(path.read_text("utf-8"))
        named = [(trial["name"], trial["split"]) for trial in found]
        for trial in found:
            trial["file"] = path
    unknown = sorted({split for _, split in named} - set(_SPLITS))
    if unknown:
        raise InputError(f"{str(path)!r} has trials of split {unknown[0]!r}")
    trials: list[dict[str, Any]] = found
    return trials


def _found(
    folder: Path,
    description: Description,
    trials: list[dict[str, Any]],
    part: str,
    *,
    search: bool,
) -> Found:
    images = _images(folder, description)
    if part == "test":
        seen = {trial["name"] for trial in trials}
        names = [name for name in images if name not in seen]
        trials = []
    else:
        trials = [trial for trial in trials if _SPLITS[trial["split"]] == part]
        names = sorted({trial["name"] for trial in trials})
    lost = [name for name in names if name not in images]
    if lost:
        raise InputError(f"{len(lost)} images of {description.title} are missing: {lost[0]!r} ...")
    stimuli = stimuli_of(
        [images[name] for name in names],
        description,
        ids=[Path(name).stem for name in names],
    )
    numbers = {name: i for i, name in enumerate(names)}
    columns = Columns("index", "duration", *(_OF_SEARCH if search else ()))
    for trial in trials:
        with explained(trial["file"]):
            _add(columns, trial, numbers[trial["name"]], search=search)
    return Found(stimuli, columns.fixations(len(stimuli)), part)


def _add(columns: Columns, trial: dict[str, Any], image: int, *, search: bool) -> None:
    more: dict[str, Any] = {}
    if search:
        seconds = trial.get("RT")
        more = {
            "task": trial["task"],
            "target_present": trial["condition"] == "present",
            "correct": bool(trial["correct"]),
            "reaction_time": math.nan if seconds is None else seconds / 1000,
        }
    more |= {"index": np.arange(len(trial["X"])), "duration": np.array(trial["T"]) / 1000}
    columns.add(trial["X"], trial["Y"], image, int(trial["subject"]), **more)


def _images(folder: Path, description: Description) -> dict[str, Path]:
    """Return the images by name, sorted; one that several tasks have must be the same."""
    found: dict[str, Path] = {}
    for source in description.files[:2]:
        for path in images_in(placed(folder, source.holds, description), "*/*.jpg"):
            first = found.setdefault(path.name, path)
            if first is not path and file_digest(first, "md5") != file_digest(path, "md5"):
                raise InputError(f"{str(first)!r} and {str(path)!r} should be one image")
    return dict(sorted(found.items()))
