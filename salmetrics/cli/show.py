"""`salmetrics show`: print a saved result."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from salmetrics.cli import output
from salmetrics.cli.arguments.documents import evaluation_document, records
from salmetrics.cli.arguments.scoring import add_json, add_layout
from salmetrics.results.evaluation import Evaluation
from salmetrics.results.layouts import to_text
from salmetrics.results.mixtures import mixtures

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "show", examples=("salmetrics show result.h5", "salmetrics show result.h5 --rank IG")
    )
    command.set_defaults(run=_run)
    command.add_argument(
        "file", type=Path, metavar="FILE", help="an .h5 file that evaluate --out wrote"
    )
    shown = command.add_argument_group("what is printed")
    add_layout(shown)
    add_json(shown)
    shown.add_argument("--rank", metavar="KEY", help="rank models by this metric, with groups")
    shown.add_argument("--by", metavar="ATTRIBUTE", help="scores per group of images")
    shown.add_argument("--compare", action="store_true", help="compare all pairs of models")
    shown.add_argument(
        "--mixtures",
        type=int,
        nargs="+",
        action="extend",
        metavar="N",
        help="scores of all mixtures of N models (2: all pairs), from stored values per fixation",
    )
    shown.add_argument(
        "--provenance", action="store_true", help="the record behind the result, as JSON"
    )


def _run(options: argparse.Namespace) -> None:
    result = Evaluation.load(options.file)
    table = str(result) if options.layout is None else to_text(result, options.layout)
    record = result.provenance
    data = record["dataset"]
    output.say(f"{data['name']}: {data['n_images']} images, {data['n_fixations']} fixations")
    output.say(f"made {record['created']} with salmetrics {record['packages']['salmetrics']}\n")
    output.say(table)
    contents = evaluation_document(result)
    if options.rank is not None:
        ranked = result.rank(options.rank)
        output.say(f"\n{ranked.round(4).to_string()}")
        contents["rank"] = records(ranked)
    if options.by is not None:
        groups = result.by(options.by)
        output.say(f"\n{groups.drop(columns='note').round(4).to_string()}")
        contents["by"] = records(groups)
    if options.compare:
        compared = result.compare()
        output.say(f"\n{compared.to_string()}")
        contents["compare"] = records(compared)
    if options.mixtures is not None:
        mixed = mixtures(result, options.mixtures)
        output.say(f"\n{mixed}")
        contents["mixtures"] = records(mixed.summary)
    if options.provenance:
        output.say(f"\n{json.dumps(record, indent=1)}")
        contents["provenance"] = record
    output.document(contents)
