"""Export of predictions to folders, archives and files; interrupted exports resume."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

import numpy as np

from salmetrics.array_types import AnyArray, Kind
from salmetrics.data.stimuli import Stimuli
from salmetrics.errors import InputError, check_choice
from salmetrics.fingerprint import fingerprint
from salmetrics.io.checkpoint import Checkpoint
from salmetrics.io.files import check_target
from salmetrics.io.images import without_image_suffix
from salmetrics.io.map_files import WRITTEN_SUFFIXES, encode_map
from salmetrics.io.map_writing import (
    HOLDS_ARRAYS,
    HOLDS_FILES,
    STORE_SUFFIXES,
    store_suffix,
    write_maps,
)
from salmetrics.models.base import DensityModel, Model, model_name, predictions_of
from salmetrics.models.conversion import as_model
from salmetrics.models.empirical import EmpiricalMaps
from salmetrics.progress import progress_bar

__all__ = ["Bits", "Levels", "NumberType", "check_form", "export_predictions", "writes_numbers"]

Bits = Literal[8, 16]
Levels = Literal["range", "proportional"]
NumberType = Literal["float32", "float64"]

_EXACT = (".mat", ".npy")  # files that hold numbers unchanged
_CHUNK = 16  # predictions per part of the checkpoint


def export_predictions(
    model: Any,
    stimuli: Stimuli,
    path: str | Path,
    *,
    kind: Kind | None = None,
    files: str = ".npy",
    bits: Bits | None = None,
    dtype: NumberType = "float32",
    levels: Levels = "range",
    progress: bool = True,
) -> Path:
    """Write a model's predictions for all images into a new folder or file.

    Predictions are kept beside it, in ``<path>.partial``, until all images are done; after an
    interruption the same call resumes there, and writes the same file.

    Parameters
    ----------
    model
        Anything that `as_model` takes. Densities are written as their natural log.
    stimuli
        The images; maps are named by their ids.
    path
        Path of a folder, or of a file ending in .zip, .tar, .tar.gz, .h5, .npz, .mat (a cell array
        ``results``, in the order of the images) or .json (SALICON's format, PNGs of 8 bits). HDF5
        files record what they hold, and pysaliency reads them; in other formats a note records
        that maps are densities (``salmetrics.json`` in folders and archives). A .mat file is
        built in memory, and holds at most 2 GiB per map.
    kind
        What a function or raw arrays contain; see `as_model`.
    files
        Suffix of the files in a folder or archive: ".npy" and ".mat" hold numbers unchanged;
        ".png", ".tif" and ".jpg" hold a saliency map scaled to grey levels, from its minimum
        to its maximum; uint8 maps are written unchanged in 8 bits.
    bits
        Bits per pixel of .png and .tif files, 8 or 16, the default; other files have no choice.
    dtype
        Type of numbers, "float32" or "float64"; images hold none.
    levels
        What the grey levels of images span: "range", a map from its minimum to its maximum; or
        "proportional", from 0 to its maximum, so that they are the map up to a factor.
    progress
        Whether to show a bar on standard error once the export has taken two seconds.

    Returns
    -------
    path : Path
        The path.

    Raises
    ------
    InputError
        If the path exists or cannot be written, the format cannot hold the model's predictions, or
        a prediction is invalid.

    Examples
    --------
    >>> import tempfile
    >>> from salmetrics import GaussianCentreBias, Stimuli, as_model
    >>> stimuli = Stimuli.from_sizes([(3, 4), (5, 4)], ids=["a.jpg", "b.jpg"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = export_predictions(GaussianCentreBias(), stimuli, folder + "/maps.h5")
    ...     as_model(path, stimuli).log_density(stimuli[1]).shape
    (5, 4)
    """
    target = Path(path)
    store = store_suffix(target)
    check_choice("suffix of path", store, STORE_SUFFIXES)
    check_choice("files", files, WRITTEN_SUFFIXES)
    if bits is not None:
        check_choice("bits", bits, get_args(Bits))
    check_choice("dtype", dtype, get_args(NumberType))
    check_choice("levels", levels, get_args(Levels))
    if bits != 8:  # which holds the levels of uint8 maps in any file
        check_form(store, files, bits)
    bits = bits or 16
    predictor = as_model(model, stimuli, kind=kind)
    holds = "density" if isinstance(predictor, DensityModel) else "saliency map"
    if isinstance(predictor, DensityModel):
        _check_density(predictor, store, files)
    partial = target.with_name(target.name + ".partial")
    if target.exists() and not partial.exists():
        raise InputError(f"{str(target)!r} exists already; name a new one, or remove it")
    if not target.exists():
        check_target(target)
    names = _names(stimuli, store, files)
    conditions = {
        "model": fingerprint(predictor),
        "images": fingerprint([list(stimuli.ids), stimuli.sizes]),
        "pixels": stimuli.pixel_digest(),
        "form": [store in (*HOLDS_FILES, ".json"), files, bits, dtype, levels],
        "version": version("salmetrics"),
    }
    checkpoint = Checkpoint(partial, model_name(predictor), conditions)
    if target.exists():
        _check_finished(target, partial, checkpoint, len(stimuli))
        shutil.rmtree(partial)
        return target

    def encoded(array: AnyArray) -> AnyArray:
        numbers = _as_type(array, dtype) if writes_numbers(store, files) else array
        if store in HOLDS_ARRAYS:
            return numbers
        form = (".png", 8) if store == ".json" else (files, bits)
        data = encode_map(numbers, *form, from_zero=levels == "proportional")
        return np.frombuffer(data, np.uint8)

    attributes = {
        "kind": "log_density" if holds == "density" else "saliency_map",
        "model": model_name(predictor),
    }
    if isinstance(predictor, EmpiricalMaps):
        attributes |= {
            name: str(value)
            for name, value in predictor.parameters.items()
            if value is not None and not (name == "sigma" and predictor.smoothing.cycles)
        }
    _predict(predictor, stimuli, checkpoint, encoded, progress=progress)
    with _writing():
        write_maps(target, _items(names, checkpoint), attributes)
    shutil.rmtree(partial)
    return target


def check_form(store: str, files: str, bits: int | None) -> None:
    """Check that maps can be written with a number of bits per pixel.

    Parameters
    ----------
    store
        Suffix of the folder, archive or file, one of `salmetrics.io.map_writing.STORE_SUFFIXES`.
    files
        Suffix of the files in a folder or archive.
    bits
        Bits per pixel; None if they were not chosen.

    Raises
    ------
    InputError
        If the format has another number of bits, or holds numbers in place of grey levels.
    """
    if bits is None:
        return
    written = files if store in HOLDS_FILES else store
    if writes_numbers(store, files):
        holds = "numbers, as dtype= says"
    elif bits == 16 and (store == ".json" or files == ".jpg"):
        holds = "8 bits per pixel"
    else:
        return
    raise InputError(
        f"bits={bits} is not possible: {written} holds {holds}. Use a folder or archive of "
        "files='.png' or files='.tif', or leave out bits="
    )


def writes_numbers(store: str, files: str) -> bool:
    """Whether maps are written as numbers, and not as grey levels; see `check_form`."""
    return store in HOLDS_ARRAYS or (store in HOLDS_FILES and files in _EXACT)


@contextmanager
def _writing() -> Iterator[None]:
    """Turn errors of the disk into an `InputError` that says what is kept."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"predictions cannot be written: {error.strerror or error}. Finished predictions are "
            "kept beside them; the same call resumes there"
        ) from error


def _check_finished(target: Path, partial: Path, checkpoint: Checkpoint, n: int) -> None:
    """Check that the target was written, by a run stopped before it removed its checkpoint."""
    if any(checkpoint.load(_chunk_name(c)) is None for c in range(len(_chunks(n)))):
        raise InputError(
            f"{str(target)!r} exists already; name a new one, or remove it, and {str(partial)!r}"
        )


def _as_type(array: AnyArray, dtype: NumberType) -> AnyArray:
    """Convert numbers; `InputError` if some become infinite."""
    with np.errstate(over="ignore"):
        numbers = array.astype(dtype)
    if (np.isinf(numbers) & np.isfinite(array)).any():
        raise InputError(f"the map has values outside the range of {dtype}; use dtype='float64'")
    return numbers


def _check_density(model: DensityModel, store: str, files: str) -> None:
    """Raise `InputError` unless the format holds the log densities of a model."""
    if model.without_maps is not None or model.subject_dependent:
        why = model.without_maps or "its predictions depend on the subject"
        raise InputError(f"{model_name(model)} cannot be exported: {why}")
    if not writes_numbers(store, files):
        raise InputError(
            f"{model_name(model)} gives densities, and grey levels are not probabilities; use "
            "files='.npy', or a path ending in .h5"
        )


def _predict(
    model: Model,
    stimuli: Stimuli,
    checkpoint: Checkpoint,
    encoded: Callable[[AnyArray], AnyArray],
    *,
    progress: bool,
) -> None:
    """Predict, chunk by chunk, the images that the checkpoint does not hold."""
    chunks = _chunks(len(stimuli))
    missing = [c for c in range(len(chunks)) if checkpoint.load(_chunk_name(c)) is None]
    left = stimuli[[i for c in missing for i in chunks[c]]]
    predictions = predictions_of(model, left)
    with progress_bar(
        show=progress,
        total=len(stimuli),
        initial=len(stimuli) - len(left),
        description="predicting",
    ) as bar:
        for c in missing:
            arrays = {}
            for i in chunks[c]:
                arrays[str(i)] = encoded(next(predictions))
                bar.update()
            with _writing():
                checkpoint.save(_chunk_name(c), arrays)


def _items(names: Sequence[str], checkpoint: Checkpoint) -> Iterator[tuple[str, AnyArray]]:
    """Yield the name and the encoded prediction of each image, in order."""
    for c, chunk in enumerate(_chunks(len(names))):
        arrays = checkpoint.load(_chunk_name(c))
        assert arrays is not None  # written a moment ago
        for i in chunk:
            yield names[i], arrays[str(i)]


def _chunks(n: int) -> list[list[int]]:
    """Divide the numbers of n images into runs of `_CHUNK`."""
    return [list(range(first, min(first + _CHUNK, n))) for first in range(0, n, _CHUNK)]


def _chunk_name(c: int) -> str:
    return f"maps-{c:06d}"


def _names(stimuli: Stimuli, store: str, files: str) -> list[str]:
    """Return the name of each image's map in the store."""
    if store == ".json":
        return _numbers(stimuli.ids)
    for name in stimuli.ids:
        parts = name.split("/")
        if not all(parts) or any(p.startswith(".") or set(p) & set("\\\0") for p in parts):
            raise InputError(
                f"image id {name!r} cannot name a file in a folder; give the stimuli other ids"
            )
    folders = {str(above) for name in stimuli.ids for above in PurePosixPath(name).parents}
    if store in HOLDS_ARRAYS:
        # pysaliency looks for the names of files
        names = [
            s.id + s.path.suffix
            if s.path is not None and s.path.stem == PurePosixPath(s.id).name
            else s.id
            for s in stimuli
        ]
    else:
        plain = [without_image_suffix(name) for name in stimuli.ids]
        counts = Counter(plain)
        names = [
            (stem if counts[stem] == 1 else name) + files
            for stem, name in zip(plain, stimuli.ids, strict=True)
        ]
    for name in names:
        if name in folders:
            raise InputError(f"image id {name!r} would be a file and a folder; give it another id")
    return names


def _numbers(ids: Sequence[str]) -> list[str]:
    """Return the numbers at the end of ids, by which SALICON identifies images."""
    matches = [re.search(r"[0-9]+$", without_image_suffix(name)) for name in ids]
    numbers = [str(int(digits.group())) if digits else "" for digits in matches]
    counts = Counter(numbers)
    odd = [name for name, n in zip(ids, numbers, strict=True) if not n or counts[n] > 1]
    if odd:
        raise InputError(
            f"SALICON identifies images by the number at the end of their id; {len(odd)} of "
            f"{len(ids)} ids have no such number or share it, the first is {odd[0]!r}"
        )
    return numbers
