"""Imports of torchvision, even if its compiled operators do not load, and of timm."""

from __future__ import annotations

from functools import cache
from types import ModuleType

from salmetrics.errors import InputError

__all__ = ["timm_models", "vision_models"]


@cache
def vision_models() -> ModuleType:
    """Return ``torchvision.models``.

    Wheels of torchvision are compiled for CUDA. With a CPU-only torch its operators do not load,
    and the import fails where it registers two of them. No network here uses an operator, so these
    two are declared first, which is all that the import needs.
    """
    import torch

    if not torch.cuda.is_available() and not hasattr(torch.ops.torchvision, "nms"):
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _libraries.append(library)  # declarations end with the life of their library
    import torchvision.models

    return torchvision.models


def timm_models(needed: str) -> ModuleType:
    """Return ``timm``, which needs torchvision.

    Parameters
    ----------
    needed
        What the error says if it is not installed.

    Raises
    ------
    InputError
        If timm is not installed.
    """
    vision_models()
    try:
        import timm
    except ModuleNotFoundError as error:
        raise InputError(needed) from error
    module: ModuleType = timm
    return module


_libraries: list[object] = []
