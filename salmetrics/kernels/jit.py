"""The decorator every kernel uses, and the helper every kernel input goes through."""

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["kernel", "kernel_input"]

Function = TypeVar("Function", bound=Callable[..., Any])

# "nnan" and "ninf" are left out on purpose: they would break NaN and infinite values.
# "reassoc" alone lets a sum over 480 000 float32 values vectorise (8 times faster).
_FAST_SUMS = {"reassoc", "contract", "nsz"}

_KERNEL_DTYPES = (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.uint8))
_EXACT_IN_FLOAT32 = tuple(np.dtype(t) for t in (np.bool_, np.int8, np.int16, np.uint16, np.float16))

_warned_about_cache = False


def kernel(*, fast_sums: bool = False) -> Callable[[Function], Function]:
    """Compile a function with Numba: no GIL, no exceptions on division, cached on disk.

    Parameters
    ----------
    fast_sums
        Allow sums to be reordered and contracted. Never for code that must place equal values
        into the same bucket in two different loops.

    Notes
    -----
    Numba raises an error at import time if neither the package folder nor the home directory is
    writable; functions are then not cached, with one warning, and compile at first use.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": _FAST_SUMS if fast_sums else False,
    }

    def decorate(function: Function) -> Function:
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError as error:
            _warn_about_cache(error)
            return numba.njit(**options)(function)

    return decorate


def _warn_about_cache(error: RuntimeError) -> None:
    global _warned_about_cache
    if not _warned_about_cache:
        _warned_about_cache = True
        warnings.warn(
            f"compiled functions are not cached ({error}); set NUMBA_CACHE_DIR to a writable "
            "folder to avoid compiling in every process",
            RuntimeWarning,
            stacklevel=4,
        )


def kernel_input(array: Any, dtype: Any = None) -> NDArray[Any]:
    """Return `array` as kernels need it: C-contiguous, aligned, of native byte order, read-only.

    Parameters
    ----------
    array
        An array, or anything that `numpy.asarray` accepts.
    dtype
        Dtype of the result. By default float32, float64 and uint8 stay as they are, other types
        that float32 holds exactly become float32, and everything else float64.

    Notes
    -----
    Numba compiles read-only and writable arrays separately; passing read-only views only halves
    the number of compiled variants and protects inputs.
    """
    array = np.asarray(array)
    if dtype is None:
        if array.dtype.newbyteorder("=") in _KERNEL_DTYPES:
            dtype = array.dtype.newbyteorder("=")
        else:
            dtype = np.float32 if array.dtype in _EXACT_IN_FLOAT32 else np.float64
    view = np.require(array, dtype=dtype, requirements=["C", "A"]).view()
    view.flags.writeable = False
    return view
