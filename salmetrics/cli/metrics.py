"""`salmetrics metrics`: list all metrics."""

from __future__ import annotations

import argparse
from typing import Any

from salmetrics.metrics.registry import METRICS

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    commands.add_parser("metrics", help="list all metrics with unit and direction").set_defaults(
        run=_run
    )


def _run(options: argparse.Namespace) -> None:
    width = max(map(len, METRICS))
    for key, metric in METRICS.items():
        direction = "higher" if metric.higher_is_better else "lower"
        unit = f", {metric.unit}" if metric.unit else ""
        print(f"{key:{width}}  {metric.title} (per {metric.per}{unit}; {direction} is better)")
