"""The plan of a run: which metrics each model gets, in which pass, and why not the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from salmetrics.metrics.observation import Need
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import NO_DENSITY, Model, SaliencyMapModel
from salmetrics.models.unfitted import Unfitted
from salmetrics.protocols import Protocol
from salmetrics.results.scores import Key

__all__ = ["NO_FIXATIONS", "NO_WIDTH", "Known", "Pass", "Plan"]

Pass = Literal["first", "second"]

_SUBJECT_DEPENDENT = "predictions depend on the subject, and this metric has one value per image"
_LEAVE_ONE_OUT = (
    "predictions differ between images by what each leaves out, so their ratio to the mean of the "
    "others shows where nobody looked"
)
_NO_OPTIMAL_MAP = (
    "no map is known to be optimal under a density; the protocol mit-matlab scores the density "
    "itself"
)
NO_FIXATIONS = "there are no fixations, only ground-truth maps"
NO_WIDTH = (
    "the width of the blur is not known: give the stimuli sigma= or pixels_per_degree= (on the "
    "command line --sigma PIXELS, or --dataset NAME,sigma=PIXELS)"
)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What predictions can be compared with.

    Attributes
    ----------
    fixations
        Whether there are fixations.
    ground_truth
        Whether there are ground-truth maps in place of blurred fixations.
    width
        Whether the width of the blur of empirical maps is known.
    """

    fixations: bool = True
    ground_truth: bool = False
    width: bool = True


class Plan:
    """Metrics by model and pass.

    Parameters
    ----------
    models
        Models by name.
    protocol
        Every choice, metrics included.
    known
        What predictions can be compared with.
    no_baseline
        Why there is no baseline, for models that need one; None if there is one.

    Attributes
    ----------
    reasons
        Reasons why a model does not have a metric, by (model, metric).
    needs_width
        Whether a model gets a metric for which something is blurred.
    """

    def __init__(
        self,
        models: Mapping[str, Model],
        protocol: Protocol,
        known: Known | None = None,
        *,
        no_baseline: str | None = None,
    ) -> None:
        known = known or Known()
        self.reasons: dict[Key, str] = {}
        self.needs_width = False
        self._metrics: dict[tuple[str, Pass], list[str]] = {}
        for name, model in models.items():
            first: list[str] = []
            second: list[str] = []
            for key in protocol.metrics:
                blurs = _needs_width(model, key, protocol, known)
                reason = _why_not(model, key, protocol, known)
                if reason is None and blurs and not known.width:
                    reason = NO_WIDTH
                if reason is None and METRICS[key].relative_to_baseline:
                    reason = no_baseline
                if reason is not None:
                    self.reasons[name, key] = reason
                    continue
                self.needs_width |= blurs
                (second if _needs_mean(model, key, protocol) else first).append(key)
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


def _needs_width(model: Model, key: str, protocol: Protocol, known: Known) -> bool:
    """Whether fixations, or the density of a model, are blurred for a metric."""
    metric = METRICS[key]
    if "empirical_map" not in metric.needs:
        return False
    blurs_density = (
        not isinstance(model, SaliencyMapModel)
        and protocol.maps == "optimal"
        and metric.optimal_map is not None
    )
    return blurs_density or not known.ground_truth


def _why_not(model: Model, key: str, protocol: Protocol, known: Known) -> str | None:
    """Return the reason why a model has no value of a metric; None if it has one."""
    metric = METRICS[key]
    if isinstance(model, Unfitted):
        return model.reason
    if metric.needs_fixations and not known.fixations:
        return NO_FIXATIONS
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
