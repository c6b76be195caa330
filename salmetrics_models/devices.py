"""Devices by name, and the settings of torch while a model computes on them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import lru_cache, wraps
from typing import Any, Generic, ParamSpec, TypeVar

import torch
from torch import Tensor

from salmetrics.errors import InputError, check_whole

__all__ = ["Shared", "device_of", "kept_tensors", "sent", "settings_of_torch"]

_Given = ParamSpec("_Given")
_Value = TypeVar("_Value")

_SETTINGS = threading.RLock()


def device_of(name: str) -> torch.device:
    """Return the device of a name.

    Parameters
    ----------
    name
        "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1", ...

    Returns
    -------
    device : torch.device

    Raises
    ------
    InputError
        If the name is unknown, or torch does not find that GPU.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError) as error:
        raise InputError(f"device must be 'auto', 'cpu' or 'cuda'; got {name!r}") from error
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"device must be 'auto', 'cpu' or 'cuda'; got {name!r}")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device {name!r} was asked for, but torch finds no GPU; use 'auto'")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"device {name!r} was asked for, but torch finds {torch.cuda.device_count()} GPUs, "
            "numbered from 0"
        )
    return device


def sent(tensor: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return a CPU tensor on a device and in a type, without waiting for a GPU."""
    if device.type == "cuda":
        tensor = tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(dtype)


@contextmanager
def settings_of_torch(
    device: torch.device, n_threads: int | None, *, alone: bool = True
) -> Iterator[None]:
    """Limit torch to `n_threads` on a CPU and disable TF32 on a GPU.

    Parameters
    ----------
    device
        Device of the computation.
    n_threads
        Number of threads of torch; None leaves it as it is.
    alone
        Whether other threads that call this wait until the block ends. False where it lasts for
        hours.
    """
    if n_threads is not None:
        check_whole("n_threads", n_threads, 1)
    if device.type != "cuda" and n_threads is None:
        yield
        return
    convolutions, products = torch.backends.cudnn, torch.backends.cuda.matmul
    with _SETTINGS if alone else nullcontext():  # settings of the process: one call at a time
        before = torch.get_num_threads(), convolutions.allow_tf32, products.allow_tf32
        torch.set_num_threads(n_threads or before[0])
        convolutions.allow_tf32 = products.allow_tf32 = False  # TF32 keeps 10 bits
        try:
            yield
        finally:
            torch.set_num_threads(before[0])
            convolutions.allow_tf32, products.allow_tf32 = before[1:]


class Shared(Generic[_Value]):
    """A value whose tensors were made in one stream of a GPU and are read in others.

    Parameters
    ----------
    value
        A tensor, or an object whose attributes are tensors or lists of them, made in the current
        stream.
    """

    def __init__(self, value: _Value) -> None:
        self._value = value
        self._on_gpu = [tensor for tensor in _tensors(value) if tensor.is_cuda]
        if self._on_gpu:
            self._stream = torch.cuda.current_stream(self._on_gpu[0].device)
            self._made = torch.cuda.Event()
            self._made.record(self._stream)

    def read(self) -> _Value:
        """Return the value, for work in the current stream, which waits until it has been made."""
        if self._on_gpu:
            now = torch.cuda.current_stream(self._on_gpu[0].device)
            if now != self._stream:
                now.wait_event(self._made)
                for tensor in self._on_gpu:
                    tensor.record_stream(now)  # its memory stays reserved until `now` has used it
        return self._value


def kept_tensors(maxsize: int) -> Callable[[Callable[_Given, _Value]], Callable[_Given, _Value]]:
    """Return a decorator that caches the tensors of a function, for all streams of a GPU.

    Parameters
    ----------
    maxsize
        Number of values that are kept.
    """

    def decorator(make: Callable[_Given, _Value]) -> Callable[_Given, _Value]:
        @lru_cache(maxsize)
        def kept(*given: Any, **named: Any) -> Shared[_Value]:
            with torch.inference_mode(False):  # may be used with gradients later
                return Shared(make(*given, **named))

        @wraps(make)
        def read(*given: _Given.args, **named: _Given.kwargs) -> _Value:
            return kept(*given, **named).read()  # type: ignore[arg-type]

        return read

    return decorator


def _tensors(value: Any) -> Iterable[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _tensors(part)
    elif hasattr(value, "__dict__"):
        yield from _tensors(list(vars(value).values()))
