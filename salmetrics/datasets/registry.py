"""Data sets by name: downloaded, unpacked, read once and cached."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.resources import files
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from salmetrics.data.dataset import Dataset
from salmetrics.data.hdf5 import read_hdf5, write_hdf5
from salmetrics.datasets.description import Description, described
from salmetrics.datasets.getting import Getting, named_archives
from salmetrics.datasets.reading import RawData, find_path
from salmetrics.errors import InputError, check_choice
from salmetrics.fingerprint import fingerprint
from salmetrics.io.downloads import cache_folder

__all__ = ["default_root", "get", "info", "load", "names", "options_of"]

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
    "sample": "sample:read",
    "toronto": "toronto:read",
}
_READERS_VERSION = 2  # increased when a reader returns other data for the same files


def names() -> list[str]:
    """Return the names of all data sets.

    Returns
    -------
    names : list of str
        Names for `load`, sorted.

    Raises
    ------
    None
        The list is fixed.

    Examples
    --------
    >>> names()[:3]
    ['cat2000-test', 'cat2000-train', 'coco-freeview']
    """
    return sorted(_READERS)


def info(name: str) -> Description:
    """Return the facts about a data set that are known without its files.

    Parameters
    ----------
    name
        Name of the data set, one of `names`.

    Returns
    -------
    description : Description
        Title, licence, citation, files, expected counts and scale.

    Raises
    ------
    InputError
        If the name is unknown.

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
    """Load a data set, downloading the files that are missing.

    Parameters
    ----------
    name
        Name of the data set, one of `names`.
    root
        Folder of the data set, filled by this function or unpacked by hand in any usual layout; by
        default the folder of its name in SALMETRICS_DATA, or in ``salmetrics/datasets`` in the
        user's cache folder.
    download
        Whether missing files are downloaded.
    archive
        Paths of files that were downloaded before, under their published names; they are unpacked
        into `root`.
    check
        Whether other checksums of files, and other numbers of images and fixations, are errors;
        otherwise there are warnings, because hosts sometimes repack their files.
    cache
        Whether the data are cached in an HDF5 file in `root`; by default if this function filled
        the folder.
    progress
        Whether to show progress bars on standard error for steps of more than two seconds.
    **options
        Options of the data set, such as its part or version; see ``salmetrics datasets info NAME``.

    Returns
    -------
    dataset : Dataset
        Images, and the fixations on them; fixations off their image are dropped, and counted in
        ``info["dropped_outside"]``. Positions are in pixels from 0, durations and times in seconds.

    Raises
    ------
    InputError
        If an option is invalid, or files are damaged, of another content, or missing and cannot be
        downloaded.

    Examples
    --------
    >>> stimuli, fixations = load("toronto")  # doctest: +SKIP
    >>> stimuli  # doctest: +SKIP
    Stimuli(120 images, 681x511)
    """
    all_options = _with_defaults(name, options)
    getting = _getting(name, root, archive, web=download, check=check, progress=progress)
    _get(getting, all_options)
    description = getting.description
    read, finish = _reader(name)
    parameters = signature(read).parameters
    read_options = {key: value for key, value in all_options.items() if key in parameters}
    finish_options = {key: value for key, value in all_options.items() if key not in parameters}
    use_cache = getting.filled_here if cache is None else cache
    cache_file = _cache_file(getting, all_options, read_options)
    dataset = _read_cache(cache_file) if use_cache else None
    is_cached = dataset is not None
    if dataset is None:
        if "progress" in parameters:
            read_options["progress"] = progress
        raw = read(getting.folder, description, **read_options)
        dataset = _inside_images(raw, description)
    _check_counts(dataset, description, check=check)
    if use_cache and not is_cached:
        _write_cache(dataset, cache_file, getting)
    return finish(dataset, **finish_options)


def get(
    name: str,
    root: str | Path | None = None,
    *,
    archive: str | Path | Sequence[str | Path] | None = None,
    check: bool = True,
    progress: bool = True,
    **options: Any,
) -> Path:
    """Download and unpack the files of a data set.

    Parameters
    ----------
    name
        Name of the data set, one of `names`.
    root
        Folder of the data set; see `load`.
    archive
        Paths of files that were downloaded before, under their published names; they are unpacked
        into `root`.
    check
        Whether other checksums of files are errors; otherwise there are warnings.
    progress
        Whether to show progress bars on standard error for steps of more than two seconds.
    **options
        Options of the data set, which decide what files are needed.

    Returns
    -------
    folder : pathlib.Path
        Folder of the data set.

    Raises
    ------
    InputError
        If an option is invalid, or files are damaged or cannot be downloaded.

    Examples
    --------
    >>> get("toronto")  # doctest: +SKIP
    PosixPath('/home/me/.cache/salmetrics/datasets/toronto')
    """
    getting = _getting(name, root, archive, web=True, check=check, progress=progress)
    _get(getting, _with_defaults(name, options))
    return getting.folder


def options_of(name: str) -> dict[str, Any]:
    """Return the default values of the options of a data set, by name."""
    defaults: dict[str, Any] = {}
    for function in _reader(name):
        for option in signature(function).parameters.values():
            if option.kind is option.KEYWORD_ONLY and option.name != "progress":
                defaults[option.name] = option.default
    return defaults


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


def _reader(name: str) -> tuple[Callable[..., RawData], Callable[..., Dataset]]:
    """Return the function that reads the files, and the one applied to the data set afterwards."""
    module_name, _, function = _READERS[name].partition(":")
    module = import_module(f"salmetrics.datasets.{module_name}")
    return getattr(module, function), getattr(module, "finish", _unchanged)


def _unchanged(dataset: Dataset) -> Dataset:
    return dataset


def _with_defaults(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a data set, completed with default values."""
    check_choice("name", name, names())
    defaults = options_of(name)
    for option in options:
        if not defaults:
            raise InputError(f"{name} has no options; got {option!r}")
        check_choice(f"option of {name}", option, sorted(defaults))
    return defaults | dict(options)


def default_root(name: str) -> Path:
    """Return the default folder of a data set; one without files to get comes with the package."""
    if not described(name).files:
        return Path(str(files("salmetrics.datasets").joinpath(name)))
    folder = os.environ.get("SALMETRICS_DATA")
    return (Path(folder) if folder else cache_folder() / "datasets") / name


def _cache_file(
    getting: Getting, options: Mapping[str, Any], read_options: Mapping[str, Any]
) -> Path:
    """Return the path of the cache, which depends on options, files, facts and reader."""
    description = getting.description
    found = []
    for source in description.files:
        path = find_path(getting.folder, source.holds)
        if path is not None and source.needed(options):
            status = path.stat()
            found.append([source.name, status.st_size, status.st_mtime_ns])
    facts = [description.facts(), description.pixels_per_degree, description.sigma]
    variant = fingerprint(sorted((key, repr(value)) for key, value in read_options.items()))
    content = fingerprint([_READERS_VERSION, found, facts])
    return getting.folder / f"{description.name}-{variant[:8]}-{content[:8]}.h5"


def _read_cache(path: Path) -> Dataset | None:
    """Return the cached data set; None if there is none, or it is not readable."""
    if not path.exists():
        return None
    try:
        data = read_hdf5(path)
    except InputError as error:
        warnings.warn(f"{error}; the published files are read again", stacklevel=3)
        return None
    return data if isinstance(data, Dataset) else None


def _write_cache(dataset: Dataset, path: Path, getting: Getting) -> None:
    """Cache a data set in place of older versions; an error, such as a full disk, only warns."""
    try:
        with getting.alone():
            write_hdf5(dataset, path)
            for older in path.parent.glob(f"{path.stem.rpartition('-')[0]}-*.h5"):
                if older != path:
                    older.unlink(missing_ok=True)
    except (InputError, OSError) as error:
        warnings.warn(f"the data set cannot be cached: {error}", stacklevel=3)


def _inside_images(raw: RawData, description: Description) -> Dataset:
    """Return the data set without the fixations off their image, which are counted in `info`."""
    fixations = raw.fixations.drop_outside(raw.stimuli)
    facts = description.facts() | raw.facts
    facts["dropped_outside"] = len(raw.fixations) - len(fixations)
    facts["variant"] = raw.variant
    return Dataset(description.name, raw.stimuli, fixations, facts)


def _check_counts(dataset: Dataset, description: Description, *, check: bool) -> None:
    """Compare the numbers of images, subjects and fixations with the expected ones."""
    variant = dataset.info["variant"]
    for unit, expected in description.expected.get(variant, {}).items():
        actual = _COUNTS[unit](dataset)
        if actual != expected:
            noun = unit.replace("recorded", "recorded fixations")
            text = f"{description.title} ({variant}) has {expected} {noun}; there are {actual}"
            if check:
                raise InputError(f"{text}. check=False accepts it")
            warnings.warn(text, stacklevel=3)


_COUNTS: dict[str, Callable[[Dataset], int]] = {
    "fixations": lambda dataset: len(dataset.fixations),
    "images": lambda dataset: len(dataset.stimuli),
    "recorded": lambda dataset: len(dataset.fixations) + int(dataset.info["dropped_outside"]),
    "subjects": lambda dataset: len(np.unique(dataset.fixations.subject)),
}
