"""Digests of models and data, which tell whether a stored result belongs to them."""

from __future__ import annotations

import hashlib
import inspect
import sys
import sysconfig
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path, PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, TypeVar

import numpy as np

from salmetrics.array_types import is_tensor, to_numpy
from salmetrics.errors import InputError

__all__ = ["Aside", "class_path", "fingerprint"]

T = TypeVar("T")

_OURS = ("salmetrics", "salmetrics_models")
_UNUSED = (  # attributes of a class that do not change what it does
    "__abstractmethods__",
    "__annotations__",
    "__dict__",
    "__doc__",
    "__firstlineno__",
    "__module__",
    "__slotnames__",
    "__static_attributes__",
    "__weakref__",
    "_abc_impl",
)
_PLAIN = (bool, int, float, complex, str, bytes, PurePath)


class Aside(cached_property[T]):
    """An attribute that may be set and that digests leave out, such as notes on an object.

    Parameters
    ----------
    usual
        Its value until it is set; nothing changes it in place.
    doc
        Its docstring.

    Examples
    --------
    >>> class Noted:
    ...     notes: Aside[tuple[str, ...]] = Aside((), "What was noticed.")
    >>> noted = Noted()
    >>> before = fingerprint(noted), noted.notes
    >>> noted.notes = ("something",)
    >>> before == (fingerprint(noted), ())
    True
    """

    def __init__(self, usual: T, doc: str) -> None:
        super().__init__(lambda _: usual)
        self.__doc__ = doc


def fingerprint(obj: Any) -> str:
    """Return a digest of an object's state and of the code it runs, equal in every process.

    The code is that of the object's class and of all functions, classes and modules that it names.
    Code of installed packages is left out: their versions are recorded apart. Classes of
    salmetrics and salmetrics_models count by their name, wherever they are defined, so a digest
    survives a move between modules. Values of `cached_property` are left out. An object's
    attribute `fingerprint`, if it is a string, replaces its state and code.

    Parameters
    ----------
    obj
        Such as a model, an array, or a list of them.

    Returns
    -------
    digest : str
        32 hexadecimal digits of a SHA-256.

    Raises
    ------
    InputError
        If part of the state has no digest, such as an open file.

    Examples
    --------
    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    digest = _Digest()
    try:
        digest.add(obj)
    except RecursionError as error:
        raise InputError(
            f"the {type(obj).__name__} is nested too deeply for a digest; give it an attribute "
            "fingerprint, a string that changes when its predictions do"
        ) from error
    return digest.text()


def class_path(cls: type | str) -> str:
    """Return the path by which digests and records know a class, such as "salmetrics.Mixture".

    Classes of this project are known by package and name, so they may move between its modules;
    others by their full path.

    Parameters
    ----------
    cls
        A class, or its full path, as records of format 1 have it.

    Returns
    -------
    path : str
        The path.

    Examples
    --------
    >>> from salmetrics import Uniform
    >>> class_path(Uniform), class_path(Path)
    ('salmetrics.Uniform', 'pathlib.Path')
    """
    path = cls if isinstance(cls, str) else f"{cls.__module__}.{cls.__qualname__}"
    package, *parts = path.split(".")
    if package not in _OURS:
        return path
    while len(parts) > 1 and parts[0].islower():  # modules
        parts = parts[1:]
    return ".".join([package, *parts])


class _Digest:
    """Visits an object and all its parts, each part once."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        # number and part by id; holding the parts keeps their ids from being used again
        self._visited: dict[int, tuple[int, Any]] = {}

    def text(self) -> str:
        return self._hash.hexdigest()[:32]

    def add(self, obj: Any) -> None:
        self._write(f"<{class_path(type(obj))}>")
        if obj is None or isinstance(obj, _PLAIN):
            self._write(repr(obj))
        elif id(obj) in self._visited:
            self._write(f"part {self._visited[id(obj)][0]}")
        else:
            self._visited[id(obj)] = len(self._visited), obj
            self._add_parts(obj)

    def _add_parts(self, obj: Any) -> None:
        if is_tensor(obj):
            obj = to_numpy(obj)
        if isinstance(obj, (np.ndarray, np.generic)) and obj.dtype.kind != "O":
            self._write(f"{obj.dtype.str}{obj.shape}")
            self._hash.update(np.ascontiguousarray(obj).tobytes())
        elif isinstance(obj, Mapping):
            for key in sorted(obj, key=fingerprint):
                self.add(key)
                self.add(obj[key])
        elif isinstance(obj, (set, frozenset)):
            self._write(str(sorted(map(fingerprint, obj))))
        elif isinstance(obj, (list, tuple, np.ndarray)):
            for part in obj:
                self.add(part)
        elif isinstance(obj, BuiltinFunctionType):
            self._write(obj.__name__)
        elif isinstance(obj, ModuleType):
            self._add_module(obj)
        elif isinstance(obj, (MethodType, staticmethod, classmethod)):
            self.add(obj.__func__)
            self.add(getattr(obj, "__self__", None))
        elif isinstance(obj, property):
            self.add([obj.fget, obj.fset])
        elif isinstance(obj, cached_property):
            self.add(obj.func)
        elif isinstance(obj, FunctionType):
            self._add_function(obj)
        elif inspect.isclass(obj):
            self._add_class(obj)
        elif isinstance(getattr(obj, "fingerprint", None), str):
            self._write(obj.fingerprint)
        else:
            self._add_instance(obj)

    def _add_function(self, function: FunctionType) -> None:
        self._write(_function_name(function))
        if _is_installed(function.__module__):
            return
        self.add([function.__defaults__, function.__kwdefaults__])
        self.add([cell.cell_contents for cell in function.__closure__ or ()])
        self._add_code(function.__code__, function.__globals__)

    def _add_code(self, code: CodeType, names: dict[str, Any]) -> None:
        """Add bytecode, its constants, and the globals that it names."""
        self._hash.update(code.co_code)
        self._write(" ".join(code.co_names))
        for part in code.co_consts:
            if inspect.iscode(part):
                self._add_code(part, names)
            else:
                self.add(part)
        for name in code.co_names:
            if name in names:
                self._add_named(name, names[name])

    def _add_named(self, name: str, obj: Any) -> None:
        """Add an object that code names; if it has no digest, such as a lock, only its class."""
        self._write(name)
        try:
            self.add(getattr(obj, "__wrapped__", obj))
        except InputError:
            self._write(class_path(type(obj)))

    def _add_instance(self, obj: Any) -> None:
        self._add_class(type(obj))
        try:
            reduced = obj.__reduce_ex__(4)
        except TypeError as error:
            raise InputError(
                f"a {type(obj).__name__} has no digest ({error}), so a checkpoint cannot compare "
                "the model with an earlier one; give the model an attribute fingerprint, a string "
                "that changes when its predictions do"
            ) from error
        if isinstance(reduced, str):
            self._write(reduced)
            return
        for part in reduced:
            if isinstance(part, dict):
                kept = {k: v for k, v in part.items() if not _is_cache(type(obj), k)}
                self.add(kept or None)  # objects without state have None
            else:
                self.add(list(part) if hasattr(part, "__next__") else part)

    def _add_class(self, cls: type) -> None:
        for part in cls.__mro__[:-1]:
            self._write(class_path(part))
            if _is_installed(part.__module__):
                continue
            for name, value in sorted(vars(part).items()):
                if name not in _UNUSED:
                    self._add_named(name, value)

    def _add_module(self, module: ModuleType) -> None:
        self._write(_module_name(module.__name__))
        path = getattr(module, "__file__", None)
        if path is not None and not _is_installed(module.__name__):
            self._hash.update(Path(path).read_bytes())

    def _write(self, text: str) -> None:
        self._hash.update(f"{len(text)}:{text}".encode())


def _module_name(name: str) -> str:
    """Return a module's name; for one of ours only the package and the last part."""
    package, _, rest = name.partition(".")
    return f"{package}.{rest.rpartition('.')[2]}" if package in _OURS and rest else name


def _function_name(function: FunctionType) -> str:
    """Return a function's name with its module, which methods and public functions of ours lack.

    Private functions of different modules may share a name, so theirs keeps the module's last part.
    """
    module, name = function.__module__, function.__qualname__
    package = module.split(".")[0] if module else None
    if package not in _OURS:
        return f"{module}.{name}"
    outermost = name.split(".")[0]
    owner = getattr(sys.modules.get(module), outermost, None)
    is_public = owner is not None and getattr(sys.modules[package], outermost, None) is owner
    if is_public or inspect.isclass(owner):
        return f"{package}.{name}"
    return f"{_module_name(module)}.{name}"


def _is_cache(cls: type, name: Any) -> bool:
    """Whether an attribute is the cached value of a `cached_property`."""
    return isinstance(name, str) and isinstance(
        inspect.getattr_static(cls, name, None), cached_property
    )


@cache
def _is_installed(name: str | None) -> bool:
    """Whether a module belongs to Python, to this project, or to an installed package."""
    if name is None:
        return False
    package = name.split(".")[0]
    if package in _OURS or package in sys.stdlib_module_names:
        return True
    path = getattr(sys.modules.get(package), "__file__", None)
    if path is None:
        return package in sys.builtin_module_names
    installed = {sysconfig.get_path(kind) for kind in ("purelib", "platlib", "stdlib")}
    return any(Path(path).is_relative_to(folder) for folder in installed)
