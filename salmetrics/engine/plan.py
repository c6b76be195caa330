"""The plan of a run: which metrics each model gets, in which pass, and why not the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from salmetrics.metrics.observation import Need
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import NO_DENSITY, Model, SaliencyMapModel
from salmetrics.protocols import Protocol
from salmetrics.results.scores import Key

__all__ = ["Pass", "Plan"]

Pass = Literal["first", "second"]

_SUBJECT_DEPENDENT = "predictions depend on the subject, and this metric has one value per image"
_LEAVE_ONE_OUT = (
    "predictions differ between images by what each leaves out, so their ratio to the mean of the "
    "others shows where nobody looked"
)
_NO_OPTIMAL_MAP = (
    "no map is known to be optimal under a density; protocol='mit-matlab' scores the density itself"
)


class Plan:
    """Metrics by model and pass.

    Parameters
    ----------
    models
        Models by name.
    protocol
        Every choice, metrics included.
    no_baseline
        Why there is no baseline, for models that need one; None if there is one.

    Attributes
    ----------
    reasons
        Reasons why a model does not have a metric, by (model, metric).
    """

    def __init__(
        self, models: Mapping[str, Model], protocol: Protocol, *, no_baseline: str | None = None
    ) -> None:
        self.reasons: dict[Key, str] = {}
        self._metrics: dict[tuple[str, Pass], list[str]] = {}
        for name, model in models.items():
            first: list[str] = []
            second: list[str] = []
            for key in protocol.metrics:
                reason = _why_not(model, key, protocol)
                if reason is None and METRICS[key].relative_to_baseline:
                    reason = no_baseline
                if reason is not None:
                    self.reasons[name, key] = reason
                elif _needs_mean(model, key, protocol):
                    second.append(key)
                else:
                    first.append(key)
            self._metrics[name, "first"] = first
            self._metrics[name, "second"] = second

    def metrics(self, name: str, which: Pass = "first") -> list[str]:
        """Return the keys of the metrics that a model gets in one pass.

        The second pass is for optimal maps that need the mean of the model's predictions.
        """
        return self._metrics[name, which]

    def on_likelihoods(self, name: str, which: Pass = "first") -> list[str]:
        """Return the metrics of a pass that are computed from likelihoods."""
        return [key for key in self.metrics(name, which) if METRICS[key].needs_density]

    def on_maps(self, name: str, which: Pass = "first") -> list[str]:
        """Return the metrics of a pass that are computed from maps."""
        return [key for key in self.metrics(name, which) if not METRICS[key].needs_density]

    def needs(self, part: Need) -> bool:
        """Whether a metric that a model gets needs a part of the observation."""
        return any(part in METRICS[key].needs for keys in self._metrics.values() for key in keys)

    def needs_second_pass(self, name: str) -> bool:
        """Whether a model has a metric that needs the mean of its predictions first."""
        return bool(self.metrics(name, "second"))


def _needs_mean(model: Model, key: str, protocol: Protocol) -> bool:
    return (
        not isinstance(model, SaliencyMapModel)
        and protocol.maps == "optimal"
        and METRICS[key].optimal_map_from_mean is not None
    )


def _why_not(model: Model, key: str, protocol: Protocol) -> str | None:
    """Return the reason why a model has no value of a metric; None if it has one."""
    metric = METRICS[key]
    if isinstance(model, SaliencyMapModel):
        return NO_DENSITY if metric.needs_density else None
    if metric.needs_density:
        return None
    if model.without_maps is not None:
        return model.without_maps
    if model.subject_dependent and metric.per == "image":
        return _SUBJECT_DEPENDENT
    if protocol.maps == "density":
        return None
    if metric.optimal_map_from_mean is not None and model.leave_one_out:
        return _LEAVE_ONE_OUT
    return None if metric.has_optimal_map else _NO_OPTIMAL_MAP
