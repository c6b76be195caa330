"""Short names for array types that many modules use, and the kinds of predicted arrays."""

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

__all__ = ["KINDS", "AnyArray", "Array", "Kind", "Rows", "Size"]

Array = NDArray[np.float64]
AnyArray = NDArray[Any]
Rows = NDArray[np.int64]  # indices of fixations or pixels
Size = tuple[int, int]  # (height, width)

Kind = Literal["log_density", "density", "saliency_map"]  # what a predicted array holds
KINDS: tuple[Kind, ...] = get_args(Kind)
