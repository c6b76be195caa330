"""Digests of models and data: whether what is scored is what was scored before."""

from __future__ import annotations

import hashlib
import inspect
import sys
import sysconfig
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path, PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from salmetrics.errors import InputError

__all__ = ["fingerprint"]

_UNUSED = (  # parts of a class that don't change what it does
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


def fingerprint(obj: Any) -> str:
    """Digest an object's state and the code it runs; the same in every process.

    The code is that of its class and of all functions, classes and modules that this code names,
    but for installed packages, whose versions are recorded apart. Values of `cached_property` are
    left out. An attribute `fingerprint`, a string, stands for an object that has one.

    Raises
    ------
    InputError
        If part of the state can't be digested, such as an open file.
    """
    digest = _Digest()
    try:
        digest.add(obj)
    except RecursionError as error:
        raise InputError(
            f"a checkpoint can't look into a {type(obj).__name__} that is nested so deeply; give "
            "it an attribute fingerprint, a string that changes when its predictions do"
        ) from error
    return digest.text()


class _Digest:
    """Walks through an object and what it is made of, each part once."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._met: dict[int, tuple[int, Any]] = {}  # holds on to parts, so ids stay theirs

    def text(self) -> str:
        return self._hash.hexdigest()[:32]

    def add(self, obj: Any) -> None:
        self._write(f"<{type(obj).__module__}.{type(obj).__qualname__}>")
        if obj is None or isinstance(obj, _PLAIN):
            self._write(repr(obj))
        elif id(obj) in self._met:
            self._write(f"part {self._met[id(obj)][0]}")
        else:
            self._met[id(obj)] = len(self._met), obj
            self._add_parts(obj)

    def _add_parts(self, obj: Any) -> None:
        if (
            not inspect.isclass(obj) and hasattr(obj, "detach") and hasattr(obj, "cpu")
        ):  # a torch tensor
            obj = obj.detach().cpu()
            obj = (obj.float() if "bfloat16" in str(obj.dtype) else obj).numpy()
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
        self._write(f"{function.__module__}.{function.__qualname__}")
        if _is_installed(function.__module__):
            return
        self.add([function.__defaults__, function.__kwdefaults__])
        self.add([cell.cell_contents for cell in function.__closure__ or ()])
        self._add_code(function.__code__, function.__globals__)

    def _add_code(self, code: CodeType, names: dict[str, Any]) -> None:
        """Add what code does, and what it finds in its module."""
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
        """Add what code refers to; of what can't be looked into, such as a lock, the class."""
        self._write(name)
        try:
            self.add(getattr(obj, "__wrapped__", obj))
        except InputError:
            self._write(f"{type(obj).__module__}.{type(obj).__qualname__}")

    def _add_instance(self, obj: Any) -> None:
        self._add_class(type(obj))
        try:
            reduced = obj.__reduce_ex__(4)
        except TypeError as error:
            raise InputError(
                "a checkpoint needs to know whether a model is the one of before, and can't tell "
                f"of its {type(obj).__name__} ({error}); give the model an attribute fingerprint, "
                "a string that changes when its predictions do"
            ) from error
        if isinstance(reduced, str):
            self._write(reduced)
            return
        for part in reduced:
            if isinstance(part, dict):
                kept = {k: v for k, v in part.items() if not _is_cache(type(obj), k)}
                self.add(kept or None)  # None is what objects without state have
            else:
                self.add(list(part) if hasattr(part, "__next__") else part)

    def _add_class(self, cls: type) -> None:
        for part in cls.__mro__[:-1]:
            self._write(f"{part.__module__}.{part.__qualname__}")
            if _is_installed(part.__module__):
                continue
            for name, value in sorted(vars(part).items()):
                if name not in _UNUSED:
                    self._add_named(name, value)

    def _add_module(self, module: ModuleType) -> None:
        self._write(module.__name__)
        path = getattr(module, "__file__", None)
        if path is not None and not _is_installed(module.__name__):
            self._hash.update(Path(path).read_bytes())

    def _write(self, text: str) -> None:
        self._hash.update(f"{len(text)}:{text}".encode())


def _is_cache(cls: type, name: Any) -> bool:
    """Whether an attribute is the kept value of a `cached_property`."""
    return isinstance(name, str) and isinstance(
        inspect.getattr_static(cls, name, None), cached_property
    )


@cache
def _is_installed(name: str | None) -> bool:
    """Whether a module is built in, of the standard library, or of an installed package."""
    if name is None:
        return False
    package = name.split(".")[0]
    if package in ("salmetrics", "salmetrics_models") or package in sys.stdlib_module_names:
        return True
    path = getattr(sys.modules.get(package), "__file__", None)
    if path is None:
        return package in sys.builtin_module_names
    installed = {sysconfig.get_path(kind) for kind in ("purelib", "platlib", "stdlib")}
    return any(Path(path).is_relative_to(folder) for folder in installed)
