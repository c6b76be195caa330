"""Everything that the command line prints and saves.

Results are saved first and printed afterwards, so that nothing that was computed is lost with the
terminal: `save` writes a file when it is called, and reports at the end. Results go to standard
output, everything else to standard error.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from salmetrics.errors import InputError, NotSavedWarning, shortened, why_not_written

__all__ = [
    "OutputError",
    "ReaderGoneError",
    "check_out",
    "console",
    "document",
    "error",
    "failures",
    "finish",
    "is_written",
    "keeps",
    "kept",
    "note",
    "on_command_line",
    "save",
    "say",
    "set_level",
    "wrote",
]


class OutputError(OSError):
    """Standard output cannot be written, because a disk is full for example."""


class ReaderGoneError(Exception):
    """Nobody reads standard output any more, as after ``| head``."""


@dataclass
class _State:
    """What one command has printed and saved so far."""

    quiet: bool = False
    verbose: bool = False
    json: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    keeps: str = "nothing is kept"
    saved: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    failed: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    warned: set[str] = field(default_factory=set)


_state = _State()

# longer than most paths; a quotation begins after a blank or a bracket, not at the end of a word
_LONG = re.compile(r"""(?<![^\s(\[=:])(?:'[^']{250,}'|"[^"]{250,}")|\S{250,}""")


@contextlib.contextmanager
def console() -> Iterator[None]:
    """Print '?' for characters that the console lacks, and warnings as lines, while this lasts."""
    global _state
    before, _state = _state, _State()
    streams = [s for s in (sys.stdout, sys.stderr) if hasattr(s, "reconfigure")]
    errors = [stream.errors for stream in streams]
    for stream in streams:
        stream.reconfigure(errors="replace")
    with warnings.catch_warnings():

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if isinstance(message, NotSavedWarning):
                option = _state.options.get(message.argument, "--out")
                _fail(option, message.reason, message.path)
            elif _state.verbose:
                text = warnings.formatwarning(message, category, filename, lineno, line)
                _print_error(text.rstrip("\n"))
            else:
                ours = issubclass(category, UserWarning)
                _warn(f"{'' if ours else f'{category.__name__}: '}{message}")

        warnings.showwarning = show
        warnings.simplefilter("always", NotSavedWarning)
        try:
            yield
        finally:
            for stream, policy in zip(streams, errors, strict=True):
                with contextlib.suppress(OSError, ValueError):  # it is closed, and nothing is lost
                    stream.reconfigure(errors=policy)
            _state = before


def set_level(
    options: Mapping[str, str], *, quiet: bool = False, verbose: bool = False, json: bool = False
) -> None:
    """Set how much is printed, whether as JSON, and the options by the name of their value."""
    _state.options, _state.quiet, _state.verbose, _state.json = options, quiet, verbose, json


def say(text: str = "") -> None:
    """Print lines of the result on standard output; with --json they are left to `document`.

    Raises
    ------
    ReaderGoneError
        If nobody reads standard output any more.
    OutputError
        If it cannot be written.
    """
    if not _state.json:
        _print(text)


def document(contents: Mapping[str, Any]) -> None:
    """Print the result as one JSON document if --json is given; NaN and infinity become null.

    It ends with the list of the files that were saved.
    """
    if _state.json:
        whole = {**contents, "saved": _state.saved}
        _print(json.dumps(_plain(whole), indent=1, ensure_ascii=False, allow_nan=False))


def note(text: str) -> None:
    """Print a line about the work on standard error, unless --quiet is given."""
    if not _state.quiet:
        _print_error(text)


def error(text: str, what: str = "error") -> None:
    """Print one line on standard error about an error, or about `what` else ended the work."""
    _print_error(f"salmetrics: {what}: {_line(text)}")


def keeps(text: str) -> None:
    """Set what an interruption keeps and how to go on, which its message says."""
    _state.keeps = text


def kept() -> str:
    """Return what an interruption keeps: what is saved already, or what `keeps` has set."""
    return _saved() or _state.keeps


def save(path: str | Path, write: Callable[[Path], Any], text: str = "") -> None:
    """Write a file now, and report it at the end of the command.

    An error of the disk ends the command too, but only after it has printed what it computed.

    Parameters
    ----------
    path
        File or folder of --out.
    write
        Function that writes it.
    text
        What the report says of it.
    """
    try:
        write(Path(path))
    except OSError as failure:
        _fail("--out", why_not_written(failure), str(path))
    else:
        wrote(path, text)


def wrote(path: str | Path, text: str = "") -> None:
    """Record a file that has been written, which is reported at the end of the command."""
    _state.saved.append(str(path))
    _state.lines.append(f"wrote {path}{f': {text}' if text else ''}")


def check_out(path: Path | None, suffixes: tuple[str, ...] = ()) -> str:
    """Return the suffix of --out after checking that a file of this name can be written.

    Raises
    ------
    InputError
        If the suffix is unknown, the path is a folder, or its folder is missing or read-only.
    """
    from salmetrics.io.files import check_target

    if path is None:
        return ""
    suffix = path.suffix.lower()
    if suffixes and suffix not in suffixes:
        raise InputError(f"--out must end in {', '.join(suffixes)}; got {str(path)!r}")
    try:
        check_target(path)
    except InputError as problem:
        raise InputError(f"--out: {problem}") from problem
    return suffix


def finish() -> None:
    """Report the files that were written."""
    if _state.lines and not _state.quiet:
        lines, _state.lines = _state.lines, []
        if _state.json:
            for line in lines:
                _print_error(line)
        else:
            _print("\n".join(lines))


def failures() -> list[str]:
    """Return what prevented files from being written, as one text per option and reason."""
    return [
        f"{option}: {reason}, so {_listed(paths)} {'is' if len(paths) == 1 else 'are'} not written"
        for (option, reason), paths in _state.failed.items()
    ]


def is_written(path: str | Path) -> bool:
    """Whether neither this path nor anything below it has failed to be written."""
    failed = {Path(each) for paths in _state.failed.values() for each in paths}
    return not any(Path(path) in (each, *each.parents) for each in failed)


def on_command_line(text: str, options: Mapping[str, str] | None = None) -> str:
    """Return a text with the options of the command line in place of Python arguments.

    Messages name an argument as ``name=`` or ``name='value'``, or begin with its name. What stands
    in quotation marks is the user's and stays as it is.

    Parameters
    ----------
    text
        Message of an `InputError`, or a note of a result.
    options
        Options of a command, by the name of the argument; of the command that runs by default.

    Examples
    --------
    >>> options = {"kind": "--kind", "n_bins": "--n-bins", "gold_standard": "--gold-standard"}
    >>> on_command_line("a stored map; give kind='density' or gold_standard=True", options)
    'a stored map; give --kind density or --gold-standard'
    >>> on_command_line("n_bins must be a whole number >= 2; got 'kind='", options)
    "--n-bins must be a whole number >= 2; got 'kind='"
    """
    options = _state.options if options is None else options
    of_evaluate = {name: f"evaluate --{name.replace('_', '-')}" for name in _OF_EVALUATE}
    own = {**_arguments(options), **options}
    known = {**of_evaluate, **own}

    def option(match: re.Match[str]) -> str:
        name, value = match["name"], match["value"] or ""
        is_number = name in ("x", "y") and value and value[0] not in "'\""  # x=12.5 of a fixation
        if match["quoted"] is not None or name not in known or is_number:
            return match[0]
        word = value[1:-1] if value[:1] in ("'", '"') else value
        is_switch = word in ("", "True") or (word == "False" and known[name].startswith("--no-"))
        return " ".join([known[name], *([] if is_switch else [shlex.quote(word)])])

    for spelling, dest, replacement in _SPELLINGS:
        if not dest or dest in own:
            text = re.sub(spelling, replacement, text)
    text = re.sub(
        r"""(?P<quoted>(?<!\w)(?:'[^'\n]*'|"[^"\n]*"))|"""  # not the apostrophe in "image's"
        r"""(?<![\w,:/\\.=-])(?P<name>[a-z_]+)=(?P<value>'[^']*'|"[^"]*"|[\w.-]*\w)?(?![\w([{])""",
        option,
        text,
    )
    begins = re.match(r"(?P<before>(?:[^:']*: )?)(?P<name>[a-z_]+)(?= (?:must|is needed)\b)", text)
    if begins is not None:
        name = begins["name"]
        names = _KEYS if name == "metric" and name not in options else (name,)
        option_of_it = next((options[each] for each in names if each in options), name)
        text = f"{begins['before']}{option_of_it}{text[begins.end() :]}"
    return text


_KEYS = ("metrics", "rank", "sort_by")  # arguments whose errors are called those of a metric

# calls of Python in messages, the argument behind the option that does the same (none: the text
# holds for every command; of two entries, the first that applies is used), and that option
_SPELLINGS = (
    (r"\(\w+=, on the command line (--[\w-]+)\)", "", r"(\1)"),
    (
        r"give the stimuli sigma= or pixels_per_degree= \(on the command line ([^)]*)\)",
        "",
        r"give \1",
    ),
    (r"map_order='given' or 'numbered'", "map_order", "--map-order given or --map-order numbered"),
    (r", or pass its path as archive=", "archive", ", or name it with --archive"),
    (r"or pass its path as archive=", "", "or run salmetrics datasets get NAME --archive FILE"),
    (r"\bcheck=False accepts", "no_check", "--no-check accepts"),
    (r"\bcheck=False accepts", "", "salmetrics datasets get NAME --no-check accepts"),
    (r"\w+\.drop_outside\(stimuli\)", "outside", "--outside drop"),
    (r"\w+\.clip_to\(stimuli\)", "outside", "--outside clip"),
    (r"salmetrics\.fit_density\b", "fit_density", "--fit-density"),
    (r"(?<=with )salmetrics\.fit_density\b", "", "evaluate --fit-density"),
    (r"baseline=salmetrics\.Uniform\(\)", "baseline", "--baseline uniform"),
    (r"baseline=salmetrics\.Uniform\(\)", "", "evaluate --baseline uniform"),
    (r"\bsalmetrics\.GaussianCentreBias\(\)", "", "gaussian-centre-bias"),
    (
        r"salmetrics\.GoldStandard\.fit\(\.\.\., hold_out='fixation'\)",
        "model",
        "--model gold-standard:fixation",
    ),
    (
        r"salmetrics\.GoldStandard\.fit\(\.\.\., hold_out='fixation'\)",
        "",
        "evaluate --model gold-standard:fixation",
    ),
    (r"\bhold_out='(\w+)'", "model", r"--model gold-standard:\1"),
    (r" with upper_bound=True\b", "model", " as gold-standard:upper-bound"),
    (r"\bunknown='mixture'", "model", "its option unknown=mixture"),
    (r"\b(pass|give) kind='saliency_map'", "log_densities", r"\1 it with --maps"),
    (r"\b(pass|give) kind='log_density'", "log_densities", r"\1 it with --log-densities"),
    (
        r"\b(pass|give) kind='density'(, or its logarithm)?",
        "log_densities",
        r"\1 its natural logarithm with --log-densities",
    ),
    (r"(?<!\w)[\w.]+\(\.\.\., (\w+='?\w+'?)\)", "model", r"\1"),  # as_model(..., resize='bilinear')
    (r"\bevaluate\(\.\.\., gold_standard=True\)", "", "evaluate --gold-standard"),
    (r"\bevaluate again with keep='fixation'", "", "salmetrics evaluate keeps them"),
    (r"\bamong the metrics\b", "metrics", "among --metrics"),
    (r"\bchoose models= or sizes=", "mixtures", "choose fewer with --mixtures"),
    (
        r"sigma= \(pixels; on the command line ([^)]*)\), or give the stimuli sigma= or "
        r"pixels_per_degree=",
        "sigma",
        r"\1, or --pixels-per-degree",
    ),
    (
        r"\bgive it another name: Dataset\(name, stimuli, fixations\)",
        "name",
        "give it another one: --name NAME, or --dataset SPEC,name=NAME",
    ),
    (r"\bimages='copy' in write_hdf5 stores", "", "salmetrics pack --copy-images stores"),
    (r"\bis read with salmetrics\.read_hdf5", "dataset", "is named by --dataset"),
    (
        r"; use Stimuli\.from_files or Stimuli\.from_arrays for models that look at images",
        "",
        "; models that look at images need a data set with their files or pixels",
    ),
)

_OF_EVALUATE = ("baseline", "empirical", "gold_standard", "protocol")  # which saved results name


def _arguments(options: Mapping[str, str]) -> dict[str, str]:
    """Return options whose argument in Python has another name than the option."""
    names = {name: f"{name}_column" for name in ("image", "subject", "x", "y")}
    names["values"] = "fixation_values"
    return {name: options[dest] for name, dest in names.items() if dest in options}


def _print(text: str) -> None:
    """Print on standard output at once."""
    try:
        print(text, flush=True)
    except BrokenPipeError as failure:
        _abandon(sys.stdout)
        raise ReaderGoneError from failure
    except OSError as failure:
        _abandon(sys.stdout)
        where = _saved() or "nothing is saved; --out FILE saves the result, where there is one"
        raise OutputError(f"standard output: {why_not_written(failure)}; {where}") from failure


def _print_error(text: str) -> None:
    """Print a line on standard error; one that cannot be shown must not end the work."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def _warn(text: str) -> None:
    """Print a warning as one line, and each only once."""
    line = _line(text)
    if line not in _state.warned:
        _state.warned.add(line)
        _print_error(f"salmetrics: warning: {line}")


def _fail(option: str, reason: str, path: str) -> None:
    """Record a file that could not be written, which ends the command with an error."""
    paths = _state.failed.setdefault((option, reason), [])
    if path not in paths:
        paths.append(path)


def _listed(paths: list[str]) -> str:
    """Return paths as words of a sentence."""
    *first, last = map(repr, paths)
    return f"{', '.join(first)} and {last}" if first else last


def _line(text: str) -> str:
    """Return a message as one line that names options, with long words and names shortened."""
    line = " ".join(on_command_line(text).split())
    return re.sub(_LONG, lambda match: shortened(match[0]), line)


def _abandon(stream: TextIO) -> None:
    """Let what is left in a buffer go, so that the end of the process does not try again."""
    if stream is sys.__stdout__:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def _saved() -> str:
    """Return which files were saved; empty if none."""
    return f"saved: {', '.join(_state.saved)}" if _state.saved else ""


def _plain(value: Any) -> Any:
    """Return what JSON can hold: numbers of NumPy as Python's, NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # NumPy
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
