"""OSIE: 700 photographs, 15 subjects, 3 seconds each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from salmetrics.dataset import Dataset
from salmetrics.datasets.description import read_description
from salmetrics.errors import InputError
from salmetrics.fixations import Fixations
from salmetrics.stimuli import Stimuli

__all__ = ["load_osie"]


def load_osie(root: str | Path) -> Dataset:
    """Load OSIE from a folder that holds ``stimuli/1001.jpg`` ... and ``eye/fixations.mat``.

    Parameters
    ----------
    root
        The data set's folder, or one that holds it as ``data``, as in the authors' repository.

    Returns
    -------
    Dataset with 700 images of 800x600, ids "1001" to "1700", and 98 321 fixations; besides
    positions, the fixations have ``duration`` (ms) and ``index`` (place in the scanpath, from 0).

    Raises
    ------
    InputError
        If files are missing, damaged, or hold other numbers of images or fixations.

    References
    ----------
    Xu, Jiang, Wang, Kankanhalli and Zhao (2014), Journal of Vision 14(1):28, doi:10.1167/14.1.28.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    facts = read_description("osie")
    folder = _data_folder(Path(root), facts)
    path = folder / "eye" / "fixations.mat"
    try:
        records = loadmat(path, squeeze_me=True, struct_as_record=False)["fixations"]
    except (MatReadError, ValueError, KeyError, OSError) as error:
        raise InputError(
            f"{str(path)!r} is not OSIE's fixations.mat ({error}); its MD5 should be "
            f"{facts['files']['data/eye/fixations.mat']['md5']}"
        ) from error
    names = [str(record.img) for record in records]
    missing = [name for name in names if not (folder / "stimuli" / name).is_file()]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(names)} OSIE images are missing from "
            f"{str(folder / 'stimuli')!r}, the first is {missing[0]!r}"
        )
    stimuli = Stimuli.from_files(
        [folder / "stimuli" / name for name in names],
        ids=[Path(name).stem for name in names],
        sigma=facts["sigma"],
    )
    fixations = _fixations(records)
    counts = {"images": len(stimuli), "fixations": len(fixations)}
    for what, count in counts.items():
        if count != facts[what]:
            raise InputError(f"{str(path)!r} holds {count} {what}; OSIE has {facts[what]}")
    return Dataset("osie", stimuli, fixations, facts)


def _data_folder(root: Path, facts: dict[str, Any]) -> Path:
    for folder in (root, root / "data"):
        if (folder / "eye" / "fixations.mat").is_file() and (folder / "stimuli").is_dir():
            return folder
    raise InputError(
        f"{str(root)!r} holds no OSIE: expected eye/fixations.mat and stimuli/1001.jpg ... in it. "
        f"Get them from {facts['homepage']}"
    )


def _fixations(records: Any) -> Fixations:
    """Put all subjects' scanpaths on all images into columns."""
    parts: dict[str, list[Any]] = {
        name: [] for name in ("x", "y", "image", "subject", "duration", "index")
    }
    for i, record in enumerate(records):
        for subject, scanpath in enumerate(record.subjects):
            x = np.atleast_1d(scanpath.fix_x).astype(np.float64)
            parts["x"].append(x)
            parts["y"].append(np.atleast_1d(scanpath.fix_y).astype(np.float64))
            parts["duration"].append(np.atleast_1d(scanpath.fix_duration).astype(np.float64))
            parts["image"].append(np.full(x.size, i))
            parts["subject"].append(np.full(x.size, subject))
            parts["index"].append(np.arange(x.size))
    columns = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    return Fixations.from_arrays(n_images=len(records), **columns)
