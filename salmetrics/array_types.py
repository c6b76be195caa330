"""Short names for array types that many modules use, the kinds of predicted arrays, and arrays."""

import inspect
from types import ModuleType
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "KINDS",
    "AnyArray",
    "Array",
    "Kind",
    "Rows",
    "Size",
    "is_array",
    "is_tensor",
    "to_numpy",
]

Array = NDArray[np.float64]
AnyArray = NDArray[Any]
Rows = NDArray[np.int64]  # indices of fixations or pixels
Size = tuple[int, int]  # (height, width)

Kind = Literal["log_density", "density", "saliency_map"]  # what a predicted array holds
KINDS: tuple[Kind, ...] = get_args(Kind)

_SHORT_FLOATS = ("bfloat16", "float8")  # which NumPy knows from other packages only


def is_tensor(obj: Any) -> bool:
    """Whether an object is a torch tensor; the module and classes of torch have its methods too."""
    if inspect.isclass(obj) or isinstance(obj, ModuleType):
        return False
    return _has_methods(obj)


def _has_methods(obj: Any) -> bool:
    """Whether an object, or the objects of a class, have the methods of tensors."""
    return hasattr(obj, "detach") and hasattr(obj, "cpu")


def is_array(obj: Any) -> bool:
    """Whether an object is an array of NumPy, torch or another package, and not only like one."""
    if isinstance(obj, np.ndarray) or is_tensor(obj):
        return True
    if inspect.isclass(obj) or isinstance(obj, ModuleType):
        return False
    return hasattr(obj, "__array__") or hasattr(obj, "__array_interface__")


def to_numpy(obj: Any) -> AnyArray:
    """Return an array of NumPy, without a copy where none is needed.

    Torch tensors are detached and copied to the CPU; bfloat16 becomes float32, as NumPy does not
    know it. The mask of a masked array is lost.
    """
    if is_tensor(obj):
        obj = obj.detach().cpu()
        obj = (obj.float() if _is_short(obj.dtype) else obj).numpy()
    elif isinstance(obj, (list, tuple)) and any(map(_has_methods, set(map(type, obj)))):
        obj = [to_numpy(part) for part in obj]
    array = np.asarray(obj)
    return array.astype(np.float32) if _is_short(array.dtype) else array


def _is_short(dtype: Any) -> bool:
    return any(name in str(dtype) for name in _SHORT_FLOATS)
