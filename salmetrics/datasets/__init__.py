"""Data sets: a description file each, and code only where the format needs it."""

from salmetrics.datasets.folder import load_folder
from salmetrics.datasets.generated import generate_dataset
from salmetrics.datasets.osie import load_osie

__all__ = ["LOADERS", "generate_dataset", "load_folder", "load_osie"]

LOADERS = {"osie": load_osie}
