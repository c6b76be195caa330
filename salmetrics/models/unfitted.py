"""Models that cannot be fitted to a data set, and are missing there beside others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from salmetrics.data.stimuli import Stimulus
from salmetrics.errors import CannotFitError, InputError
from salmetrics.models.base import DensityModel

__all__ = ["Unfitted", "check_some_fitted", "or_unfitted"]


class Unfitted(DensityModel):
    """A model without predictions, whose metrics are all missing.

    Parameters
    ----------
    reason
        Why the model could not be fitted.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason

    @property
    def parameters(self) -> dict[str, Any]:
        """Why the model could not be fitted."""
        return {"unfitted": self.reason}

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> NoReturn:
        """Raise the reason as an `InputError`."""
        raise InputError(self.reason)


def or_unfitted(make: Callable[[], Any]) -> Any:
    """Return what a function makes, or `Unfitted` if it cannot be fitted to the data."""
    try:
        return make()
    except CannotFitError as error:
        return Unfitted(str(error))


def check_some_fitted(models: Iterable[Any]) -> None:
    """Raise `InputError` if all models are `Unfitted`."""
    models = list(models)
    reasons = dict.fromkeys(model.reason for model in models if isinstance(model, Unfitted))
    if reasons and all(isinstance(model, Unfitted) for model in models):
        raise InputError("; ".join(reasons))
