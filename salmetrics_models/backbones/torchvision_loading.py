"""torchvision, also where its compiled operators can't be loaded; and timm, which needs it."""

from __future__ import annotations

from functools import cache
from types import ModuleType

from salmetrics.errors import InputError

__all__ = ["timm_models", "vision_models"]


@cache
def vision_models() -> ModuleType:
    """Return ``torchvision.models``.

    Wheels of torchvision are compiled for CUDA; beside a CPU-only torch its operators don't load,
    and the import fails where it registers two of them. No network here uses an operator, so the
    two are declared first, which is all that the import asks for.
    """
    import torch

    if not torch.cuda.is_available() and not hasattr(torch.ops.torchvision, "nms"):
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _declared.append(library)  # what is declared goes with it
    import torchvision.models

    return torchvision.models


def timm_models() -> ModuleType:
    """Return ``timm``.

    Raises
    ------
    InputError
        If it is not installed.
    """
    vision_models()
    try:
        import timm
    except ModuleNotFoundError as error:
        raise InputError("NASNet needs timm: pip install 'salmetrics[nasnet]'") from error
    module: ModuleType = timm
    return module


_declared: list[object] = []
