"""`salmetrics show`: print a saved result."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from salmetrics.cli import output
from salmetrics.cli.arguments.documents import evaluation_document, records
from salmetrics.cli.arguments.scoring import add_json, add_layout
from salmetrics.errors import InputError
from salmetrics.results.evaluation import Evaluation
from salmetrics.results.layouts import to_text
from salmetrics.results.mixtures import mixtures
from salmetrics.results.rendering import comparison_text

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
    shown.add_argument(
        "--by",
        metavar="NAME",
        help="scores per group of images by this attribute, per subject, or per group of fixations "
        "by this column, such as index or duration",
    )
    shown.add_argument(
        "--bins",
        type=float,
        nargs="+",
        metavar="N",
        help="groups of --by: one whole number for that many ranges that hold equally many, or the "
        "limits between ranges",
    )
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
    if options.bins is not None and options.by is None:
        raise InputError("--bins needs --by")
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
        bins: Any = options.bins
        if bins is not None and len(bins) == 1 and bins[0].is_integer():
            bins = int(bins[0])
        groups = result.by(options.by, bins=bins)
        output.say(f"\n{groups.drop(columns='note').round(4).to_string()}")
        contents["by"] = records(groups)
    if options.compare:
        compared = result.compare()
        output.say(f"\n{comparison_text(compared)}")
        contents["compare"] = records(compared)
    if options.mixtures is not None:
        mixed = mixtures(result, options.mixtures)
        output.say(f"\n{mixed}")
        contents["mixtures"] = records(mixed.summary)
    if options.provenance:
        output.say(f"\n{json.dumps(record, indent=1)}")
        contents["provenance"] = record
    output.document(contents)
