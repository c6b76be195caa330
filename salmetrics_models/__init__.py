"""Models of where people look that need torch.

They are registered in the entry-point group ``salmetrics.models``, so ``salmetrics`` finds them by
name and never imports this package.
"""

from salmetrics_models.deepgaze.deepgaze2 import DeepGazeII
from salmetrics_models.deepgaze.deepgaze2e import DeepGazeIIE
from salmetrics_models.deepgaze.fold_identification import (
    ComponentOrder,
    identify_folds,
    order_from_weights,
)
from salmetrics_models.deepgaze.folded import FoldedDeepGaze
from salmetrics_models.deepgaze.model import DeepGaze, DeepGazeI
from salmetrics_models.deepgaze.readout_model import ReadoutModel
from salmetrics_models.deepgaze_acw.model import DeepGazeIIEACW
from salmetrics_models.emlnet.model import EMLNet
from salmetrics_models.litegaze.model import LiteGaze

__all__ = [
    "ComponentOrder",
    "DeepGaze",
    "DeepGazeI",
    "DeepGazeII",
    "DeepGazeIIE",
    "DeepGazeIIEACW",
    "EMLNet",
    "FoldedDeepGaze",
    "LiteGaze",
    "ReadoutModel",
    "identify_folds",
    "order_from_weights",
]
