"""The centre bias: where people look regardless of the image, from fixations on other images."""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from salmetrics.array_types import AnyArray, Array, Rows, Size
from salmetrics.checked_map import pixel_indices
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.densities.sampling import draw_fixations, image_stream
from salmetrics.densities.smoothing import Smoothing, point_counts
from salmetrics.errors import CannotFitError, InputError, InputWarning, check_choice, is_number
from salmetrics.io.files import check_target, replacing
from salmetrics.io.own_files import HDF5_SUFFIXES, open_ours
from salmetrics.kernels import moments
from salmetrics.models.base import DensityModel
from salmetrics.models.fitting.likelihood import Fit, Optimum, fit_kernel_mixture
from salmetrics.models.known_images import KnownImages
from salmetrics.protocols import BOUNDARIES, Boundary

__all__ = [
    "FLOOR",
    "MIT1003_BANDWIDTH",
    "CentreBias",
    "default_baseline",
    "why_no_centre_bias",
]

MIT1003_BANDWIDTH = 10**-1.6667673342543432  # published with MIT1003, a share of the image's size
FLOOR = 1e-6  # weight of the uniform density
_FEW = 8  # with fewer images of a size, blurring all fixations at that size does not pay
_MANY_SIZES = 4  # with more sizes, all fixations are brought to one size for the fit
_KEPT_SIZES = 4  # image sizes whose blurred totals are cached, 4 MB each for 800x600
_RANGE = (0.004, 0.25)  # of a fitted bandwidth: two pixels of 500; nearly flat
_FORMAT = 1  # of files; raise it when their layout changes, and keep reading older ones
_KIND = "centre bias"
_OTHER = "salmetrics.GaussianCentreBias() needs none"


class CentreBias(DensityModel):
    """Where people look regardless of the image: fixations on other images, blurred.

    An image that has fixations here is predicted without its own ones; if it has all of them, its
    prediction is uniform, which `check_data` warns of and results note. Fixations are brought to
    relative coordinates, binned at the image's size, blurred with a Gaussian whose standard
    deviations are `bandwidth` times height and width, and normalised to a density p; the
    prediction is (1 - floor) p + floor / (h w).

    Parameters
    ----------
    stimuli, fixations
        The images that were shown, and where people looked.
    bandwidth
        Standard deviation of the Gaussian as a share of the image's height and width. The default
        is the value published for MIT1003; `fit` finds the best one for these data.
    floor
        Weight of the uniform density.
    boundary
        "reflect", "renormalise" or "constant"; see `salmetrics.densities.smoothing.Smoothing`.
    keep_aspect
        Whether to measure both coordinates from the centre of the image, as shares of its longer
        side, so that the blur is isotropic; fixations outside a narrower image are left out there.
    pysaliency_compatible
        Whether to add floor / (h w) to the blurred fixations before they are normalised, as
        pysaliency's `CrossvalidatedBaselineModel` does; the floor is then about n times lower, for
        n fixations.

    Attributes
    ----------
    bandwidth, floor : float
        The parameters, given or fitted.
    optimum : Optimum or None
        How `fit` ended; None if the model was not fitted.

    Raises
    ------
    InputError
        If a parameter is out of range, there are no fixations, or one is outside its image; later,
        if an image with a known id comes with another size or with other fixations.

    References
    ----------
    Kümmerer, Wallis and Bethge (2015), PNAS 112, 16054-16059, doi:10.1073/pnas.1510393112.

    Examples
    --------
    >>> from salmetrics.datasets import generate_dataset
    >>> stimuli, fixations = generate_dataset(8, size=(60, 80), n_subjects=4).dataset
    >>> centre_bias = CentreBias(stimuli, fixations, bandwidth=0.09)
    >>> density = np.exp(centre_bias.log_density(stimuli[0]))
    >>> density.shape, float(density.sum())
    ((60, 80), 1.0)
    """

    name = "centre-bias"
    leave_one_out = True

    def __init__(
        self,
        stimuli: Stimuli,
        fixations: Fixations,
        *,
        bandwidth: float = MIT1003_BANDWIDTH,
        floor: float = FLOOR,
        boundary: Boundary = "reflect",
        keep_aspect: bool = False,
        pysaliency_compatible: bool = False,
    ) -> None:
        fixations.check_against(stimuli)
        if len(fixations) == 0:
            raise CannotFitError("a centre bias needs fixations; there are none")
        self._set_parameters(
            bandwidth=bandwidth,
            floor=floor,
            boundary=boundary,
            keep_aspect=keep_aspect,
            pysaliency_compatible=pysaliency_compatible,
        )
        sizes = stimuli.sizes[fixations.image]
        middles = sizes / 2 if self.keep_aspect else np.zeros(sizes.shape)
        relative = (np.stack([fixations.y, fixations.x], axis=1) - middles) / self._scale(sizes)
        self._set_data(
            KnownImages(_KIND, stimuli, fixations),
            image=fixations.image,
            relative_y=relative[:, 0].copy(),
            relative_x=relative[:, 1].copy(),
        )

    @classmethod
    def fit(
        cls,
        stimuli: Stimuli,
        fixations: Fixations,
        *,
        bandwidth: float | Fit = "fit",
        floor: float | Fit = "fit",
        boundary: Boundary = "reflect",
        keep_aspect: bool = False,
        progress: bool = True,
    ) -> CentreBias:
        """Find the bandwidth and floor with the largest leave-one-image-out likelihood.

        With more than four sizes of images, and unless `keep_aspect`, fixations are brought to the
        median size first, which changes the likelihood by less than 0.001 bit.

        Parameters
        ----------
        stimuli, fixations
            The images that were shown, and where people looked; on at least two images.
        bandwidth, floor
            "fit", or a number to fix one of them.
        boundary, keep_aspect
            See `CentreBias`.
        progress
            Whether to show a bar on standard error once the fit has taken two seconds.

        Returns
        -------
        model : CentreBias
            The model, with `optimum`; its numbers have four digits. Warns if the bandwidth ends at
            the lower end of its range.

        Raises
        ------
        InputError
            If fewer than two images have fixations, or a parameter is out of range.

        Examples
        --------
        >>> from salmetrics.datasets import generate_dataset
        >>> stimuli, fixations = generate_dataset(8, size=(60, 80), n_subjects=4).dataset
        >>> CentreBias.fit(stimuli, fixations)
        <CentreBias: bandwidth 0.087, floor 0.0099>
        """
        for name, value in (("bandwidth", bandwidth), ("floor", floor)):
            if isinstance(value, str):
                check_choice(name, value, get_args(Fit))
        sizes = np.unique(stimuli.sizes[fixations.image], axis=0)
        if len(sizes) > _MANY_SIZES and not keep_aspect:
            return cls._fit_at_one_size(
                stimuli,
                fixations,
                bandwidth=bandwidth,
                floor=floor,
                boundary=boundary,
                progress=progress,
            )
        free = [isinstance(value, str) for value in (bandwidth, floor)]
        reason = why_no_centre_bias(fixations)
        if reason is not None:
            raise CannotFitError(f"{reason}; {_OTHER}")
        model = cls(
            stimuli,
            fixations,
            bandwidth=MIT1003_BANDWIDTH if free[0] else bandwidth,  # type: ignore[arg-type]
            floor=0.0 if free[1] else floor,  # type: ignore[arg-type]
            boundary=boundary,
            keep_aspect=keep_aspect,
        )
        uniform = 1.0 / np.prod(stimuli.sizes, axis=1)[fixations.image]

        def components(width: float) -> Array:
            model.bandwidth = width
            return np.stack([model._held_out(stimuli, fixations), uniform], axis=1)

        mixture = fit_kernel_mixture(
            components,
            width=None if free[0] else model.bandwidth,
            width_range=_RANGE,
            fixed=np.array([np.nan, np.nan if free[1] else model.floor]),
            names=("floor",),
            progress=_KIND if progress else None,
        )
        model.bandwidth, model.floor = mixture.width, float(mixture.weights[1])
        weights = np.array([1.0 - model.floor, model.floor])
        likelihood = float(np.log2(mixture.densities @ weights).mean())
        model.optimum = dataclasses.replace(mixture.optimum, log_likelihood=likelihood)
        if model.bandwidth < 1.1 * _RANGE[0]:  # the other end is flat, like the data
            model.optimum.warn(_KIND)
        return model

    @classmethod
    def _fit_at_one_size(
        cls, stimuli: Stimuli, fixations: Fixations, *, boundary: Boundary, **options: Any
    ) -> CentreBias:
        """Fit to the same relative positions on images of one size."""
        common = _at_one_size(stimuli, fixations)
        fitted = cls.fit(*common, boundary=boundary, **options)
        assert fitted.optimum is not None
        model = cls(
            stimuli, fixations, bandwidth=fitted.bandwidth, floor=fitted.floor, boundary=boundary
        )
        areas = np.prod(stimuli.sizes, axis=1)[fixations.image]
        larger = np.log2(np.prod(common[0].sizes[0]) / areas).mean()
        likelihood = fitted.optimum.log_likelihood + float(larger)
        model.optimum = dataclasses.replace(fitted.optimum, log_likelihood=likelihood)
        return model

    def is_default(self, stimuli: Stimuli, fixations: Fixations) -> bool:
        """Return whether this is the model that ``CentreBias.fit(stimuli, fixations)`` returns.

        Parameters
        ----------
        stimuli, fixations
            Images and fixations.

        Returns
        -------
        is_default : bool
            True if both parameters were fitted, to these data, with the default options.
        """
        fitted = self.optimum is not None and set(self.optimum.curvature) == {"bandwidth", "floor"}
        usual = self.boundary == "reflect" and not self.keep_aspect
        return fitted and usual and self._known == KnownImages("centre bias", stimuli, fixations)

    @property
    def parameters(self) -> dict[str, Any]:
        """All parameters, and whether the model was fitted."""
        return {
            "bandwidth": self.bandwidth,
            "floor": self.floor,
            "boundary": self.boundary,
            "keep_aspect": self.keep_aspect,
            "pysaliency_compatible": self.pysaliency_compatible,
            "fitted": self.optimum is not None,
        }

    def __repr__(self) -> str:
        return f"<CentreBias: bandwidth {self.bandwidth:.4g}, floor {self.floor:.3g}>"

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> Array:
        """Return the log of the centre bias without this image's own fixations.

        Parameters
        ----------
        stimulus
            An image, known or new.
        subject
            Ignored.

        Returns
        -------
        log_density : ndarray of shape (h, w)
            Natural log of the density.

        Raises
        ------
        InputError
            If a known image comes with another size.
        """
        size = self._known.size(stimulus)
        own = self._own_pixels(stimulus.id, size)
        total, left = self._total(size), None
        if own.size:
            left = self._smoothing(size).points(size, own)
        with np.errstate(divide="ignore"):  # probability 0 is legal without a floor
            log_density: Array = np.log(self._finish(total, left, own, size))
        return log_density

    def log_likelihoods(self, stimuli: Stimuli, fixations: Fixations) -> Array:
        """Return the log density at each fixation, without computing a map.

        Only the blurred total is looked up; the part of the image's own fixations comes from the
        n x n kernel matrix (0.2 ms instead of 6 ms for an image of 800x600).

        Parameters
        ----------
        stimuli, fixations
            Images and the fixations on them.

        Returns
        -------
        log_likelihoods : ndarray of shape (n,)
            One value per fixation, in nats.

        Raises
        ------
        InputError
            If a known image comes with another size or with other fixations.
        """
        fixations.check_against(stimuli)
        result = np.empty(len(fixations))
        for i in np.flatnonzero(fixations.counts()).tolist():
            rows = fixations.rows_of_image(i)
            size = self._known.size(stimuli[i])
            self._known.check_fixations(stimuli.ids[i], fixations, rows)
            at = pixel_indices(fixations.x[rows], fixations.y[rows], size)
            if size not in self._common:
                total = self._total_at(size, at)
            else:
                total = self._total(size)
                total = replace(total, values=total.values.reshape(-1)[at])
            with np.errstate(divide="ignore"):
                result[rows] = np.log(self._density_at(stimuli.ids[i], size, at, total))
        return result

    @property
    def notes(self) -> tuple[str, ...]:
        """That the only image with fixations is predicted as uniform, if there is only one."""
        (alone, *others) = np.unique(self._image).tolist()
        if others:
            return ()
        return (
            f"all fixations of the centre bias are on {self._known.ids[alone]!r}, whose prediction "
            f"leaves them out and is uniform; {_OTHER}",
        )

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Check that known images have the size and the fixations they had here.

        Warns if one of them has all fixations of this model.

        Parameters
        ----------
        stimuli, fixations
            Images and fixations that are about to be scored.

        Raises
        ------
        InputError
            If a known image comes with another size or with other fixations.
        """
        self._known.check_data(stimuli, fixations)
        if self.notes and self._known.ids[self._image[0]] in stimuli.ids:
            warnings.warn(self.notes[0], InputWarning, stacklevel=3)

    def sample(self, stimulus: Stimulus, n: int, *, seed: int = 0) -> tuple[Array, Array]:
        """Draw fixations from the density; the same seed and image give the same fixations.

        Parameters
        ----------
        stimulus
            An image, known or new.
        n
            Number of fixations.
        seed
            Seed of the draws.

        Returns
        -------
        x, y : ndarray of shape (n,)
            Positions in pixels, uniformly distributed within their pixels.
        """
        stream = image_stream(seed, stimulus.id)
        return draw_fixations(self.log_density(stimulus), n, stream)

    # ---- files

    def save(self, path: str | Path) -> None:
        """Write the model, with the fixations it was made from, to one HDF5 file.

        Parameters
        ----------
        path
            Path of the file; an existing file is replaced.

        Raises
        ------
        InputError
            If the folder does not exist or is not writable, or the name ends in the suffix of
            another format.
        """
        import h5py

        record = {"parameters": self.parameters, "known": self._known.record()}
        if self.optimum is not None:
            record["optimum"] = dataclasses.asdict(self.optimum)
        with (
            replacing(check_target(path, HDF5_SUFFIXES)) as temporary,
            h5py.File(temporary, "w") as file,
        ):
            file.attrs["salmetrics"] = _KIND
            file.attrs["format"] = _FORMAT
            file["record"] = json.dumps(record)
            file["relative_x"], file["relative_y"] = self._relative_x, self._relative_y
            file["image"] = self._image

    @classmethod
    def load(cls, path: str | Path) -> CentreBias:
        """Read a model that `save` wrote.

        Parameters
        ----------
        path
            Path of the file.

        Returns
        -------
        model : CentreBias
            The same model, which still leaves out the fixations of known images.

        Raises
        ------
        InputError
            If the file does not exist, holds something else, or was written by a newer version.
        """
        with open_ours(path, _KIND, _FORMAT) as file:
            record = json.loads(file["record"][()])
            columns = {name: file[name][()] for name in ("relative_x", "relative_y", "image")}
            model = cls.__new__(cls)
            fitted = record["parameters"].pop("fitted")
            model._set_parameters(**record["parameters"])
            if fitted:
                optimum = record["optimum"]
                model.optimum = Optimum(**optimum | {"at_bound": tuple(optimum["at_bound"])})
            known = KnownImages.from_record(_KIND, record["known"])
            _check_columns(columns, len(known.ids), within=0.5 if model.keep_aspect else 1.0)
            model._set_data(known, **columns)
        return model

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_totals": OrderedDict()}  # computed again when needed

    # ---- inside

    def _set_parameters(
        self,
        *,
        bandwidth: float,
        floor: float,
        boundary: Boundary,
        keep_aspect: bool,
        pysaliency_compatible: bool,
    ) -> None:
        if not is_number(bandwidth) or not 0 < bandwidth <= 1:
            raise InputError(
                "bandwidth must be a positive share of the image's size, at most 1, and not in "
                f"pixels; got {bandwidth!r} (CentreBias.fit finds the best one)"
            )
        if not is_number(floor) or not 0 <= floor <= 1:
            raise InputError(f"floor must be from 0 to 1; got {floor!r}")
        check_choice("boundary", boundary, BOUNDARIES)
        self.bandwidth = float(bandwidth)
        self.floor = float(floor)
        self.boundary = boundary
        self.keep_aspect = bool(keep_aspect)
        self.pysaliency_compatible = bool(pysaliency_compatible)
        self.optimum: Optimum | None = None

    def _set_data(
        self, known: KnownImages, *, image: Rows, relative_x: Array, relative_y: Array
    ) -> None:
        self._known = known
        self._image, self._relative_x, self._relative_y = image, relative_x, relative_y
        order = np.argsort(image, kind="stable")
        ends = np.searchsorted(image[order], np.arange(len(known.ids) + 1))
        self._rows = {name: order[ends[i] : ends[i + 1]] for i, name in enumerate(known.ids)}
        self._common = known.common_sizes(_KEPT_SIZES, _FEW)
        self._totals: OrderedDict[Size, _Total] = OrderedDict()

    def _held_out(self, stimuli: Stimuli, fixations: Fixations) -> Array:
        """Return the density, without floor, at each of this model's own fixations; for `fit`.

        All images of a size are computed at once: 0.1 s for the 98 321 fixations of OSIE.
        """
        result = np.empty(len(fixations))
        counts = fixations.counts()
        with_fixations = np.flatnonzero(counts)
        sizes = stimuli.sizes[with_fixations]
        for size in {tuple(size) for size in sizes.tolist()}:
            images = with_fixations[(sizes == size).all(axis=1)]
            rows = np.concatenate([fixations.rows_of_image(int(i)) for i in images])
            at = pixel_indices(fixations.x[rows], fixations.y[rows], size)
            own, ends = self._pixels(rows, size), np.cumsum(counts[images])
            smoothing, total = self._smoothing(size), self._total_at(size, at)
            left_out = smoothing.points_at(size, own, at, ends=ends, at_ends=ends)
            masses = np.add.reduceat(smoothing.masses(size, own), ends - counts[images])
            mass = np.repeat(total.mass - masses, counts[images])
            result[rows] = np.maximum(total.values - left_out, 0.0) / mass
        return result

    def _density_at(self, name: str, size: Size, at: Rows, total: _Total) -> Array:
        """Return the density at some pixels, without the image's own fixations."""
        own = self._own_pixels(name, size)
        left = self._smoothing(size).points_at(size, own, at) if own.size else None
        return self._finish(total, left, own, size)

    def _finish(self, total: _Total, left_out: Array | None, own: Rows, size: Size) -> Array:
        """Normalise the rest of the total and add the floor; uniform if no fixation is left."""
        uniform = 1.0 / (size[0] * size[1])
        if total.n == own.size:
            return np.full(total.values.shape, uniform)
        density, mass = total.values, total.mass
        if left_out is not None:
            density = density - left_out
            mass -= self._smoothing(size).mass(size, own)
        density = np.maximum(density, 0.0)  # the difference of two sums may be -1e-17
        weight, floor = (1.0 - self.floor) / mass, self.floor * uniform
        if self.pysaliency_compatible:
            whole = (1.0 - self.floor) * mass + self.floor
            weight, floor = (1.0 - self.floor) / whole, floor / whole
        density *= weight
        density += floor
        return density

    def _smoothing(self, size: Size) -> Smoothing:
        height, width = self._scale(np.array(size)).tolist()
        sigma = (self.bandwidth * height, self.bandwidth * width)
        return Smoothing(sigma=sigma, boundary=self.boundary, truncate=4.0)

    def _scale(self, sizes: AnyArray) -> AnyArray:
        """Return the pixels per relative unit along y and x, for sizes of shape (..., 2)."""
        if not self.keep_aspect:
            return sizes
        return np.broadcast_to(sizes.max(axis=-1, keepdims=True), sizes.shape)

    def _own_pixels(self, name: str, size: Size) -> Rows:
        return self._pixels(self._rows.get(name, np.zeros(0, np.int64)), size)

    def _pixels(self, rows: Rows | slice, size: Size) -> Rows:
        """Return flat indices of fixations in an image of this size, without those outside it."""
        height, width = size
        scale_y, scale_x = self._scale(np.array(size)).tolist()
        y, x = self._relative_y[rows] * scale_y, self._relative_x[rows] * scale_x
        if self.keep_aspect:
            y, x = y + height / 2, x + width / 2
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            y, x = y[inside], x[inside]
        ys = np.minimum(np.floor(y).astype(np.int64), height - 1)
        return ys * width + np.minimum(np.floor(x).astype(np.int64), width - 1)

    def _total(self, size: Size) -> _Total:
        """Return all fixations blurred at this size."""
        if size not in self._totals:
            pixels = self._pixels(slice(None), size)
            total = self._smoothing(size).dense(point_counts(size, pixels))
            mass = float(moments.total(total.reshape(-1)))
            self._totals[size] = _Total(total, mass, pixels.size)
            if len(self._totals) > _KEPT_SIZES:
                self._totals.popitem(last=False)
        self._totals.move_to_end(size)
        return self._totals[size]

    def _total_at(self, size: Size, at: Rows) -> _Total:
        """Return all fixations blurred at this size, at some pixels only: less work for a few."""
        pixels, smoothing = self._pixels(slice(None), size), self._smoothing(size)
        values = smoothing.dense_at(point_counts(size, pixels), at)
        return _Total(values, smoothing.mass(size, pixels), pixels.size)


def _check_columns(columns: dict[str, AnyArray], n_images: int, *, within: float) -> None:
    """Raise `ValueError` unless columns of a file are indices of images and relative positions."""
    image, *positions = (columns[name] for name in ("image", "relative_x", "relative_y"))
    if image.dtype.kind not in "iu" or not 0 <= image.min() <= image.max() < n_images:
        raise ValueError(f"its fixations are not on the {n_images} images that it names")
    for values in positions:
        if values.shape != image.shape or not (np.abs(values) <= within).all():
            raise ValueError("its fixations have no positions on their images")


def why_no_centre_bias(fixations: Fixations) -> str | None:
    """Return the reason why no centre bias can be fitted to fixations; None if one can."""
    n = np.unique(fixations.image).size
    if n > 1:
        return None
    return (
        "the centre bias of an image is made from fixations on others, so it needs fixations on at "
        f"least two images; there are some on {n}"
    )


def default_baseline(
    known: Iterable[object], stimuli: Stimuli, fixations: Fixations, *, progress: bool = True
) -> CentreBias:
    """Return the centre bias fitted to these fixations, that of a known model if one has it.

    Parameters
    ----------
    known
        Objects that may be such a centre bias, or have it as their attribute ``centre_bias``.
    stimuli, fixations
        The images that were shown, and where people looked.
    progress
        Whether to show a bar on standard error once a fit has taken two seconds.
    """
    parts = [part for m in known for part in (m, getattr(m, "centre_bias", None))]
    fitted = (m for m in parts if isinstance(m, CentreBias) and m.is_default(stimuli, fixations))
    return next(fitted, None) or CentreBias.fit(stimuli, fixations, progress=progress)


def _at_one_size(stimuli: Stimuli, fixations: Fixations) -> tuple[Stimuli, Fixations]:
    """Return the same fixations on images of the median size."""
    height, width = np.median(stimuli.sizes, axis=0).round().astype(int).tolist()
    heights, widths = stimuli.sizes[fixations.image].T
    return (
        Stimuli.from_sizes([(height, width)] * len(stimuli), list(stimuli.ids)),
        Fixations.from_arrays(
            np.minimum(fixations.x / widths * width, np.nextafter(width, 0)),
            np.minimum(fixations.y / heights * height, np.nextafter(height, 0)),
            fixations.image,
            n_images=len(stimuli),
        ),
    )


@dataclass(frozen=True)
class _Total:
    """All fixations blurred: values, the mass that stayed in the image, and their number."""

    values: Array
    mass: float
    n: int
