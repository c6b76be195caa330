"""Map likelihood."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from salmetrics.checked_map import as_map, pixel_indices
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.io.spill import Spill
from salmetrics.kernels import log_linear
from salmetrics.models.base import (
    SaliencyMapModel,
    as_array,
    check_size,
    model_name,
)
from salmetrics.models.fitting.likelihood import best_width
from salmetrics.models.fitting.map_to_density import (
    _ISOTROPIC,
    MapToDensity,
    _blurred,
    _places,
    _relative,
)

Rows = NDArray[np.int64]
Array = NDArray[np.float64]


N_CELLS = 5000  # pixels of an image, on a regular grid, that its normaliser is computed from


ERROR = 0.002  # bits per fixation that the mean likelihood may be off; the grid is refined


_BLURS = (0.5, 0.1)  # range of a fitted blur: half a pixel, and a tenth of the longer side


_LEVELS = np.concatenate([np.linspace(0, 0.9, 10), 1 - 0.1 / 2.0 ** np.arange(1, 10), [1.0]])


_ASPECTS = (0.3, 0.95)


_BLUR_TOLERANCE = 0.03  # of its log; it is rounded to two digits


_RUN = 16  # images that a thread takes at a time


_STEPS = 50  # of Newton's method, at most


_ENOUGH = 1e-6  # nats that another step would gain


_STIFFNESS = 3e-5  # cost in nats of a bend of 1 nat at a knot


_STEEPEST = 20.0  # nats between two knots: nobody looks at e^-20


_CHECKED = 100  # images on which the grid is compared with all pixels


_KEPT_BLURS = 12  # blurs whose grids are kept, 40 kB an image


_MOST_CELLS = 20_000_000  # of all images together, 24 bytes each


def _refined_fit(
    maps: _Maps,
    images: Rows,
    *,
    blur: float | str,
    n_centre: int,
    start: MapToDensity | None = None,
) -> MapToDensity:
    """Fit on a grid of pixels that is fine enough."""
    n_cells = N_CELLS
    fitted = _fit(maps, images, n_cells, blur=blur, n_centre=n_centre, start=start)
    some = images[:: 1 + (images.size - 1) // _CHECKED]
    while (
        (error := maps.grid_error(fitted, some, n_cells)) > ERROR
        and n_cells < maps.largest
        and 4 * n_cells * images.size <= _MOST_CELLS
    ):
        n_cells *= 4
        fitted = _Likelihood(maps, images, n_cells, fitted.blur, n_centre).best(fitted)
    if error > ERROR and n_cells < maps.largest:
        warnings.warn(
            f"the grid of {n_cells} pixels an image, the finest there is memory for, costs "
            f"{error:.4f} bits per fixation; blur the maps, or fit to fewer images",
            stacklevel=3,
        )
    return replace(fitted, grid_error=error)


def _fit(
    maps: _Maps,
    images: Rows,
    n_cells: int,
    *,
    blur: float | str,
    n_centre: int,
    start: MapToDensity | None = None,
) -> MapToDensity:
    """Find the blur, and for each blur everything else."""
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


class _Maps:
    """Saliency maps, and what is needed of them for each blur."""

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

    def seen(self, images: Rows, blur: float, n_cells: int) -> list[_Seen]:
        """Return what there is to see of some images at a blur."""
        kept = self._kept.setdefault((blur, n_cells), {})
        self._kept.move_to_end((blur, n_cells))
        if len(self._kept) > _KEPT_BLURS:
            self._kept.popitem(last=False)
        new = [i for i in images.tolist() if i not in kept]
        arrays = map(self._map, new)  # models are called from one thread
        values = self.workers.map(partial(self._values, blur, n_cells), new, arrays)
        kept.update(zip(new, values, strict=True))
        return [self._places_of(i, n_cells, kept[i]) for i in images.tolist()]

    def grid_error(self, fitted: MapToDensity, images: Rows, n_cells: int) -> float:
        """How far the likelihood is off because of the grid, bits per fixation."""
        counts = self._fixations.counts()
        off = 0.0
        for i, seen in zip(images.tolist(), self.seen(images, fitted.blur, n_cells), strict=True):
            places = _places(seen.values, fitted.knots)
            at = seen.rows.start, seen.rows.stop
            log_density = fitted.log_density(self._map(i))
            exact = log_density.reshape(-1)[self._pixels(i)].sum()
            energy = log_linear.energies(
                places, seen.ys, seen.xs, fitted.values, fitted.radial, fitted.aspect
            )
            cells, scored = energy[: at[0]], energy[at[0] : at[1]]
            log_sum = cells.max() + np.log(np.exp(cells - cells.max()).mean()) + np.log(seen.n)
            off += scored.sum() - counts[i] * log_sum - exact
        return float(abs(off) / counts[images].sum() / np.log(2))

    def _values(self, blur: float, n_cells: int, i: int, saliency_map: NDArray[Any]) -> Array:
        """Values of a blurred map on the grid and at the fixations."""
        pixels = np.concatenate([self._grid(i, n_cells), self._pixels(i)])
        return _blurred(saliency_map, blur).reshape(-1)[pixels].astype(np.float64)

    def _places_of(self, i: int, n_cells: int, values: Array) -> _Seen:
        height, width = self._size(i)
        cells, fixated = self._grid(i, n_cells), self._pixels(i)
        ys, xs = np.divmod(np.concatenate([cells, fixated]), width)
        return _Seen(
            values=values,
            ys=_relative(height)[ys],
            xs=_relative(width)[xs],
            rows=slice(cells.size, ys.size),
            n=height * width,
        )

    def _grid(self, i: int, n_cells: int) -> Rows:
        """Flat indices of pixels on a regular grid."""
        height, width = self._size(i)
        step = max(1, int(np.sqrt(height * width / n_cells)))
        rows, columns = (np.arange((step - 1) // 2, n, step) for n in (height, width))
        return np.asarray((rows[:, np.newaxis] * width + columns).reshape(-1))

    def _size(self, i: int) -> tuple[int, int]:
        height, width = self._stimuli.sizes[i].tolist()
        return height, width

    def _map(self, i: int) -> NDArray[Any]:
        found = self._spill.load("map", i, 1)
        if found is None:
            found = [_map(self._model, self._stimuli[i])]
            self._spill.save("map", i, found)
        return found[0]

    def _pixels(self, i: int) -> Rows:
        rows = self._fixations.rows_of_image(i)
        return pixel_indices(self._fixations.x[rows], self._fixations.y[rows], self._size(i))


@dataclass(frozen=True)
class _Seen:
    """Values and positions of an image's grid of pixels, then of its fixated pixels.

    `rows` are the latter, and `n` is the number of pixels of the whole image.
    """

    values: Array
    ys: Array
    xs: Array
    rows: slice
    n: int


class _Likelihood:
    """Mean log likelihood of fixations, for one blur, as a function of everything else."""

    def __init__(self, maps: _Maps, images: Rows, n_cells: int, blur: float, n_centre: int) -> None:
        self._blur = blur
        self._n_centre = n_centre
        seen = maps.seen(images, blur, n_cells)
        values = np.concatenate([s.values[: s.rows.start] for s in seen])
        self._knots = np.unique(np.quantile(values, _LEVELS).astype(np.float64))
        if self._knots.size == 1:
            self._knots = self._knots + np.array([0.0, 1.0])
        self._parts = []
        for image in seen:
            places, ys, xs = _places(image.values, self._knots), image.ys, image.xs
            n = image.rows.start
            self._parts.append(
                _Part(
                    (places[:n], ys[:n], xs[:n]),
                    (places[n:], ys[n:], xs[n:]),
                    float(np.log(image.n / n)),
                )
            )
        self._n = sum(part.fixated[0].size for part in self._parts)
        self._packing = self._derivative_of_curves()
        n_values, n_radial = self._knots.size, max(self._n_centre, 2)
        bends = [
            np.diff(np.eye(n), 2, axis=0) if n > 2 else np.zeros((0, n))
            for n in (n_values, n_radial)
        ]
        padded = np.zeros((bends[0].shape[0] + bends[1].shape[0], n_values + n_radial + 1))
        padded[: bends[0].shape[0], :n_values] = bends[0]
        padded[bends[0].shape[0] :, n_values:-1] = bends[1]
        self._bends = padded @ self._packing
        self._workers = maps.workers

    def best(self, start: MapToDensity | None) -> MapToDensity:
        """Maximise it by Newton's method within bounds.

        Without the aspect it is concave; the curvature of the aspect is that of the Fisher
        information. Some ten steps where L-BFGS-B takes hundreds.
        """
        parameters = self._first(start)
        low, high = self._bounds()
        value = self._value(parameters)
        for _ in range(_STEPS):
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

    def _first(self, start: MapToDensity | None) -> Array:
        n_steps = self._knots.size - 1
        if start is None:
            start = MapToDensity(
                blur=0.0,
                knots=self._knots,
                values=np.linspace(0.0, 3.0, n_steps + 1),
                radial=np.zeros(self._n_centre),
                aspect=_ISOTROPIC,
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
        """Values of both functions at their knots, and the aspect."""
        n_steps = self._knots.size - 1
        values = np.concatenate([[0.0], np.cumsum(parameters[:n_steps])])
        if not self._n_centre:
            return values, np.zeros(2), _ISOTROPIC
        radial = np.concatenate([[0.0], parameters[n_steps:-1]])
        return values, radial, float(parameters[-1])

    def _of_images(self, function: Callable[[_Part], Any]) -> list[Any]:
        """Call a function for each image, in threads, some images at a time; results in order."""
        runs = [self._parts[k : k + _RUN] for k in range(0, len(self._parts), _RUN)]
        found = self._workers.map(lambda run: [function(part) for part in run], runs)
        return [result for results in found for result in results]

    def _stiffness(self, parameters: Array) -> float:
        """Cost of bends: where nobody looked in these data, the curves go on as beside it."""
        return _STIFFNESS * float(np.sum((self._bends @ parameters) ** 2))

    def _derivative_of_curves(self) -> Array:
        """Matrix of derivatives of what `_unpacked` returns in the parameters."""
        n_steps, n_radial = self._knots.size - 1, max(self._n_centre, 2)
        matrix = np.zeros((n_steps + 1 + n_radial + 1, self._bounds()[0].size))
        matrix[1 : n_steps + 1, :n_steps] = np.tri(n_steps)
        if self._n_centre:
            matrix[n_steps + 2 :, n_steps:] = np.eye(n_radial)
        return matrix

    def _value(self, parameters: Array) -> float:
        """Mean log likelihood, less the cost of bends, nats."""
        curves = self._unpacked(parameters)

        def of_image(part: _Part) -> float:
            highest, weights = _exponentials(log_linear.energies(*part.cells, *curves))
            log_sum = highest + np.log(weights.sum()) + part.log_share
            seen = log_linear.energies(*part.fixated, *curves)
            return float(seen.sum() - seen.size * log_sum)

        likelihood = sum(self._of_images(of_image)) / self._n
        return likelihood - self._stiffness(parameters)

    def _derivatives(self, parameters: Array) -> tuple[Array, Array]:
        """Slopes of `_value`, and its negative curvature."""
        curves = self._unpacked(parameters)

        def of_image(part: _Part) -> tuple[Array, Array]:
            _, weights = _exponentials(log_linear.energies(*part.cells, *curves))
            weights /= weights.sum()
            mean, squares = log_linear.moments(*part.cells, *curves, weights)
            n = part.fixated[0].size
            seen, _ = log_linear.moments(*part.fixated, *curves, np.ones(n))
            return seen - n * mean, n * (squares - np.outer(mean, mean))

        packed = self._packing
        found = self._of_images(of_image)
        slopes = sum(slope for slope, _ in found) / self._n
        curvature = sum(curvature for _, curvature in found) / self._n
        stiff = 2 * _STIFFNESS * self._bends.T @ self._bends
        return packed.T @ slopes - stiff @ parameters, packed.T @ curvature @ packed + stiff


class _Part(NamedTuple):
    """Places, ys and xs of an image's grid and of its fixations; log of pixels a grid cell."""

    cells: tuple[Array, Array, Array]
    fixated: tuple[Array, Array, Array]
    log_share: float


def _exponentials(energy: Array) -> tuple[float, Array]:
    """Highest energy, and exp of all relative to it."""
    highest = float(energy.max())
    return highest, np.exp(energy - highest)


def _bounded_step(slopes: Array, curvature: Array, low: Array, high: Array) -> Array:
    """Step to the top of a parabola within bounds."""
    from scipy.optimize import lsq_linear

    # what data don't determine, such as a knot that no map reaches, does not move
    damped = curvature + 1e-9 * max(np.trace(curvature) / slopes.size, 1e-9) * np.eye(slopes.size)
    factor = np.linalg.cholesky(damped)
    room = np.minimum(low, -1e-12), np.maximum(high, 1e-12)  # at a bound too there must be some
    found = lsq_linear(factor.T, np.linalg.solve(factor, slopes), room, method="bvls")
    return np.clip(found.x, low, high)


def _map(model: SaliencyMapModel, stimulus: Stimulus) -> NDArray[Any]:
    """Saliency map of an image, checked."""
    checked = as_map(
        as_array(model.saliency_map(stimulus)),
        f"the saliency map of {model_name(model)} for image {stimulus.id!r}",
    )
    check_size(checked, stimulus, model)
    return checked.values
