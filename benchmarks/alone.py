"""Run measurements in processes of their own, so that memory and caches start fresh."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

__all__ = ["run"]


def run(script: str, setting: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON that ``python script --one SETTING`` prints in its last line."""
    command = [sys.executable, script, "--one", json.dumps(setting)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured
