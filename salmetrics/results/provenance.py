"""Provenance: everything that a result depends on, as a record that travels with it."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.densities.smoothing import Smoothing
from salmetrics.errors import InputError
from salmetrics.fingerprint import class_path, fingerprint
from salmetrics.models.base import Model, model_name
from salmetrics.protocols import Protocol

__all__ = ["FORMAT", "differences", "plain", "provenance_of", "same_model"]

# 1 recorded the modules of our classes, and its fingerprints of models depended on them
FORMAT = 2
_PACKAGES = ("salmetrics", "numpy", "scipy", "numba", "torch", "POT")
# parts of a record that may differ without moving a score
_INCIDENTAL = (
    "checks",
    "created",
    "format",
    "gold_standard",
    "joined",
    "models",
    "n_predictions",
)
_LEFT_OUT = "dataset.left_out"  # what is left is in the digest of the fixations


def provenance_of(
    stimuli: Stimuli,
    fixations: Fixations,
    protocol: Protocol,
    *,
    models: Mapping[str, Model],
    baseline: Model | None,
    gold_standard: Model | None = None,
    empirical: Model | None = None,
    smoothing: Smoothing | None = None,
    seed: int,
    n_bootstrap: int,
    n_predictions: int,
    checks: Sequence[str] = (),
) -> dict[str, Any]:
    """Record everything that a table of scores depends on, in types that JSON has.

    Parameters
    ----------
    stimuli, fixations
        What was shown and where people looked.
    protocol
        Every choice, metrics included.
    models
        By name.
    baseline, gold_standard, empirical
        What predictions are compared with, if anything.
    smoothing
        How empirical maps are blurred.
    seed
        Seed of all random draws.
    n_bootstrap
        Number of resamples per confidence interval.
    n_predictions
        Number of maps that the models predicted, all together.
    checks
        What is odd about the inputs, a line each.
    """
    return {
        "format": FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "packages": {"python": platform.python_version(), **_versions()},
        "protocol": {
            "name": protocol.name,
            "version": protocol.version,
            "choices": {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in dataclasses.asdict(protocol).items()
                if name not in ("name", "version")
            },
        },
        "baseline": _digested(baseline),
        "gold_standard": _digested(gold_standard),
        "empirical": _digested(empirical),
        "smoothing": None if smoothing is None else plain(dataclasses.asdict(smoothing)),
        "dataset": {
            "name": stimuli.name,
            "n_images": len(stimuli),
            "n_fixations": len(fixations),
            "left_out": dict(fixations.left_out),
            "ids": fingerprint(list(stimuli.ids)),
            "sizes": fingerprint(stimuli.sizes),
            "fixations": fingerprint(
                [fixations.x, fixations.y, fixations.image, fixations.subject]
            ),
        },
        "models": {name: _described(model) for name, model in models.items()},
        "seed": seed,
        "n_bootstrap": n_bootstrap,
        "n_predictions": n_predictions,
        "checks": list(checks),
    }


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """List what differs between two records and may move a score: "protocol.choices.sigma: ...".

    Records of any format are compared: classes of this project by their names, wherever they are
    defined, and fingerprints of models only if they were made in the same format.
    """
    return [
        f"{key}: {ours!r} and {theirs!r}"
        for key, ours, theirs in _different(first, second)
        if key.split(".")[0] not in _INCIDENTAL and not key.startswith(_LEFT_OUT)
    ]


def same_model(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether two records, of any format, describe the same model."""
    return not _different(first, second)


def plain(value: Any) -> Any:
    """Convert NumPy's numbers, arrays and others to types that JSON has; the rest becomes text."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(part) for part in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return plain(value.tolist())
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


@cache  # looking all of them up takes 10 ms
def _versions() -> dict[str, str]:
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue  # an optional one
    return versions


def _described(model: Model) -> dict[str, Any]:
    """Return name, class and parameters of a model."""
    return {
        "name": model_name(model),
        "class": class_path(type(model)),
        "parameters": plain(dict(getattr(model, "parameters", {}))),
    }


def _digested(model: Model | None) -> dict[str, Any] | None:
    """Describe a model that others are compared with, and digest its whole state."""
    if model is None:
        return None
    try:
        digest = f"{FORMAT}:{fingerprint(model)}"
    except InputError:  # such as one that holds a file open; a checkpoint would refuse it
        digest = None
    return _described(model) | {"fingerprint": digest}


def _different(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """List the key and both values of everything that differs and can be compared."""
    ours, theirs = _flat(_with_class_paths(first)), _flat(_with_class_paths(second))
    pairs = [(key, ours.get(key), theirs.get(key)) for key in sorted(set(ours) | set(theirs))]
    return [
        (key, mine, other)
        for key, mine, other in pairs
        if mine != other and not (key.endswith("fingerprint") and _other_formats(mine, other))
    ]


def _other_formats(first: str | None, second: str | None) -> bool:
    """Whether two fingerprints of models exist and were made in different formats."""
    if first is None or second is None:
        return False
    return _format_of(first) != _format_of(second)


def _format_of(digest: str) -> str:
    """Return the format of a model's fingerprint; those of format 1 do not name it."""
    return digest.rpartition(":")[0] or "1"


def _with_class_paths(value: Any, key: str = "") -> Any:
    """Return a record whose classes are as `class_path` has them."""
    if isinstance(value, Mapping):
        return {name: _with_class_paths(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_class_paths(part) for part in value]
    return class_path(value) if key == "class" and isinstance(value, str) else value


def _flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
