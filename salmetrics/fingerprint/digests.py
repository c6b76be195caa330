"""Digests of models and data, which tell whether a stored result belongs to them."""

from __future__ import annotations

import copyreg
import dis
import hashlib
import inspect
import sys
import weakref
from collections.abc import ItemsView, KeysView, Mapping, ValuesView
from functools import cached_property, lru_cache
from pathlib import Path, PurePath
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    MethodType,
    ModuleType,
)
from typing import Any, TypeVar

import numpy as np

from salmetrics.array_types import is_tensor, to_numpy
from salmetrics.errors import InputError
from salmetrics.fingerprint.owners import PYTHON, owner_of

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
_KEPT = type(lru_cache(len))
_LONGEST = 200  # characters of another package's error
_READS_GLOBALS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
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
    Classes, functions and modules of installed packages count by their names and the version of
    their distribution, and those of Python by their names. Classes of salmetrics and
    salmetrics_models count by their name, wherever they are defined, so a digest survives a move
    between modules. Values of `cached_property` are left out. An object's attribute `fingerprint`,
    if it is a string, replaces its state and code.

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
        If part of the state has no digest, such as an open file, a lock or a running generator.

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
            try:
                self._add_parts(obj)
            except (InputError, RecursionError):
                raise
            except Exception as error:  # such as those of objects that cannot be pickled
                raise _without_digest(obj, error) from error

    def _add_parts(self, obj: Any) -> None:
        if is_tensor(obj):
            self._add_tensor(obj)
        elif isinstance(obj, (np.ndarray, np.generic)):
            self._add_array(obj)
        elif hasattr(type(obj), "tocoo") and type(obj).__module__.startswith("scipy.sparse."):
            self._add_class(type(obj))
            found = obj.tocoo()  # without what the matrix remembers about itself
            self.add([obj.format, obj.shape, found.data, *found.coords])
        elif isinstance(obj, Mapping):
            for key in sorted(obj, key=fingerprint):
                self.add(key)
                self.add(obj[key])
            self._add_subclass(obj)
        elif isinstance(obj, (set, frozenset, weakref.WeakSet)):
            self._write(str(sorted(map(fingerprint, obj))))
            self._add_subclass(obj)
        elif isinstance(obj, (list, tuple, KeysView, ValuesView, ItemsView)):
            for part in obj:
                self.add(part)
            self._add_subclass(obj)
        elif isinstance(obj, BuiltinFunctionType):
            self._add_builtin(obj)
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
        elif isinstance(obj, CodeType):
            self._add_code(obj, {})
        elif isinstance(obj, _KEPT):
            self.add(obj.__wrapped__)
        elif isinstance(obj, weakref.ReferenceType):
            self.add(obj())
        elif isinstance(obj, memoryview):
            self.add([obj.format, obj.shape, obj.tobytes()])
        elif inspect.isclass(obj):
            self._add_class(obj)
        elif isinstance(_own_digest(obj), str):
            self._write(_own_digest(obj))
        else:
            self._add_instance(obj)

    def _add_tensor(self, tensor: Any) -> None:
        """Add the values of a tensor; those without an array of NumPy as what they consist of."""
        if getattr(tensor, "is_quantized", False):
            parts = [str(tensor.dtype), str(tensor.qscheme())]
            self.add([*parts, tensor.int_repr(), tensor.dequantize()])
        elif str(getattr(tensor, "layout", "torch.strided")) == "torch.sparse_coo":
            self._add_instance(tensor.coalesce())
        elif (
            str(getattr(tensor, "layout", "torch.strided")) != "torch.strided"
            or str(getattr(tensor, "device", "")) == "meta"
        ):
            self._add_instance(tensor)
        else:
            if hasattr(tensor, "resolve_conj"):
                tensor = tensor.resolve_conj().resolve_neg()
            array = to_numpy(tensor)
            if array.ndim == 0 and array.dtype.kind == "O":  # it only looks like a tensor
                self._add_instance(tensor)
            else:
                self._add_array(array)

    def _add_array(self, array: Any) -> None:
        if array.dtype.names is not None:  # there may be gaps between fields
            self.add([list(array.dtype.names), *(array[name] for name in array.dtype.names)])
        elif array.dtype.kind in "OT":  # bytes of objects and of strings are addresses
            for part in array if array.ndim else [array.item()]:
                self.add(part)
        else:
            self._write(f"{array.dtype.str}{array.shape}")
            self._hash.update(np.ascontiguousarray(array).tobytes())
        if isinstance(array, np.ma.MaskedArray):
            self.add(np.ma.getmaskarray(array))
        elif isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
            self._add_subclass(array)

    def _add_subclass(self, obj: Any) -> None:
        """Add what a class of the user adds to a container: its code, and attributes."""
        if _is_ours(type(obj).__module__) or owner_of(type(obj).__module__) is not None:
            return
        self._add_class(type(obj))
        self.add(getattr(obj, "__dict__", None) or None)

    def _add_builtin(self, function: BuiltinFunctionType) -> None:
        self._write(function.__name__)
        self._stops_at(function.__module__)
        if function.__self__ is not None and not isinstance(function.__self__, ModuleType):
            self._add_named("__self__", function.__self__)

    def _add_function(self, function: FunctionType) -> None:
        self._write(_function_name(function))
        home = function.__globals__.get("__name__")  # decorators copy __module__ of what they wrap
        if self._stops_at(home):
            if not _is_ours(function.__module__):
                self._add_cells(function)
            return
        self.add([function.__defaults__, function.__kwdefaults__])
        self.add([_content(cell) for cell in function.__closure__ or ()])
        self._add_code(function.__code__, function.__globals__)

    def _add_cells(self, function: FunctionType) -> None:
        """Add what an installed package's function holds, such as a function that it wraps."""
        for name, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=True
        ):
            self._add_named(name, _content(cell))

    def _add_code(self, code: CodeType, names: dict[str, Any]) -> None:
        """Add bytecode, its constants, and the globals that it names."""
        self._hash.update(code.co_code)
        self._write(" ".join(code.co_names))
        for part in code.co_consts:
            if inspect.iscode(part):
                self._add_code(part, names)
            else:
                self.add(part)
        for name in _globals_of(code):
            if name in names:
                self._add_named(name, names[name])

    def _add_named(self, name: str, obj: Any) -> None:
        """Add an object that code names; if it has no digest, such as a lock, only its class."""
        self._write(name)
        try:
            self.add(obj)
        except InputError:
            self._write(class_path(type(obj)))

    def _add_instance(self, obj: Any) -> None:
        self._add_class(type(obj))
        if type(obj).__module__.startswith("numba.") and hasattr(obj, "py_func"):
            self.add([obj.py_func, getattr(obj, "targetoptions", None)])
            return
        reduced = _reduced(obj)
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
            if self._stops_at(part.__module__):
                continue
            for name, value in sorted(vars(part).items()):
                if name not in _UNUSED:
                    self._add_named(name, value)

    def _add_module(self, module: ModuleType) -> None:
        self._write(_module_name(module.__name__))
        path = getattr(module, "__file__", None)
        if self._stops_at(module.__name__) or path is None:
            return
        loader = getattr(module, "__loader__", None)
        inside_an_archive = hasattr(loader, "archive")
        self._hash.update(
            loader.get_data(path) if inside_an_archive else Path(path).read_bytes()  # type: ignore[union-attr]
        )

    def _stops_at(self, module: str | None) -> bool:
        """Return whether a module is not the user's; add name and version of its distribution."""
        if _is_ours(module):
            return True
        owner = owner_of(module)
        if owner is not None and owner != PYTHON:
            self._write(owner)
        return owner is not None

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


def _is_ours(module: str | None) -> bool:
    return isinstance(module, str) and module.partition(".")[0] in _OURS


def _own_digest(obj: Any) -> Any:
    """Return an object's attribute `fingerprint`; objects that make up any attribute have none."""
    if inspect.getattr_static(obj, "fingerprint", None) is None:
        return None
    return obj.fingerprint


def _reduced(obj: Any) -> str | tuple[Any, ...]:
    """Return what an object consists of, as for a pickle."""
    registered = copyreg.dispatch_table.get(type(obj))
    reduced: str | tuple[Any, ...] = obj.__reduce_ex__(4) if registered is None else registered(obj)
    if isinstance(obj, np.ufunc):  # those made of functions of Python do not tell which
        homes = [m for m in list(sys.modules.values()) if isinstance(m, ModuleType)]
        if not any(vars(home).get(obj.__name__) is obj for home in homes):
            raise TypeError("no module has it")
    return reduced


def _content(cell: CellType) -> Any:
    """Return what a cell of a closure holds; a variable without a value is None."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _globals_of(code: CodeType) -> list[str]:
    """Return the names that code itself reads as globals; others are those of attributes."""
    read = {
        instruction.argval
        for instruction in dis.get_instructions(code)
        if instruction.opname in _READS_GLOBALS
    }
    return [name for name in code.co_names if name in read]


def _without_digest(obj: Any, error: Exception) -> InputError:
    reason = " ".join(str(error).split())
    if len(reason) > _LONGEST:
        reason = f"{reason[:_LONGEST]} ..."
    return InputError(
        f"a {type(obj).__name__} has no digest ({reason}), so a checkpoint cannot compare "
        "the model with an earlier one; give the model an attribute fingerprint, a string "
        "that changes when its predictions do"
    )
