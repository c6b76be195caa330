"""Densities from saliency maps, by maximum likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from joblib import cpu_count
from numpy.typing import NDArray

from salmetrics.array_types import Kind
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.errors import InputError, check_choice, is_number, is_whole
from salmetrics.io.spill import Spill
from salmetrics.models.base import (
    DensityModel,
    Model,
    SaliencyMapModel,
    model_name,
)
from salmetrics.models.conversion import as_model
from salmetrics.models.fitting.likelihood import parts_of_images
from salmetrics.models.fitting.map_likelihood import _map, _Maps, _refined_fit
from salmetrics.models.fitting.map_to_density import MapToDensity

Array = NDArray[np.float64]

__all__ = ["FittedDensity", "fit_density", "fitted_if_map"]

_N_FOLDS = 5
_SPILL_BYTES = 4 * 2**30


class FittedDensity(DensityModel):
    """A saliency map model made into a density model by `fit_density`.

    Attributes
    ----------
    fits
        One `MapToDensity` for each part of the images, fitted to the other parts.
    overall
        The one fitted to all images, for new ones.
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
        """Blur, likelihood and number of parts."""
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
        """Let the maps check the data."""
        self.map_model.check_data(stimuli, fixations)

    def used_for(self, stimulus: Stimulus) -> MapToDensity:
        """Return what turns the map of an image into a density: not fitted to that image."""
        if stimulus.id in self._part_of_image and self.fits:
            return self.fits[self._part_of_image[stimulus.id]]
        return self.overall

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> Array:
        """Return the log density, shape (h, w)."""
        return self.used_for(stimulus).log_density(_map(self.map_model, stimulus))


def fit_density(
    map_model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    folds: int | None = _N_FOLDS,
    blur: float | str = "fit",
    centre_bias: bool = True,
    n_centre: int = 12,
    kind: Kind | None = "saliency_map",
    seed: int = 0,
    progress: bool = True,
) -> FittedDensity:
    """Turn saliency maps into densities with the largest likelihood.

    The map is blurred; a monotone piecewise-linear function with 20 knots, at quantiles of the
    maps' values, makes it the log of a density, to which a piecewise-linear function of
    eccentricity is added; bends cost a little, so that both go on smoothly where data end. For a
    given blur the likelihood is concave in the values at all knots, and its exact gradient is
    used; the blur is searched as in `GoldStandard.fit`. So a map model gets the information gain
    that its maps allow, and a fair place beside density models.

    Normalisers are computed from a regular grid of pixels, 5000 an image at first; the grid is
    refined until the mean likelihood, on at most 100 of the images, differs from that with all
    pixels by less than 0.002 bits per fixation.

    Parameters
    ----------
    map_model
        A `SaliencyMapModel`, or what `as_model` takes.
    stimuli, fixations
        What was shown and where people looked.
    folds
        Images are predicted by parameters fitted to the images of other parts, so scores are
        honest; None fits once, to all images.
    blur
        Standard deviation in pixels, or "fit".
    centre_bias
        Whether to add the function of eccentricity.
    n_centre
        Number of its knots.
    kind
        What raw arrays are; see `as_model`.
    seed
        Of the partition of the images.
    progress
        Show a bar on standard error when it takes more than two seconds.

    Returns
    -------
    A density model; `overall` and `fits` hold the parameters.

    Raises
    ------
    InputError
        Naming the argument, model or image at fault.

    References
    ----------
    Kümmerer, Wallis and Bethge (2015), PNAS 112, 16054-16059, doi:10.1073/pnas.1510393112.
    """
    from tqdm import tqdm

    model = as_model(map_model, stimuli, kind=kind)
    if not isinstance(model, SaliencyMapModel):
        raise InputError(f"fit_density is for saliency maps; {model_name(model)} gives densities")
    fixations.check_against(stimuli)
    images, parts = parts_of_images(fixations, folds, seed)
    if isinstance(blur, str):
        check_choice("blur", blur, ("fit",))
    elif not is_number(blur) or not (np.isfinite(blur) and blur >= 0):
        raise InputError(f"blur must be a number of pixels >= 0, or 'fit'; got {blur!r}")
    if not is_whole(n_centre) or n_centre < 2:
        raise InputError(f"n_centre must be a whole number, at least 2; got {n_centre!r}")
    with (
        Spill(stimuli.sizes, ["map"], _SPILL_BYTES) as spill,
        ThreadPoolExecutor(cpu_count()) as workers,
        tqdm(
            total=1 + (folds or 0), disable=None if progress else True, delay=2, unit="fit"
        ) as bar,
    ):
        maps = _Maps(model, stimuli, fixations, spill, workers)
        fit = partial(_refined_fit, maps, blur=blur, n_centre=n_centre if centre_bias else 0)
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
    return fit_density(model, stimuli, fixations, folds=min(_N_FOLDS, n_images), seed=seed)
