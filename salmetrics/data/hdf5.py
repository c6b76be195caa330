"""Data sets in HDF5 files, exchangeable with pysaliency in both directions.

Layout of a data set: attributes `salmetrics` ("dataset"), `format`, `name` and `info` (JSON), and
groups `stimuli` and `fixations`; stimuli or fixations alone are at the top of their file. Both have
pysaliency's attributes `type`, `version` and `__attributes__` (JSON), and:

- stimuli in files (`type` "FileStimuli"): data sets `filenames`, relative to the HDF5 file, and
  `shapes`; stimuli with pixels ("Stimuli"): data sets `0`, `1`, ..., and attribute `size`; stimuli
  with sizes alone ("salmetrics sizes"): neither. All have data sets `ids` and `sizes` (n, 2), a
  group `attributes` with one data set per attribute of the images, links to these by their names,
  and attributes `pixels_per_degree`, `sigma` and `name` if known.
- fixations ("Fixations"): a group `columns` with one data set per column, and attributes
  `n_images`, `order` (JSON, names of the columns) and, unless empty, `left_out` (JSON, numbers by
  reason) and `notes` (JSON, list of texts). For pysaliency there are links to them as `x`, `y`, `n`
  and by their own names, `subjects` (numbers), `t` (NaN if unknown), and `x_hist`, `y_hist`,
  `t_hist` (n, m): the earlier fixations of the same scanpath, if there is a column `index`.
"""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.dataset import Dataset
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.errors import InputError, check_choice
from salmetrics.io.damage import reading
from salmetrics.io.files import check_file, check_target, replacing
from salmetrics.io.hdf5_values import as_text, check_format, restored, storable
from salmetrics.io.images import as_pixels
from salmetrics.io.own_files import HDF5_SUFFIXES

__all__ = ["FORMAT", "ImageStorage", "read_hdf5", "write_hdf5"]

ImageStorage = Literal["link", "copy"]

FORMAT = 1
_PYSALIENCY_NAMES = ("n", "subjects", "t", "t_hist", "x", "x_hist", "y", "y_hist")
_SIZES = "salmetrics sizes"


def write_hdf5(
    data: Dataset | Stimuli | Fixations, path: str | Path, *, images: ImageStorage = "link"
) -> None:
    """Write a data set, or stimuli or fixations alone, to an HDF5 file, atomically.

    pysaliency reads stimuli and fixations from such files: ``pysaliency.read_hdf5(path)``, and from
    a data set ``pysaliency.read_hdf5(h5py.File(path)["stimuli"])``.

    Parameters
    ----------
    data
        Data set, stimuli or fixations.
    path
        Path of the file, replaced if it exists.
    images
        Storage of images that are files: "link" stores their paths relative to this file; "copy"
        stores their pixels, so that the file is self-contained.

    Raises
    ------
    InputError
        If the folder does not exist or is not writable, the name ends in the suffix of another
        format, an image is not readable, or HDF5 does not
        support the type of a column.
    TypeError
        If `data` has another type.

    Examples
    --------
    >>> import tempfile
    >>> stimuli = Stimuli.from_sizes([(30, 40)])
    >>> dataset = Dataset("mine", stimuli, Fixations.from_arrays([10], [20], [0]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_hdf5(dataset, Path(folder) / "mine.h5")
    ...     read_hdf5(Path(folder) / "mine.h5")
    Dataset('mine', Stimuli(1 images, 40x30), Fixations(1 fixations, 1 images, 1 subjects))
    """
    import h5py

    check_choice("images", images, get_args(ImageStorage))
    if not isinstance(data, (Dataset, Fixations, Stimuli)):
        raise TypeError(f"data must be a Dataset, Stimuli or Fixations; got {type(data).__name__}")
    target = check_target(path, HDF5_SUFFIXES)
    try:
        # in memory, because HDF5 ends the process if the disk is full when it closes a file
        with h5py.File(target, "w", driver="core", backing_store=False) as file:
            if isinstance(data, Dataset):
                file.attrs["salmetrics"] = "dataset"
                file.attrs["format"] = FORMAT
                file.attrs["name"] = data.name
                file.attrs["info"] = json.dumps(data.info, default=str)
                _write_stimuli(file.create_group("stimuli"), data.stimuli, images)
                _write_fixations(file.create_group("fixations"), data.fixations)
            elif isinstance(data, Stimuli):
                _write_stimuli(file, data, images)
            else:
                _write_fixations(file, data)
            file.flush()
            contents = file.id.get_file_image()
        with replacing(target) as temporary:
            temporary.write_bytes(contents)
    except OSError as error:
        raise InputError(f"{str(target)!r} cannot be written: {error.strerror or error}") from error
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{str(target)!r} cannot be written, because HDF5 does not support part of it (a "
            f"column of dates? a name with '/'?): {error}"
        ) from error


def read_hdf5(path: str | Path, *, n_images: int | None = None) -> Dataset | Stimuli | Fixations:
    """Read a file that `write_hdf5` wrote, or stimuli or fixations that pysaliency wrote.

    Parameters
    ----------
    path
        Path of the file, from which pixels are read on demand.
    n_images
        Number of images of fixations that pysaliency wrote; the largest index plus one by default.

    Returns
    -------
    data : Dataset, Stimuli or Fixations
        The content of the file. Scanpaths of pysaliency become rows with the columns ``scanpath``
        and ``index`` (place in the scanpath, from 0); histories of single fixations become
        ``index``.

    Raises
    ------
    InputError
        If the file does not exist, its format is newer than this version of salmetrics, or it does
        not hold a data set.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_hdf5(Fixations.from_arrays([10, 3], [20, 4], [0, 1]), Path(folder) / "mine.h5")
    ...     read_hdf5(Path(folder) / "mine.h5")
    Fixations(2 fixations, 2 images, 1 subjects)
    """
    import h5py

    source = check_file(path)
    with (
        reading(repr(str(source)), "cannot be read as a data set"),
        h5py.File(source, "r") as file,
    ):
        if as_text(file.attrs.get("salmetrics", "")) != "dataset":
            return _read_part(file, source, n_images)
        check_format(file, source, FORMAT)
        return Dataset(
            as_text(file.attrs["name"]),
            _read_stimuli(file["stimuli"], source),
            _read_fixations(file["fixations"], n_images),
            json.loads(file.attrs["info"]),
        )


def _read_part(file: Any, source: Path, n_images: int | None) -> Stimuli | Fixations:
    kind = as_text(file.attrs.get("type", ""))
    if "format" in file.attrs and as_text(file.attrs.get("salmetrics", "")) == kind:
        check_format(file, source, FORMAT)  # pysaliency's files have none
    if kind in ("FileStimuli", "Stimuli", _SIZES):
        return _read_stimuli(file, source)
    if kind == "Fixations":
        return _read_fixations(file, n_images)
    if kind == "FixationTrains":
        return _read_scanpaths(file, n_images)
    holds = as_text(file.attrs.get("salmetrics", "")) or kind or "no data set"
    raise InputError(
        f"{str(source)!r} is an HDF5 file, but holds {holds}; expected a data set, stimuli or "
        "fixations, written by salmetrics or pysaliency"
    )


# ---- stimuli


def _write_stimuli(group: Any, stimuli: Stimuli, images: str) -> None:
    import h5py

    paths = [stimulus.path for stimulus in stimuli]
    files = [path for path in paths if path is not None]
    if images == "link" and len(files) == len(paths) > 0:
        folder = Path(group.file.filename).absolute().parent
        relative = [os.path.relpath(file, folder) for file in files]
        _mark(group, "FileStimuli", "2.1")
        group.create_dataset("filenames", data=relative, dtype=h5py.string_dtype())
        shapes = group.create_dataset(
            "shapes", (len(stimuli),), dtype=h5py.vlen_dtype(np.dtype("int64"))
        )
        for i, size in enumerate(stimuli.sizes):
            shapes[i] = size
    elif any(stimulus.has_pixels for stimulus in stimuli):
        _mark(group, "Stimuli", "1.1")
        for i, stimulus in enumerate(stimuli):
            group.create_dataset(str(i), data=stimulus.image, compression="gzip")
    else:
        _mark(group, _SIZES, "1")
    group.attrs["size"] = len(stimuli)
    group["sizes"] = stimuli.sizes
    group.create_dataset("ids", data=list(stimuli.ids), dtype=h5py.string_dtype())
    attributes = group.create_group("attributes")
    for name, values in stimuli.attributes.items():
        attributes[name] = storable(values)
    _link(group, attributes, [])
    for name in ("pixels_per_degree", "sigma", "name"):
        if getattr(stimuli, name):
            group.attrs[name] = getattr(stimuli, name)


def _read_stimuli(group: Any, source: Path) -> Stimuli:
    kind = as_text(group.attrs["type"])
    n = int(group.attrs["size"])
    names = json.loads(as_text(group.attrs.get("__attributes__", "[]")))
    attributes = group["attributes"] if "attributes" in group else {n: group[n] for n in names}
    ids = [as_text(name) for name in group["ids"][()]] if "ids" in group else None
    facts: dict[str, Any] = {
        "attributes": {name: restored(values) for name, values in attributes.items()},
        "pixels_per_degree": group.attrs.get("pixels_per_degree"),
        "sigma": group.attrs.get("sigma"),
    }
    if kind == "FileStimuli":
        folder = source.absolute().parent
        files = [folder / as_text(name) for name in group["filenames"][()]]
        try:
            stimuli = Stimuli.from_files(files, ids=ids, **facts)
        except InputError as error:
            raise InputError(
                f"{str(source)!r} refers to image files by relative paths (images='copy' in "
                f"write_hdf5 stores the pixels instead), and one cannot be read: {error}"
            ) from error
    elif kind == _SIZES:
        stimuli = Stimuli.from_sizes(group["sizes"][()], ids, **facts)
    else:
        prefix = group.name.rstrip("/")
        loads = [partial(_read_pixels, source.absolute(), f"{prefix}/{i}") for i in range(n)]
        sizes = [group[str(i)].shape[:2] for i in range(n)]
        stimuli = Stimuli(loads, sizes, ids or [str(i) for i in range(n)], **facts)
    return stimuli.named(as_text(group.attrs.get("name", "")))


def _read_pixels(source: Path, name: str) -> NDArray[np.uint8]:
    import h5py

    with reading(f"image {name!r} in {str(source)!r}"), h5py.File(source, "r") as file:
        return as_pixels(file[name][()], f"{source}:{name}")


# ---- fixations


def _write_fixations(group: Any, fixations: Fixations) -> None:
    _mark(group, "Fixations", "1.0")
    columns = group.create_group("columns")
    for name, values in fixations.columns.items():
        columns.create_dataset(name, data=storable(values), **_packed(values))
    group.attrs["n_images"] = fixations.n_images
    group.attrs["order"] = json.dumps(list(fixations.columns))
    if fixations.left_out:
        group.attrs["left_out"] = json.dumps(dict(fixations.left_out))
    if fixations.notes:
        group.attrs["notes"] = json.dumps(fixations.notes)
    for theirs, ours in (("x", "x"), ("y", "y"), ("n", "image")):
        group[theirs] = columns[ours]
    if fixations.subject.dtype.kind in "biuf":
        group["subjects"] = columns["subject"]
    else:
        group["subjects"] = np.unique(fixations.subject.astype(str), return_inverse=True)[1]
    t = fixations.columns.get("t")
    times = t if t is not None and t.dtype.kind in "biuf" else np.full(len(fixations), np.nan)
    group["t"] = times
    for name, values in (("x", fixations.x), ("y", fixations.y), ("t", times)):
        history = _histories(fixations, values.astype(np.float64))
        group.create_dataset(f"{name}_hist", data=history, **_packed(history))
    _link(group, columns, ["subjects"], skipped=("image", "subject"))


def _histories(fixations: Fixations, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values of the earlier fixations of each scanpath, oldest first, then NaN."""
    n = len(fixations)
    index = fixations.columns.get("index")
    if index is None or index.dtype.kind not in "biuf" or n == 0:
        return np.full((n, 1), np.nan)
    keys = [fixations.columns.get("scanpath", fixations.image), fixations.subject, fixations.image]
    codes = [np.unique(key, return_inverse=True)[1] for key in keys]
    order = np.lexsort((index, *codes))
    starts = np.ones(n, dtype=bool)
    starts[1:] = np.any([code[order][1:] != code[order][:-1] for code in codes], axis=0)
    first = np.maximum.accumulate(np.where(starts, np.arange(n), 0))
    place = np.arange(n) - first
    histories = np.full((n, max(1, int(place.max()))), np.nan)
    for k in range(int(place.max())):
        later = place > k
        histories[order[later], k] = values[order[first[later] + k]]
    return histories


def _read_fixations(group: Any, n_images: int | None) -> Fixations:
    if "columns" in group:
        order = json.loads(group.attrs["order"])
        columns = {name: restored(group["columns"][name]) for name in order}
        fixations = Fixations.from_arrays(n_images=int(group.attrs["n_images"]), **columns)
        left_out = json.loads(as_text(group.attrs.get("left_out", "{}")))
        notes = json.loads(as_text(group.attrs.get("notes", "[]")))
        if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
            raise ValueError("notes must be a list of texts")
        return Fixations(fixations.columns, fixations.n_images, left_out, notes)
    names = [
        n for n in json.loads(as_text(group.attrs["__attributes__"])) if n not in _PYSALIENCY_NAMES
    ]
    columns = {name: restored(group[name]) for name in names if group[name].ndim == 1}
    t = group["t"][()]
    if not np.isnan(t).all():
        columns["t"] = t
    before = np.isfinite(group["x_hist"][()]).sum(1)
    if before.any():
        columns["index"] = before
    return _from_pysaliency(
        group["x"][()], group["y"][()], group["n"][()], group["subjects"], columns, n_images
    )


def _read_scanpaths(group: Any, n_images: int | None) -> Fixations:
    x, y, t = (group[f"train_{name}s"][()] for name in "xyt")
    scanpath, index = np.nonzero(~np.isnan(x))
    columns: dict[str, NDArray[Any]] = {"scanpath": scanpath, "index": index}
    if not np.isnan(t[scanpath, index]).all():
        columns["t"] = t[scanpath, index]
    per_scanpath, per_fixation = (
        group.get(name, {}) for name in ("scanpath_attributes", "scanpath_fixation_attributes")
    )
    renamed = json.loads(as_text(group.attrs.get("scanpath_attribute_mapping", "{}")))
    for name, values in per_scanpath.items():
        columns[renamed.get(name, name)] = restored(values)[scanpath]
    for name, values in per_fixation.items():
        columns[renamed.get(name, name)] = values[()][scanpath, index]
    for name in json.loads(as_text(group.attrs["__attributes__"])):
        if name in group and name not in columns and group[name].shape[:1] == index.shape:
            columns[name] = restored(group[name])
    subjects = restored(group["train_subjects"])[scanpath]
    images = group["train_ns"][()][scanpath]
    return _from_pysaliency(
        x[scanpath, index], y[scanpath, index], images, subjects, columns, n_images
    )


def _from_pysaliency(
    x: NDArray[Any],
    y: NDArray[Any],
    images: NDArray[Any],
    subjects: Any,
    columns: dict[str, NDArray[Any]],
    n_images: int | None,
) -> Fixations:
    free = {f"{n}_" if n in ("image", "subject", "n_images") else n: v for n, v in columns.items()}
    return Fixations.from_arrays(
        x,
        y,
        np.asarray(images).astype(np.int64),
        subject=subjects if isinstance(subjects, np.ndarray) else restored(subjects),
        n_images=n_images,
        **free,
    )


# ---- both


def _mark(group: Any, kind: str, version: str) -> None:
    group.attrs["salmetrics"] = kind
    group.attrs["format"] = FORMAT
    group.attrs["type"] = kind
    group.attrs["version"] = version


def _link(group: Any, parts: Any, listed: list[str], skipped: tuple[str, ...] = ()) -> None:
    """Link parts by their names, where these are free, so that pysaliency finds them."""
    free = [name for name in parts if name not in group and name not in skipped]
    for name in free:
        group[name] = parts[name]
    group.attrs["__attributes__"] = json.dumps([*listed, *free])


def _packed(values: NDArray[Any]) -> dict[str, Any]:
    """Return options that compress a data set of numbers; text and empty arrays have none."""
    return {"compression": "gzip"} if values.size and values.dtype.kind in "biuf" else {}
