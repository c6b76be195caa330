"""Where and with what a benchmark was run."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

__all__ = ["save"]


def save(
    path: Path,
    command: str,
    packages: Sequence[str],
    columns: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    device: str = "cpu",
) -> None:
    """Write rows as JSON, with what a reader of the numbers needs to know.

    Parameters
    ----------
    path
        Of the JSON file.
    command
        That made the rows.
    packages
        Whose versions matter.
    columns
        Heading of each key of the rows that tables show.
    rows
        One a measurement.
    device
        "cpu", or a GPU of torch.
    """
    facts = {
        "command": command,
        "machine": _machine(device),
        "date": str(date.today()),
        "versions": {name: version(name) for name in packages},
        "columns": dict(columns),
        "rows": list(rows),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def _machine(device: str) -> str:
    if device != "cpu":
        asked = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    processor = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        named = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        processor = named[0] if named else processor
    return f"{processor}, {os.cpu_count()} cores"
