"""MIT1003: 1003 photographs, 15 subjects; fixations from raw gaze."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from salmetrics.array_types import Array, Size
from salmetrics.data.dataset import Dataset
from salmetrics.data.transforms import resize as resized
from salmetrics.datasets.description import Description
from salmetrics.datasets.judd import RATE, fixation_table
from salmetrics.datasets.reading import (
    Columns,
    RawData,
    elements,
    folders_in,
    images_in,
    read_mat,
    require_path,
    stimuli_of,
)
from salmetrics.errors import InputError, check_choice, some
from salmetrics.progress import progress_bar

__all__ = ["finish", "read", "read_gaze"]

Resize = Literal["twosize"]

_ONE_SIZE = (768, 1024)
_LONGEST_NAME = 63  # characters, of a variable in MATLAB


def read(
    folder: Path,
    description: Description,
    *,
    size: Size | None = None,
    initial_fixation: bool = False,
    replace_invalid_initial: bool = False,
    progress: bool = True,
) -> RawData:
    """Read images, and detect fixations in the gaze of all subjects.

    Parameters
    ----------
    size
        (768, 1024) for only the 463 images of this size, as in DeepGaze I; None for all.
    initial_fixation
        Whether to keep the first fixation of each scanpath, which the subjects were instructed to
        make at the centre.
    replace_invalid_initial
        Whether an invalid first fixation is replaced by one at the centre; it always is where the
        first fixation is dropped.
    """
    check_choice("size", size if size is None else tuple(size), (None, _ONE_SIZE))
    check_choice("initial_fixation", initial_fixation, (True, False))
    check_choice("replace_invalid_initial", replace_invalid_initial, (True, False))
    images = require_path(folder, "ALLSTIMULI", description)
    stimuli = stimuli_of(images_in(images, "*.jpeg"), description, root=images)
    if size is not None:
        stimuli = stimuli[(stimuli.sizes == _ONE_SIZE).all(1)]
    recordings = require_path(folder, "DATA", description)
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
    names = progress_bar(stimuli.ids, show=progress, description="gaze", unit="file")
    for i, name in enumerate(names):
        height, width = (int(side) for side in stimuli.sizes[i])
        for subject in subjects:
            table = fixation_table(read_gaze(recordings / subject / f"{name}.mat", name))
            if len(table) == 0 or np.isnan(table[:, 2:]).all():
                n_empty += 1
                continue
            x, y, t, duration = _scanpath(
                table, width, height, replace=replace_invalid_initial or not initial_fixation
            )
            kept = slice(None) if initial_fixation else slice(1, None)
            index = np.arange(x[kept].size)
            further = {"t": t[kept], "duration": duration[kept], "index": index}
            columns.add(x[kept], y[kept], i, subject, **further)
    options = (["onesize"] if size is not None else []) + (["initial"] if initial_fixation else [])
    facts = {"traces_without_fixations": n_empty}
    return RawData(stimuli, columns.fixations(len(stimuli)), ", ".join(options) or "all", facts)


def finish(dataset: Dataset, *, resize: Resize | None = None) -> Dataset:
    """Resize the images, and move the fixations accordingly.

    Parameters
    ----------
    resize
        "twosize" for 768 x 1024 (landscape) or 1024 x 768 (portrait), as in DeepGaze's training;
        None for the original sizes.
    """
    check_choice("resize", resize, (None, *get_args(Resize)))
    if resize is None:
        return dataset
    return resized(dataset, lambda size: (768, 1024) if size[0] < size[1] else (1024, 768))


def read_gaze(path: Path, name: str) -> Array:
    """Return the gaze of a recording of image `name`, x and y in pixels, shape (n, 2)."""

    def convert(file: dict[str, Any]) -> Array:
        record = elements(file[name[:_LONGEST_NAME]].DATA)[0]
        return np.asarray(record.eyeData, dtype=np.float64).reshape(-1, 2)

    return read_mat(path, convert)


def _scanpath(table: Array, width: int, height: int, *, replace: bool) -> tuple[Array, ...]:
    """Return x, y, t and duration (pixels and seconds) of the valid fixations of a trace."""
    starts, ends, x, y = table.T
    duration = (ends - starts + 1) / RATE
    valid = (x > 0) & (x < width) & (y > 0) & (y < height)  # False for NaN
    columns = (x[valid], y[valid], starts[valid] / RATE, duration[valid])
    if valid[0] or not replace:
        return columns
    centre = (0.5 * width, 0.5 * height, 0.0, duration[0])
    return tuple(np.r_[first, column] for first, column in zip(centre, columns, strict=True))
