"""Published data sets by name: one description file each, and readers for their formats.

`salmetrics.data` holds the types that they are read into. Nothing here knows metrics, the engine
or evaluations; generated data sets include a model of their true density.
"""

from salmetrics.datasets.description import Description
from salmetrics.datasets.folder import load_folder
from salmetrics.datasets.generated import generate_dataset
from salmetrics.datasets.judd import judd_fixations
from salmetrics.datasets.popout import PopOut, generate_popout
from salmetrics.datasets.registry import get, info, load, names
from salmetrics.datasets.sample import sample_models

__all__ = [
    "Description",
    "PopOut",
    "generate_dataset",
    "generate_popout",
    "get",
    "info",
    "judd_fixations",
    "load",
    "load_folder",
    "names",
    "sample_models",
]
