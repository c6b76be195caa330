"""Evaluations in HDF5 files.

Layout: attributes `salmetrics`, `format` and `id`, a digest of the rest; data set `record`, JSON
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
from salmetrics.errors import InputError
from salmetrics.io.files import check_target, replacing
from salmetrics.io.hdf5_values import restored, storable
from salmetrics.io.own_files import open_ours
from salmetrics.results.scores import Key, Scores
from salmetrics.statistics.cells import Cells

__all__ = ["FORMAT", "read_evaluation", "write_evaluation"]

FORMAT = 1


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
        return *parts, _LazyColumns(path, str(file.attrs.get("id", "")), names)


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

    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("id", "") == identity:
                yield file
                return
    except OSError as error:
        raise InputError(
            f"{what} are in {str(path)!r}, which is no longer readable: {error}"
        ) from error
    raise InputError(f"{str(path)!r} has been replaced since it was loaded; load it again")


class _LazyValues(Mapping[Key, Array]):
    """Values by key: those per image in memory, those per fixation in a file."""

    def __init__(
        self, path: Path, identity: str, groups: dict[Key, str], images: dict[Key, Array]
    ) -> None:
        self._path = path.resolve()
        self._identity = identity
        self._groups = groups
        self._images = images

    def __getitem__(self, key: Key) -> Array:
        if key in self._images:
            return self._images[key]
        with _same_file(self._path, self._identity, "values per fixation") as file:
            return np.asarray(file[self._groups[key]]["fixations"], dtype=np.float64)

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
    for name in ("image", "subject", "counts"):
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


def _filled(file: Any, path: Path) -> tuple[dict[str, Any], Scores, dict[str, AnyArray]]:
    record = json.loads(file["record"][()])
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
        key = str(group.attrs["model"]), str(group.attrs["metric"])
        if "images" in group:
            images[key] = group["images"][()]
        else:
            sums[key] = group["sums"][()]
            if "fixations" in group:
                groups[key] = f"scores/{name}"
    scores = Scores(
        restored_cells,
        values=_LazyValues(path, str(file.attrs.get("id", "")), groups, images),
        sums=sums,
        reasons={(m, k): why for m, k, why in record.pop("reasons")},
        failures={(m, i): why for m, i, why in record.pop("failures")},
    )
    attributes = {name: restored(values) for name, values in file.get("attributes", {}).items()}
    return record, scores, attributes
