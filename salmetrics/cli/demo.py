"""`salmetrics demo`: a first result without any data."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from salmetrics.errors import InputError

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command."""
    command = commands.add_parser(
        "demo", help="evaluate four models on a generated data set whose truth is known"
    )
    command.set_defaults(run=_run)
    command.add_argument("--out", type=Path, default=Path("salmetrics_demo"), help="folder")
    command.add_argument("--seed", type=int, default=0)


def _run(options: argparse.Namespace) -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise InputError("the demo draws a figure: pip install 'salmetrics[report]'") from error
    from salmetrics.demo import run_demo

    print(run_demo(options.out, seed=options.seed))
