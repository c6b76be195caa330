"""Devices by name."""

from __future__ import annotations

import torch

from salmetrics.errors import InputError

__all__ = ["device_of"]


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
