"""All backbones that files of weights and configurations may name."""

from __future__ import annotations

from salmetrics_models.backbones.backbone import Backbone
from salmetrics_models.backbones.efficientnet_lite import EFFICIENTNET_LITE
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.backbones.networks import (
    ALEXNET,
    BACKBONES,
    RESNET_50,
    RESNET_101,
    VGG_11,
    VGG_19,
)

__all__ = ["known_backbones"]


def known_backbones() -> dict[str, Backbone]:
    """Return all backbones by name."""
    alone = (VGG_11, VGG_19, ALEXNET, RESNET_50, RESNET_101, HAND_MADE)
    every = (*BACKBONES.values(), *alone, *EFFICIENTNET_LITE.values())
    return {backbone.name: backbone for backbone in every}
