"""The command line: one module per command, and in `arguments` the options they share.

The top layer: it may import every other package of `salmetrics`, and none of them imports it.
Torch and `salmetrics_models` are reached through entry points alone. The module of a command is
imported when the command runs, so that ``salmetrics --help`` is fast.
"""

from __future__ import annotations

import contextlib
import importlib
import platform
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from salmetrics import __version__
from salmetrics.cli import output
from salmetrics.cli.arguments.parsing import Parser
from salmetrics.cli.interrupts import INTERRUPTED, Interrupts
from salmetrics.errors import CollectedInputError, InputError
from salmetrics.progress import hidden

__all__ = ["main", "parser"]

_COMMANDS: Mapping[str, Mapping[str, str]] = {
    "score": {
        "evaluate": "score models on a data set",
        "benchmark": "score many models on many data sets, as leaderboards",
        "calibrate": "test whether densities are over- or underconfident",
        "show": "print a saved result",
        "plot": "draw saved results, trainings, images and densities",
        "metrics": "list all metrics",
    },
    "predict and write maps": {
        "predict": "write a network's log densities for all images; resumes if interrupted",
        "export-maps": "write the predictions of a model for all images, as numbers or grey levels",
        "ground-truth": "write the blurred fixations that CC, KLDiv and SIM compare models with",
        "optimal-map": "write the saliency maps that are best for a metric under a density",
        "train": "run the training that a file configures; resumes if interrupted",
    },
    "data": {
        "datasets": "list, describe and download registered data sets",
        "pack": "write images and fixations into one HDF5 file, for --dataset",
    },
    "more": {
        "demo": "evaluate models on photographs that people looked at; they come with salmetrics",
        "completion": "print the script that completes commands and options in a shell",
    },
}

_READER_GONE = 141  # as of a program that SIGPIPE ends


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        Words after the name of the program; those of the process by default.

    Returns
    -------
    code : int
        Exit code: 0 on success; 2 for invalid input and for files that cannot be written, which one
        line on standard error explains; 3 if ``benchmark --keep-going`` left out models; 130 after
        Ctrl-C; 141 if nobody reads standard output any more.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    verbose = "-v" in words or "--verbose" in words
    interrupts = Interrupts(last=arguments is None)
    with interrupts.handled(), output.console():
        started = time.monotonic()
        try:
            program = parser(_command_in(words))
            parsed = program.parse_args(words)
            verbose = getattr(parsed, "verbose", False)
            code = _run(parsed, _options_of(program, words))
        except output.ReaderGoneError:
            return _READER_GONE
        except SystemExit:  # of --help, and of SIGTERM
            raise
        except BaseException as error:
            for text in output.failures():
                output.error(text)
            if verbose and interrupts.number == 0:
                traceback.print_exc()
            if interrupts.number > 0 or isinstance(error, KeyboardInterrupt):
                output.error(output.kept(), "interrupted")
                return INTERRUPTED
            if not isinstance(error, (InputError, OSError)):
                raise
            lines = error.messages if isinstance(error, CollectedInputError) else [_told(error)]
            for text in lines:
                output.error(text)
            return 2
        if verbose:
            output.note(f"took {time.monotonic() - started:.1f} s")
        return code


def _told(error: InputError | OSError) -> str:
    """Return the message of an error; of the system's, the file and the reason."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{str(error.filename)!r}: {error.strerror}"
    return str(error)


def _run(options: Any, spellings: Mapping[str, str]) -> int:
    """Run a command, report what it saved, and return its exit code."""
    quiet = getattr(options, "quiet", False)
    verbose = getattr(options, "verbose", False)
    json = getattr(options, "json", False)
    output.set_level(spellings, quiet=quiet, verbose=verbose, json=json)
    if verbose:
        python = f"Python {platform.python_version()}"
        output.note(f"salmetrics {__version__}, {python}, {platform.platform()}")
    with hidden() if quiet else contextlib.nullcontext():
        code = options.run(options) or 0
    output.finish()
    failed = output.failures()
    for text in failed:
        output.error(text)
    return 2 if failed else int(code)


def parser(command: str | None = None) -> Parser:
    """Return the parser of the arguments of all commands, or of one of them.

    Parameters
    ----------
    command
        Name of the command that runs; the modules of the others are not imported then.
    """
    program = Parser(
        prog="salmetrics",
        description="How well does a model predict where people look?",
        epilog="salmetrics COMMAND --help lists the options of a command.",
        examples=(
            "salmetrics demo",
            "salmetrics evaluate --images photos --fixations fixations.csv --sigma 35 "
            "--model maps/sam",
        ),
    )
    program.add_argument("-V", "--version", action="version", version=f"salmetrics {__version__}")
    commands: Any = program.add_subparsers(required=True, metavar="COMMAND")
    commands.summaries = dict(_summaries())
    for name in commands.summaries:
        if command in (None, name):
            module = importlib.import_module(f"salmetrics.cli.{name.replace('-', '_')}")
            module.add(commands)
        else:
            commands.add_parser(name)
    program.listing = _listing()
    return program


def _summaries() -> Iterator[tuple[str, str]]:
    for group in _COMMANDS.values():
        yield from group.items()


def _listing() -> str:
    """Return the commands with their summaries, by group."""
    width = max(len(name) for name, _ in _summaries())
    groups = (
        "\n".join([f"{title}:", *(f"  {name:{width}}  {text}" for name, text in group.items())])
        for title, group in _COMMANDS.items()
    )
    return "\n\n".join(groups)


def _command_in(words: Sequence[str]) -> str:
    """Return the first word that is not an option; empty without one."""
    return next((word for word in words if not word.startswith("-")), "")


def _options_of(program: Parser, words: Sequence[str]) -> dict[str, str]:
    """Return the options of the command that runs, by the name of their value."""
    for word in words:
        program = program.commands.get(word, program)
    return {
        action.dest: action.option_strings[-1]
        for action in program._actions
        if action.option_strings
    }
