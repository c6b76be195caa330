"""Measurements in processes of their own, for memory and for a fresh start."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

__all__ = ["run"]


def run(script: str, setting: dict[str, Any]) -> dict[str, Any]:
    """Return what ``python script --one SETTING`` prints in its last line, as JSON."""
    command = [sys.executable, script, "--one", json.dumps(setting)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
