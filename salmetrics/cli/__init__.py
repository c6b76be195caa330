"""The command line: one module a command, and what they share."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from salmetrics.cli import (
    benchmark,
    calibrate,
    datasets,
    demo,
    evaluate,
    export_maps,
    metrics,
    optimal_map,
    pack,
    plot,
    predict,
    show,
    train,
)
from salmetrics.errors import InputError

__all__ = ["main", "parser"]

_COMMANDS = (
    evaluate,
    benchmark,
    calibrate,
    export_maps,
    optimal_map,
    predict,
    train,
    plot,
    show,
    datasets,
    pack,
    demo,
    metrics,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code: 0, or 2 for input that the user can mend.

    `benchmark --keep-going` returns 3 if models were left out.
    """
    options = parser().parse_args(arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _stop)  # temporary files are removed on the way out
    try:
        code = options.run(options)
    except (InputError, OSError) as error:
        print(f"salmetrics: error: {error}", file=sys.stderr)
        return 2
    return code or 0


def _stop(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def parser() -> argparse.ArgumentParser:
    """Return what reads the arguments of all commands."""
    made = argparse.ArgumentParser(
        prog="salmetrics", description="How well does a model predict where people look?"
    )
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add(commands)
    return made
