"""Inter-observer consistency: how well other observers' fixations predict an observer's."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, get_args

import numpy as np

from salmetrics.array_types import Array, Rows, Size
from salmetrics.checked_map import pixel_indices
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.densities.kernel_sums import held_out_sums, map_of_kernels
from salmetrics.errors import CannotFitError, InputError, check_choice, is_number
from salmetrics.kernels.kde import line_masses
from salmetrics.models.base import DensityModel
from salmetrics.models.centre_bias import CentreBias, why_no_centre_bias
from salmetrics.models.fitting.likelihood import Fit, Optimum, fit_kernel_mixture
from salmetrics.models.known_images import KnownImages

__all__ = ["GoldStandard", "HoldOut", "Units", "why_no_gold_standard"]

HoldOut = Literal["subject", "fixation"]
Units = Literal["pixel", "degree", "relative"]
_NARROWEST = 0.1  # pixels: a kernel centred between four pixels still reaches them
_RANGE = (0.5, 0.25)  # of a fitted bandwidth: half a pixel, and a quarter of the longer side
_WEIGHTS = ("centre_weight", "uniform_weight")


class GoldStandard(DensityModel):
    """Fixations of all other subjects on the same image, blurred, mixed with the centre bias.

    p = (1 - w - e) sum_j k_j / sum_j Z_j + w p_centre + e / (h w)

    where k_j is an isotropic Gaussian around the j-th fixation of the others, Z_j its sum over
    the image's pixel centres, p_centre the leave-one-image-out centre bias, and a scored fixation
    counts as being at its pixel's centre. A subject who is alone on an image gets the mixture
    without its first term, renormalised.

    Likelihoods come from the kernels between fixations and never from a map. Beyond 2000 fixations
    on an image, their sums take near linear time, and agree with those of all pairs to 1e-12.

    Parameters
    ----------
    stimuli, fixations
        The images that were shown, and where people looked.
    bandwidth
        Standard deviation of the Gaussian, in `units`.
    centre_weight, uniform_weight
        Weights w and e of the centre bias and of the uniform density.
    units
        Unit of the bandwidth: "pixel"; "degree", which needs ``stimuli.pixels_per_degree``; or
        "relative", shares of the image's longer side.
    hold_out
        Fixations without which a fixation is predicted: all of its "subject", or only the
        "fixation" itself, for data that do not record who looked. The latter is optimistic,
        because a subject's own other fixations help, and the model's name says so; it has
        likelihoods only.
    upper_bound
        Whether to hold out nothing, so that every fixation also predicts itself: a bound that no
        model reaches.
    centre_bias
        The centre bias; by default it is fitted to these fixations.

    Attributes
    ----------
    bandwidth, centre_weight, uniform_weight : float
        The parameters, given or fitted.
    centre_bias : DensityModel or None
        The centre bias in the mixture; None if its weight was given as 0.
    optimum : Optimum or None
        How `fit` ended; None if the model was not fitted.
    n_alone : int
        Number of fixations on images where no other subject looked (with ``hold_out="fixation"``:
        where there is no other fixation).

    Raises
    ------
    InputError
        If a parameter is out of range, or the data have no subjects; later, if an image is not
        known, or comes with another size or with other fixations.

    References
    ----------
    Kümmerer, Wallis and Bethge (2015), PNAS 112, 16054-16059, doi:10.1073/pnas.1510393112.

    Examples
    --------
    >>> from salmetrics.datasets import generate_dataset
    >>> stimuli, fixations = generate_dataset(8, size=(60, 80), n_subjects=4).dataset
    >>> centre_bias = CentreBias(stimuli, fixations, bandwidth=0.09)
    >>> gold_standard = GoldStandard(
    ...     stimuli,
    ...     fixations,
    ...     bandwidth=2.7,
    ...     centre_weight=0.3,
    ...     uniform_weight=0.03,
    ...     centre_bias=centre_bias,
    ... )
    >>> density = np.exp(gold_standard.log_density(stimuli[0], subject=fixations.subject[0]))
    >>> density.shape, float(density.sum())
    ((60, 80), 1.0)
    """

    def __init__(
        self,
        stimuli: Stimuli,
        fixations: Fixations,
        *,
        bandwidth: float,
        centre_weight: float,
        uniform_weight: float,
        units: Units = "pixel",
        hold_out: HoldOut = "subject",
        upper_bound: bool = False,
        centre_bias: DensityModel | None = None,
    ) -> None:
        fixations.check_against(stimuli)
        check_choice("units", units, get_args(Units))
        check_choice("hold_out", hold_out, get_args(HoldOut))
        if len(fixations) == 0:
            raise CannotFitError("a gold standard needs fixations; there are none")
        if units == "degree" and stimuli.pixels_per_degree is None:
            raise InputError(
                "units='degree' needs Stimuli with pixels_per_degree=; or give the bandwidth in "
                "units='pixel'"
            )
        if hold_out == "subject" and np.unique(fixations.subject).size < 2:
            raise CannotFitError(
                "all fixations are of one subject, so nobody else can predict them; give "
                "fixations a column subject, or use hold_out='fixation', which is optimistic"
            )
        if not is_number(bandwidth) or not (np.isfinite(bandwidth) and bandwidth > 0):
            raise InputError(
                f"bandwidth must be a positive number; got {bandwidth!r} (GoldStandard.fit finds "
                "the best one)"
            )
        for name, weight in zip(_WEIGHTS, (centre_weight, uniform_weight), strict=True):
            if not is_number(weight) or not 0 <= weight <= 1:
                raise InputError(f"{name} must be from 0 to 1; got {weight!r}")
        if centre_weight + uniform_weight > 1 + 1e-12:
            raise InputError(
                "centre_weight and uniform_weight must not add up to more than 1; got "
                f"{centre_weight + uniform_weight:g}"
            )
        self.bandwidth = float(bandwidth)
        self.centre_weight = float(centre_weight)
        self.uniform_weight = float(uniform_weight)
        self.units = units
        self.hold_out = hold_out
        self.upper_bound = bool(upper_bound)
        self.optimum: Optimum | None = None
        self._pixels_per_degree = stimuli.pixels_per_degree
        self._fixations = fixations
        self._index = {name: i for i, name in enumerate(stimuli.ids)}
        self._known = KnownImages("gold standard", stimuli, fixations, subjects=True)
        self.centre_bias = centre_bias
        if centre_bias is None and centre_weight > 0:
            self.centre_bias = CentreBias.fit(stimuli, fixations)
        narrowest = min(self._sigma(tuple(size)) for size in np.unique(stimuli.sizes, axis=0))
        if narrowest < _NARROWEST:
            raise InputError(
                f"bandwidth {bandwidth:g} {units} is {narrowest:g} pixels, less than {_NARROWEST}: "
                "kernels would fall between pixels"
            )
        self._subjects = set(np.unique(fixations.subject).tolist())
        self.n_alone = self._count_alone()
        if self.n_alone and centre_weight + uniform_weight == 0:
            raise InputError(
                f"{self.n_alone} fixations are on images where nothing else predicts them; "
                "centre_weight or uniform_weight must be above 0"
            )

    @classmethod
    def fit(
        cls,
        stimuli: Stimuli,
        fixations: Fixations,
        *,
        hold_out: HoldOut = "subject",
        units: Units = "pixel",
        bandwidth: float | Fit = "fit",
        centre_weight: float | Fit = "fit",
        uniform_weight: float | Fit = "fit",
        upper_bound: bool = False,
        centre_bias: DensityModel | None = None,
        progress: bool = True,
    ) -> GoldStandard:
        """Find the bandwidth and weights with the largest likelihood of held-out fixations.

        The bandwidth is searched on a grid and then by Brent's method in its logarithm, with the
        best weights for each; nothing is random.

        Parameters
        ----------
        stimuli, fixations
            The images that were shown, and where people looked.
        hold_out, units
            See `GoldStandard`.
        bandwidth, centre_weight, uniform_weight
            "fit", or numbers for parameters that are not fitted.
        upper_bound
            See `GoldStandard`; the parameters are those of held-out fixations in any case.
        centre_bias
            See `GoldStandard`.
        progress
            Whether to show a bar on standard error once the fit has taken two seconds.

        Returns
        -------
        model : GoldStandard
            The model, with `optimum`; its numbers have four digits. Warns if a parameter ends at
            the end of its range.

        Raises
        ------
        InputError
            If a parameter is out of range, the data have no subjects, or no fixation can be
            predicted by another one.

        Examples
        --------
        >>> from salmetrics.datasets import generate_dataset
        >>> stimuli, fixations = generate_dataset(8, size=(60, 80), n_subjects=4).dataset
        >>> GoldStandard.fit(stimuli, fixations)
        <GoldStandard: bandwidth 2.66 pixel, centre bias 0.305, uniform 0.031>
        """
        parameters = {
            "bandwidth": bandwidth,
            "centre_weight": centre_weight,
            "uniform_weight": uniform_weight,
        }
        for name, value in parameters.items():
            if isinstance(value, str):
                check_choice(name, value, get_args(Fit))
        numbers: dict[str, Any] = {n: v for n, v in parameters.items() if not isinstance(v, str)}
        start = {"bandwidth": 1e3, "centre_weight": 0.0} | numbers
        start.setdefault("uniform_weight", (1.0 - start["centre_weight"]) / 2)
        if centre_bias is None and numbers.get("centre_weight") != 0:
            centre_bias = CentreBias.fit(stimuli, fixations, progress=progress)
        model = cls(
            stimuli, fixations, units=units, hold_out=hold_out, centre_bias=centre_bias, **start
        )
        if model.n_alone == len(fixations):
            raise CannotFitError(
                "no fixation has another one on its image that could predict it, so there is "
                "nothing to fit"
            )
        references = model._references(stimuli, fixations)

        def components(width: float) -> Array:
            model.bandwidth = width
            return np.stack([model._of_others(stimuli, fixations), *references], axis=1)

        mixture = fit_kernel_mixture(
            components,
            width=numbers.get("bandwidth"),
            width_range=model._range(stimuli),
            fixed=np.array([np.nan, *(numbers.get(name, np.nan) for name in _WEIGHTS)]),
            names=_WEIGHTS,
            progress="gold standard" if progress else None,
        )
        model.bandwidth = mixture.width
        model.centre_weight, model.uniform_weight = mixture.weights[1:].tolist()
        if "centre_weight" not in numbers:  # rounding must not make the sum exceed 1
            model.centre_weight = min(model.centre_weight, 1.0 - model.uniform_weight)
        likelihood = float(np.log2(model._mixed(mixture.densities)).mean())
        model.optimum = dataclasses.replace(mixture.optimum, log_likelihood=likelihood)
        model.optimum.warn("gold standard")
        model.upper_bound = bool(upper_bound)
        return model

    @property
    def name(self) -> str:  # type: ignore[override]
        """Name in tables, which says how optimistic the model is."""
        if self.upper_bound:
            return "gold-standard (nothing held out)"
        if self.hold_out == "fixation":
            return "gold-standard (own other fixations kept, optimistic)"
        return "gold-standard"

    @property
    def subject_dependent(self) -> bool:  # type: ignore[override]
        """Whether predictions depend on the subject."""
        return self.hold_out == "subject" and not self.upper_bound

    @property
    def without_maps(self) -> str | None:  # type: ignore[override]
        """Why there are no maps to score; None if there are."""
        if self.hold_out == "fixation" and not self.upper_bound:
            return "each fixation has a prediction of its own, and a likelihood, but no map"
        return None

    @property
    def parameters(self) -> dict[str, Any]:
        """All parameters, and whether the model was fitted."""
        names = ("bandwidth", "units", *_WEIGHTS, "hold_out", "upper_bound", "n_alone")
        parameters = {name: getattr(self, name) for name in names}
        if self.centre_bias is not None:
            parameters["centre_bias"] = dict(self.centre_bias.parameters)
        return parameters | {"fitted": self.optimum is not None}

    def __repr__(self) -> str:
        return (
            f"<GoldStandard: bandwidth {self.bandwidth:.4g} {self.units}, centre bias "
            f"{self.centre_weight:.3g}, uniform {self.uniform_weight:.3g}>"
        )

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> Array:
        """Return the log density for one subject, whose own fixations are left out.

        Parameters
        ----------
        stimulus
            One of the images this was made from.
        subject
            Subject who is predicted; required unless `upper_bound`.

        Returns
        -------
        log_density : ndarray of shape (h, w)
            Natural log of the density.

        Raises
        ------
        InputError
            If the image or the subject is not known, the image comes with another size, or the
            model has no maps.
        """
        if self.without_maps:
            raise InputError(f"there is no map: {self.without_maps}; use hold_out='subject'")
        if self.subject_dependent and subject is None:
            raise InputError(
                "name the subject that is predicted, subject=..., or make the gold standard with "
                "upper_bound=True, which holds out nobody"
            )
        size, rows = self._rows(stimulus)
        if not self.upper_bound:
            if subject not in self._subjects:
                some = sorted(map(repr, self._subjects))[:5]
                raise InputError(
                    f"there are no fixations of subject {subject!r} to leave out; known are "
                    f"{', '.join(some)}{' ...' if len(self._subjects) > 5 else ''}"
                )
            rows = rows[self._fixations.subject[rows] != subject]
        height, width = size
        uniform = self.uniform_weight / (height * width)
        known = np.full(size, uniform)
        if self.centre_weight > 0:
            assert self.centre_bias is not None
            centre = np.exp(
                self.centre_bias.log_density(stimulus, subject=subject), dtype=np.float64
            )
            known += self.centre_weight * centre
        if rows.size == 0:
            with np.errstate(divide="ignore"):
                return np.asarray(np.log(known / (self.centre_weight + self.uniform_weight)))
        ys, xs = self._fixations.y[rows], self._fixations.x[rows]
        sigma = self._sigma(size)
        total = float(np.sum(line_masses(ys, height, sigma) * line_masses(xs, width, sigma)))
        density = map_of_kernels(size, ys, xs, sigma)
        density *= (1.0 - self.centre_weight - self.uniform_weight) / total
        density += known
        with np.errstate(divide="ignore"):  # probability 0 is legal if both weights are 0
            return np.asarray(np.log(density))

    def log_likelihoods(self, stimuli: Stimuli, fixations: Fixations) -> Array:
        """Return the log density at each fixation, without computing a map.

        Parameters
        ----------
        stimuli, fixations
            Images and the fixations on them; unless `upper_bound`, those this was made from.

        Returns
        -------
        log_likelihoods : ndarray of shape (n,)
            One value per fixation, in nats.

        Raises
        ------
        InputError
            If an image is not known, or comes with another size or with other fixations.
        """
        fixations.check_against(stimuli)
        for i in np.flatnonzero(fixations.counts()).tolist():
            self._rows(stimuli[i])
            if not self.upper_bound:
                rows = fixations.rows_of_image(i)
                self._known.check_fixations(stimuli.ids[i], fixations, rows)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self._mixed(self._components(stimuli, fixations))))

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Check that images are known and have the size and the fixations they had here.

        Parameters
        ----------
        stimuli, fixations
            Images and fixations that are about to be scored.

        Raises
        ------
        InputError
            If an image is not known, or comes with another size or with other fixations.
        """
        for i in np.flatnonzero(fixations.counts()).tolist():
            self._rows(stimuli[i])
        if not self.upper_bound:
            self._known.check_data(stimuli, fixations)

    # ---- inside

    def _rows(self, stimulus: Stimulus) -> tuple[Size, Rows]:
        """Return the size of an image, and the rows of its fixations."""
        if stimulus.id not in self._index:
            raise InputError(
                f"the gold standard knows no fixations on image {stimulus.id!r}; it predicts only "
                "the images it was made from"
            )
        size = self._known.size(stimulus)
        return size, self._fixations.rows_of_image(self._index[stimulus.id])

    def _components(self, stimuli: Stimuli, fixations: Fixations) -> Array:
        """Return the densities of the three terms at each fixation, shape (n, 3); NaN for none."""
        of_others = self._of_others(stimuli, fixations)
        return np.stack([of_others, *self._references(stimuli, fixations)], axis=1)

    def _mixed(self, components: Array) -> Array:
        """Return the density of the mixture, without its first term where there are no others."""
        weights = np.array([self.centre_weight, self.uniform_weight])
        known = components[:, 1:] @ weights
        alone = np.isnan(components[:, 0])
        mixed = known + (1.0 - weights.sum()) * components[:, 0]
        mixed[alone] = known[alone] / weights.sum()
        return np.asarray(mixed)

    def _references(self, stimuli: Stimuli, fixations: Fixations) -> tuple[Array, Array]:
        """Return the centre bias and the uniform density at each fixation."""
        uniform = 1.0 / np.prod(stimuli.sizes, axis=1)[fixations.image]
        if self.centre_bias is None:
            return np.zeros(len(fixations)), uniform
        return np.exp(self.centre_bias.log_likelihoods(stimuli, fixations)), uniform

    def _of_others(self, stimuli: Stimuli, fixations: Fixations) -> Array:
        """Return the density of the others' blurred fixations at each fixation; NaN: no others."""
        result = np.empty(len(fixations))
        for i in np.flatnonzero(fixations.counts()).tolist():
            rows = fixations.rows_of_image(i)
            height, width = size = tuple(stimuli.sizes[i].tolist())
            sigma = self._sigma(size)
            observed, own = self._fixations, rows
            if self.upper_bound:
                own = self._fixations.rows_of_image(self._index[stimuli.ids[i]])
                left_out, holder = np.full(rows.size, -1), np.zeros(own.size, np.int64)
            else:  # the fixations that are scored are the known ones, perhaps in another order
                observed = fixations
                holder = left_out = np.arange(rows.size)
                if self.hold_out == "subject":
                    holder = left_out = np.unique(fixations.subject[rows], return_inverse=True)[1]
            pixels = pixel_indices(fixations.x[rows], fixations.y[rows], size)
            at_y, at_x = np.divmod(pixels, width)
            ys, xs = observed.y[own], observed.x[own]
            masses = line_masses(ys, height, sigma) * line_masses(xs, width, sigma)
            sums, others = held_out_sums(
                size, at_y + 0.5, at_x + 0.5, left_out, ys, xs, holder, masses, sigma
            )
            with np.errstate(invalid="ignore"):
                result[rows] = sums / others
        return result

    def _sigma(self, size: Size) -> float:
        """Return the bandwidth in pixels, for an image of this size."""
        if self.units == "degree":
            assert self._pixels_per_degree is not None
            return self.bandwidth * self._pixels_per_degree
        return self.bandwidth * (max(size) if self.units == "relative" else 1.0)

    def _range(self, stimuli: Stimuli) -> tuple[float, float]:
        """Return the range of a fitted bandwidth, in `units`."""
        side = float(np.median(stimuli.sizes.max(axis=1)))
        low, high = _RANGE[0], max(_RANGE[1] * side, 4 * _RANGE[0])
        pixels = {"pixel": 1.0, "degree": self._pixels_per_degree or 1.0, "relative": side}
        return low / pixels[self.units], high / pixels[self.units]

    def _count_alone(self) -> int:
        """Count the fixations that no other fixation can predict."""
        image, subject = self._fixations.image, self._fixations.subject
        if self.hold_out == "fixation":
            return int((self._fixations.counts() == 1).sum())
        codes = np.unique(subject, return_inverse=True)[1]
        pairs, counts = np.unique(image * (codes.max() + 1) + codes, return_counts=True)
        images, subjects = np.unique(pairs // (codes.max() + 1), return_counts=True)
        alone = np.isin(pairs // (codes.max() + 1), images[subjects == 1])
        return int(counts[alone].sum())


def why_no_gold_standard(fixations: Fixations) -> str | None:
    """Return the reason why no default gold standard can be fitted to fixations; None if one can.

    The default holds out a subject, and mixes in a fitted centre bias.
    """
    if len(fixations) == 0:
        return "there are no fixations"
    codes = np.unique(fixations.subject, return_inverse=True)[1]
    if codes.max(initial=0) == 0:
        return (
            "all fixations are of one subject, or the subjects are not known, so nobody else can "
            "predict them; salmetrics.GoldStandard.fit(..., hold_out='fixation') can, which is "
            "optimistic"
        )
    pairs = np.unique(fixations.image * (codes.max() + 1) + codes)
    if np.unique(pairs // (codes.max() + 1)).size == pairs.size:
        return "no image was seen by more than one subject, so nobody predicts anybody"
    return why_no_centre_bias(fixations)
