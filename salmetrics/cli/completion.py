"""`salmetrics completion`: the script that completes commands and options in a shell."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from salmetrics.cli import output
from salmetrics.cli.arguments.parsing import Parser

__all__ = ["add"]

_SHELLS = ("bash", "zsh", "tcsh")


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "completion",
        examples=(
            "salmetrics completion bash > ~/.local/share/bash-completion/completions/salmetrics",
            "salmetrics completion zsh > ~/.zfunc/_salmetrics    # with fpath+=~/.zfunc in .zshrc",
        ),
    )
    command.set_defaults(run=_run)
    command.add_argument(
        "shell", choices=_SHELLS, metavar="SHELL", help=f"one of {', '.join(_SHELLS)}"
    )


def _run(options: argparse.Namespace) -> None:
    import shtab

    from salmetrics.cli import parser

    program = parser()
    for action in _actions(program):
        if action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    output.say(shtab.complete(program, shell=options.shell).rstrip("\n"))


def _actions(program: Parser) -> Iterator[argparse.Action]:
    """Yield the actions of a parser and of its commands."""
    yield from program._actions
    for command in program.commands.values():
        yield from _actions(command)
