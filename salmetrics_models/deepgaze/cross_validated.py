"""Each image predicted by the components that did not train on it, many images at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from salmetrics.data.folds import Folds
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.errors import InputError
from salmetrics.models.cross_validated import CrossValidated, UnknownImages
from salmetrics_models.deepgaze.model import DeepGaze
from salmetrics_models.prediction.producer import Array

__all__ = ["CrossValidatedDeepGaze"]


class CrossValidatedDeepGaze(CrossValidated):
    """`salmetrics.CrossValidated` of components of one model, which share backbones.

    So images of any folds are predicted together: the backbones see all of a batch, and each
    image has readouts of its own fold only.

    Parameters
    ----------
    model
        With all components.
    components
        For each fold, indices of those that did not train on it; equally many each.
    folds, unknown
        As of `salmetrics.CrossValidated`.
    """

    def __init__(
        self,
        model: DeepGaze,
        components: Sequence[Sequence[int]],
        folds: Folds,
        unknown: UnknownImages,
    ) -> None:
        if len(model.components) < model.n_components:
            raise InputError(f"{model.name} has some components only; folds need all of them")
        parts = [
            model.with_components(chosen, f"{model.name}, fold {k}")
            for k, chosen in enumerate(components)
        ]
        super().__init__(parts, folds, unknown=unknown, name=f"cross-validated {model.name}")
        every = sorted({number for chosen in components for number in chosen})
        self._whole = model.with_components(every, model.name)
        self._mixture = self._whole  # for images of no fold: the mixture of all components

    @property
    def parameters(self) -> dict[str, Any]:
        """Those of the model, number of folds, scheme, and the components of each fold."""
        of_folds = {key: value for key, value in super().parameters.items() if key != "models"}
        chosen = [list(part.components) for part in self.models if isinstance(part, DeepGaze)]
        return self._whole.parameters | of_folds | {"components": chosen}

    def log_densities(self, stimuli: Stimuli) -> Iterator[Array]:
        """Yield log densities in order, in batches of any folds."""
        return self._whole.log_densities_by(stimuli, self._components_for)

    def _components_for(self, stimulus: Stimulus) -> tuple[int, ...]:
        model = self.model_for(stimulus.id)
        assert isinstance(model, DeepGaze)
        return model.components
