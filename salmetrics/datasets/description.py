"""The facts of a data set, from the TOML file beside the loader."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

__all__ = ["read_description"]


def read_description(name: str) -> dict[str, Any]:
    """Return the facts of a registered data set: title, citation, licence, expected counts."""
    text = files("salmetrics.datasets").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
