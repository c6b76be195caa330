"""MIT1003: 1003 photographs, 15 subjects; fixations from raw gaze."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.dataset import Dataset
from salmetrics.data.transforms import resize as resized
from salmetrics.datasets.description import Description
from salmetrics.datasets.judd import RATE, fixation_table
from salmetrics.datasets.reading import (
    Columns,
    Found,
    bar,
    each,
    folders_in,
    images_in,
    placed,
    read_mat,
    stimuli_of,
)
from salmetrics.errors import InputError, check_choice, some

__all__ = ["finish", "read"]

_ONE_SIZE = (768, 1024)
_LONGEST_NAME = 63  # characters of a variable, in MATLAB


def read(
    folder: Path,
    description: Description,
    *,
    size: tuple[int, int] | None = None,
    initial_fixation: bool = False,
    replace_invalid_initial: bool = False,
    progress: bool = True,
) -> Found:
    """Read images, and find fixations in the gaze of all subjects.

    Parameters
    ----------
    size
        (768, 1024): only the 463 images of this size, as of DeepGaze I.
    initial_fixation
        Whether to keep the first fixation of each scanpath, which is where the subject was told to
        look.
    replace_invalid_initial
        Whether a first fixation that is invalid is replaced by one in the middle; always so where
        the first is dropped.
    """
    check_choice("size", size if size is None else tuple(size), (None, _ONE_SIZE))
    check_choice("initial_fixation", initial_fixation, (True, False))
    check_choice("replace_invalid_initial", replace_invalid_initial, (True, False))
    images = placed(folder, "ALLSTIMULI", description)
    stimuli = stimuli_of(images_in(images, "*.jpeg"), description, root=images)
    if size is not None:
        stimuli = stimuli[(stimuli.sizes == _ONE_SIZE).all(1)]
    recordings = placed(folder, "DATA", description)
    subjects = [path.name for path in folders_in(recordings)]
    missing = [
        f"{subject}/{name}.mat"
        for subject in subjects
        for name in stimuli.ids
        if not (recordings / subject / f"{name}.mat").is_file()
    ]
    if missing:
        raise InputError(f"{len(missing)} recordings of MIT1003 are missing: {some(missing)}")
    columns = Columns("t", "duration", "index")
    n_empty = 0
    for i, name in enumerate(bar(stimuli.ids, "gaze", progress)):
        height, width = (int(side) for side in stimuli.sizes[i])
        for subject in subjects:
            table = fixation_table(_gaze(recordings / subject / f"{name}.mat", name))
            if len(table) == 0 or np.isnan(table[:, 2:]).all():
                n_empty += 1
                continue
            x, y, t, duration = _scanpath(
                table, width, height, replace=replace_invalid_initial or not initial_fixation
            )
            kept = slice(None) if initial_fixation else slice(1, None)
            places = np.arange(x[kept].size)
            values = {"t": t[kept], "duration": duration[kept], "index": places}
            columns.add(x[kept], y[kept], i, subject, **values)
    words = (["onesize"] if size is not None else []) + (["initial"] if initial_fixation else [])
    facts = {"traces_without_fixations": n_empty}
    return Found(stimuli, columns.fixations(len(stimuli)), ", ".join(words) or "all", facts)


def finish(dataset: Dataset, *, resize: str | None = None) -> Dataset:
    """Bring images and fixations to other sizes.

    Parameters
    ----------
    resize
        "twosize": to 768 x 1024 or 1024 x 768, whichever is nearer, as for DeepGaze's training.
    """
    check_choice("resize", resize, (None, "twosize"))
    if resize is None:
        return dataset
    return resized(dataset, lambda size: (768, 1024) if size[0] < size[1] else (1024, 768))


def _gaze(path: Path, name: str) -> NDArray[np.float64]:
    """Return the gaze of a recording, shape (n, 2)."""

    def convert(file: dict[str, Any]) -> NDArray[np.float64]:
        record = each(file[name[:_LONGEST_NAME]].DATA)[0]
        return np.asarray(record.eyeData, dtype=np.float64).reshape(-1, 2)

    return read_mat(path, convert)


def _scanpath(
    table: NDArray[np.float64], width: int, height: int, *, replace: bool
) -> tuple[NDArray[np.float64], ...]:
    """Return x, y, t and duration in seconds of the valid fixations of a trace."""
    starts, ends, x, y = table.T
    duration = (ends - starts + 1) / RATE
    valid = (x > 0) & (x < width) & (y > 0) & (y < height)  # not so for NaN
    columns = (x[valid], y[valid], starts[valid] / RATE, duration[valid])
    if valid[0] or not replace:
        return columns
    middle = (0.5 * width, 0.5 * height, 0.0, duration[0])
    return tuple(np.r_[first, column] for first, column in zip(middle, columns, strict=True))
