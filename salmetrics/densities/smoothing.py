"""Gaussian blurs: of fixations, which gives empirical maps, and of whole maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from salmetrics.array_types import AnyArray, Array, Rows, Size
from salmetrics.errors import InputError, check_choice
from salmetrics.kernels import blur as kernels
from salmetrics.protocols import BOUNDARIES, DEFAULT, Boundary, Protocol

__all__ = ["Smoothing", "point_counts", "smoothing_of"]

# up to here single points are added up; beyond, points of one pixel are counted first
_MANY_PAIRS = 4_000_000  # of a point and a place on one image: 2000 fixations
_MANY_POINTS = 2000
# measured, with 600x800 pixels: a tap of `dense` against a pair, and against a pixel of a kernel
_TAPS_PER_PAIR = 18
_TAPS_PER_PIXEL = 1.5


@dataclass(frozen=True, kw_only=True)
class Smoothing:
    """A Gaussian blur of pixel maps.

    Parameters
    ----------
    sigma
        Standard deviation in pixels along y and x; a number for both.
    boundary
        "constant" (zeros outside: mass leaves the image), "reflect" (mass is folded back) or
        "renormalise" (zeros outside, each kernel scaled so that it keeps its mass).
    truncate
        End of the kernel in standard deviations, as in scipy.ndimage.
    cycles
        If given, the blur is that of the MATLAB benchmark's antonioGaussian instead: in the
        frequency domain, on a square padded with zeros to a power of two, with gain 1/2 at this
        number of cycles per padded side. `sigma`, `boundary` and `truncate` then have no effect.

    Raises
    ------
    InputError
        If an option is out of range.

    Examples
    --------
    >>> smoothing = Smoothing(sigma=1.0)
    >>> float(smoothing.points((9, 9), np.array([40])).sum())
    1.0
    """

    sigma: float | tuple[float, float] = 0.0  # 0 leaves counts as they are
    boundary: Boundary = DEFAULT.boundary
    truncate: float = DEFAULT.truncate
    cycles: float | None = DEFAULT.cycles

    def __post_init__(self) -> None:
        check_choice("boundary", self.boundary, BOUNDARIES)
        if np.shape(self.sigma) not in ((), (2,)):
            raise InputError(f"sigma must be a number or two, along y and x; got {self.sigma!r}")
        for sigma in self._sigmas():
            if not (np.isfinite(sigma) and sigma >= 0):
                raise InputError(f"sigma must be a finite number >= 0; got {self.sigma!r}")
        if not self.truncate > 0:
            raise InputError(f"truncate must be positive; got {self.truncate!r}")
        if self.cycles is not None and not self.cycles > 0:
            raise InputError(f"cycles must be positive or None; got {self.cycles!r}")

    def points(self, size: Size, pixels: Rows) -> Array:
        """Return the blurred map, of shape `size`, of unit masses at flat pixel indices.

        The map of more than 2000 points is computed from their counts by pixel if that is less
        work: it is the same to rounding.
        """
        if pixels.size > _MANY_POINTS:
            row_weights, column_weights = self._weights(size)
            area = min(2 * row_weights.size, size[0]) * min(2 * column_weights.size, size[1])
            if _TAPS_PER_PIXEL * pixels.size * area > self._taps(size):
                return self.dense(point_counts(size, pixels))
        _, *points_and_kernels = self.points_and_kernels(size, pixels)
        return kernels.blur_points(size, *points_and_kernels)

    def fixation_map(self, size: Size, pixels: Rows, *, binary: bool) -> Array:
        """Return the empirical map of fixations at flat pixel indices; with `binary`, each once."""
        return self.points(size, np.unique(pixels) if binary else pixels)

    def points_at(
        self,
        size: Size,
        pixels: Rows,
        at: Rows,
        *,
        ends: Rows | None = None,
        at_ends: Rows | None = None,
    ) -> Array:
        """Return the values of `points` at the flat pixel indices `at`, without the whole map.

        Several images of one size are computed at once if `pixels` and `at` hold one image after
        the other; `ends` and `at_ends` are the ends of the images in them.

        An image with more than four million pairs of a point and a place is computed from the
        counts of points by pixel, with pairs of different pixels or as a map, whichever is less
        work: its values are the same to rounding.
        """
        ends = np.array([pixels.size]) if ends is None else ends
        at_ends = np.array([at.size]) if at_ends is None else at_ends
        n_points, n_places = np.diff(ends, prepend=0), np.diff(at_ends, prepend=0)
        crowded = n_points * n_places > _MANY_PAIRS
        row_weights, column_weights = self._weights(size)
        reflect = self.boundary == "reflect" and self.cycles is None
        tables = (
            kernels.pair_tables(row_weights, size[0], reflect),
            kernels.pair_tables(column_weights, size[1], reflect),
        )
        if not crowded.any():
            masses = self._point_masses(size, pixels)
            return _pairs_at(tables, size, pixels, masses, ends, at, at_ends)
        result = np.empty(at.size)
        few, few_at = np.repeat(~crowded, n_points), np.repeat(~crowded, n_places)
        result[few_at] = _pairs_at(
            tables,
            size,
            pixels[few],
            self._point_masses(size, pixels[few]),
            np.cumsum(n_points[~crowded]),
            at[few_at],
            np.cumsum(n_places[~crowded]),
        )
        for k in np.flatnonzero(crowded):
            own = slice(ends[k] - n_points[k], ends[k])
            places = slice(at_ends[k] - n_places[k], at_ends[k])
            result[places] = self._crowded_at(tables, size, pixels[own], at[places])
        return result

    def _crowded_at(self, tables: tuple[Any, Any], size: Size, pixels: Rows, at: Rows) -> Array:
        """Return `points_at` of one image with many points and places."""
        places, place = np.unique(at, return_inverse=True)
        occupied, counts = np.unique(pixels, return_counts=True)
        if _TAPS_PER_PAIR * occupied.size * places.size > self._taps(size):
            return np.asarray(self.dense(point_counts(size, pixels)).reshape(-1)[at])
        masses = counts * self._point_masses(size, occupied)
        ends, place_ends = np.array([occupied.size]), np.array([places.size])
        values = _pairs_at(tables, size, occupied, masses, ends, places, place_ends)
        return np.asarray(values[place])

    def _taps(self, size: Size) -> int:
        """Return the work of `dense`: the number of values that it adds up, for all pixels."""
        row_weights, column_weights = self._weights(size)
        return size[0] * size[1] * 2 * (row_weights.size + column_weights.size)

    def masses(self, size: Size, pixels: Rows) -> Array:
        """Return the part of each unit mass that stays inside the image, shape (n,)."""
        if self.boundary != "constant" and self.cycles is None:
            return np.ones(pixels.size)
        ys, xs = np.divmod(pixels, size[1])
        row_weights, column_weights = self._weights(size)
        inside_y = _mass_inside(size[0], row_weights)[ys]
        return np.asarray(inside_y * _mass_inside(size[1], column_weights)[xs])

    def mass(self, size: Size, pixels: Rows) -> float:
        """Return the sum of `points` over the image: the mass that stays inside."""
        return float(self.masses(size, pixels).sum())

    def dense(self, image: AnyArray) -> Array:
        """Return a blurred map, float64, of the shape (h, w) of the map."""
        if self.cycles is not None:
            from scipy import fft

            line = fft.rfft(_periodic_gaussian(image.shape, self.cycles)).real
            gain = np.concatenate([line, line[1:-1][::-1]])[:, np.newaxis] * line
            size = (gain.shape[0], gain.shape[0])
            blurred = fft.irfft2(fft.rfft2(np.asarray(image, np.float64), s=size) * gain, s=size)
            return np.ascontiguousarray(blurred[: image.shape[0], : image.shape[1]])
        row_weights, column_weights = self._weights(image.shape)
        if self.boundary == "renormalise":
            image = image / self._masses_inside(image.shape)
        return kernels.blur_dense(image, row_weights, column_weights, self.boundary == "reflect")

    def dense_at(self, image: AnyArray, at: Rows) -> Array:
        """Return the values of `dense` at the flat pixel indices `at`, faster if they are few."""
        row_weights, column_weights = self._weights(image.shape)
        height, width = image.shape
        cost_per_pixel = (2 * row_weights.size - 1) * (2 * column_weights.size - 1)
        cost_of_map = image.size * 2 * (row_weights.size + column_weights.size)
        if self.cycles is not None or 2 * at.size * cost_per_pixel > cost_of_map:
            return np.asarray(self.dense(image).reshape(-1)[at])
        which, ys = np.arange(at.size), at // width
        xs = at % width
        if self.boundary == "reflect":
            which, ys = kernels.mirrored(ys, height, row_weights.size - 1)
            again, xs = kernels.mirrored(xs[which], width, column_weights.size - 1)
            which, ys = which[again], ys[again]
        elif self.boundary == "renormalise":
            image = image / self._masses_inside(image.shape)
        values = kernels.blurred_dense_at(image, ys, xs, row_weights, column_weights)
        return np.asarray(np.bincount(which, weights=values, minlength=at.size), np.float64)

    def kernels_between(self, size: Size, rows: Rows, columns: Rows) -> tuple[Array, Array]:
        """Return the kernels of `points` between all pixels and those of a grid.

        Parameters
        ----------
        size
            Size (h, w) of the image.
        rows, columns
            Rows and columns of the grid.

        Returns
        -------
        down, right : ndarray of shape (h, n_rows) and (w, n_columns)
            A point at (y, x) is down[y, i] right[x, j] at point (i, j) of the grid.
        """
        reflect = self.boundary == "reflect" and self.cycles is None
        renormalise = self.boundary == "renormalise" and self.cycles is None
        between = []
        for length, weights, at in zip(size, self._weights(size), (rows, columns), strict=True):
            near, far = kernels.pair_tables(weights, length, reflect)
            positions = np.arange(length)[:, np.newaxis]
            line = near[np.abs(positions - at)] + far[positions + at + 1]
            if renormalise:
                line /= _mass_inside(length, weights)[:, np.newaxis]
            between.append(line)
        return between[0], between[1]

    def _sigmas(self) -> tuple[float, float]:
        """Return the standard deviations along y and x."""
        if np.ndim(self.sigma) == 0:
            return float(self.sigma), float(self.sigma)  # type: ignore[arg-type]
        along_y, along_x = self.sigma  # type: ignore[misc]
        return float(along_y), float(along_x)

    def _weights(self, size: tuple[int, ...]) -> tuple[Array, Array]:
        """Return the half kernels along y and along x."""
        if self.cycles is not None:
            line = _periodic_gaussian(size, self.cycles)
            return line[: size[0]], line[: size[1]]
        along_y, along_x = self._sigmas()
        return (
            kernels.gaussian_weights(along_y, self.truncate),
            kernels.gaussian_weights(along_x, self.truncate),
        )

    def _masses_inside(self, size: tuple[int, ...]) -> Array:
        """Return the share of a kernel at each pixel that stays in the image."""
        row_weights, column_weights = self._weights(size)
        inside = np.outer(_mass_inside(size[0], row_weights), _mass_inside(size[1], column_weights))
        return np.asarray(inside)

    def points_and_kernels(self, size: Size, pixels: Rows) -> tuple[Any, ...]:
        """Return the separable kernels whose sum is `points`.

        Returns
        -------
        which, ys, xs, masses : ndarray of shape (m,)
            Index into `pixels`, position and mass of each point and of its mirror images.
        row_weights, column_weights : ndarray
            Half kernels, from their centre.
        """
        which = np.arange(pixels.size)
        ys, xs = np.divmod(pixels, size[1])
        masses = self._point_masses(size, pixels)
        row_weights, column_weights = self._weights(size)
        if self.cycles is None and self.boundary == "reflect":
            which, ys = kernels.mirrored(ys, size[0], row_weights.size - 1)
            again, xs = kernels.mirrored(xs[which], size[1], column_weights.size - 1)
            which, ys = which[again], ys[again]
            masses = masses[which]
        return which, ys, xs, masses, row_weights, column_weights

    def _point_masses(self, size: Size, pixels: Rows) -> Array:
        """Return the factor of the kernel of each point that lets it keep its mass."""
        if self.boundary != "renormalise" or self.cycles is not None:
            return np.ones(pixels.size)
        ys, xs = np.divmod(pixels, size[1])
        row_weights, column_weights = self._weights(size)
        inside_y = _mass_inside(size[0], row_weights)[ys]
        return np.asarray(1.0 / (inside_y * _mass_inside(size[1], column_weights)[xs]))


def _pairs_at(
    tables: tuple[Any, Any],
    size: Size,
    pixels: Rows,
    masses: Array,
    ends: Rows,
    at: Rows,
    at_ends: Rows,
) -> Array:
    """Add up the kernels of points at places, pair by pair, image after image."""
    return kernels.blurred_points_at(
        tables[0],
        tables[1],
        *np.divmod(pixels, size[1]),
        masses,
        ends,
        *np.divmod(at, size[1]),
        at_ends,
    )


def point_counts(size: Size, pixels: Rows) -> Array:
    """Return the number of points on each pixel, shape `size`."""
    counts = np.bincount(pixels, minlength=size[0] * size[1])
    return counts.astype(np.float64).reshape(size)


def _mass_inside(length: int, weights: Array) -> Array:
    """Return the share of a kernel at each position of a line that stays on the line."""
    return kernels.blur_dense(np.ones((length, 1)), weights, np.ones(1), False)[:, 0]


def _periodic_gaussian(size: tuple[int, ...], cycles: float) -> Array:
    """One period of the separable kernel whose gain is exp(-f**2 ln 2 / cycles**2)."""
    length = 2
    while length < max(size[:2]):
        length *= 2
    frequency = np.fft.fftfreq(length, 1.0 / length)
    line: Array = np.fft.ifft(np.exp(-np.log(2) * (frequency / cycles) ** 2)).real
    # rounding leaves values such as -1e-18 far from the centre; the lobes of a kernel cut off by
    # a small image are real, and MATLAB has them too
    return np.where(np.abs(line) < 1e-15, 0.0, line)


def smoothing_of(
    protocol: Protocol,
    sigma: float | None,
    pixels_per_degree: float | None,
    *,
    required: bool = True,
    metrics: Sequence[str] = (),
) -> Smoothing:
    """Return the blur of empirical maps: the protocol's sigma, the data set's, or one degree.

    Parameters
    ----------
    protocol
        All choices of an evaluation; its sigma takes precedence.
    sigma, pixels_per_degree
        Width of the blur and size of a degree of the data set, in pixels; None if unknown.
    required
        Whether an unknown width is an error.
    metrics
        Keys of the metrics that need the width, for the message.

    Returns
    -------
    smoothing : Smoothing
        The blur; of width 0 if the width is unknown and not required.

    Raises
    ------
    InputError
        If the width is required, and none of the three is known.
    """
    widths = (protocol.sigma, sigma, pixels_per_degree)
    width = next((each for each in widths if each is not None), None)
    if required and width is None and protocol.cycles is None:
        raise InputError(
            "the width of the empirical maps is not known: pass sigma= (pixels; on the command "
            "line --sigma, or --dataset NAME,sigma=PIXELS), or give the stimuli sigma= or "
            "pixels_per_degree=" + (f", or leave out {', '.join(metrics)}" if metrics else "")
        )
    return Smoothing(
        sigma=width or 0.0,
        boundary=protocol.boundary,
        truncate=protocol.truncate,
        cycles=protocol.cycles,
    )
