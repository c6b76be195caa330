"""The architecture of LiteGaze."""

from __future__ import annotations

from dataclasses import replace

from salmetrics_models.backbones.efficientnet_lite import EFFICIENTNET_LITE
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E

__all__ = ["LITEGAZE", "SIDE"]

SIDE = 400  # longer side of the images of the training, in pixels

LITEGAZE = replace(
    DEEPGAZE_2E,
    backbones=tuple(EFFICIENTNET_LITE.values()),
    n_components=10,
    downsample=1,
    readout_factor=8,
    map_factor=1,
    least_side=64,
)
