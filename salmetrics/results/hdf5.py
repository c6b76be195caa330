"""Evaluations in HDF5 files.

Layout: attributes `salmetrics`, `format`, `id`, a digest of record and scores, and `digest`, one of
everything but values per fixation, which have checksums of their own; data set `record`, JSON
with `provenance`, `reasons`, `failures` and `ids`; group `cells` (`image`, `subject`,
`counts`, `subjects`, and `of_fixation` if every fixation was kept); group `attributes`, one data
set per attribute of the images; group `columns`, one data set per column of the fixations, if every
fixation was kept; group `scores`, one group per model and metric with attributes
`model` and `metric` and the data sets `images` (one value per image), or `sums` (over cells) and
`fixations` (float32, one value per fixation).

Records inside have a format of their own; see `salmetrics.results.provenance`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from salmetrics.array_types import AnyArray, Array
from salmetrics.errors import InputError, check_choice
from salmetrics.io.damage import reading
from salmetrics.io.files import check_target, replacing
from salmetrics.io.hdf5_values import as_text, restored, storable
from salmetrics.io.own_files import open_ours
from salmetrics.metrics.registry import METRICS
from salmetrics.protocols import protocol_from_record
from salmetrics.results.provenance import FORMAT as RECORD_FORMAT
from salmetrics.results.scores import Key, Scores
from salmetrics.statistics.cells import Cells

__all__ = ["FORMAT", "check_parts", "read_evaluation", "write_evaluation"]

FORMAT = 1
_CELLS = ("image", "subject", "counts", "subjects")


def write_evaluation(
    path: Path,
    record: Mapping[str, Any],
    scores: Scores,
    attributes: Mapping[str, AnyArray],
    keys: Sequence[Key],
    columns: Mapping[str, AnyArray] | None = None,
) -> None:
    """Write an evaluation to a file, atomically.

    Parameters
    ----------
    path
        Path of the file; an existing file is replaced.
    record
        Provenance and ids, serialisable as JSON.
    scores
        Values, reasons and failures.
    attributes
        Attributes of the images by name.
    keys
        Pairs (model, metric) in order.
    columns
        Columns of the fixations by name.

    Raises
    ------
    InputError
        If the folder does not exist or is not writable.
    """
    import h5py

    check_target(path)
    try:
        # in memory, because HDF5 ends the process if the disk is full when it closes a file
        with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
            _fill(file, record, scores, attributes, keys)
            for name, values in (columns or {}).items():
                file.create_dataset(f"columns/{name}", data=storable(values), compression="gzip")
            file.flush()
            contents = file.id.get_file_image()
        with replacing(path) as temporary:
            temporary.write_bytes(contents)
    except PermissionError as error:
        raise InputError(f"{str(path)!r} is not writable: {error.strerror}") from error


def read_evaluation(
    path: Path,
) -> tuple[dict[str, Any], Scores, dict[str, AnyArray], Mapping[str, AnyArray]]:
    """Read an evaluation from a file; values per fixation only when they are needed.

    Parameters
    ----------
    path
        Path of the file.

    Returns
    -------
    record, scores, attributes, columns : tuple
        See `write_evaluation`.

    Raises
    ------
    InputError
        If there is no such file, or it holds something else.
    """
    with open_ours(path, "evaluation", FORMAT) as file:
        parts = _filled(file, path)
        names = tuple(file.get("columns", ()))
        return *parts, _LazyColumns(path, as_text(file.attrs["id"]), names)


class _LazyColumns(Mapping[str, AnyArray]):
    """Columns of the fixations by name, in a file."""

    def __init__(self, path: Path, identity: str, names: tuple[str, ...]) -> None:
        self._path = path.resolve()
        self._identity = identity
        self._names = names

    def __getitem__(self, name: str) -> AnyArray:
        if name not in self._names:
            raise KeyError(name)
        with _same_file(self._path, self._identity, "columns of the fixations") as file:
            return restored(file["columns"][name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@contextmanager
def _same_file(path: Path, identity: str, what: str) -> Iterator[Any]:
    """Open the file that a result was loaded from, if it is still the same."""
    import h5py

    what = f"{what} are in {str(path)!r}, which"
    with reading(what, "is no longer readable"), h5py.File(path, "r") as file:
        if as_text(file.attrs.get("id", "")) != identity:
            raise InputError(f"{str(path)!r} has been replaced since it was loaded; load it again")
        yield file


def check_parts(
    record: Mapping[str, Any], scores: Scores, attributes: Mapping[str, AnyArray]
) -> None:
    """Check that the parts of an evaluation belong together.

    Parameters
    ----------
    record, scores, attributes
        See `read_evaluation`.

    Raises
    ------
    InputError
        If the record or a metric is newer than this version.
    ValueError
        If a part is missing, or has the wrong length.
    """
    provenance, n_images = record["provenance"], len(record["ids"])
    if provenance["format"] > RECORD_FORMAT:
        raise InputError(
            f"the record of the evaluation has format {provenance['format']}, newer than this "
            f"version of salmetrics knows ({RECORD_FORMAT}); update salmetrics"
        )
    metrics = protocol_from_record(provenance["protocol"]).metrics
    images = {key: scores.values[key] for key in scores.values if key not in scores.sums}
    for key in ((model, metric) for model in provenance["models"] for metric in metrics):
        check_choice("metric", key[1], METRICS)
        if key not in scores.sums and key not in images:
            raise ValueError(f"there is no {key[1]} of {key[0]!r}")
    cells = scores.cells
    if cells.of_fixation is not None and not set(scores.sums) <= set(scores.values):
        raise ValueError("values per fixation are missing")
    for name, array, length in (
        ("cells", cells.subject, cells.image.size),
        ("cells", cells.counts, cells.image.size),
        *(("sums", values, cells.image.size) for values in scores.sums.values()),
        *(("values", values, n_images) for values in images.values()),
    ):
        if array.shape != (length,):
            raise ValueError(f"{name} have the shape {array.shape}, not ({length},)")
    for name, values in attributes.items():
        if values.shape[:1] != (n_images,):
            raise ValueError(f"there are {values.shape} values of {name!r} for {n_images} images")
    for name, codes, end in (
        ("image", cells.image, n_images),
        ("subject", cells.subject, cells.subjects.size),
        ("of_fixation", cells.of_fixation, cells.image.size),
    ):
        if codes is not None and codes.size and not 0 <= codes.min() <= codes.max() < end:
            raise ValueError(f"{name} of the cells is not from 0 to {end - 1}")


class _LazyValues(Mapping[Key, Array]):
    """Values by key: those per image in memory, those per fixation in a file."""

    def __init__(
        self,
        path: Path,
        identity: str,
        n_fixations: int,
        groups: dict[Key, str],
        images: dict[Key, Array],
    ) -> None:
        self._path = path.resolve()
        self._identity = identity
        self._n_fixations = n_fixations
        self._groups = groups
        self._images = images

    def __getitem__(self, key: Key) -> Array:
        if key in self._images:
            return self._images[key]
        group = self._groups[key]
        with _same_file(self._path, self._identity, "values per fixation") as file:
            values = np.asarray(file[group]["fixations"], dtype=np.float64)
            if values.shape != (self._n_fixations,):
                raise ValueError(f"there are {values.shape} of {self._n_fixations}")
            return values

    def __iter__(self) -> Iterator[Key]:
        return iter([*self._images, *self._groups])

    def __len__(self) -> int:
        return len(self._images) + len(self._groups)


def _fill(
    file: Any,
    record: Mapping[str, Any],
    scores: Scores,
    attributes: Mapping[str, AnyArray],
    keys: Sequence[Key],
) -> None:
    file.attrs["salmetrics"] = "evaluation"
    file.attrs["format"] = FORMAT
    whole = {
        **record,
        "reasons": [[*key, why] for key, why in scores.reasons.items()],
        "failures": [[m, i, why] for (m, i), why in scores.failures.items()],
    }
    record_text = json.dumps(whole)
    digest = hashlib.sha256(record_text.encode())
    file["record"] = record_text  # a data set: attributes hold no more than 64 kB
    cells = file.create_group("cells")
    for name in _CELLS[:3]:
        cells[name] = getattr(scores.cells, name)
    cells["subjects"] = storable(scores.cells.subjects)
    if scores.cells.of_fixation is not None:
        cells.create_dataset(
            "of_fixation", data=scores.cells.of_fixation.astype(np.int32), compression="gzip"
        )
    for name, values in attributes.items():
        file[f"attributes/{name}"] = storable(values)
    for number, key in enumerate(keys):
        group = file.create_group(f"scores/{number:06d}")
        group.attrs["model"], group.attrs["metric"] = key
        numbers = scores.sums if key in scores.sums else scores.values
        digest.update(np.ascontiguousarray(numbers[key]).tobytes())
        if key not in scores.sums:
            group["images"] = scores.values[key]
            continue
        group["sums"] = scores.sums[key]
        if key in scores.values:
            group.create_dataset(
                "fixations",
                data=scores.values[key].astype(np.float32),
                compression="gzip",
                shuffle=True,
            )
    file.attrs["id"] = digest.hexdigest()[:32]
    file.attrs["digest"] = _digest_of_rest(scores.cells, attributes, file.attrs["id"])


def _digest_of_rest(cells: Cells, attributes: Mapping[str, AnyArray], identity: str) -> str:
    """Digest cells and attributes, and by their digest record and scores."""
    digest = hashlib.sha256(identity.encode())
    parts = {f"cells/{name}": getattr(cells, name) for name in _CELLS}
    if cells.of_fixation is not None:
        parts["cells/of_fixation"] = cells.of_fixation.astype(np.int64)
    parts |= {f"attributes/{name}": values for name, values in attributes.items()}
    for name in sorted(parts):
        array = np.asarray(parts[name])
        is_text = array.dtype.kind in "UOST"
        content = "\0".join(map(str, array.tolist())).encode() if is_text else array.tobytes()
        digest.update(f"{name} {array.shape} ".encode() + content)
    return digest.hexdigest()[:32]


def _filled(file: Any, path: Path) -> tuple[dict[str, Any], Scores, dict[str, AnyArray]]:
    text = file["record"][()]
    record = json.loads(text)
    digest = hashlib.sha256(text if isinstance(text, bytes) else text.encode())
    cells = file["cells"]
    restored_cells = Cells.from_arrays(
        image=cells["image"][()],
        subject=cells["subject"][()],
        counts=cells["counts"][()],
        subjects=restored(cells["subjects"]),
        of_fixation=cells["of_fixation"][()].astype(np.int64) if "of_fixation" in cells else None,
    )
    sums, images, groups = {}, {}, {}
    for name, group in file["scores"].items():
        key = as_text(group.attrs["model"]), as_text(group.attrs["metric"])
        if "images" in group:
            images[key] = numbers = group["images"][()]
        else:
            sums[key] = numbers = group["sums"][()]
            if "fixations" in group:
                groups[key] = f"scores/{name}"
        digest.update(np.ascontiguousarray(numbers).tobytes())
    attributes = {name: restored(values) for name, values in file.get("attributes", {}).items()}
    identity = as_text(file.attrs["id"])
    rest = _digest_of_rest(restored_cells, attributes, identity)
    if identity != digest.hexdigest()[:32] or as_text(file.attrs.get("digest", rest)) != rest:
        raise ValueError("its content does not have the digest that was stored with it")
    n_fixations = 0 if restored_cells.of_fixation is None else restored_cells.of_fixation.size
    scores = Scores(
        restored_cells,
        values=_LazyValues(path, identity, n_fixations, groups, images),
        sums=sums,
        reasons={(m, k): why for m, k, why in record.pop("reasons")},
        failures={(m, i): why for m, i, why in record.pop("failures")},
    )
    return record, scores, attributes
