"""torchvision beside any torch, and timm where it is installed."""

import sys

import pytest

from salmetrics import InputError
from salmetrics_models.backbones.torchvision_loading import timm_models, vision_models


def test_networks_of_torchvision():
    models = vision_models()
    import torchvision  # which would fail before that beside a CPU-only torch

    assert models is torchvision.models is vision_models()


def test_operators_that_are_not_compiled_are_declared():
    """Without them the import of torchvision fails beside a CPU-only torch."""
    import torch

    vision_models()
    assert hasattr(torch.ops.torchvision, "nms")


def test_timm():
    assert hasattr(timm_models("timm is missing"), "create_model")


def test_without_timm(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)  # what Python finds if it is not installed
    with pytest.raises(InputError, match=r"pip install 'salmetrics\[nasnet\]'"):
        timm_models("pip install 'salmetrics[nasnet]'")
