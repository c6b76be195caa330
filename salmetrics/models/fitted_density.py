"""Density models from saliency map models, fitted by maximum likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, get_args

import numpy as np
from joblib import cpu_count

from salmetrics.array_types import Array, Kind
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.errors import InputError, check_choice, is_number, is_whole
from salmetrics.io.spill import Spill
from salmetrics.models.base import (
    DensityModel,
    Model,
    SaliencyMapModel,
    model_name,
    saliency_map_of,
)
from salmetrics.models.conversion import as_model
from salmetrics.models.fitting.likelihood import Fit, parts_of_images
from salmetrics.models.fitting.map_likelihood import SampledMaps, fit_to_maps
from salmetrics.models.fitting.map_to_density import MapToDensity
from salmetrics.progress import progress_bar

__all__ = ["FittedDensity", "fit_density", "fitted_if_map"]

_N_FOLDS = 5
_SPILL_BYTES = 4 * 2**30  # of maps kept on disk; others are predicted again for each blur


class FittedDensity(DensityModel):
    """A saliency map model turned into a density model by `fit_density`, which makes it.

    Parameters
    ----------
    map_model
        The saliency map model.
    overall
        The transformation fitted to all images, for images that have no part.
    fits
        The transformations by part of the images, each fitted to the other parts.
    part_of_image
        Index into `fits` by image id.

    Attributes
    ----------
    map_model : SaliencyMapModel
        The saliency map model.
    overall : MapToDensity
        The transformation fitted to all images, for new images.
    fits : tuple of MapToDensity
        The transformations by part of the images, each fitted to the other parts.

    Examples
    --------
    >>> from salmetrics import Stimuli, fit_density
    >>> from salmetrics.datasets import generate_dataset
    >>> stimuli, fixations = generate_dataset(6, size=(30, 40)).dataset
    >>> maps = [stimulus.rgb.mean(axis=2) for stimulus in stimuli]
    >>> model = fit_density(maps, stimuli, fixations, folds=2, blur=1.0)
    >>> model.name, len(model.fits), model.overall.blur
    ('list (fitted density)', 2, 1.0)
    """

    def __init__(
        self,
        map_model: SaliencyMapModel,
        overall: MapToDensity,
        fits: Sequence[MapToDensity] = (),
        part_of_image: dict[str, int] | None = None,
    ) -> None:
        self.name = f"{model_name(map_model)} (fitted density)"
        self.map_model = map_model
        self.overall = overall
        self.fits = tuple(fits)
        self._part_of_image = dict(part_of_image or {})

    @property
    def parameters(self) -> dict[str, Any]:
        """Blur, aspect and log likelihood of `overall`, and the number of parts."""
        return {
            "blur": self.overall.blur,
            "aspect": self.overall.aspect,
            "log_likelihood": self.overall.log_likelihood,
            "folds": len(self.fits),
        }

    def __repr__(self) -> str:
        return (
            f"<FittedDensity of {model_name(self.map_model)}: blur {self.overall.blur:.4g} px, "
            f"{len(self.fits)} folds, {self.overall.log_likelihood:.4f} bit>"
        )

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Let the saliency map model check the data.

        Parameters
        ----------
        stimuli, fixations
            Images and fixations that are about to be scored.

        Raises
        ------
        InputError
            If the saliency map model cannot predict the images.
        """
        self.map_model.check_data(stimuli, fixations)

    def used_for(self, stimulus: Stimulus) -> MapToDensity:
        """Return the transformation of an image's map, which was not fitted to that image.

        Parameters
        ----------
        stimulus
            The image.

        Returns
        -------
        fit : MapToDensity
            The one of the image's part; `overall` for an image that has no part.
        """
        if stimulus.id in self._part_of_image and self.fits:
            return self.fits[self._part_of_image[stimulus.id]]
        return self.overall

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> Array:
        """Return the log density of the transformed map.

        Parameters
        ----------
        stimulus
            The image.
        subject
            Ignored.

        Returns
        -------
        log_density : ndarray of shape (h, w)
            Natural log of the density.

        Raises
        ------
        InputError
            If the saliency map is not finite or not of the image's size.
        """
        saliency_map = saliency_map_of(self.map_model, stimulus).values
        return self.used_for(stimulus).log_density(saliency_map)


def fit_density(
    map_model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    folds: int | None = _N_FOLDS,
    blur: float | Fit = "fit",
    centre_bias: bool = True,
    n_centre: int = 12,
    kind: Kind | None = "saliency_map",
    seed: int = 0,
    progress: bool = True,
) -> FittedDensity:
    """Turn saliency maps into densities with the largest likelihood.

    The map is blurred; a monotone piecewise-linear function with 20 knots, at quantiles of the
    maps' values, turns it into the log of a density, to which a piecewise-linear function of
    eccentricity is added; bends cost a little, so that both functions continue smoothly where data
    end. For a given blur the likelihood is concave in the values at all knots, and its exact
    gradient is used; the blur is searched as in `GoldStandard.fit`. A map model so gets the
    information gain that its maps allow, and can be compared fairly with density models.

    Normalisers are computed from a regular grid of pixels, at first 5000 per image; the grid is
    refined until the mean likelihood, on at most 100 of the images, differs from that with all
    pixels by less than 0.002 bits per fixation.

    Parameters
    ----------
    map_model
        A `SaliencyMapModel`, or anything else that `as_model` takes.
    stimuli, fixations
        The images that were shown, and where people looked.
    folds
        Number of parts of the images. Each part is predicted with parameters fitted to the other
        parts, so that scores are not inflated; None fits once, to all images.
    blur
        Standard deviation of the blur in pixels, or "fit".
    centre_bias
        Whether to add the function of eccentricity.
    n_centre
        Number of knots of the function of eccentricity.
    kind
        Kind of raw arrays; see `as_model`.
    seed
        Seed of the partition of the images.
    progress
        Whether to show a bar on standard error once the fit has taken two seconds.

    Returns
    -------
    model : FittedDensity
        A density model; `overall` and `fits` hold the parameters.

    Raises
    ------
    InputError
        If an argument is out of range, the model gives densities, a saliency map is invalid, or
        there are no fixations.

    References
    ----------
    Kümmerer, Wallis and Bethge (2015), PNAS 112, 16054-16059, doi:10.1073/pnas.1510393112.

    Examples
    --------
    >>> from salmetrics.datasets import generate_dataset
    >>> stimuli, fixations = generate_dataset(6, size=(30, 40)).dataset
    >>> def brightness(stimulus):
    ...     return stimulus.rgb.mean(axis=2)
    >>> fit_density(brightness, stimuli, fixations, folds=2, blur=1.0).name
    'brightness (fitted density)'
    """
    model = as_model(map_model, stimuli, kind=kind)
    if not isinstance(model, SaliencyMapModel):
        raise InputError(f"fit_density is for saliency maps; {model_name(model)} gives densities")
    fixations.check_against(stimuli)
    images, parts = parts_of_images(fixations, folds, seed)
    if isinstance(blur, str):
        check_choice("blur", blur, get_args(Fit))
    elif not is_number(blur) or not (np.isfinite(blur) and blur >= 0):
        raise InputError(f"blur must be a number of pixels >= 0, or 'fit'; got {blur!r}")
    if not is_whole(n_centre) or n_centre < 2:
        raise InputError(f"n_centre must be a whole number, at least 2; got {n_centre!r}")
    with (
        Spill(stimuli.sizes, ["map"], _SPILL_BYTES) as spill,
        ThreadPoolExecutor(cpu_count()) as workers,
        progress_bar(show=progress, total=1 + (folds or 0), unit="fit") as bar,
    ):
        maps = SampledMaps(model, stimuli, fixations, spill, workers)
        fit = partial(fit_to_maps, maps, blur=blur, n_centre=n_centre if centre_bias else 0)
        overall = fit(images)
        bar.update()
        fits = []
        for part in range(folds or 0):
            fits.append(fit(images[parts != part], start=overall))
            bar.update()
    names = {stimuli.ids[i]: int(p) for i, p in zip(images, parts, strict=True)}
    return FittedDensity(model, overall, fits, names)


def fitted_if_map(model: Model, stimuli: Stimuli, fixations: Fixations, *, seed: int = 0) -> Model:
    """Turn a saliency map model into a density; a density model is returned as it is."""
    if not isinstance(model, SaliencyMapModel):
        return model
    n_images = int((fixations.counts() > 0).sum())
    if n_images == 1:
        raise InputError(
            "one image is too few for --fit-density: each image is predicted by a fit to others"
        )
    return fit_density(model, stimuli, fixations, folds=min(_N_FOLDS, n_images), seed=seed)
