"""Trainings configured by TOML files."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from salmetrics.errors import InputError, check_choice
from salmetrics.io.files import check_file
from salmetrics_models.training.deepgaze_acw.configuration import read_acw
from salmetrics_models.training.emlnet.configuration import read_emlnet
from salmetrics_models.training.readouts.configuration import BASES, read_readouts
from salmetrics_models.training.toml_tables import Configuration, Load, TomlSource, checked

__all__ = ["example", "example_names", "read_configuration"]

# keys of the file, with the types of their values
_TOP: dict[str, Any] = {
    "out": str,
    "model": dict,
    "weights": dict,
    "stages": list,
    "features": dict,
    "run": dict,
}

_READERS: dict[str, Callable[[Mapping[str, Any], TomlSource], Configuration]] = {
    **dict.fromkeys(BASES, read_readouts),
    "deepgaze2e-acw": read_acw,
    "emlnet": read_emlnet,
}


def example_names() -> list[str]:
    """Return the names of the example files."""
    folder = resources.files("salmetrics_models.training") / "examples"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir())


def example(name: str) -> str:
    """Return the text of an example file, such as that of a paper's recipe.

    Parameters
    ----------
    name
        One of `example_names`.

    Raises
    ------
    InputError
        For an unknown name.
    """
    check_choice("example", name, example_names())
    folder = resources.files("salmetrics_models.training") / "examples"
    return (folder / f"{name}.toml").read_text("utf-8")


def read_configuration(
    path: str | Path, load: Load, *, out: Path | None = None, **changes: Any
) -> Configuration:
    """Read a file, and load the data sets that it names.

    Parameters
    ----------
    path
        Path of the TOML file; paths in it are relative to its folder.
    load
        Function of the name and the folder of a data set that returns the data set.
    out
        Folder of the results; None: that of the file.
    **changes
        Options of the training that replace those of the file, unless they are None.

    Raises
    ------
    InputError
        If the file is not valid TOML, or for unknown keys and invalid values; the message names
        their table.
    """
    source = check_file(path)
    try:
        contents = tomllib.loads(source.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{str(source)!r} is not valid TOML: {error}") from error
    try:
        return _configured(contents, source.absolute().parent, load, out, changes)
    except InputError as error:
        raise InputError(f"{str(source)!r}: {error}") from error


def _configured(
    contents: dict[str, Any], folder: Path, load: Load, out: Path | None, changes: Mapping[str, Any]
) -> Configuration:
    top = checked("the file", contents, _TOP)
    if out is None:
        if "out" not in top:
            raise InputError("the file must name the folder of the results: out = 'FOLDER'")
        out = folder / top["out"]
    base = top.get("model", {}).get("base", "deepgaze2e")
    check_choice("base", base, _READERS)
    return _READERS[base](top, TomlSource(folder, load, out, changes))
