"""`salmetrics show`: print a saved result."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from salmetrics.cli.arguments.scoring import add_layout
from salmetrics.results.evaluation import Evaluation
from salmetrics.results.layouts import to_text
from salmetrics.results.mixtures import mixtures

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser("show", help="print a saved result")
    command.set_defaults(run=_run)
    command.add_argument("file", type=Path, help="an .h5 file that evaluate --out wrote")
    add_layout(command)
    command.add_argument("--rank", metavar="KEY", help="rank models by this metric, with groups")
    command.add_argument("--by", metavar="ATTRIBUTE", help="scores per group of images")
    command.add_argument("--compare", action="store_true", help="compare all pairs of models")
    command.add_argument(
        "--mixtures",
        type=int,
        nargs="+",
        metavar="N",
        help="scores of all mixtures of N models (2: all pairs), from stored values per fixation",
    )
    command.add_argument(
        "--provenance", action="store_true", help="the record behind the result, as JSON"
    )


def _run(options: argparse.Namespace) -> None:
    result = Evaluation.load(options.file)
    table = str(result) if options.layout is None else to_text(result, options.layout)
    record = result.provenance
    data = record["dataset"]
    print(f"{data['name']}: {data['n_images']} images, {data['n_fixations']} fixations")
    print(f"made {record['created']} with salmetrics {record['packages']['salmetrics']}\n")
    print(table)
    if options.rank is not None:
        print(f"\n{result.rank(options.rank).round(4).to_string()}")
    if options.by is not None:
        print(f"\n{result.by(options.by).drop(columns='note').round(4).to_string()}")
    if options.compare:
        print(f"\n{result.compare().to_string()}")
    if options.mixtures is not None:
        print(f"\n{mixtures(result, options.mixtures)}")
    if options.provenance:
        print(f"\n{json.dumps(record, indent=1)}")
