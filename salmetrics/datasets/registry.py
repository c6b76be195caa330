"""Registered data sets by name: got, unpacked, read once, kept."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from salmetrics.data.dataset import Dataset
from salmetrics.data.hdf5 import read_hdf5, write_hdf5
from salmetrics.datasets.description import Description, described
from salmetrics.datasets.getting import Getting, named_archives
from salmetrics.datasets.reading import Found, place
from salmetrics.errors import InputError, check_choice
from salmetrics.fingerprint import fingerprint
from salmetrics.io.downloads import cache_folder

__all__ = ["get", "info", "load", "names"]

_READERS = {
    "cat2000-test": "images_only:read_cat2000_test",
    "cat2000-train": "cat2000:read",
    "coco-freeview": "coco:read_freeview",
    "coco-search18": "coco:read_search18",
    "figrim": "figrim:read",
    "mit1003": "mit1003:read",
    "mit300": "images_only:read_mit300",
    "osie": "osie:read",
    "pascal-s": "pascal_s:read",
    "salicon": "salicon:read",
    "toronto": "toronto:read",
}
_READ = 1  # counts changes of what readers make of files


def names() -> list[str]:
    """Return the names of all data sets, sorted."""
    return sorted(_READERS)


def info(name: str) -> Description:
    """Return what is known of a data set without its files.

    Examples
    --------
    >>> info("mit1003").pixels_per_degree
    35.0
    """
    check_choice("name", name, names())
    return described(name)


def load(
    name: str,
    root: str | Path | None = None,
    *,
    download: bool = True,
    archive: str | Path | Sequence[str | Path] | None = None,
    check: bool = True,
    cache: bool | None = None,
    progress: bool = True,
    **options: Any,
) -> Dataset:
    """Load a data set; get what is missing of it.

    Parameters
    ----------
    name
        One of `names`.
    root
        Its folder, unpacked by hand in any usual way, or filled by this function; by default the
        one of its name in SALMETRICS_DATA, or ``salmetrics/datasets`` in the user's cache folder.
    download
        Whether files that are missing are got from the web.
    archive
        Files that are got already, called as on the web; they are unpacked into `root`.
    check
        Whether files with other checksums, and other counts of images and fixations, are errors;
        warnings else, as hosts do pack files anew.
    cache
        Whether what is read is kept in an HDF5 file in `root`, and read from there the next time;
        by default where this function filled the folder.
    progress
        Show bars on standard error when something takes more than two seconds.
    **options
        Which part or version: see ``salmetrics datasets info NAME``.

    Returns
    -------
    Images, and fixations; those off their image are dropped, and counted in
    ``info["dropped_outside"]``. Pixels count from 0, durations and times are in seconds.

    Raises
    ------
    InputError
        If files are missing and can't be got, are damaged, or hold something else.
    """
    chosen = _chosen(name, options)
    getting = _getting(name, root, archive, web=download, check=check, progress=progress)
    _get(getting, chosen)
    description = getting.description
    folder = getting.folder
    reader, finish = _reader(name)
    of_reader = {key: value for key, value in chosen.items() if key in signature(reader).parameters}
    of_finish = {key: value for key, value in chosen.items() if key not in of_reader}
    keep = getting.filled_here if cache is None else cache
    kept = _kept_file(getting, chosen, of_reader)
    dataset = _read_kept(kept) if keep else None
    is_kept = dataset is not None
    if dataset is None:
        shown = {"progress": progress} if "progress" in signature(reader).parameters else {}
        dataset = _placed(reader(folder, description, **of_reader, **shown), description)
    _check_counts(dataset, description, check=check)
    if keep and not is_kept:
        _keep(dataset, kept, getting)
    return finish(dataset, **of_finish)


def get(
    name: str,
    root: str | Path | None = None,
    *,
    archive: str | Path | Sequence[str | Path] | None = None,
    check: bool = True,
    progress: bool = True,
    **options: Any,
) -> Path:
    """Get and unpack the files of a data set, and return their folder; arguments as of `load`."""
    getting = _getting(name, root, archive, web=True, check=check, progress=progress)
    _get(getting, _chosen(name, options))
    return getting.folder


def options_of(name: str) -> dict[str, Any]:
    """Return the options of a data set, and their usual values."""
    found: dict[str, Any] = {}
    for function in _reader(name):
        for option in signature(function).parameters.values():
            if option.kind is option.KEYWORD_ONLY and option.name != "progress":
                found[option.name] = option.default
    return found


def _getting(
    name: str,
    root: str | Path | None,
    archive: str | Path | Sequence[str | Path] | None,
    *,
    web: bool,
    check: bool,
    progress: bool,
) -> Getting:
    description = info(name)
    folder = default_root(name) if root is None else Path(root)
    archives = named_archives(archive, description)
    return Getting(description, folder, archives, web=web, check=check, progress=progress)


def _get(getting: Getting, options: Mapping[str, Any]) -> None:
    for source in getting.description.files:
        if source.needed(options):
            getting.get(source)


def _reader(name: str) -> tuple[Callable[..., Found], Callable[..., Dataset]]:
    """Return what reads files, and what makes the rest of what was read."""
    module_name, _, function = _READERS[name].partition(":")
    module = import_module(f"salmetrics.datasets.{module_name}")
    return getattr(module, function), getattr(module, "finish", _as_read)


def _as_read(dataset: Dataset) -> Dataset:
    return dataset


def _chosen(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    check_choice("name", name, names())
    usual = options_of(name)
    for option in options:
        if not usual:
            raise InputError(f"{name} has no options; got {option!r}")
        check_choice(f"option of {name}", option, sorted(usual))
    return usual | dict(options)


def default_root(name: str) -> Path:
    """Return the folder where a data set is kept, unless another is given."""
    given = os.environ.get("SALMETRICS_DATA")
    return (Path(given) if given else cache_folder() / "datasets") / name


def _kept_file(getting: Getting, options: Mapping[str, Any], of_reader: Mapping[str, Any]) -> Path:
    """Where what is read is kept: other options, files, facts and readers have other files."""
    description = getting.description
    files = []
    for source in description.files:
        path = place(getting.folder, source.holds)
        if path is not None and source.needed(options):
            status = path.stat()
            files.append([source.name, status.st_size, status.st_mtime_ns])
    facts = [description.facts(), description.pixels_per_degree, description.sigma]
    which = fingerprint(sorted((key, repr(value)) for key, value in of_reader.items()))
    what = fingerprint([_READ, files, facts])
    return getting.folder / f"{description.name}-{which[:8]}-{what[:8]}.h5"


def _read_kept(path: Path) -> Dataset | None:
    """Return what was kept; None if it isn't there, or can't be read."""
    if not path.exists():
        return None
    try:
        found = read_hdf5(path)
    except InputError as error:
        warnings.warn(f"{error}; it is made anew", stacklevel=3)
        return None
    return found if isinstance(found, Dataset) else None


def _keep(dataset: Dataset, path: Path, getting: Getting) -> None:
    """Keep a data set, in place of older versions; a full disk is no reason to lose it."""
    try:
        with getting.alone():
            write_hdf5(dataset, path)
            for older in path.parent.glob(f"{path.stem.rpartition('-')[0]}-*.h5"):
                if older != path:
                    older.unlink(missing_ok=True)
    except (InputError, OSError) as error:
        warnings.warn(f"what was read can't be kept: {error}", stacklevel=3)


def _placed(found: Found, description: Description) -> Dataset:
    """Drop fixations off their image, and say how many."""
    fixations = found.fixations.drop_outside(found.stimuli)
    facts = description.facts() | found.facts
    facts["dropped_outside"] = len(found.fixations) - len(fixations)
    facts["variant"] = found.variant
    return Dataset(description.name, found.stimuli, fixations, facts)


def _check_counts(dataset: Dataset, description: Description, *, check: bool) -> None:
    """Compare counts with those that are known."""
    variant = dataset.info["variant"]
    for what, expected in description.expected.get(variant, {}).items():
        found = _COUNTS[what](dataset)
        if found != expected:
            words = what.replace("recorded", "recorded fixations")
            text = f"{description.title} ({variant}) has {expected} {words}; there are {found}"
            if check:
                raise InputError(f"{text}. check=False takes it as it is")
            warnings.warn(text, stacklevel=3)


_COUNTS: dict[str, Callable[[Dataset], int]] = {
    "fixations": lambda dataset: len(dataset.fixations),
    "images": lambda dataset: len(dataset.stimuli),
    "recorded": lambda dataset: len(dataset.fixations) + int(dataset.info["dropped_outside"]),
    "subjects": lambda dataset: len(np.unique(dataset.fixations.subject)),
}
