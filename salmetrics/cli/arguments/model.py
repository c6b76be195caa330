"""Models as the command line names them."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from salmetrics.data.dataset import Dataset
from salmetrics.errors import InputError
from salmetrics.evaluation.benchmark import part_for
from salmetrics.models.base import Model
from salmetrics.models.conversion import as_model
from salmetrics.models.registry import named_model, names

__all__ = ["DENSITY_KINDS", "MODEL_HELP", "model_of", "opened"]

DENSITY_KINDS = ("log_density", "density")

MODEL_HELP = (
    "registered name[:argument], folder or file of maps, file.py:Class or module:Class; may be "
    f"repeated. Registered: {', '.join(names())}"
)


def opened(
    spec: str,
    dataset: Dataset,
    *,
    kind: str | None = None,
    resize: str | None = None,
    datasets: Sequence[str] | None = None,
) -> Model:
    """Return the model that a command names.

    Parameters
    ----------
    spec, dataset
        As of `model_of`.
    kind
        What functions and stored maps hold.
    resize
        How to bring predictions of another size to the image's; not of registered models.
    datasets
        Names of all data sets, if a folder may have a part for each.
    """
    found = model_of(spec, dataset)
    if datasets is not None:
        found = part_for(found, dataset, datasets)
    registered = spec.partition(":")[0] in names()
    try:
        return as_model(
            found,
            dataset.stimuli,
            kind=None if registered else kind,
            resize=None if registered else resize,
        )
    except TypeError as error:
        raise InputError(f"--model {spec}: {error}") from error


def model_of(spec: str, dataset: Dataset) -> Any:
    """Find a registered name[:argument], maps, file.py:Class or module:Class, in that order."""
    name, _, argument = spec.partition(":")
    if name in names():
        return named_model(name, argument or None, dataset)
    if Path(spec).exists() or (Path(name).is_file() and not name.endswith(".py")):
        return spec  # the name of a part of a file, file.mat:variable, included
    name, _, attribute = spec.rpartition(":")
    if not name or not attribute:
        raise InputError(
            f"model {spec!r} is neither registered ({', '.join(names())}), nor a folder or file of "
            "maps, nor of the form file.py:Class or module:Class"
        )
    module = _module_from_file(Path(name)) if name.endswith(".py") else _module(name)
    if not hasattr(module, attribute):
        raise InputError(f"model {spec!r}: {name} has no {attribute!r}")
    return getattr(module, attribute)


def _module(name: str) -> Any:
    missing = f"there is no module {name!r}; a file needs its suffix, e.g. {name}.py"
    if name.startswith("."):
        raise InputError(missing)
    if "" not in sys.path:  # as with python -m: modules of the current folder are found
        sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the module is there, and lacks another one
        raise InputError(missing) from error


def _module_from_file(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"model file {str(path)!r} does not exist")
    # a name of its own, so that files of one name don't stand for each other
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    name = f"_salmetrics_{digest}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that what it defines can be pickled
    spec.loader.exec_module(module)
    return module
