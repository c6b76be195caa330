"""Models of where people look that need torch.

Models register here through the entry-point group ``salmetrics.models``, so that ``salmetrics``
finds them by name and never imports this package.
"""

from salmetrics_models.deepgaze import DeepGaze, DeepGazeI
from salmetrics_models.deepgaze2 import DeepGazeII
from salmetrics_models.deepgaze2e import DeepGazeIIE
from salmetrics_models.deepgaze2e_acw import DeepGazeIIEACW
from salmetrics_models.emlnet import EMLNet
from salmetrics_models.folded import FoldedDeepGaze
from salmetrics_models.identify import ComponentOrder, identify_folds, order_from_weights
from salmetrics_models.readout_model import ReadoutModel

__all__ = [
    "ComponentOrder",
    "DeepGaze",
    "DeepGazeI",
    "DeepGazeII",
    "DeepGazeIIE",
    "DeepGazeIIEACW",
    "EMLNet",
    "FoldedDeepGaze",
    "ReadoutModel",
    "identify_folds",
    "order_from_weights",
]
