"""What a result rests on, as a record that travels with it."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from salmetrics.fingerprint import fingerprint
from salmetrics.fixations import Fixations
from salmetrics.models.base import Model, model_name
from salmetrics.protocols import Protocol
from salmetrics.stimuli import Stimuli

__all__ = ["FORMAT", "differences", "provenance_of"]

FORMAT = 1
_PACKAGES = ("salmetrics", "numpy", "scipy", "numba", "torch", "POT")
_INCIDENTAL = ("created", "models", "n_predictions")  # differ without moving a score


def provenance_of(
    stimuli: Stimuli,
    fixations: Fixations,
    protocol: Protocol,
    *,
    models: Mapping[str, Model],
    baseline: Model | None,
    gold_standard: Model | None = None,
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
        "baseline": None if baseline is None else _described(baseline),
        "gold_standard": None if gold_standard is None else _described(gold_standard),
        "dataset": {
            "name": stimuli.name,
            "n_images": len(stimuli),
            "n_fixations": len(fixations),
            "ids": fingerprint(list(stimuli.ids)),
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
    return {
        "name": model_name(model),
        "class": f"{type(model).__module__}.{type(model).__qualname__}",
        "parameters": dict(getattr(model, "parameters", {})),
    }


def _flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
