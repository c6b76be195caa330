"""Prediction of each image by the components that were not trained on it, many images at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from salmetrics.array_types import AnyArray
from salmetrics.data.folds import Folds
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.errors import InputError
from salmetrics.models.cross_validated import CrossValidated, UnknownImages
from salmetrics_models.deepgaze.model import DeepGaze

__all__ = ["CrossValidatedDeepGaze"]


class CrossValidatedDeepGaze(CrossValidated):
    """`salmetrics.CrossValidated` of components of one model, which share backbones.

    Images of different folds are predicted together: the backbones see the whole batch, and each
    image is read out by the components of its own fold.

    Parameters
    ----------
    model
        Model with all components.
    components
        For each fold, the indices of the components that were not trained on its images.
    folds
        Folds of the images.
    unknown
        "error" or "mixture": what predicts images that are in no fold, see
        `salmetrics.CrossValidated`.

    Raises
    ------
    InputError
        If the model has only some of its components.
    """

    def __init__(
        self,
        model: DeepGaze,
        components: Sequence[Sequence[int]],
        folds: Folds,
        unknown: UnknownImages,
    ) -> None:
        if len(model.components) < model.n_components:
            raise InputError(
                f"{model.name} has only some of its components; folds need all of them"
            )
        parts = [
            model.with_components(own, f"{model.name}, fold {k}")
            for k, own in enumerate(components)
        ]
        super().__init__(parts, folds, unknown=unknown, name=f"cross-validated {model.name}")
        every = sorted({number for own in components for number in own})
        self._whole = model.with_components(every, model.name)
        self._mixture = self._whole  # for images in no fold: the mixture of all components

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of the model and of the folds, and the components of each fold."""
        scheme = {key: value for key, value in super().parameters.items() if key != "models"}
        by_fold = [list(part.components) for part in self.models if isinstance(part, DeepGaze)]
        return self._whole.parameters | scheme | {"components": by_fold}

    def log_densities(self, stimuli: Stimuli) -> Iterator[AnyArray]:
        """Yield log densities in order; a batch may have images of different folds."""
        return self._whole.log_densities_by(stimuli, self._components_for)

    def _components_for(self, stimulus: Stimulus) -> tuple[int, ...]:
        model = self.model_for(stimulus.id)
        assert isinstance(model, DeepGaze)
        return model.components
