"""`salmetrics metrics`: list all metrics."""

from __future__ import annotations

import argparse
from typing import Any

from salmetrics.cli import output
from salmetrics.cli.arguments.scoring import add_json
from salmetrics.metrics.registry import METRICS

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("metrics", examples=("salmetrics metrics",))
    command.set_defaults(run=_run)
    add_json(command.add_argument_group("output"))


def _run(options: argparse.Namespace) -> None:
    width = max(map(len, METRICS))
    for key, metric in METRICS.items():
        direction = "higher" if metric.higher_is_better else "lower"
        unit = f", {metric.unit}" if metric.unit else ""
        text = f"{metric.title} (per {metric.per}{unit}; {direction} is better)"
        output.say(f"{key:{width}}  {text}")
    output.document(
        {
            "metrics": [
                {
                    "metric": key,
                    "title": metric.title,
                    "per": metric.per,
                    "unit": metric.unit,
                    "higher_is_better": metric.higher_is_better,
                }
                for key, metric in METRICS.items()
            ]
        }
    )
