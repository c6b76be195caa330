"""The likelihood of fixations under transformed saliency maps, and its maximum.

`fit_to_maps` searches the blur; for each blur, `_Likelihood` finds the nonlinearity and the centre
bias (see `MapToDensity`) by Newton's method. Normalisers are sums over a regular grid of pixels,
which `SampledMaps` reads off the blurred maps and caches.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from salmetrics.array_types import AnyArray, Array, Rows, Size
from salmetrics.checked_map import pixel_indices
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.io.spill import Spill
from salmetrics.kernels import log_linear
from salmetrics.models.base import SaliencyMapModel, saliency_map_of
from salmetrics.models.fitting.likelihood import Fit, best_width
from salmetrics.models.fitting.map_to_density import (
    ISOTROPIC,
    MapToDensity,
    blurred,
    places_among,
    relative_centres,
)

__all__ = ["ERROR", "N_CELLS", "SampledMaps", "fit_to_maps"]

N_CELLS = 5000  # pixels per image, on a regular grid, that its normaliser is computed from
ERROR = 0.002  # tolerated error of the mean likelihood, bits per fixation; else the grid is refined

_BLURS = (0.5, 0.1)  # range of a fitted blur: half a pixel, and a tenth of the longer side
_BLUR_TOLERANCE = 0.03  # of the log of the blur, which is rounded to two digits
_LEVELS = np.concatenate([np.linspace(0, 0.9, 10), 1 - 0.1 / 2.0 ** np.arange(1, 10), [1.0]])
_ASPECTS = (0.3, 0.95)  # range of the aspect
_STEEPEST = 20.0  # nats between two knots: nobody looks at e^-20
_STIFFNESS = 3e-5  # cost in nats of a bend of 1 nat at a knot

_MAX_STEPS = 50  # of Newton's method
_ENOUGH = 1e-6  # nats: a step that would gain less is the last

_IMAGES_PER_TASK = 16  # that a thread takes at a time
_CHECKED = 100  # images on which the grid is compared with all pixels
_KEPT_BLURS = 12  # blurs whose grids are cached, 40 kB per image
_MAX_CELLS = 20_000_000  # of all images together, 24 bytes each


def fit_to_maps(
    maps: SampledMaps,
    images: Rows,
    *,
    blur: float | Fit,
    n_centre: int,
    start: MapToDensity | None = None,
) -> MapToDensity:
    """Maximise the likelihood of the fixations on some images, on a grid that is fine enough.

    Parameters
    ----------
    maps
        Saliency maps and fixations.
    images
        Indices of the images, shape (n,).
    blur
        Standard deviation of the blur in pixels, or "fit".
    n_centre
        Number of knots of the centre bias; 0 for none.
    start
        A fit to similar data, from which the search starts.

    Returns
    -------
    fitted : MapToDensity
        The best transformation, with `log_likelihood` and `grid_error`. Warns if the finest grid
        that fits into memory is too coarse.
    """
    n_cells = N_CELLS
    fitted = _best_blur(maps, images, n_cells, blur=blur, n_centre=n_centre, start=start)
    some = images[:: 1 + (images.size - 1) // _CHECKED]
    while (
        (error := maps.grid_error(fitted, some, n_cells)) > ERROR
        and n_cells < maps.largest
        and 4 * n_cells * images.size <= _MAX_CELLS
    ):
        n_cells *= 4
        fitted = _Likelihood(maps, images, n_cells, fitted.blur, n_centre).best(fitted)
    if error > ERROR and n_cells < maps.largest:
        warnings.warn(
            f"the grid of {n_cells} pixels per image, the finest that fits into memory, costs "
            f"{error:.4f} bits per fixation; blur the maps, or fit to fewer images",
            stacklevel=3,
        )
    return replace(fitted, grid_error=error)


def _best_blur(
    maps: SampledMaps,
    images: Rows,
    n_cells: int,
    *,
    blur: float | Fit,
    n_centre: int,
    start: MapToDensity | None = None,
) -> MapToDensity:
    """Search the blur on a grid of `n_cells` pixels; for each blur, everything else is fitted."""
    best: dict[float, MapToDensity] = {}
    last = start

    def at(width: float) -> float:
        nonlocal last
        width = float(f"{width:.2g}")  # the likelihood is flat around the best one
        if width not in best:
            best[width] = last = _Likelihood(maps, images, n_cells, width, n_centre).best(last)
        return best[width].log_likelihood

    if not isinstance(blur, str):
        return _Likelihood(maps, images, n_cells, blur, n_centre).best(start)
    low, high = _BLURS[0], max(_BLURS[1] * maps.side, 2 * _BLURS[0])
    best_width(at, low, high, tolerance=_BLUR_TOLERANCE)
    if min(best) == min(best, key=lambda width: -best[width].log_likelihood):
        at(0.0)
    return max(best.values(), key=lambda fitted: fitted.log_likelihood)


class SampledMaps:
    """Values of blurred saliency maps on grids of pixels and at fixations, computed when needed.

    Parameters
    ----------
    model
        The model; it is called from one thread.
    stimuli, fixations
        Images, and the fixations on them.
    spill
        Keeps maps on disk, under the name "map"; a map that it does not keep is predicted again.
    workers
        Threads that blur maps and compute likelihoods.

    Attributes
    ----------
    largest : int
        Number of pixels of the largest image.
    side : float
        Median of the images' longer sides, in pixels.
    """

    def __init__(
        self,
        model: SaliencyMapModel,
        stimuli: Stimuli,
        fixations: Fixations,
        spill: Spill,
        workers: ThreadPoolExecutor,
    ) -> None:
        self.workers = workers
        self._model = model
        self._stimuli = stimuli
        self._fixations = fixations
        self._spill = spill
        self._kept: OrderedDict[tuple[float, int], dict[int, Array]] = OrderedDict()
        self.largest = int(np.prod(stimuli.sizes, axis=1).max())
        self.side = float(np.median(stimuli.sizes.max(axis=1)))

    def samples(self, images: Rows, blur: float, n_cells: int) -> list[_Sample]:
        """Return values and positions of some images for one blur and size of the grid."""
        kept = self._kept.setdefault((blur, n_cells), {})
        self._kept.move_to_end((blur, n_cells))
        if len(self._kept) > _KEPT_BLURS:
            self._kept.popitem(last=False)
        new = [i for i in images.tolist() if i not in kept]
        arrays = map(self._map, new)  # models are called from one thread
        values = self.workers.map(partial(self._values, blur, n_cells), new, arrays)
        kept.update(zip(new, values, strict=True))
        return [self._sample(i, n_cells, kept[i]) for i in images.tolist()]

    def grid_error(self, fitted: MapToDensity, images: Rows, n_cells: int) -> float:
        """Return the error of the mean likelihood that the grid causes, bits per fixation."""
        counts = self._fixations.counts()
        off = 0.0
        samples = self.samples(images, fitted.blur, n_cells)
        for i, sample in zip(images.tolist(), samples, strict=True):
            places = places_among(fitted.knots, sample.values)
            at = sample.rows.start, sample.rows.stop
            log_density = fitted.log_density(self._map(i))
            exact = log_density.reshape(-1)[self._pixels(i)].sum()
            energy = log_linear.energies(
                places, sample.ys, sample.xs, fitted.values, fitted.radial, fitted.aspect
            )
            cells, scored = energy[: at[0]], energy[at[0] : at[1]]
            log_sum = cells.max() + np.log(np.exp(cells - cells.max()).mean()) + np.log(sample.n)
            off += scored.sum() - counts[i] * log_sum - exact
        return float(abs(off) / counts[images].sum() / np.log(2))

    def _values(self, blur: float, n_cells: int, i: int, saliency_map: AnyArray) -> Array:
        """Return the values of a blurred map on the grid and at the fixations."""
        pixels = np.concatenate([self._grid(i, n_cells), self._pixels(i)])
        return blurred(saliency_map, blur).reshape(-1)[pixels].astype(np.float64)

    def _sample(self, i: int, n_cells: int, values: Array) -> _Sample:
        height, width = self._size(i)
        cells, fixated = self._grid(i, n_cells), self._pixels(i)
        ys, xs = np.divmod(np.concatenate([cells, fixated]), width)
        return _Sample(
            values=values,
            ys=relative_centres(height)[ys],
            xs=relative_centres(width)[xs],
            rows=slice(cells.size, ys.size),
            n=height * width,
        )

    def _grid(self, i: int, n_cells: int) -> Rows:
        """Return the flat indices of pixels on a regular grid, about `n_cells` of them."""
        height, width = self._size(i)
        step = max(1, int(np.sqrt(height * width / n_cells)))
        rows, columns = (np.arange((step - 1) // 2, n, step) for n in (height, width))
        return np.asarray((rows[:, np.newaxis] * width + columns).reshape(-1))

    def _size(self, i: int) -> Size:
        height, width = self._stimuli.sizes[i].tolist()
        return height, width

    def _map(self, i: int) -> AnyArray:
        maps = self._spill.load("map", i, 1)
        if maps is None:
            maps = [saliency_map_of(self._model, self._stimuli[i]).values]
            self._spill.save("map", i, maps)
        return maps[0]

    def _pixels(self, i: int) -> Rows:
        rows = self._fixations.rows_of_image(i)
        return pixel_indices(self._fixations.x[rows], self._fixations.y[rows], self._size(i))


@dataclass(frozen=True)
class _Sample:
    """Values and positions of the pixels of an image's grid, followed by its fixated pixels.

    `rows` is the slice of the fixated pixels, and `n` the number of pixels of the whole image.
    """

    values: Array
    ys: Array
    xs: Array
    rows: slice
    n: int


class _Likelihood:
    """Mean log likelihood of fixations, for one blur, as a function of everything else.

    Parameters of the fit are the increments of the nonlinearity between its knots, then the values
    of the centre bias at all knots but the first, and the aspect.
    """

    def __init__(
        self, maps: SampledMaps, images: Rows, n_cells: int, blur: float, n_centre: int
    ) -> None:
        self._blur = blur
        self._n_centre = n_centre
        samples = maps.samples(images, blur, n_cells)
        values = np.concatenate([s.values[: s.rows.start] for s in samples])
        self._knots = np.unique(np.quantile(values, _LEVELS).astype(np.float64))
        if self._knots.size == 1:
            self._knots = self._knots + np.array([0.0, 1.0])
        self._parts = []
        for sample in samples:
            places, ys, xs = places_among(self._knots, sample.values), sample.ys, sample.xs
            n = sample.rows.start
            self._parts.append(
                _Part(
                    (places[:n], ys[:n], xs[:n]),
                    (places[n:], ys[n:], xs[n:]),
                    float(np.log(sample.n / n)),
                )
            )
        self._n = sum(part.fixated[0].size for part in self._parts)
        self._packing = self._derivatives_of_curves()
        self._bends = self._second_differences() @ self._packing
        self._workers = maps.workers

    def best(self, start: MapToDensity | None) -> MapToDensity:
        """Maximise the likelihood by Newton's method within bounds.

        The likelihood is concave in all parameters but the aspect, whose curvature is that of the
        Fisher information. It takes about ten steps, where L-BFGS-B takes hundreds.
        """
        parameters = self._initial(start)
        low, high = self._bounds()
        value = self._value(parameters)
        for _ in range(_MAX_STEPS):
            slopes, curvature = self._derivatives(parameters)
            step = _bounded_step(slopes, curvature, low - parameters, high - parameters)
            gain = float(slopes @ step)
            if gain < _ENOUGH:
                break
            size = 1.0
            while (tried := self._value(parameters + size * step)) < value + 0.1 * size * gain:
                size /= 2
                if size < 1e-6:
                    break
            else:
                parameters, value = parameters + size * step, tried
                continue
            break
        values, radial, aspect = self._unpacked(parameters)
        bits = (value + self._stiffness(parameters)) / np.log(2)
        return MapToDensity(self._blur, self._knots, values, radial, aspect, float(bits))

    def _initial(self, start: MapToDensity | None) -> Array:
        n_steps = self._knots.size - 1
        if start is None:
            start = MapToDensity(
                blur=0.0,
                knots=self._knots,
                values=np.linspace(0.0, 3.0, n_steps + 1),
                radial=np.zeros(self._n_centre),
                aspect=ISOTROPIC,
            )
        along = np.linspace(0, 1, start.values.size)
        steps = np.diff(np.interp(np.linspace(0, 1, n_steps + 1), along, start.values))
        if not self._n_centre:
            return np.asarray(steps)
        return np.concatenate([steps, start.radial[1:], [start.aspect]])

    def _bounds(self) -> tuple[Array, Array]:
        n_steps, n_radial = self._knots.size - 1, max(self._n_centre - 1, 0)
        low = [0.0] * n_steps + [-_STEEPEST] * n_radial
        high = [_STEEPEST] * (n_steps + n_radial)
        if self._n_centre:
            low, high = [*low, _ASPECTS[0]], [*high, _ASPECTS[1]]
        return np.array(low), np.array(high)

    def _unpacked(self, parameters: Array) -> tuple[Array, Array, float]:
        """Return the values of both functions at their knots, and the aspect."""
        n_steps = self._knots.size - 1
        values = np.concatenate([[0.0], np.cumsum(parameters[:n_steps])])
        if not self._n_centre:
            return values, np.zeros(2), ISOTROPIC
        radial = np.concatenate([[0.0], parameters[n_steps:-1]])
        return values, radial, float(parameters[-1])

    def _for_each_image(self, function: Callable[[_Part], Any]) -> list[Any]:
        """Call a function for each image, in threads, some images at a time; results in order."""
        starts = range(0, len(self._parts), _IMAGES_PER_TASK)
        tasks = [self._parts[k : k + _IMAGES_PER_TASK] for k in starts]
        results = self._workers.map(lambda task: [function(part) for part in task], tasks)
        return [result for of_task in results for result in of_task]

    def _stiffness(self, parameters: Array) -> float:
        """Return the cost of bends, which continues the curves smoothly to where nobody looked."""
        return _STIFFNESS * float(np.sum((self._bends @ parameters) ** 2))

    def _second_differences(self) -> Array:
        """Return the matrix of the bends of both curves, from what `_unpacked` returns."""
        n_values, n_radial = self._knots.size, max(self._n_centre, 2)
        bends = [
            np.diff(np.eye(n), 2, axis=0) if n > 2 else np.zeros((0, n))
            for n in (n_values, n_radial)
        ]
        n_first = bends[0].shape[0]
        padded = np.zeros((n_first + bends[1].shape[0], n_values + n_radial + 1))
        padded[:n_first, :n_values] = bends[0]
        padded[n_first:, n_values:-1] = bends[1]
        return padded

    def _derivatives_of_curves(self) -> Array:
        """Return the matrix of the derivatives of `_unpacked` with respect to the parameters."""
        n_steps, n_radial = self._knots.size - 1, max(self._n_centre, 2)
        matrix = np.zeros((n_steps + 1 + n_radial + 1, self._bounds()[0].size))
        matrix[1 : n_steps + 1, :n_steps] = np.tri(n_steps)
        if self._n_centre:
            matrix[n_steps + 2 :, n_steps:] = np.eye(n_radial)
        return matrix

    def _value(self, parameters: Array) -> float:
        """Return the mean log likelihood minus the cost of bends, nats per fixation."""
        curves = self._unpacked(parameters)

        def of_image(part: _Part) -> float:
            highest, weights = _exponentials(log_linear.energies(*part.cells, *curves))
            log_sum = highest + np.log(weights.sum()) + part.log_share
            fixated = log_linear.energies(*part.fixated, *curves)
            return float(fixated.sum() - fixated.size * log_sum)

        likelihood = sum(self._for_each_image(of_image)) / self._n
        return likelihood - self._stiffness(parameters)

    def _derivatives(self, parameters: Array) -> tuple[Array, Array]:
        """Return the gradient of `_value`, and its negative Hessian."""
        curves = self._unpacked(parameters)

        def of_image(part: _Part) -> tuple[Array, Array]:
            _, weights = _exponentials(log_linear.energies(*part.cells, *curves))
            weights /= weights.sum()
            mean, squares = log_linear.moments(*part.cells, *curves, weights)
            n = part.fixated[0].size
            fixated, _ = log_linear.moments(*part.fixated, *curves, np.ones(n))
            return fixated - n * mean, n * (squares - np.outer(mean, mean))

        packed = self._packing
        derivatives = self._for_each_image(of_image)
        slopes = sum(slope for slope, _ in derivatives) / self._n
        curvature = sum(curvature for _, curvature in derivatives) / self._n
        stiff = 2 * _STIFFNESS * self._bends.T @ self._bends
        return packed.T @ slopes - stiff @ parameters, packed.T @ curvature @ packed + stiff


class _Part(NamedTuple):
    """What the likelihood needs from one image.

    Places among the knots, ys and xs of the grid's pixels and of the fixated ones; and the log of
    the number of pixels per pixel of the grid.
    """

    cells: tuple[Array, Array, Array]
    fixated: tuple[Array, Array, Array]
    log_share: float


def _exponentials(energy: Array) -> tuple[float, Array]:
    """Return the highest energy, and exp of all energies relative to it."""
    highest = float(energy.max())
    return highest, np.exp(energy - highest)


def _bounded_step(slopes: Array, curvature: Array, low: Array, high: Array) -> Array:
    """Return the step to the maximum of a parabola within bounds."""
    from scipy.optimize import lsq_linear

    # parameters that the data do not determine, such as a knot that no map reaches, do not move
    damped = curvature + 1e-9 * max(np.trace(curvature) / slopes.size, 1e-9) * np.eye(slopes.size)
    factor = np.linalg.cholesky(damped)
    room = np.minimum(low, -1e-12), np.maximum(high, 1e-12)  # lsq_linear requires low < high
    solution = lsq_linear(factor.T, np.linalg.solve(factor, slopes), room, method="bvls")
    return np.clip(solution.x, low, high)
