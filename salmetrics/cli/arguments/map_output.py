"""Options of commands that write maps."""

from __future__ import annotations

import argparse
from pathlib import Path

from salmetrics.array_types import Kind
from salmetrics.cli import output
from salmetrics.cli.arguments.model import MODEL_HELP
from salmetrics.cli.arguments.scoring import add_kind
from salmetrics.errors import InputError
from salmetrics.io.map_files import WRITTEN_SUFFIXES
from salmetrics.io.map_writing import STORE_SUFFIXES, store_suffix
from salmetrics.models.export import Bits, check_form, writes_numbers

__all__ = ["add_one_model", "add_writing", "check_maps_out", "written_bits"]


def add_one_model(command: argparse.ArgumentParser, kinds: tuple[Kind, ...], usual: Kind) -> None:
    """Add the options that name one model and say what its predictions are.

    Parameters
    ----------
    command
        Parser to add them to.
    kinds
        Choices of ``--kind``.
    usual
        Default of ``--kind``.
    """
    model = command.add_argument_group("model")
    text = MODEL_HELP.replace("; may be repeated", "")
    model.add_argument("--model", required=True, metavar="SPEC", help=text)
    add_kind(model, kinds, usual)


def add_writing(command: argparse.ArgumentParser, files: str) -> None:
    """Add the options for the place and the format of maps; `files` is the default suffix."""
    form = command.add_argument_group("files")
    form.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="PATH",
        help="new folder, or file ending in .zip, .tar, .tar.gz, .h5, .npz, .mat or .json; the "
        "same command resumes after an interruption",
    )
    command.set_defaults(usual_files=files)
    form.add_argument(
        "--files",
        choices=sorted(WRITTEN_SUFFIXES),
        help=f"format of the files in a folder or archive (default: {files})",
    )
    form.add_argument(
        "--bits", type=int, choices=(8, 16), help="bits per pixel of .png and .tif (default: 8)"
    )
    form.add_argument(
        "--dtype",
        choices=("float32", "float64"),
        default="float32",
        help="type of the numbers in other formats (default: float32)",
    )


def check_maps_out(options: argparse.Namespace) -> None:
    """Check that --out can be made before anything is predicted, and say what Ctrl-C keeps."""
    if store_suffix(options.out) not in STORE_SUFFIXES:
        listed = ", ".join(suffix for suffix in STORE_SUFFIXES if suffix)
        raise InputError(f"--out must be a folder, or end in {listed}; got {str(options.out)!r}")
    options.files = options.files or options.usual_files
    check_form(store_suffix(options.out), options.files, options.bits)
    if options.dtype == "float64" and not writes_numbers(store_suffix(options.out), options.files):
        raise InputError(
            "--dtype float64 is for numbers, and grey levels hold none; leave it out, or use "
            "--files .npy, or an --out ending in .h5"
        )
    partial = options.out.with_name(f"{options.out.name}.partial")
    if not options.out.exists():
        output.check_out(options.out)
    elif options.out.is_file() and not partial.exists():
        raise InputError(f"--out {str(options.out)!r} exists already; name a new one, or remove it")
    output.keeps(f"finished maps are beside {options.out}; the same command resumes from them")


def written_bits(options: argparse.Namespace) -> Bits | None:
    """Return the bits per pixel of grey levels, 8 by default; None for numbers."""
    if options.bits is not None or writes_numbers(store_suffix(options.out), options.files):
        return options.bits
    return 8
