"""Networks trained on other tasks, read at some of their layers; they know no saliency model.

`Backbone` describes a network and its layers; `HAND_MADE` needs no weights. Modules here import
files of weights and devices, and nothing of the models that read backbones.
"""

from salmetrics_models.backbones.backbone import Backbone
from salmetrics_models.backbones.handmade import HAND_MADE

__all__ = ["HAND_MADE", "Backbone"]
