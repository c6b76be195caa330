"""Checkpoints: finished chunks of arrays in a folder, checksummed and written atomically.

A folder holds one sub-folder per computation and set of conditions, with a manifest of the
conditions and one file per chunk. Files are written under a temporary name and renamed, so a chunk
exists completely or not at all; a file whose checksum is wrong counts as missing. Two processes
that do the same work write the same files.
"""

from __future__ import annotations

import hashlib
import io
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.errors import InputError, why_not_written
from salmetrics.io.files import replacing

__all__ = ["Checkpoint", "NoCheckpointError"]

FORMAT = 2  # increased when chunks or the digests in conditions change; 1 digested module paths
_MAGIC = b"salmetrics chunk 1\n"


class NoCheckpointError(InputError):
    """A folder that cannot hold a checkpoint, because a disk is full for example."""


class Checkpoint:
    """Chunks of one computation.

    Parameters
    ----------
    folder
        Folder of the checkpoint, created if missing; it may hold chunks of other computations.
    name
        Name of the computation, such as a model's name.
    conditions
        Everything that the results depend on, serialisable as JSON. Chunks computed under other
        conditions are neither used nor removed; a warning names the conditions that differ.

    Raises
    ------
    NoCheckpointError
        If the folder is not writable, or is a file.
    InputError
        If the folder holds the same computation in another format.
    """

    def __init__(self, folder: Path, name: str, conditions: Mapping[str, Any]) -> None:
        self.name = name
        self.conditions = json.loads(json.dumps(conditions, sort_keys=True))
        text = json.dumps([FORMAT, name, self.conditions], sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        plain = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[:60]
        self._folder = folder / f"{plain}-{digest}"
        if folder.exists() and not folder.is_dir():
            raise NoCheckpointError(f"checkpoint must be a folder; {str(folder)!r} is a file")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            is_new = not (self._folder / "manifest.json").exists()
            if is_new:
                self._check_format(folder)
                self._warn_of_others(folder)
            self._folder.mkdir(exist_ok=True)
            if is_new:
                manifest = {"format": FORMAT, "name": name, "conditions": self.conditions}
                _write(self._folder / "manifest.json", json.dumps(manifest, indent=1).encode())
        except OSError as error:
            raise NoCheckpointError(
                f"checkpoint {str(folder)!r} cannot be written: {why_not_written(error)}"
            ) from error

    def load(self, chunk: str) -> dict[str, NDArray[Any]] | None:
        """Return the arrays of a chunk; None if it is missing, or damaged (with a warning)."""
        path = self._folder / f"{chunk}.chunk"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        head, body = data[: len(_MAGIC) + 65], data[len(_MAGIC) + 65 :]
        if head != _MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n":
            warnings.warn(
                f"chunk {str(path)!r} is damaged and will be computed again", stacklevel=2
            )
            return None
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return dict(arrays)

    def save(self, chunk: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write the arrays of a chunk."""
        body = io.BytesIO()
        np.savez(body, allow_pickle=False, **dict(arrays))
        data = body.getvalue()
        checksum = hashlib.sha256(data).hexdigest().encode()
        path = self._folder / f"{chunk}.chunk"
        try:
            _write(path, _MAGIC + checksum + b"\n" + data)
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error

    def _warn_of_others(self, folder: Path) -> None:
        """Warn if the folder holds the same computation under other conditions."""
        manifests = sorted(folder.glob("*/manifest.json"), key=lambda path: path.stat().st_mtime)
        for path in reversed(manifests):
            try:
                other = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue  # of another program, or an incomplete copy
            if isinstance(other, dict) and other.get("name") == self.name:
                before = other.get("conditions", {})
                changed = sorted(
                    key
                    for key in set(before) | set(self.conditions)
                    if before.get(key) != self.conditions.get(key)
                )
                if changed:
                    warnings.warn(
                        f"checkpoint {str(folder)!r} has {self.name} with another "
                        f"{', '.join(changed)}; starting from scratch in a new folder",
                        stacklevel=4,
                    )
                return

    def _check_format(self, folder: Path) -> None:
        """Raise `InputError` if the folder holds the same computation in another format."""
        for path in sorted(folder.glob("*/manifest.json")):
            try:
                other = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if not isinstance(other, dict) or other.get("name") != self.name:
                continue
            if other.get("format") != FORMAT:
                conditions = other.get("conditions", {})
                by = conditions.get("salmetrics") or conditions.get("version") or "another version"
                raise InputError(
                    f"checkpoint {str(folder)!r} has {self.name} in format {other.get('format')}, "
                    f"written by salmetrics {by}; this version resumes format {FORMAT} only: name "
                    "a new folder, or remove this one"
                )


def _write(path: Path, data: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(data)
