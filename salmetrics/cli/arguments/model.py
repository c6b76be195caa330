"""Models by the names that the command line gives them."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from salmetrics.array_types import Kind
from salmetrics.data.dataset import Dataset
from salmetrics.densities.resampling import Resize
from salmetrics.errors import InputError
from salmetrics.evaluation.benchmark import part_for
from salmetrics.models.base import Model
from salmetrics.models.conversion import as_model
from salmetrics.models.registry import named_model, names

__all__ = ["DENSITY_KINDS", "MODEL_HELP", "model_of", "opened"]

DENSITY_KINDS: tuple[Kind, ...] = ("log_density", "density")

MODEL_HELP = (
    "registered name[:argument], folder or file of maps, file.py:Class or module:Class; may be "
    f"repeated. Registered: {', '.join(names())}"
)


def opened(
    spec: str,
    dataset: Dataset,
    *,
    kind: Kind | None = None,
    resize: Resize | None = None,
    datasets: Sequence[str] | None = None,
) -> Model:
    """Return the model that a command names, as a `Model`.

    Parameters
    ----------
    spec
        Name of the model, see `model_of`.
    dataset
        Data set to predict.
    kind
        Kind of the predictions of functions and stored maps, see `salmetrics.as_model`.
    resize
        Interpolation that brings predictions of another size to the size of the image, see
        `salmetrics.as_model`; registered models ignore it.
    datasets
        Names of all data sets, if a folder may have a part for each.

    Raises
    ------
    InputError
        If there is no such model, or `kind` is needed and missing.
    """
    named = model_of(spec, dataset)
    if datasets is not None:
        named = part_for(named, dataset, datasets)
    registered = spec.partition(":")[0] in names()
    try:
        return as_model(
            named,
            dataset.stimuli,
            kind=None if registered else kind,
            resize=None if registered else resize,
        )
    except TypeError as error:
        raise InputError(f"--model {spec}: {error}") from error


def model_of(spec: str, dataset: Dataset) -> Any:
    """Return what a name stands for: a registered model, a path of maps, a class or a function.

    Parameters
    ----------
    spec
        Registered ``name`` or ``name:argument``, path of maps, ``file.py:Class`` or
        ``module:Class``, tried in this order.
    dataset
        Data set to predict; some registered models are fitted to it.
    """
    name, _, argument = spec.partition(":")
    if name in names():
        return named_model(name, argument or None, dataset)
    if Path(spec).exists() or (Path(name).is_file() and not name.endswith(".py")):
        return spec  # including the name of a part of a file, file.mat:variable
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
    """Import a module, which may lie in the current folder."""
    missing = f"there is no module {name!r}; to name a file, add its suffix: {name}.py"
    if name.startswith("."):
        raise InputError(missing)
    if "" not in sys.path:  # the current folder, as with python -m
        sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the module exists, and one that it imports is missing
        raise InputError(missing) from error


def _module_from_file(path: Path) -> Any:
    """Import a file under a name that depends on its path."""
    if not path.is_file():
        raise InputError(f"model file {str(path)!r} does not exist")
    # so that two files of the same name are two modules
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    name = f"_salmetrics_{digest}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that its classes can be pickled
    spec.loader.exec_module(module)
    return module
