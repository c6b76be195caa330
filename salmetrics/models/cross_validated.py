"""Each image predicted by the model that did not train on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.fixations import Fixations
from salmetrics.data.folds import Folds, ids_of
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.errors import InputError, check_choice
from salmetrics.models.base import DensityModel, as_array, model_name
from salmetrics.models.conversion import require_density
from salmetrics.models.mixture import Mixture

__all__ = ["CrossValidated"]

Array = NDArray[np.float64]


class CrossValidated(DensityModel):
    """One density model a fold; each image is predicted by the one that was not trained on it.

    Parameters
    ----------
    models
        Model k was trained without the images of fold k. If it has an attribute ``trained_on``,
        ids of images, this is checked.
    folds
        The fold of each image.
    unknown
        What happens to an image outside the folds: "error", or "mixture", the mean of all models,
        as in the papers.
    name
        For tables.

    Raises
    ------
    InputError
        If there is not one model a fold, one gives no densities, or was trained on an image that
        it would predict.

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
        unknown: str = "error",
        name: str | None = None,
    ) -> None:
        check_choice("unknown", unknown, ("error", "mixture"))
        folds = folds if isinstance(folds, Folds) else Folds(folds)
        listed = list(models)
        if len(listed) != folds.n_folds:
            raise InputError(f"there are {len(listed)} models for {folds.n_folds} folds")
        parts: list[DensityModel] = []
        for k, given in enumerate(listed):
            model = require_density(given, f"cross-validation (model {k})")
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
        """Number of folds, scheme, and each model's parameters."""
        return {
            "n_folds": self.folds.n_folds,
            "scheme": self.folds.scheme,
            "unknown": self.unknown,
            "models": [model.parameters for model in self.models],
        }

    @property
    def knows_likelihoods(self) -> bool:
        """Whether a model does; without one, its map has them at no cost."""
        return any(model.knows_likelihoods for model in self.models)

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Let each model check its images, and refuse images outside the folds."""
        if self.unknown == "error":
            self.folds.of(stimuli)
        of_image = np.array([self.folds.get(name, -1) for name in stimuli.ids], dtype=np.int64)
        outside = stimuli[of_image < 0]
        for k, model in enumerate(self.models):
            seen = ids_of(getattr(model, "trained_on", None) or ()) & set(outside.ids)
            if seen:
                raise InputError(
                    f"model {k} was trained on {len(seen)} of the images outside the folds, such "
                    f"as {min(seen)!r}, so the mixture can't predict them"
                )
        for k, model in enumerate(self.models):
            chosen = of_image == k
            model.check_data(stimuli[chosen], fixations.select_images(chosen))
        self._mixture.check_data(outside, fixations.select_images(of_image < 0))

    def model_for(self, image: str) -> DensityModel:
        """Return the model that predicts an image."""
        if image in self.folds:
            return self.models[self.folds[image]]
        if self.unknown == "error":
            raise InputError(
                f"image {image!r} is in no fold, so every model may have been trained on it; "
                "unknown='mixture' predicts such images by all of them"
            )
        return self._mixture

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> NDArray[Any]:
        """Return the log density of the model that may predict this image."""
        return self.model_for(stimulus.id).log_density(stimulus, subject=subject)

    def log_densities(self, stimuli: Stimuli) -> Iterator[NDArray[Any]]:
        """Yield log densities in order; runs of images of one fold go to its model together."""
        n, start = len(stimuli), 0
        while start < n:
            model = self.model_for(stimuli.ids[start])
            end = start + 1
            while end < n and self.model_for(stimuli.ids[end]) is model:
                end += 1
            yield from map(as_array, model.log_densities(stimuli[start:end]))
            start = end

    def log_likelihoods(self, stimuli: Stimuli, fixations: Fixations) -> Array:
        """Return the log density at each fixation, nats."""
        result = np.empty(len(fixations))
        chosen_by: dict[int, tuple[DensityModel, list[int]]] = {}
        for i, name in enumerate(stimuli.ids):
            model = self.model_for(name)
            chosen_by.setdefault(id(model), (model, []))[1].append(i)
        for model, images in chosen_by.values():
            rows = np.concatenate([fixations.rows_of_image(i) for i in images])
            some = fixations.select_images(images)
            result[rows] = model.log_likelihoods(stimuli[images], some)
        return result
