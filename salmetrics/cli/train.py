"""`salmetrics train`: run the training that a file configures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from salmetrics.cli import output
from salmetrics.cli.arguments.dataset_spec import named_dataset
from salmetrics.errors import InputError

__all__ = ["add"]

_GROUP = "salmetrics.commands"


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "train",
        examples=(
            "salmetrics train --example deepgaze2e > train.toml",
            "salmetrics train train.toml",
        ),
    )
    command.set_defaults(run=_run)
    command.add_argument(
        "config", nargs="?", type=Path, metavar="FILE", help="a TOML file, see --example"
    )
    group = command.add_argument_group("training")
    group.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for the results (default: that of the file)"
    )
    group.add_argument(
        "--device", metavar="NAME", help="auto, cpu, cuda, ... (default: that of the file)"
    )
    group.add_argument(
        "--threads", type=int, metavar="N", help="threads on a CPU (default: all cores)"
    )
    group.add_argument(
        "--check",
        action="store_true",
        help="read and check the file and its data, without training",
    )
    group.add_argument(
        "--example", metavar="NAME", help="print a file to start from: deepgaze2, deepgaze2e, ..."
    )


def _run(options: argparse.Namespace) -> None:
    if (options.config is None) == (options.example is None):
        raise InputError("give a file, or --example NAME to print one to start from")
    trainer = _trainer()
    if options.example is not None:
        output.say(trainer.example(options.example).rstrip("\n"))
        return
    configuration = trainer.read_configuration(
        options.config,
        named_dataset,
        out=options.out,
        device=options.device,
        n_threads=options.threads,
    )
    configuration.check()
    output.say(configuration.summary())
    if options.check:
        return
    if configuration.out.exists() and not configuration.out.is_dir():
        raise InputError(f"--out must be a folder; {str(configuration.out)!r} is a file")
    output.keeps(f"finished epochs are in {configuration.out}; the same command resumes from them")
    for line in configuration.results(configuration.train()):
        output.say(line)


def _trainer() -> Any:
    """Return the module that trains, which another package registers as an entry point."""
    from importlib.metadata import entry_points

    trainers = entry_points(group=_GROUP, name="train")
    if not trainers:
        raise InputError("no package for training is installed: pip install 'salmetrics[models]'")
    try:
        return next(iter(trainers)).load()
    except ModuleNotFoundError as error:
        raise InputError(
            f"training needs {error.name}: pip install 'salmetrics[models]'"
        ) from error
