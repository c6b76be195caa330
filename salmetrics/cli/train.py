"""`salmetrics train`: train a model as a file says."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from salmetrics.cli.arguments.dataset import named_dataset
from salmetrics.errors import InputError

__all__ = ["add"]

_GROUP = "salmetrics.commands"


def add(commands: Any) -> None:
    """Add the command."""
    command = commands.add_parser(
        "train", help="train a model as a file says; goes on where it stopped"
    )
    command.set_defaults(run=_run)
    command.add_argument("config", nargs="?", type=Path, help="a TOML file")
    command.add_argument("--out", type=Path, help="folder of the results, instead of the file's")
    command.add_argument("--device", help="auto, cpu, cuda, ..., instead of the file's")
    command.add_argument("--threads", type=int, metavar="N", help="of torch on a CPU")
    command.add_argument(
        "--check", action="store_true", help="read the file and its data, and train nothing"
    )
    command.add_argument(
        "--example", metavar="NAME", help="print a file to begin with: deepgaze2, deepgaze2e, ..."
    )


def _run(options: argparse.Namespace) -> None:
    if (options.config is None) == (options.example is None):
        raise InputError("give a file, or --example NAME for one to begin with")
    trainer = _trainer()
    if options.example is not None:
        print(trainer.example(options.example), end="")
        return
    found = trainer.read_configuration(
        options.config,
        named_dataset,
        out=options.out,
        device=options.device,
        n_threads=options.threads,
    )
    found.check()
    print(found.summary())
    if options.check:
        return
    for line in found.results(found.train()):
        print(line)


def _trainer() -> Any:
    """Return what trains: another package, which registers itself."""
    from importlib.metadata import entry_points

    found = entry_points(group=_GROUP, name="train")
    if not found:
        raise InputError("nothing that trains is installed: pip install 'salmetrics[models]'")
    try:
        return next(iter(found)).load()
    except ModuleNotFoundError as error:
        raise InputError(
            f"training needs {error.name}: pip install 'salmetrics[models]'"
        ) from error
