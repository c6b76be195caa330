"""Models by the names that the command line gives them."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from salmetrics.array_types import Kind
from salmetrics.data.dataset import Dataset
from salmetrics.densities.resampling import Resize
from salmetrics.errors import InputError, described, nearest
from salmetrics.evaluation.benchmark import part_for
from salmetrics.models.base import Model
from salmetrics.models.conversion import as_model, instance_of, path_and_part
from salmetrics.models.registry import named_model, names
from salmetrics.models.short_names import distinct_names, names_of_path
from salmetrics.models.stored_maps import MapOrder, naming_for

__all__ = [
    "DENSITY_KINDS",
    "MODEL_HELP",
    "is_registered",
    "is_shared",
    "model_of",
    "named_specs",
    "opened",
    "split_name",
]

DENSITY_KINDS: tuple[Kind, ...] = ("log_density", "density")

MODEL_HELP = (
    "registered name[:argument], folder or file of maps, file.py:Class or module:Class; NAME=SPEC "
    f"gives it a name; may be repeated. Registered: {', '.join(names())}"
)


def opened(
    spec: str,
    dataset: Dataset,
    *,
    kind: Kind | None = None,
    resize: Resize | None = None,
    map_name: str | None = None,
    map_order: MapOrder | None = None,
    datasets: Sequence[str] | None = None,
    shared: bool = False,
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
    map_name, map_order
        Names and order of stored maps, see `salmetrics.StoredMaps`; other models ignore them.
    datasets
        Names of all data sets, if a folder may have a part for each.
    shared
        Whether `map_name` and `map_order` are for several models, see `is_shared`: each takes what
        it needs then.

    Raises
    ------
    InputError
        If there is no such model, or `kind` is needed and missing.
    """
    named = _instance(model_of(spec, dataset), spec)
    if datasets is not None:
        named = part_for(named, dataset, datasets)
    registered = is_registered(spec)
    is_stored = isinstance(named, (str, Path))
    if is_stored and shared:
        map_name, map_order = naming_for(*path_and_part(named), map_name, map_order)
    try:
        return as_model(
            named,
            dataset.stimuli,
            kind=None if registered else kind,
            resize=None if registered else resize,
            map_name=map_name if is_stored else None,
            map_order=map_order if is_stored else None,
        )
    except TypeError as error:
        raise InputError(f"--model {spec}: {error}") from error


def is_shared(
    specs: Sequence[str], datasets: Sequence[Dataset], reading: Mapping[str, Any]
) -> bool:
    """Whether stored maps of several models take what they need of --map-name and --map-order.

    Parameters
    ----------
    specs
        The models.
    datasets
        Data sets; a folder may have a part for each.
    reading
        Values of the options, with None for those that are not given.

    Returns
    -------
    shared : bool
        False if an option would be of no use to any model, which is an error then.
    """
    given = {key: reading[key] for key in ("map_name", "map_order")}
    wanted = {key for key, value in given.items() if value is not None}
    if not wanted:
        return False
    needed: set[str] = set()
    names = [dataset.name for dataset in datasets]
    n_stored = 0
    for spec in specs:
        if not _is_stored(spec):
            continue
        n_stored += 1
        for dataset in datasets:
            try:
                part = path_and_part(part_for(spec, dataset, names))
                used = naming_for(*part, *given.values())
            except (InputError, OSError):  # which opening the model will tell
                return True
            needed |= {key for key, value in zip(given, used, strict=True) if value is not None}
    return n_stored > 1 and needed == wanted


def _is_stored(spec: str) -> bool:
    """Whether a model that is not registered is the path of stored maps."""
    if spec.partition(":")[0] in names() or (spec.endswith(".py") and os.path.isfile(spec)):
        return False
    is_of_python = spec.rpartition(":")[0].endswith(".py")  # a class in a file
    return os.path.exists(spec) if is_of_python else _is_path(spec)


def model_of(spec: str, dataset: Dataset, option: str = "model") -> Any:
    """Return what a name stands for: a registered model, a path of maps, a class or a function.

    Parameters
    ----------
    spec
        Registered ``name`` or ``name:argument``, path of maps, ``file.py:Class`` or
        ``module:Class``, tried in this order; a registered name that is a path, too, is an error.
    dataset
        Data set to predict; some registered models are fitted to it.
    option
        What messages call the specification.
    """
    name, _, argument = spec.partition(":")
    if is_registered(spec):
        try:
            return named_model(name, argument or None, dataset)
        except InputError as error:
            if f"{str(error).partition(' ')[0]}=" not in argument:
                raise
            raise InputError(f"{option} {spec!r}: its option {error}") from error
    if spec.endswith(".py") and os.path.isfile(spec):
        known = _definitions(Path(spec))
        if not known:
            raise InputError(f"{option} file {spec!r} defines no class and no function")
        listed = ", ".join(f"{spec}:{each}" for each in known[:3])
        more = " ..." if len(known) > 3 else ""
        raise InputError(
            f"{option} {spec!r} is a file of Python; name a class in it: {listed}{more}"
        )
    if _is_stored(spec):
        return spec  # including the name of a part of a file, file.mat:variable
    name, _, attribute = spec.rpartition(":")
    if not name or not attribute:
        raise InputError(
            f"{option} {spec!r} is neither registered ({', '.join(names())}), nor a folder or file "
            "of maps, nor of the form file.py:Class or module:Class"
            f"{nearest(spec.partition(':')[0], names())}"
        )
    module = _module_from_file(Path(name)) if name.endswith(".py") else _module(name)
    if not hasattr(module, attribute):
        file = getattr(module, "__file__", None)
        known = [] if file is None else _definitions(Path(file))
        raise InputError(
            f"{option} {spec!r}: {name} has no {attribute!r}"
            f"{nearest(attribute, known) or _choice_of(name, known)}"
        )
    return getattr(module, attribute)


def is_registered(spec: str) -> bool:
    """Whether a name stands for a registered model.

    Raises
    ------
    InputError
        If it is also a path, so that either may be meant.
    """
    name = spec.partition(":")[0]
    if name not in names():
        return False
    if os.path.exists(spec):
        raise InputError(
            f"{spec!r} is a registered model, and also a folder or file here: say ./{spec} for "
            f"the path, or {spec}: (with a colon) for the registered model"
        )
    return True


def _instance(named: Any, spec: str) -> Any:
    """Return an object of a class that needs no arguments, and anything else as it is."""
    if not inspect.isclass(named):
        return named
    no_arguments = (
        ", and the command line gives no arguments; give them defaults, or name a class derived "
        "from it, or an object of it"
    )
    return instance_of(named, f"--model {spec}: ", no_arguments)


def _definitions(path: Path) -> list[str]:
    """Return the classes and functions that a file of Python defines, without running it."""
    try:
        tree = ast.parse(path.read_bytes(), path)
    except (SyntaxError, ValueError) as error:  # null bytes
        line = getattr(error, "lineno", None)
        where = "" if line is None else f", line {line}"
        raise InputError(f"{str(path)!r} is no valid Python{where}: {error}") from error
    kinds = (ast.ClassDef, ast.FunctionDef)
    found = [node for node in tree.body if isinstance(node, kinds) and node.name[0] != "_"]
    found.sort(key=lambda node: isinstance(node, ast.FunctionDef))  # classes first
    return [node.name for node in found]


def _choice_of(name: str, known: Sequence[str]) -> str:
    """Return the end of a message that says what to name in a file or module."""
    if not known:
        return ""
    listed = ", ".join(f"{name}:{each}" for each in known[:3])
    return f"; it has {listed}{' ...' if len(known) > 3 else ''}"


def _module(name: str) -> Any:
    """Import a module, which may lie in the current folder."""
    missing = f"there is no module {name!r}; to name a file, add its suffix: {name}.py"
    if name.startswith("."):
        raise InputError(missing)
    if "" not in sys.path:  # the current folder, as with python -m
        sys.path.insert(0, "")
    try:
        with _importing(name):
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise InputError(missing) from error


@contextmanager
def _importing(name: str) -> Iterator[None]:
    """Turn what a user's module raises into an `InputError` that says where; -v shows it all."""
    try:
        yield
    except (Exception, SystemExit) as error:
        if (
            isinstance(error, ModuleNotFoundError)
            and error.name is not None
            and f"{name}.".startswith(f"{error.name}.")
        ):
            raise  # the module itself is missing, rather than one that it imports
        what = described(error)
        if isinstance(error, SyntaxError):
            what, where = f"SyntaxError: {error.msg}", f"{error.filename}, line {error.lineno}"
        else:
            frames = traceback.extract_tb(error.__traceback__)
            own = [f for f in frames if "importlib" not in f.filename and f.filename != __file__]
            last = (own or list(frames))[-1]
            where = f"{last.filename}, line {last.lineno}: {last.line}"
        raise InputError(f"importing {name} raised {what} ({where})") from error


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
    with _importing(str(path)):
        spec.loader.exec_module(module)
    return module


def named_specs(texts: Sequence[str], option: str = "--model") -> dict[str, str]:
    """Return what each ``NAME=SPEC`` or ``SPEC`` names, by the name of the model.

    The name of a text without one is short: that of the class in ``file.py:Class``, the last part
    of a path, or the whole text of a registered model. Where two are equal, their folders are put
    in front until they differ.

    Parameters
    ----------
    texts
        Values of the options that name models, in order.
    option
        Option that messages name.

    Returns
    -------
    specs : dict of str
        Specifications by name, in the order of `texts`.

    Raises
    ------
    InputError
        If a text is ambiguous, two names are equal, or a model is given twice without names.

    Examples
    --------
    >>> named_specs(["old/maps", "new/maps", "net.py:Net", "flat=uniform"])
    {'old/maps': 'old/maps', 'new/maps': 'new/maps', 'Net': 'net.py:Net', 'flat': 'uniform'}
    """
    pairs = [split_name(text, option) for text in texts]
    chosen = distinct_names(
        [_short_names(spec) if name is None else [name] for name, spec in pairs]
    )
    for name in chosen:
        if chosen.count(name) > 1:
            same = [i for i, other in enumerate(chosen) if other == name]
            first, second = (texts[i] for i in same[:2])
            if first == second:
                raise InputError(
                    f"{option} {first} is given twice; give it once, or name each: "
                    f"{option} NAME={pairs[same[0]][1]}"
                )
            raise InputError(
                f"two models are called {name!r}: {option} {first} and {option} {second}; "
                f"give one another name: {option} NAME=SPEC"
            )
    return {name: spec for name, (_, spec) in zip(chosen, pairs, strict=True)}


def split_name(text: str, option: str = "--model") -> tuple[str | None, str]:
    r"""Return the name and the specification in ``NAME=SPEC``; the name is None without one.

    What precedes the first ``=`` is a name unless it holds one of ``: , / \``, or the whole text
    is an existing path.

    Parameters
    ----------
    text
        Value of an option that names a model.
    option
        Option that messages name.

    Raises
    ------
    InputError
        If the name or the specification is empty, or the text can be read in both ways.

    Examples
    --------
    >>> split_name("mine=net.py:Net")
    ('mine', 'net.py:Net')
    >>> split_name("deepgaze2e:weights.pt,device=cpu")
    (None, 'deepgaze2e:weights.pt,device=cpu')
    """
    name, equals, spec = text.partition("=")
    if not equals or set(name) & set(":,/\\"):
        return None, text
    if _is_path(text):
        if name and (spec.partition(":")[0] in names() or _is_path(spec)):
            raise InputError(
                f"{option} {text} is a path, and {spec} named {name!r}, too: for the path write "
                f"./{text}, for the name rename the path, or give {spec} by its absolute path"
            )
        return None, text
    if not name or not spec:
        raise InputError(
            f"{option} must be SPEC or NAME=SPEC; got {text!r}, and there is no such path"
        )
    return name, spec


def _is_path(spec: str) -> bool:
    """Whether this is an existing folder or file, or a part of one: ``file.mat:variable``."""
    head, colon, _ = spec.rpartition(":")
    return os.path.exists(spec) or bool(colon and os.path.isfile(head))


def _short_names(spec: str) -> list[str]:
    """Return the names that a specification may have, from short to long."""
    if spec.partition(":")[0] in names():
        return [spec]
    head, colon, part = spec.rpartition(":")
    if not colon or os.path.exists(spec):
        return names_of_path(spec)
    if os.path.isfile(head) and not head.endswith(".py"):  # a variable of a file of maps
        return [f"{name}:{part}" for name in names_of_path(head)]
    return [part, *(f"{name}:{part}" for name in names_of_path(head, Path(head).name))]
