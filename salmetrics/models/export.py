"""Predictions of a model on disk, in any form that maps are read from; interrupted runs go on."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.array_types import Kind
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

__all__ = ["export_predictions"]

_EXACT = (".mat", ".npy")  # files that hold numbers as they are
_CHUNK = 16  # predictions that are kept together until the file is written

Array = NDArray[Any]


def export_predictions(
    model: Any,
    stimuli: Stimuli,
    path: str | Path,
    *,
    kind: Kind | None = None,
    files: str = ".npy",
    bits: int = 16,
    dtype: str = "float32",
    progress: bool = True,
) -> Path:
    """Write a model's predictions for all images into a new folder or file.

    What is predicted already is kept beside it, in ``<path>.partial``, until all is done; the same
    call goes on from there after an interruption, and makes the same file.

    Parameters
    ----------
    model
        Anything that `as_model` takes. Densities are written as their natural log.
    stimuli
        The images; maps are named by their ids.
    path
        A folder, or a file ending in .zip, .tar, .tar.gz, .h5, .npz, .mat (a cell array
        ``results``, in the order of the images) or .json (SALICON's form, PNGs of 8 bits). HDF5
        says what it holds, and pysaliency reads it; beside densities in other forms is a note
        that they are (``salmetrics.json`` in folders and archives). A .mat file is made in memory,
        and holds 2 GiB a map at most.
    kind
        What a function or raw arrays give; see `as_model`.
    files
        The kind of files in a folder or archive: ".npy" and ".mat" hold numbers as they are;
        ".png", ".tif" and ".jpg" hold a saliency map scaled to grey levels, from its minimum
        to its maximum; uint8 maps stay as they are in 8 bits.
    bits
        8 or 16, of .png and .tif.
    dtype
        "float32" or "float64", of numbers.
    progress
        Show a bar on standard error when it takes more than two seconds.

    Returns
    -------
    The path.

    Raises
    ------
    InputError
        If the path exists or can't be written, the form can't hold what the model gives, or a
        prediction is none.
    """
    target = Path(path)
    store = store_suffix(target)
    check_choice("suffix of path", store, STORE_SUFFIXES)
    check_choice("files", files, WRITTEN_SUFFIXES)
    check_choice("bits", bits, (8, 16))
    check_choice("dtype", dtype, ("float32", "float64"))
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
        "form": [store in (*HOLDS_FILES, ".json"), files, bits, dtype],
        "version": version("salmetrics"),
    }
    kept = Checkpoint(partial, model_name(predictor), conditions)
    if target.exists():
        _check_finished(target, partial, kept, len(stimuli))
        shutil.rmtree(partial)
        return target

    def encoded(array: Array) -> Array:
        exact = store in HOLDS_ARRAYS or (store in HOLDS_FILES and files in _EXACT)
        numbers = _as_type(array, dtype) if exact else array
        if store in HOLDS_ARRAYS:
            return numbers
        form = (".png", 8) if store == ".json" else (files, bits)
        return np.frombuffer(encode_map(numbers, *form), np.uint8)

    attributes = {
        "kind": "log_density" if holds == "density" else "saliency_map",
        "model": model_name(predictor),
    }
    _predict(predictor, stimuli, kept, encoded, progress=progress)
    with _writing():
        write_maps(target, _items(names, kept), attributes)
    shutil.rmtree(partial)
    return target


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"predictions can't be written: {error.strerror or error}. What is predicted is kept "
            "beside them; the same call goes on from there"
        ) from error


def _check_finished(target: Path, partial: Path, kept: Checkpoint, n: int) -> None:
    """Let a run end that was stopped after the target was written, and before the rest was gone."""
    if any(kept.load(_chunk_name(c)) is None for c in range(len(_chunks(n)))):
        raise InputError(
            f"{str(target)!r} exists already; name a new one, or remove it, and {str(partial)!r}"
        )


def _as_type(array: Array, dtype: str) -> Array:
    with np.errstate(over="ignore"):
        numbers = array.astype(dtype)
    if (np.isinf(numbers) & np.isfinite(array)).any():
        raise InputError(f"the map has values that {dtype} does not hold; use dtype='float64'")
    return numbers


def _check_density(model: DensityModel, store: str, files: str) -> None:
    if model.without_maps is not None or model.subject_dependent:
        why = model.without_maps or "its predictions depend on the subject"
        raise InputError(f"{model_name(model)} can't be exported: {why}")
    if store == ".json" or (store in HOLDS_FILES and files not in _EXACT):
        raise InputError(
            f"{model_name(model)} gives densities, and grey levels are no probabilities: use "
            "files='.npy', or a path ending in .h5"
        )


def _predict(
    model: Model, stimuli: Stimuli, kept: Checkpoint, encoded: Any, *, progress: bool
) -> None:
    """Predict what is not kept yet, chunk by chunk."""
    from tqdm import tqdm

    chunks = _chunks(len(stimuli))
    missing = [c for c in range(len(chunks)) if kept.load(_chunk_name(c)) is None]
    left = stimuli[[i for c in missing for i in chunks[c]]]
    made = predictions_of(model, left)
    with tqdm(
        total=len(stimuli),
        initial=len(stimuli) - len(left),
        delay=2,
        disable=not progress,
        desc="predicting",
        unit="image",
    ) as bar:
        for c in missing:
            arrays = {}
            for i in chunks[c]:
                arrays[str(i)] = encoded(next(made))
                bar.update()
            with _writing():
                kept.save(_chunk_name(c), arrays)


def _items(names: Sequence[str], kept: Checkpoint) -> Iterator[tuple[str, Array]]:
    for c, chunk in enumerate(_chunks(len(names))):
        arrays = kept.load(_chunk_name(c))
        assert arrays is not None  # written a moment ago
        for i in chunk:
            yield names[i], arrays[str(i)]


def _chunks(n: int) -> list[list[int]]:
    return [list(range(first, min(first + _CHUNK, n))) for first in range(0, n, _CHUNK)]


def _chunk_name(c: int) -> str:
    return f"maps-{c:06d}"


def _names(stimuli: Stimuli, store: str, files: str) -> list[str]:
    """Return what each image's map is called."""
    if store == ".json":
        return _numbers(stimuli.ids)
    for name in stimuli.ids:
        parts = name.split("/")
        if not all(parts) or any(p.startswith(".") or set(p) & set("\\\0") for p in parts):
            raise InputError(
                f"image id {name!r} is no name of a file in a folder; give the stimuli other ids"
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
    """Return the numbers at the end of ids, by which SALICON knows images."""
    found = [re.search(r"[0-9]+$", without_image_suffix(name)) for name in ids]
    numbers = [str(int(digits.group())) if digits else "" for digits in found]
    counts = Counter(numbers)
    odd = [name for name, n in zip(ids, numbers, strict=True) if not n or counts[n] > 1]
    if odd:
        raise InputError(
            f"SALICON knows images by the number at the end of their name; {len(odd)} of "
            f"{len(ids)} have none, or one that another has, the first is {odd[0]!r}"
        )
    return numbers
