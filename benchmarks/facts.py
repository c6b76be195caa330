"""Save the rows of a benchmark with its machine, versions, date and command."""

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
    """Write rows as JSON, with the facts that readers of the numbers need.

    Parameters
    ----------
    path
        Path of the JSON file.
    command
        Command that measures the rows.
    packages
        Names of the packages whose versions matter.
    columns
        Heading of each key of the rows that tables show.
    rows
        One dictionary per measurement.
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
        query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        return subprocess.run(query, check=True, capture_output=True, text=True).stdout.strip()
    processor = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        named = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        processor = named[0] if named else processor
    return f"{processor}, {os.cpu_count()} cores"
