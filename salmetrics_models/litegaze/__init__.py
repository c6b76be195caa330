"""LiteGaze: readouts of small ImageNet networks, trained on OSIE and shipped with the package."""

from salmetrics_models.litegaze.model import LiteGaze

__all__ = ["LiteGaze"]
