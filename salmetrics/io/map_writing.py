"""Maps written atomically into one folder, archive or file."""

from __future__ import annotations

import base64
import io
import itertools
import json
import os
import secrets
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.io.files import replacing
from salmetrics.io.map_stores import MARKER

__all__ = ["HOLDS_ARRAYS", "HOLDS_FILES", "STORE_SUFFIXES", "store_suffix", "write_maps"]

HOLDS_ARRAYS = (".h5", ".hdf5", ".mat", ".npz")
HOLDS_FILES = ("", ".tar", ".tar.gz", ".tgz", ".zip")  # "" is a folder
STORE_SUFFIXES = (*HOLDS_FILES, *HOLDS_ARRAYS, ".json")
FORMAT = 1

Items = Iterable[tuple[str, NDArray[Any]]]


def store_suffix(path: Path) -> str:
    """Return the suffix of a path, in lower case, as one of `STORE_SUFFIXES` if it is known."""
    name = path.name.lower()
    return ".tar.gz" if name.endswith(".tar.gz") else path.suffix.lower()


def write_maps(path: Path, items: Items, attributes: dict[str, str]) -> None:
    """Write maps.

    Parameters
    ----------
    path
        Path of the store; its suffix, one of `STORE_SUFFIXES`, decides the format. An existing
        file is replaced; a folder must not exist.
    items
        Pairs of a name and a map; for `HOLDS_FILES` and JSON, the bytes of a file as uint8 in
        place of the map.
    attributes
        Metadata of the store, with at least the key ``kind``.
    """
    suffix = store_suffix(path)
    marked = items
    says_more = attributes["kind"] != "saliency_map" or "protocol" in attributes
    if says_more and suffix in (*HOLDS_FILES, ".npz"):
        marker = np.frombuffer(json.dumps(attributes).encode(), np.uint8)
        marked = itertools.chain([(MARKER, marker)], items)
    if suffix == "":
        _write_folder(path, marked)
        return
    with replacing(path) as temporary:
        if suffix in (".h5", ".hdf5"):
            _write_hdf5(temporary, items, attributes)
        elif suffix == ".mat":
            _write_mat(temporary, items, attributes)
        else:
            _WRITERS[suffix](temporary, marked)


def _write_folder(path: Path, items: Items) -> None:
    temporary = path.with_name(f".{path.name[:40]}-{secrets.token_hex(6)}")
    try:
        temporary.mkdir()
        for name, data in items:
            file = temporary / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data.tobytes())
        os.replace(temporary, path)
    except BaseException:  # a KeyboardInterrupt, too, must leave no partial folder behind
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _write_zip(path: Path, items: Items) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in items:
            # without the current date, so that two exports of the same maps are equal
            archive.writestr(zipfile.ZipInfo(name), data.tobytes(), zipfile.ZIP_DEFLATED)


def _write_tar(path: Path, items: Items, mode: str = "w") -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in items:
            info = tarfile.TarInfo(name)
            info.size = data.size
            archive.addfile(info, io.BytesIO(data.tobytes()))


def _write_compressed_tar(path: Path, items: Items) -> None:
    _write_tar(path, items, "w:gz")


def _write_npz(path: Path, items: Items) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in items:
            if name == MARKER:
                archive.writestr(zipfile.ZipInfo(name), array.tobytes())
                continue
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def _write_hdf5(path: Path, items: Items, attributes: dict[str, str]) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["salmetrics"] = "predictions"
        file.attrs["format"] = FORMAT
        for key, value in attributes.items():
            file.attrs[key] = value
        for name, array in items:
            file.create_dataset(name, data=array, compression="gzip", compression_opts=1)


def _write_mat(path: Path, items: Items, attributes: dict[str, str]) -> None:
    from scipy.io import savemat

    named = list(items)
    cells, names = np.empty((1, len(named)), object), np.empty((1, len(named)), object)
    for i, (name, array) in enumerate(named):
        cells[0, i], names[0, i] = array, name
    kind = np.empty((1, 1), object)
    kind[0, 0] = attributes["kind"]
    variables = {"results": cells, "names": names, "kind": kind}
    savemat(path, variables, appendmat=False, do_compression=True)


def _write_json(path: Path, items: Items) -> None:
    with path.open("w", encoding="utf-8") as file:
        for i, (number, data) in enumerate(items):
            entry = {
                "image_id": int(number),
                "saliency_map": base64.b64encode(data.tobytes()).decode(),
            }
            file.write(f"{',' if i else '['}\n{json.dumps(entry)}")
        file.write("\n]\n")


_WRITERS: dict[str, Callable[[Path, Items], None]] = {
    ".json": _write_json,
    ".npz": _write_npz,
    ".tar": _write_tar,
    ".tar.gz": _write_compressed_tar,
    ".tgz": _write_compressed_tar,
    ".zip": _write_zip,
}
