"""Short names for the array types that many modules share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["AnyArray", "Array", "Rows", "Size"]

Array = NDArray[np.float64]
AnyArray = NDArray[Any]
Rows = NDArray[np.int64]  # indices of fixations or pixels
Size = tuple[int, int]  # (height, width)
