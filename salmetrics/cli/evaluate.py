"""`salmetrics evaluate`: score models on a data set."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any, get_args

from salmetrics.array_types import KINDS
from salmetrics.cli import output
from salmetrics.cli.arguments.dataset import (
    add_data,
    dataset_of,
    first_images,
    heading,
    protocol_of,
)
from salmetrics.cli.arguments.documents import errors_text, evaluation_document, table_text
from salmetrics.cli.arguments.model import MODEL_HELP, is_shared, model_of, named_specs, opened
from salmetrics.cli.arguments.parsing import section
from salmetrics.cli.arguments.scoring import (
    add_json,
    add_resources,
    add_scoring,
    map_reading,
    with_metrics,
)
from salmetrics.engine.run_options import OnError
from salmetrics.errors import call_all
from salmetrics.evaluation.evaluate import evaluate
from salmetrics.io.files import write_text
from salmetrics.models.fitted_density import fitted_if_map
from salmetrics.models.unfitted import check_some_fitted, or_unfitted
from salmetrics.results.evaluation import Evaluation
from salmetrics.results.exchange import check_parquet

__all__ = ["add"]

_WRITERS = {
    ".csv": Evaluation.to_csv,
    ".h5": Evaluation.save,
    ".md": lambda result, path: write_text(path, result.to_markdown()),
    ".parquet": Evaluation.to_parquet,
    ".tex": lambda result, path: write_text(path, result.to_latex()),
}


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "evaluate",
        examples=(
            "salmetrics evaluate --images photos --fixations fixations.csv --sigma 35 \\",
            "    --model maps/sam --model mine=net.py:Net --out result.h5",
        ),
    )
    command.set_defaults(run=_run)
    add_data(command)
    _add_scoring(command)
    _add_running(command)


def _add_scoring(command: argparse.ArgumentParser) -> None:
    common = section(command, "models and result")
    common.add_argument("--model", action="append", required=True, metavar="SPEC", help=MODEL_HELP)
    add_scoring(command)
    common.add_argument(
        "--out", type=Path, metavar="FILE", help="file to write: .csv, .h5, .md, .parquet or .tex"
    )
    add_json(common)
    scoring = section(command, "more about scoring")
    section(command, "more about stored maps").add_argument(
        "--kind",
        choices=KINDS,
        help="kind of the predictions of functions and stored maps (default of maps: saliency_map)",
    )
    scoring.add_argument(
        "--baseline", metavar="SPEC", help="model that IG is relative to (default: centre-bias)"
    )
    scoring.add_argument(
        "--empirical", metavar="SPEC", help="ground-truth maps (default: blurred fixations)"
    )


def _add_running(command: argparse.ArgumentParser) -> None:
    running = add_resources(command)
    running.add_argument(
        "--checkpoint",
        type=Path,
        metavar="DIR",
        help="folder of finished parts, from which the same command resumes",
    )
    running.add_argument(
        "--on-error",
        choices=get_args(OnError),
        default="raise",
        help="raise: stop when a model fails on an image; record: report it (default: raise)",
    )


def _run(options: argparse.Namespace) -> None:
    suffix = output.check_out(options.out, tuple(_WRITERS))
    if suffix == ".parquet":
        check_parquet()
    specs = named_specs(options.model)
    if options.checkpoint is None:
        output.keeps(
            "nothing is kept; with --checkpoint DIR finished parts are, and the same command "
            "resumes from them"
        )
    else:
        output.keeps(
            f"finished parts are in {options.checkpoint}; the same command resumes from them"
        )
    dataset = first_images(dataset_of(options), options)
    reading = map_reading(options)
    shared = is_shared(list(specs.values()), [dataset], reading)
    reading |= {"kind": options.kind, "shared": shared}
    models: dict[str, Any] = call_all(
        {
            name: partial(or_unfitted, partial(opened, spec, dataset, **reading))
            for name, spec in specs.items()
        }
    )
    check_some_fitted(models.values())
    if options.fit_density:
        for name, model in models.items():
            models[name] = fitted_if_map(model, *dataset, seed=options.seed)
    references: dict[str, Any] = {
        name: None if spec is None else model_of(spec, dataset, f"--{name}")
        for name, spec in (("baseline", options.baseline), ("empirical", options.empirical))
    }
    own_width = options.dataset is None
    protocol, metrics = with_metrics(options, protocol_of(options, own_width=own_width))
    result = evaluate(
        models,
        *dataset,
        metrics=metrics,
        protocol=protocol,
        gold_standard=options.gold_standard,
        kind=options.kind,
        **references,
        seed=options.seed,
        check=options.check,
        n_jobs=options.n_jobs,
        checkpoint=options.checkpoint,
        n_bootstrap=options.n_bootstrap,
        on_error=options.on_error,
    )
    if options.out is not None:
        output.save(options.out, partial(_WRITERS[suffix], result))
    output.say(f"{heading(dataset)}\n")
    table = "\n\n".join(filter(None, (table_text(result), errors_text(result))))
    output.say(f"{table}\n" if options.out is not None else table)
    output.document(evaluation_document(result))
