"""Devices by name, and the settings of torch while a model computes on them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from salmetrics.errors import InputError, check_whole

__all__ = ["device_of", "sent", "settings_of_torch"]

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
