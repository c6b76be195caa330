"""Digests of models and data: whether what is scored is what was scored before."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from salmetrics.errors import InputError
from salmetrics.fixations import Fixations
from salmetrics.stimuli import Stimuli

__all__ = ["data_fingerprint", "fingerprint"]

_PLAIN = (bool, int, float, complex, str, bytes, PurePath)


def fingerprint(obj: Any) -> str:
    """Digest an object's class, its source text and its state; the same in every process.

    An attribute `fingerprint`, a string, stands for an object that has one.

    Raises
    ------
    InputError
        If part of the state can't be digested, such as an open file.
    """
    digest = _Digest()
    digest.add(obj)
    return digest.text()


def data_fingerprint(stimuli: Stimuli, fixations: Fixations) -> dict[str, str]:
    """Digest ids and sizes, pixels, and fixations; reads all images."""
    return {
        "images": fingerprint([list(stimuli.ids), stimuli.sizes]),
        "pixels": stimuli.pixel_digest(),
        "fixations": fingerprint([fixations.x, fixations.y, fixations.image, fixations.subject]),
    }


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
        if hasattr(obj, "detach") and hasattr(obj, "cpu"):  # a torch tensor
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
        elif isinstance(obj, (ModuleType, BuiltinFunctionType)):
            self._write(obj.__name__)
        elif isinstance(obj, MethodType):
            self.add(obj.__func__)
            self.add(obj.__self__)
        elif isinstance(obj, FunctionType):
            self._add_function(obj)
        elif inspect.isclass(obj):
            self._add_source(obj)
        elif isinstance(getattr(obj, "fingerprint", None), str):
            self._write(obj.fingerprint)
        else:
            self._add_instance(obj)

    def _add_function(self, function: FunctionType) -> None:
        code = function.__code__
        self._add_source(function)
        self._hash.update(code.co_code)
        self.add([part for part in code.co_consts if not inspect.iscode(part)])
        self.add([function.__defaults__, function.__kwdefaults__])
        self.add([cell.cell_contents for cell in function.__closure__ or ()])
        for name in code.co_names:  # what it finds in its module
            if name in function.__globals__:
                self._write(name)
                self.add(function.__globals__[name])

    def _add_instance(self, obj: Any) -> None:
        for cls in type(obj).__mro__[:-1]:
            if not cls.__module__.startswith("salmetrics."):
                self._add_source(cls)
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
            self.add(list(part) if hasattr(part, "__next__") else part)

    def _add_source(self, obj: Any) -> None:
        self._write(f"{obj.__module__}.{obj.__qualname__}")
        if obj.__module__.split(".")[0] in ("builtins", "numpy", "copyreg", "abc"):
            return
        try:
            self._write(inspect.getsource(obj))
        except (OSError, TypeError):
            return  # typed at a prompt, or compiled: of a function, its code is added

    def _write(self, text: str) -> None:
        self._hash.update(f"{len(text)}:{text}".encode())
