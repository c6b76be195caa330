"""Models of where people look that need torch.

Models register here through the entry-point group ``salmetrics.models``, so that ``salmetrics``
finds them by name and never imports this package.
"""

from salmetrics_models.deepgaze import DeepGaze, DeepGazeI, DeepGazeIIE

__all__ = ["DeepGaze", "DeepGazeI", "DeepGazeIIE"]
