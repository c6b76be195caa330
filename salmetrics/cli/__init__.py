"""The command line: one module per command, and in `arguments` the options they share.

The top layer: it may import every other package of `salmetrics`, and none of them imports it.
Torch and `salmetrics_models` are reached through entry points alone.
"""

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
    ground_truth,
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
    ground_truth,
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
    """Run the command line.

    Parameters
    ----------
    arguments
        Words after the name of the program; those of the process by default.

    Returns
    -------
    code : int
        Exit code: 0 on success, 2 for invalid input, which one line on standard error explains, and
        3 if ``benchmark --keep-going`` left out models.
    """
    options = parser().parse_args(arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _stop)  # which removes temporary files
    try:
        code = options.run(options)
    except (InputError, OSError) as error:
        print(f"salmetrics: error: {error}", file=sys.stderr)
        return 2
    return code or 0


def _stop(number: int, frame: object) -> None:
    """Exit on a signal as on an exception, so that clean-up runs."""
    raise SystemExit(128 + number)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the arguments of all commands."""
    program = argparse.ArgumentParser(
        prog="salmetrics", description="How well does a model predict where people look?"
    )
    commands = program.add_subparsers(required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add(commands)
    return program
