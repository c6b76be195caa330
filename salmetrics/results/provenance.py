"""What a result rests on, as a record that travels with it."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.densities.smoothing import Smoothing
from salmetrics.errors import InputError
from salmetrics.fingerprint import fingerprint
from salmetrics.models.base import Model, model_name
from salmetrics.protocols import Protocol

__all__ = ["FORMAT", "differences", "plain", "provenance_of"]

FORMAT = 1
_PACKAGES = ("salmetrics", "numpy", "scipy", "numba", "torch", "POT")
_INCIDENTAL = (
    "created",
    "gold_standard",
    "joined",
    "models",
    "n_predictions",
)  # differ without moving a score


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
) -> dict[str, Any]:
    """Record everything that a table of scores depends on, as JSON can hold it."""
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
    }


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """List what differs between two records and may move a score: "protocol.choices.sigma: ..."."""
    ours, theirs = _flat(first), _flat(second)
    return [
        f"{key}: {ours.get(key)!r} and {theirs.get(key)!r}"
        for key in sorted(set(ours) | set(theirs))
        if key.split(".")[0] not in _INCIDENTAL and ours.get(key) != theirs.get(key)
    ]


@cache  # looking all of them up takes 10 ms
def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # an optional one
    return found


def _described(model: Model) -> dict[str, Any]:
    """Name, class and parameters of a model."""
    return {
        "name": model_name(model),
        "class": f"{type(model).__module__}.{type(model).__qualname__}",
        "parameters": plain(dict(getattr(model, "parameters", {}))),
    }


def _digested(model: Model | None) -> dict[str, Any] | None:
    """Describe a model that others are compared with, and digest its whole state."""
    if model is None:
        return None
    try:
        digest = fingerprint(model)
    except InputError:  # such as one that holds a file open; a checkpoint would refuse it
        digest = None
    return _described(model) | {"fingerprint": digest}


def plain(value: Any) -> Any:
    """Bring NumPy's numbers, arrays and others to what JSON can hold; the rest becomes text."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(part) for part in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return plain(value.tolist())
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
