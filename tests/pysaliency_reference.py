"""Import pysaliency 0.2.22 beside current packages, for comparison only.

It needs `numpy.trapz`, `numpy.string_` and `numpy.in1d`, which NumPy 2.4 no longer has, and its
lists of external models and data sets need torch and pkg_resources, which no comparison uses:
stand-ins take their places.
"""

import sys
import warnings
from unittest.mock import MagicMock

import numpy as np

if not hasattr(np, "trapz"):
    np.trapz = np.trapezoid
if not hasattr(np, "string_"):
    np.string_ = np.bytes_
if not hasattr(np, "in1d"):
    np.in1d = np.isin
for _name in ("external_models", "external_datasets"):
    sys.modules.setdefault(f"pysaliency.{_name}", MagicMock())

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own, which say nothing about this project
    import pysaliency
    import pysaliency.baseline_utils
    import pysaliency.metrics
    import pysaliency.precomputed_models
    import pysaliency.roc

__all__ = ["pysaliency"]
