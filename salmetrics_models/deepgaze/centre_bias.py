"""Centre biases of DeepGaze: log densities at the size of each image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from salmetrics.array_types import Array, Size
from salmetrics.checked_map import as_log_density
from salmetrics.data.stimuli import Stimulus
from salmetrics.densities.resampling import resize_log_density
from salmetrics.errors import InputError
from salmetrics.io.files import check_file
from salmetrics.models.base import DensityModel, SaliencyMapModel
from salmetrics.models.baselines import GaussianCentreBias, Uniform

__all__ = ["FixedCentreBias", "as_centre_bias"]


class FixedCentreBias(DensityModel):
    """A log density, resized to each image and normalised again.

    Parameters
    ----------
    log_density
        Natural log of a density, shape (h, w), logsumexp 0, such as the published one of MIT1003.
    name
        Name in results.
    smooth
        Whether it is resized by linear interpolation, instead of nearest neighbours as the
        published ones are.
    """

    def __init__(
        self, log_density: Any, name: str = "fixed centre bias", *, smooth: bool = False
    ) -> None:
        self.log = as_log_density(np.asarray(log_density), "the centre bias").values
        self.name = name
        self.smooth = smooth

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> Array:
        """Return the log density at the size of an image, shape (h, w)."""
        return self.at_size(stimulus.size)

    def at_size(self, size: Size) -> Array:
        """Return the log density at a size, (height, width)."""
        from scipy.ndimage import zoom
        from scipy.special import logsumexp

        if self.smooth:
            return resize_log_density(self.log, size)

        factors = np.divide(size, self.log.shape)
        resized = zoom(self.log, factors, order=0, mode="nearest")
        return np.asarray(resized - logsumexp(resized), dtype=np.float64)


def as_centre_bias(centre_bias: Any) -> DensityModel:
    """Return a centre bias as a density model.

    Parameters
    ----------
    centre_bias
        A density model, a log density of shape (h, w), the path of a .npy file with one, "uniform"
        or "gaussian".

    Raises
    ------
    InputError
        If it is none of these, or the file is missing or invalid.
    """
    if isinstance(centre_bias, DensityModel):
        return centre_bias
    if isinstance(centre_bias, str) and centre_bias == "uniform":
        return Uniform()
    if isinstance(centre_bias, str) and centre_bias == "gaussian":
        return GaussianCentreBias()
    if isinstance(centre_bias, (str, Path)):
        path = check_file(centre_bias)
        try:
            array = np.load(path, allow_pickle=False)
        except ValueError as error:
            raise InputError(
                f"{str(path)!r} is not a .npy file of a centre bias: {error}"
            ) from error
        return FixedCentreBias(array, path.stem)
    if isinstance(centre_bias, SaliencyMapModel) or centre_bias is None:
        raise InputError(
            "centre_bias must be a density model such as CentreBias, a log density, the path of a "
            f".npy file, 'uniform' or 'gaussian'; got {centre_bias!r}"
        )
    return FixedCentreBias(centre_bias)
