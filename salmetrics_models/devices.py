"""Devices by name, and torch as it should be on them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from salmetrics.errors import InputError, check_whole

__all__ = ["device_of", "sent", "settings_of_torch"]

_SETTINGS = threading.RLock()


def device_of(given: str) -> torch.device:
    """Return "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1" as a device.

    Raises
    ------
    InputError
        For other names, and for a GPU that isn't there.
    """
    if given == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(given)
    except (RuntimeError, TypeError) as error:
        raise InputError(f"device must be 'auto', 'cpu' or 'cuda'; got {given!r}") from error
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"device must be 'auto', 'cpu' or 'cuda'; got {given!r}")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device {given!r} was asked for, but torch finds no GPU; use 'auto'")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(f"device {given!r}: torch finds {torch.cuda.device_count()} GPUs")
    return device


def sent(tensor: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return a tensor of the CPU on a device, as a type; a GPU does not wait for it."""
    if device.type == "cuda":
        tensor = tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(dtype)


@contextmanager
def settings_of_torch(
    device: torch.device, n_threads: int | None, *, alone: bool = True
) -> Iterator[None]:
    """Let torch use so many threads on a CPU, and all digits on a GPU.

    Parameters
    ----------
    device
        Where it computes.
    n_threads
        None: as torch is set.
    alone
        Whether others who want settings wait meanwhile; not for hours.
    """
    if n_threads is not None:
        check_whole("n_threads", n_threads, 1)
    if device.type != "cuda" and n_threads is None:
        yield
        return
    convolutions, products = torch.backends.cudnn, torch.backends.cuda.matmul
    with _SETTINGS if alone else nullcontext():  # they are of the process: one call at a time
        before = torch.get_num_threads(), convolutions.allow_tf32, products.allow_tf32
        torch.set_num_threads(n_threads or before[0])
        convolutions.allow_tf32 = products.allow_tf32 = False  # it keeps 10 bits
        try:
            yield
        finally:
            torch.set_num_threads(before[0])
            convolutions.allow_tf32, products.allow_tf32 = before[1:]
