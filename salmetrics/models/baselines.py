"""Models that don't look at the image: uniform, and centre biases."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.empirical import Smoothing
from salmetrics.errors import InputError, check_choice
from salmetrics.fixations import Fixations
from salmetrics.kernels import moments
from salmetrics.models.base import DensityModel
from salmetrics.stimuli import Stimuli, Stimulus

__all__ = ["CentreBias", "GaussianCentreBias", "Uniform"]

_KEPT_SIZES = 4  # image sizes whose blurred totals are kept, 4 MB each for 800x600


class Uniform(DensityModel):
    """The same probability for every pixel.

    Examples
    --------
    >>> stimulus = Stimuli.from_sizes([(2, 4)])[0]
    >>> float(np.exp(Uniform().log_density(stimulus))[0, 0])
    0.125
    """

    name = "uniform"

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> NDArray[np.float64]:
        """Return -log(h * w) everywhere, shape (h, w)."""
        height, width = stimulus.size
        return np.full((height, width), -np.log(height * width))


class GaussianCentreBias(DensityModel):
    """A Gaussian around the middle of the image, with given widths.

    Parameters
    ----------
    sigma
        Standard deviation as a share of the image's height and width.

    Examples
    --------
    >>> stimulus = Stimuli.from_sizes([(3, 3)])[0]
    >>> float(np.exp(GaussianCentreBias().log_density(stimulus)).sum())
    1.0
    """

    name = "gaussian-centre-bias"

    def __init__(self, sigma: float = 0.25) -> None:
        if not (np.isfinite(sigma) and sigma > 0):
            raise InputError(f"sigma must be a positive share of the image's size; got {sigma!r}")
        self.sigma = float(sigma)

    @property
    def parameters(self) -> dict[str, Any]:
        """Sigma."""
        return {"sigma": self.sigma}

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> NDArray[np.float64]:
        """Return the log of the Gaussian at pixel centres, normalised over the image."""
        along_y, along_x = (self._line(length) for length in stimulus.size)
        return np.add.outer(along_y, along_x)

    def _line(self, length: int) -> NDArray[np.float64]:
        z = (np.arange(length) - (length - 1) / 2) / (self.sigma * length)
        line = -0.5 * z**2
        return np.asarray(line - np.log(np.exp(line).sum()))


class CentreBias(DensityModel):
    """Where people look regardless of the image: fixations on other images, blurred.

    For an image that the fixations include, its own fixations are left out. Fixations are put
    into relative coordinates, binned at the image's size, blurred with a Gaussian whose standard
    deviations are `bandwidth` times height and width, and normalised to a density p; the result
    is (1 - floor) p + floor / (h w).

    Parameters
    ----------
    stimuli, fixations
        Where people looked.
    bandwidth
        Standard deviation as a share of the image's height and width. The default is the value
        published for MIT1003.
    floor
        Weight of the uniform density.
    boundary
        "reflect", "renormalise" or "constant"; see `salmetrics.empirical.Smoothing`.

    Raises
    ------
    InputError
        For parameters out of range, no fixations, or fixations outside their image; later, when an
        image with a known id comes with another size or other fixations.

    References
    ----------
    Kümmerer, Wallis and Bethge (2015), PNAS 112, 16054-16059, doi:10.1073/pnas.1510393112.
    """

    name = "centre-bias"
    leave_one_out = True

    def __init__(
        self,
        stimuli: Stimuli,
        fixations: Fixations,
        *,
        bandwidth: float = 10**-1.6667673342543432,
        floor: float = 1e-6,
        boundary: str = "reflect",
    ) -> None:
        fixations.check_against(stimuli)
        if len(fixations) == 0:
            raise InputError("a centre bias needs fixations; there are none")
        if not (np.isfinite(bandwidth) and bandwidth > 0):
            raise InputError(f"bandwidth must be a positive share of the size; got {bandwidth!r}")
        if not 0 <= floor <= 1:
            raise InputError(f"floor must be from 0 to 1; got {floor!r}")
        check_choice("boundary", boundary, ("reflect", "renormalise", "constant"))
        self.bandwidth = float(bandwidth)
        self.floor = float(floor)
        self.boundary = boundary
        heights, widths = stimuli.sizes[fixations.image].T
        self._relative_x = fixations.x / widths
        self._relative_y = fixations.y / heights
        self._rows = {name: fixations.rows_of_image(i) for i, name in enumerate(stimuli.ids)}
        self._known = {
            name: (tuple(stimuli.sizes[i].tolist()), _digest(fixations, self._rows[name]))
            for i, name in enumerate(stimuli.ids)
        }
        self._totals: OrderedDict[tuple[int, int], tuple[NDArray[np.float64], float]]
        self._totals = OrderedDict()

    @property
    def parameters(self) -> dict[str, Any]:
        """Bandwidth, floor and boundary."""
        return {"bandwidth": self.bandwidth, "floor": self.floor, "boundary": self.boundary}

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> NDArray[np.float64]:
        """Return the log of the centre bias without this image's own fixations, shape (h, w)."""
        size = self._checked_size(stimulus)
        total, mass = self._total(size)
        own = self._pixels(self._rows.get(stimulus.id, np.zeros(0, np.int64)), size)
        smoothing = self._smoothing(size)
        density = total
        if own.size:
            density = total - smoothing.points(size, own)
            mass -= smoothing.mass(size, own)
        with np.errstate(divide="ignore"):  # probability 0 is legal without a floor
            log_density: NDArray[np.float64] = np.log(self._finish(density, mass, own.size, size))
        return log_density

    def log_likelihoods(self, stimuli: Stimuli, fixations: Fixations) -> NDArray[np.float64]:
        """Return the log density at each fixation, nats, without making a map.

        Only the blurred total is looked up; the own fixations' part comes from the n x n kernel
        matrix (0.4 ms instead of 6 for an image of 800x600).
        """
        fixations.check_against(stimuli)
        result = np.empty(len(fixations))
        for i in np.flatnonzero(fixations.counts()).tolist():
            rows = fixations.rows_of_image(i)
            stimulus = stimuli[i]
            size = self._checked_size(stimulus)
            self._check_fixations(stimulus.id, fixations, rows)
            ys, xs = fixations.y[rows].astype(np.int64), fixations.x[rows].astype(np.int64)
            total, mass = self._total(size)
            density = total[ys, xs]
            own = self._pixels(self._rows.get(stimulus.id, np.zeros(0, np.int64)), size)
            if own.size:
                smoothing = self._smoothing(size)
                density = density - smoothing.points_at(size, own, ys * size[1] + xs)
                mass -= smoothing.mass(size, own)
            with np.errstate(divide="ignore"):
                result[rows] = np.log(self._finish(density, mass, own.size, size))
        return result

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Raise `InputError` if an image with a known id comes with other fixations or size."""
        for i in np.flatnonzero(fixations.counts()).tolist():
            self._checked_size(stimuli[i])
            self._check_fixations(stimuli.ids[i], fixations, fixations.rows_of_image(i))

    def _check_fixations(self, name: str, fixations: Fixations, rows: NDArray[np.int64]) -> None:
        if name in self._known and self._known[name][1] != _digest(fixations, rows):
            raise InputError(
                f"this centre bias leaves out image {name!r}, which now comes with "
                "other fixations; make a new one from the fixations that are scored"
            )

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_totals": OrderedDict()}  # pickles small; made again when needed

    def _finish(
        self, density: NDArray[np.float64], mass: float, n_own: int, size: tuple[int, int]
    ) -> NDArray[np.float64]:
        """Normalise what is left of the total and add the floor; uniform if nothing is left."""
        uniform = 1.0 / (size[0] * size[1])
        if n_own == self._relative_x.size:
            return np.full(density.shape, uniform)
        density = np.maximum(density, 0.0)  # the difference of two sums may be -1e-17
        density *= (1.0 - self.floor) / mass
        density += self.floor * uniform
        return density

    def _checked_size(self, stimulus: Stimulus) -> tuple[int, int]:
        size = (int(stimulus.size[0]), int(stimulus.size[1]))
        if stimulus.id in self._known and self._known[stimulus.id][0] != size:
            raise InputError(
                f"image {stimulus.id!r} has size {size}, but {self._known[stimulus.id][0]} in the "
                "stimuli that this centre bias was made from"
            )
        return size

    def _smoothing(self, size: tuple[int, int]) -> Smoothing:
        sigma = (self.bandwidth * size[0], self.bandwidth * size[1])
        return Smoothing(sigma=sigma, boundary=self.boundary, truncate=4.0)

    def _pixels(self, rows: NDArray[np.int64], size: tuple[int, int]) -> NDArray[np.int64]:
        ys = np.floor(self._relative_y[rows] * size[0]).astype(np.int64)
        xs = np.floor(self._relative_x[rows] * size[1]).astype(np.int64)
        return np.minimum(ys, size[0] - 1) * size[1] + np.minimum(xs, size[1] - 1)

    def _total(self, size: tuple[int, int]) -> tuple[NDArray[np.float64], float]:
        """All fixations blurred at this size, and the mass that stayed in the image."""
        if size not in self._totals:
            pixels = self._pixels(np.arange(self._relative_x.size), size)
            counts = np.bincount(pixels, minlength=size[0] * size[1]).reshape(size)
            total = self._smoothing(size).dense(counts.astype(np.float64))
            self._totals[size] = (total, float(moments.total(total.reshape(-1))))
            if len(self._totals) > _KEPT_SIZES:
                self._totals.popitem(last=False)
        self._totals.move_to_end(size)
        return self._totals[size]


def _digest(fixations: Fixations, rows: NDArray[np.int64]) -> bytes:
    """Fingerprint of an image's fixations, whatever their order."""
    order = np.lexsort((fixations.y[rows], fixations.x[rows]))
    positions = np.stack([fixations.x[rows][order], fixations.y[rows][order]])
    return hashlib.blake2b(positions.tobytes(), digest_size=16).digest()
