"""Cross-validated models: each image is predicted by the model that did not train on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, get_args

import numpy as np

from salmetrics.array_types import AnyArray, Array
from salmetrics.data.fixations import Fixations
from salmetrics.data.folds import Folds, ids_of
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.errors import InputError, check_choice
from salmetrics.models.base import DensityModel, as_array, model_name
from salmetrics.models.conversion import require_density
from salmetrics.models.mixture import Mixture

__all__ = ["CrossValidated", "UnknownImages"]

UnknownImages = Literal["error", "mixture"]  # how images outside the folds are predicted


class CrossValidated(DensityModel):
    """One density model per fold; each image is predicted by the one not trained on it.

    Parameters
    ----------
    models
        Model k, which was trained without the images of fold k, for each k. If a model has an
        attribute ``trained_on``, ids of images, this is checked.
    folds
        The fold of each image, by image id.
    unknown
        Prediction of an image outside the folds: "error" raises one, "mixture" is the mean of the
        densities of all models, as in the papers.
    name
        Name in tables; by default "cross-validated" and the name of the first model.

    Attributes
    ----------
    models : tuple of DensityModel
        The models, by fold.
    folds : Folds
        The fold of each image.

    Raises
    ------
    InputError
        If there is not one model per fold, a model gives no densities, or was trained on an image
        that it would predict.

    Examples
    --------
    >>> from salmetrics import GaussianCentreBias, Uniform
    >>> model = CrossValidated([Uniform(), GaussianCentreBias()], Folds({"a": 0, "b": 1}))
    >>> model.name
    'cross-validated uniform'
    """

    def __init__(
        self,
        models: Iterable[Any],
        folds: Folds | Mapping[str, int],
        *,
        unknown: UnknownImages = "error",
        name: str | None = None,
    ) -> None:
        check_choice("unknown", unknown, get_args(UnknownImages))
        folds = folds if isinstance(folds, Folds) else Folds(folds)
        listed = list(models)
        if len(listed) != folds.n_folds:
            raise InputError(f"there are {len(listed)} models for {folds.n_folds} folds")
        parts: list[DensityModel] = []
        for k, part in enumerate(listed):
            model = require_density(part, f"cross-validation (model {k})")
            if getattr(model, "trained_on", None) is not None:
                folds.check(k, model.trained_on)  # type: ignore[attr-defined]
            parts.append(model)
        self.models = tuple(parts)
        self.folds = folds
        self.unknown = unknown
        self.name = name or f"cross-validated {model_name(parts[0])}"
        self.subject_dependent = any(model.subject_dependent for model in parts)
        self.leave_one_out = all(model.leave_one_out for model in parts)
        self.without_maps = next((m.without_maps for m in parts if m.without_maps), None)
        self._mixture: DensityModel = Mixture(parts)

    @property
    def parameters(self) -> dict[str, Any]:
        """Number and scheme of the folds, and the parameters of each model."""
        return {
            "n_folds": self.folds.n_folds,
            "scheme": self.folds.scheme,
            "unknown": self.unknown,
            "models": [model.parameters for model in self.models],
        }

    @property
    def knows_likelihoods(self) -> bool:
        """Whether a model does; otherwise likelihoods are looked up in its map at no cost."""
        return any(model.knows_likelihoods for model in self.models)

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Let each model check its images, and check that all images are in the folds.

        Parameters
        ----------
        stimuli, fixations
            Images and fixations that are about to be scored.

        Raises
        ------
        InputError
            If a model refuses its images, or an image outside the folds cannot be predicted.
        """
        if self.unknown == "error":
            self.folds.of(stimuli)
        folds = np.array([self.folds.get(name, -1) for name in stimuli.ids], dtype=np.int64)
        outside = stimuli[folds < 0]
        for k, model in enumerate(self.models):
            leaked = ids_of(getattr(model, "trained_on", None) or ()) & set(outside.ids)
            if leaked:
                raise InputError(
                    f"model {k} was trained on {len(leaked)} of the images outside the folds, such "
                    f"as {min(leaked)!r}, so the mixture cannot predict them"
                )
        for k, model in enumerate(self.models):
            inside = folds == k
            model.check_data(stimuli[inside], fixations.select_images(inside))
        self._mixture.check_data(outside, fixations.select_images(folds < 0))

    def model_for(self, image: str) -> DensityModel:
        """Return the model that predicts an image.

        Parameters
        ----------
        image
            Id of the image.

        Returns
        -------
        model : DensityModel
            The model of the image's fold; for an image outside the folds, the mixture of all.

        Raises
        ------
        InputError
            If the image is outside the folds, unless ``unknown="mixture"``.
        """
        if image in self.folds:
            return self.models[self.folds[image]]
        if self.unknown == "error":
            raise InputError(
                f"image {image!r} is in no fold, so every model may have been trained on it; "
                "unknown='mixture' predicts such images by all of them"
            )
        return self._mixture

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> AnyArray:
        """Return the log density of the model that was not trained on this image.

        Parameters
        ----------
        stimulus
            The image.
        subject
            Subject whose fixations are predicted, for models that depend on it.

        Returns
        -------
        log_density : ndarray of shape (h, w)
            Natural log of the density.

        Raises
        ------
        InputError
            If the image is outside the folds, unless ``unknown="mixture"``.
        """
        return self.model_for(stimulus.id).log_density(stimulus, subject=subject)

    def log_densities(self, stimuli: Stimuli) -> Iterator[AnyArray]:
        """Predict several images; consecutive images of one fold go to its model together.

        Parameters
        ----------
        stimuli
            The images.

        Yields
        ------
        log_density : ndarray of shape (h, w)
            Natural log of the density of each image, in their order.
        """
        n, start = len(stimuli), 0
        while start < n:
            model = self.model_for(stimuli.ids[start])
            end = start + 1
            while end < n and self.model_for(stimuli.ids[end]) is model:
                end += 1
            yield from map(as_array, model.log_densities(stimuli[start:end]))
            start = end

    def log_likelihoods(self, stimuli: Stimuli, fixations: Fixations) -> Array:
        """Return the log density at each fixation, from the model of its image.

        Parameters
        ----------
        stimuli, fixations
            Images and the fixations on them.

        Returns
        -------
        log_likelihoods : ndarray of shape (n,)
            One value per fixation, in nats.
        """
        result = np.empty(len(fixations))
        images_by_model: dict[int, tuple[DensityModel, list[int]]] = {}
        for i, name in enumerate(stimuli.ids):
            model = self.model_for(name)
            images_by_model.setdefault(id(model), (model, []))[1].append(i)
        for model, images in images_by_model.values():
            rows = np.concatenate([fixations.rows_of_image(i) for i in images])
            result[rows] = model.log_likelihoods(stimuli[images], fixations.select_images(images))
        return result
