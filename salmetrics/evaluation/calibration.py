"""Calibration: whether the shares of fixations equal the probabilities that a density gives."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from salmetrics.array_types import AnyArray, Array, Kind, Rows
from salmetrics.checked_map import pixel_indices
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.errors import InputError, check_choice, check_whole
from salmetrics.kernels.quantile import mass_below
from salmetrics.models.base import DensityModel, log_density_of, model_name, predictions_of
from salmetrics.models.conversion import require_density
from salmetrics.progress import progress_bar

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Calibration", "calibration"]

Ties = Literal["split", "mid"]
CalibrationAverage = Literal["fixation", "image"]


class Calibration:
    """Histogram of fixations over bins of equal probability mass; made by `calibration`.

    The pixels of each image, from the least to the most probable, are cut into bins of equal
    mass. If the density is right, each bin gets an equal share of the fixations. Shares that
    decrease from left to right mean that the model is overconfident: too many fixations where it
    predicts few.

    Parameters
    ----------
    name
        Name of the model.
    below
        For each fixation, the mass of the pixels that are less probable than its own, shape (n,).
    tied
        For each fixation, the mass of the pixels that are as probable as its own, including it,
        shape (n,).
    image
        Index of the image of each fixation, shape (n,).
    ids
        Ids of the images, in order.
    n_bins, ties, average, n_bootstrap, seed
        See `calibration`.

    References
    ----------
    Linardos, Kümmerer, Press and Bethge (2021), ICCV, 12919-12928, section 3.3.

    Examples
    --------
    >>> from salmetrics.datasets import generate_dataset
    >>> generated = generate_dataset(10)
    >>> calibration(generated.truth, *generated.dataset).error < 0.1
    True
    """

    def __init__(
        self,
        name: str,
        below: Array,
        tied: Array,
        image: Rows,
        ids: tuple[str, ...],
        *,
        n_bins: int = 10,
        ties: Ties = "split",
        average: CalibrationAverage = "fixation",
        n_bootstrap: int = 1000,
        seed: int = 0,
    ) -> None:
        self.name = name
        self.below = below
        self.tied = tied
        self.image = image
        self.ids = ids
        self.n_bins = n_bins
        self.ties = ties
        self.average = average
        self._n_bootstrap = n_bootstrap
        self._seed = seed

    @property
    def quantiles(self) -> Array:
        """Mass below each fixation, half of the tied mass included, shape (n,), 0 to 1."""
        return self.below + self.tied / 2

    @cached_property
    def shares(self) -> Array:
        """Share of the fixations in each bin, shape (n_bins,), sum 1; 1 / n_bins if calibrated."""
        return self._weighted(np.ones((1, self._counts.shape[0])))[0]

    @property
    def error(self) -> float:
        """Sum of the absolute differences of the shares from 1 / n_bins; 0 if calibrated."""
        return float(np.abs(self.shares - 1 / self.n_bins).sum())

    @cached_property
    def confidence(self) -> float:
        """Mean of 2 Q - 1: 0 if calibrated, below 0 if overconfident, above if underconfident."""
        per_image = np.bincount(self.image, weights=2 * self.quantiles - 1, minlength=len(self.ids))
        n = np.bincount(self.image, minlength=len(self.ids))
        if self.average == "fixation":
            return float(per_image.sum() / n.sum())
        return float(np.mean(per_image[n > 0] / n[n > 0]))

    @cached_property
    def p_value(self) -> float:
        """Probability of shares as uneven as these, or more, if the density were right.

        The statistic is sum_k (share_k - 1 / n_bins)^2; its distribution comes from a bootstrap
        over images, centred at the observed shares. NaN without resamples or with one image.
        """
        if self._resampled.shape[0] == 0:
            return np.nan
        statistic = np.square(self.shares - 1 / self.n_bins).sum()
        null = np.square(self._resampled - self.shares).sum(1)
        rounding = 1e-12  # shares of a flat density are equal but for rounding
        return float((1 + np.sum(null >= statistic - rounding)) / (1 + null.size))

    def intervals(self, level: float = 0.95) -> Array:
        """Return bootstrap intervals of the shares over images.

        Parameters
        ----------
        level
            Share of such intervals that contain the true value.

        Returns
        -------
        intervals : ndarray of shape (n_bins, 2)
            Lower and upper ends; NaN without resamples or with one image.
        """
        if not 0 < level < 1:
            raise InputError(f"level must be a share between 0 and 1, such as 0.95; got {level!r}")
        if self._resampled.shape[0] == 0:
            return np.full((self.n_bins, 2), np.nan)
        ends = [(1 - level) / 2, (1 + level) / 2]
        return np.asarray(np.quantile(self._resampled, ends, axis=0).T)

    @property
    def table(self) -> pd.DataFrame:
        """One row per bin: its range of mass, the share of the fixations, and its 95 % interval."""
        import pandas as pd

        edges = np.arange(self.n_bins + 1) / self.n_bins
        low, high = self.intervals().T
        return pd.DataFrame(
            {
                "from": edges[:-1],
                "to": edges[1:],
                "share": self.shares,
                "low": low,
                "high": high,
            },
            index=pd.RangeIndex(1, self.n_bins + 1, name="bin"),
        )

    @property
    def per_image(self) -> pd.DataFrame:
        """One row per image with fixations: their number, mean quantile, and confidence."""
        import pandas as pd

        n = np.bincount(self.image, minlength=len(self.ids))
        total = np.bincount(self.image, weights=self.quantiles, minlength=len(self.ids))
        images = np.flatnonzero(n)
        mean = total[images] / n[images]
        return pd.DataFrame(
            {"n_fixations": n[images], "quantile": mean, "confidence": 2 * mean - 1},
            index=pd.Index([self.ids[i] for i in images], name="image"),
        )

    def __repr__(self) -> str:
        word = "overconfident" if self.confidence < 0 else "underconfident"
        verdict = "" if not self.p_value < 0.05 else f", {word}"
        return (
            f"<Calibration of {self.name}: error {self.error:.3f}, confidence "
            f"{self.confidence:+.3f}, p = {self.p_value:.3g}{verdict}>"
        )

    @cached_property
    def _counts(self) -> Array:
        """Fixations of each image with fixations in each bin, shape (n_images, n_bins)."""
        edges = np.arange(self.n_bins + 1) / self.n_bins
        if self.ties == "split":
            with np.errstate(divide="ignore", invalid="ignore"):  # where nothing is tied
                reached = np.clip(
                    (edges - self.below[:, np.newaxis]) / self.tied[:, np.newaxis], 0, 1
                )
            parts = np.diff(reached, axis=1)
        if self.ties == "mid" or (self.tied == 0).any():
            bins = np.minimum((self.quantiles * self.n_bins).astype(int), self.n_bins - 1)
            whole = np.eye(self.n_bins)[bins]
            parts = whole if self.ties == "mid" else np.where(self.tied[:, None] > 0, parts, whole)
        images, row = np.unique(self.image, return_inverse=True)
        counts = np.zeros((images.size, self.n_bins))
        np.add.at(counts, row, parts)
        return counts

    @cached_property
    def _resampled(self) -> Array:
        """Shares of resamples of the images, shape (n_bootstrap, n_bins)."""
        n = self._counts.shape[0]
        if n < 2 or self._n_bootstrap == 0:
            return np.zeros((0, self.n_bins))
        stream = np.random.default_rng(np.random.SeedSequence(self._seed))
        return self._weighted(stream.multinomial(n, np.full(n, 1 / n), size=self._n_bootstrap))

    def _weighted(self, weights: AnyArray) -> Array:
        """Return the shares for weights of images, shape (n_weights, n_bins)."""
        counts = self._counts
        if self.average == "image":
            counts = counts / counts.sum(1, keepdims=True)
        totals = weights @ counts
        return np.asarray(totals / totals.sum(1, keepdims=True))


def calibration(
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    n_bins: int = 10,
    ties: Ties = "split",
    average: CalibrationAverage = "fixation",
    kind: Kind | None = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
    progress: bool = True,
) -> Calibration:
    """Compare how fixations are spread over a density with how they should be.

    Parameters
    ----------
    model
        A `DensityModel`, or what `as_model` takes; raw arrays are natural log densities.
    stimuli, fixations
        What was shown and where people looked.
    n_bins
        Number of bins of equal mass.
    ties
        Where equal densities span several bins: "split" a fixation over them in proportion, which
        is exact for flat densities, or put it into the bin of their "mid"dle.
    average
        Whether each "fixation" or each "image" has the same weight.
    kind
        What raw arrays are, if not log densities; see `as_model`.
    n_bootstrap
        Number of resamples of the images for intervals and test; 0 for none.
    seed
        Seed of the resamples.
    progress
        Show a bar on standard error if it takes more than two seconds.

    Returns
    -------
    calibration : Calibration
        Shares of the fixations per bin, with intervals and a test.

    Raises
    ------
    InputError
        If there are no fixations, or a prediction is not a density.
    NeedsDensityError
        For saliency maps, which have no mass; an `InputError` and a `TypeError`.

    References
    ----------
    Linardos, Kümmerer, Press and Bethge (2021), ICCV, 12919-12928, section 3.3.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = salmetrics.Stimuli.from_sizes([(30, 40), (30, 40)])
    >>> fixations = salmetrics.Fixations.from_arrays([20, 22.5, 19], [15, 14, 16.5], [0, 0, 1])
    >>> calibration(salmetrics.Uniform(), stimuli, fixations, n_bins=4).shares
    array([0.25, 0.25, 0.25, 0.25])
    """
    check_choice("ties", ties, get_args(Ties))
    check_choice("average", average, get_args(CalibrationAverage))
    n_bins = check_whole("n_bins", n_bins, 2)
    n_bootstrap = check_whole("n_bootstrap", n_bootstrap, 0)
    seed = check_whole("seed", seed, 0)
    density = require_density(
        model, "calibration", stimuli, kind=kind or "log_density", with_maps=True
    )
    fixations.check_against(stimuli)
    if len(fixations) == 0:
        raise InputError("there are no fixations to compare the density with")
    density.check_data(stimuli, fixations)
    below, tied = np.empty(len(fixations)), np.empty(len(fixations))
    for rows, log_density in _predictions(density, stimuli, fixations, progress=progress):
        pixels = pixel_indices(fixations.x[rows], fixations.y[rows], log_density.shape)
        thresholds, which = np.unique(log_density.reshape(-1)[pixels], return_inverse=True)
        masses = mass_below(log_density.reshape(-1), thresholds)
        total = np.exp(log_density, dtype=np.float64).sum()
        below[rows], tied[rows] = (mass[which] / total for mass in masses)
    return Calibration(
        model_name(density),
        below,
        tied,
        fixations.image,
        stimuli.ids,
        n_bins=n_bins,
        ties=ties,
        average=average,
        n_bootstrap=n_bootstrap,
        seed=seed,
    )


def _predictions(
    model: DensityModel, stimuli: Stimuli, fixations: Fixations, *, progress: bool
) -> Iterator[tuple[Rows, AnyArray]]:
    """Yield the rows of some fixations and the log density that predicts them."""
    images = np.flatnonzero(fixations.counts())
    predictions = None if model.subject_dependent else predictions_of(model, stimuli[images])
    for i in progress_bar(images, show=progress, description="calibration"):
        stimulus, rows = stimuli[int(i)], fixations.rows_of_image(int(i))
        if predictions is not None:
            yield rows, next(predictions)
            continue
        subjects = fixations.subject[rows]
        for subject in np.unique(subjects):
            yield rows[subjects == subject], log_density_of(model, stimulus, subject=subject).values
