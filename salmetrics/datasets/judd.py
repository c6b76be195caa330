"""Detection of fixations in raw gaze, as for the MIT data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salmetrics.errors import InputError
from salmetrics.kernels import saccades
from salmetrics.kernels.jit import kernel_input

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RATE", "fixation_table", "judd_fixations"]

RATE = 240.0  # samples per second
_THRESHOLD = 34.0 * 6  # pixels per degree times degrees per second squared, as published


def judd_fixations(gaze: ArrayLike) -> pd.DataFrame:
    """Detect fixations in gaze as the code published with MIT1003 does.

    Saccades are runs of at least 3 samples whose acceleration is above 204, up to an equally strong
    deceleration; fixations are the intervals between them of at least 50 ms. The result equals that
    of the original code, including its quirks: no fixation is dropped, neither the first one nor
    those off the image, and fixations continue through blinks.

    Parameters
    ----------
    gaze
        Positions x and y in pixels of the image, at 240 Hz, shape (n, 2); NaN where the eye tracker
        lost the eye.

    Returns
    -------
    fixations : pandas.DataFrame
        One row per fixation: ``start`` and ``end``, samples counted from 1, both inclusive;
        ``duration_ms``; ``median_x`` and ``median_y``, in pixels, over the samples with a value, or
        NaN if there are none. No rows for fewer than 2 samples.

    Raises
    ------
    InputError
        If `gaze` has another shape, is not numeric or has infinite values.

    References
    ----------
    Judd, T., Ehinger, K., Durand, F., & Torralba, A. (2009). Learning to predict where humans look.
    ICCV, 2106-2113. doi:10.1109/ICCV.2009.5459462

    Examples
    --------
    >>> import numpy as np
    >>> still = np.full((60, 2), 100.0)
    >>> judd_fixations(np.vstack([still, still + 300]))[["start", "end", "median_x"]]
       start  end  median_x
    0      1   55     100.0
    1     65  120     400.0
    """
    import pandas as pd

    try:
        array = np.asarray(gaze, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"gaze must be numbers, shape (n, 2): {error}") from error
    if array.ndim != 2 or array.shape[1] != 2:
        raise InputError(f"gaze must have shape (n, 2); got {array.shape}")
    if np.isinf(array).any():
        raise InputError("gaze has infinite values; use NaN for samples without the eye")
    table = fixation_table(array)
    return pd.DataFrame(
        {
            "start": table[:, 0].astype(np.int64),
            "end": table[:, 1].astype(np.int64),
            "duration_ms": 1000 * (table[:, 1] - table[:, 0] + 1) / RATE,
            "median_x": table[:, 2],
            "median_y": table[:, 3],
        }
    )


def fixation_table(gaze: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return first and last sample, counted from 1, and median x and y per fixation, (k, 4)."""
    if len(gaze) < 2:
        return np.empty((0, 4))
    table: NDArray[np.float64] = saccades.fixation_table(kernel_input(gaze), RATE, _THRESHOLD)
    return table
