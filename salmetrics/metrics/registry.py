"""The registry of metrics: one entry per metric, with everything the package knows about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from salmetrics.array_types import Array
from salmetrics.checked_map import CheckedMap
from salmetrics.densities.optimal_maps import (
    OptimalMap,
    density_itself,
    expected_empirical_map,
    log_density_itself,
    shuffled_auc_map,
    sim_map,
)
from salmetrics.metrics import auc, cc, emd, information, kldiv, nss, sim
from salmetrics.metrics.observation import Need, Observation
from salmetrics.protocols import Average, Protocol

__all__ = [
    "METRICS",
    "OPTIMAL_MAP_METRICS",
    "Metric",
    "metrics_of_function",
    "metrics_that_need",
    "whole_metrics",
]

Per = Literal["fixation", "image"]


@dataclass(frozen=True)
class Metric:
    """A metric, with every fact about it that the package uses.

    Attributes
    ----------
    key
        Name on the command line, in tables and in this registry.
    title
        Name in words.
    unit
        Unit of the values.
    low, high
        Range of the values.
    higher_is_better
        Direction of the values.
    per
        Whether the metric has one value per "fixation" or per "image".
    score
        Function of a prediction and an observation that computes the values. With `needs_density`
        the prediction is the model's log likelihood of each fixation in nats, otherwise a map.
    reference
        Publication that defines the metric.
    function
        Name of the public function that computes it.
    method
        Value of that function's ``method=``, if it computes several metrics.
    needs
        Parts of the observation that `score` asks for.
    needs_density
        Whether the metric is computed from likelihoods, which only densities have.
    optimal_map
        Function that makes the map with the best expected score under a density; None if no such
        map is known or needed.
    optimal_map_from_mean
        The same for a metric whose optimal map depends on the mean density of the other images.
    share_of
        Key of the metric of which this is the share of the gold standard's value; such a metric is
        not computed from predictions.
    laws
        Transformations under which the values stay the same, or change in a known way; tests
        check them.
    """

    key: str
    title: str
    unit: str
    low: float
    high: float
    higher_is_better: bool
    per: Per
    score: Callable[[Any, Observation], Any]
    reference: str
    function: str
    method: str | None = None
    needs: frozenset[Need] = frozenset()
    needs_density: bool = False
    optimal_map: OptimalMap | None = None
    optimal_map_from_mean: Callable[[CheckedMap, Array], CheckedMap] | None = None
    share_of: str | None = None
    laws: tuple[str, ...] = ("flip",)

    @property
    def relative_to_baseline(self) -> bool:
        """Whether the values are relative to a baseline."""
        return self.share_of is not None or bool(self.needs & {"baseline", "baseline_map"})

    @property
    def needs_fixations(self) -> bool:
        """Whether the metric needs fixations; the others compare a map with ground truth alone."""
        return self.needs != {"empirical_map"}

    @property
    def has_optimal_map(self) -> bool:
        """Whether the saliency map with the best expected score under a density is known."""
        return self.optimal_map is not None or self.optimal_map_from_mean is not None

    def average_under(self, protocol: Protocol) -> Average:
        """Return how values per fixation are averaged under a protocol."""
        return (protocol.average_information if self.needs_density else None) or protocol.average


def _log_likelihood(log_likelihoods: Array, seen: Observation) -> Any:
    return log_likelihoods / np.log(2)


def _information_gain(log_likelihoods: Array, seen: Observation) -> Any:
    return (log_likelihoods - seen.baseline) / np.log(2)


def _information_gain_matlab(m: CheckedMap, seen: Observation) -> float:
    return information.matlab(m, seen.x, seen.y, seen.baseline_map)


def _not_from_predictions(log_likelihoods: Array, seen: Observation) -> Any:
    raise NotImplementedError("a share of the gold standard is made from scores")


def _auc(m: CheckedMap, seen: Observation) -> Array:
    return auc.score(m, seen.x, seen.y, negatives=seen.negatives)


def _shuffled_auc(m: CheckedMap, seen: Observation) -> Array:
    return auc.score(m, seen.x, seen.y, negatives=seen.other_negatives)


def _auc_judd(m: CheckedMap, seen: Observation) -> float:
    return auc.judd(m, seen.x, seen.y, jitter=seen.protocol.judd_jitter)


def _auc_borji(m: CheckedMap, seen: Observation) -> float:
    return auc.borji(m, seen.x, seen.y, step=seen.protocol.threshold_step)


def _shuffled_auc_matlab(m: CheckedMap, seen: Observation) -> float:
    step = seen.protocol.threshold_step
    return auc.shuffled(m, seen.x, seen.y, step=step, draws=seen.other_pixels)


def _nss(m: CheckedMap, seen: Observation) -> Array:
    return nss.score(m, seen.x, seen.y, ddof=seen.protocol.nss_ddof)


def _nss_matlab(m: CheckedMap, seen: Observation) -> float:
    return nss.matlab(m, seen.x, seen.y)


def _cc(m: CheckedMap, seen: Observation) -> float:
    return cc.score(m, seen.empirical_map)


def _kldiv(m: CheckedMap, seen: Observation) -> float:
    return kldiv.score(m, seen.empirical_map, method=seen.protocol.kldiv_method)


def _sim(m: CheckedMap, seen: Observation) -> float:
    return sim.score(m, seen.empirical_map)


def _sim_matlab(m: CheckedMap, seen: Observation) -> float:
    return sim.score(m, seen.empirical_map, method="matlab")


def _emd(m: CheckedMap, seen: Observation) -> float:
    return emd.score(m, seen.empirical_map)


_KUEMMERER = "Kümmerer, Wallis and Bethge (2015), doi:10.1073/pnas.1510393112"
_BYLINSKII = "Bylinskii et al. (2019), doi:10.1109/TPAMI.2018.2815601"

METRICS: dict[str, Metric] = {
    metric.key: metric
    for metric in (
        Metric(
            key="LL",
            title="log likelihood",
            unit="bit/fixation",
            low=-np.inf,
            high=0.0,
            higher_is_better=True,
            per="fixation",
            score=_log_likelihood,
            reference=_KUEMMERER,
            function="log_likelihood",
            needs_density=True,
        ),
        Metric(
            key="IG",
            title="information gain over the baseline",
            unit="bit/fixation",
            low=-np.inf,
            high=np.inf,
            higher_is_better=True,
            per="fixation",
            score=_information_gain,
            reference=_KUEMMERER,
            function="information_gain",
            method="log-likelihood",
            needs=frozenset({"baseline"}),
            needs_density=True,
            laws=("flip", "additive"),
        ),
        Metric(
            key="IGE",
            title="information gain explained: the share of the gold standard's",
            unit="",
            low=-np.inf,
            high=np.inf,
            higher_is_better=True,
            per="fixation",
            score=_not_from_predictions,
            reference=_KUEMMERER,
            function="information_gain_explained",
            needs_density=True,
            share_of="IG",
        ),
        Metric(
            key="AUC",
            title="area under the ROC curve, all pixels as negatives",
            unit="",
            low=0.0,
            high=1.0,
            higher_is_better=True,
            per="fixation",
            score=_auc,
            reference=_KUEMMERER,
            function="auc",
            method="mann-whitney",
            needs=frozenset({"negatives"}),
            optimal_map=log_density_itself,
            laws=("flip", "monotone", "scale", "shift"),
        ),
        Metric(
            key="sAUC",
            title="shuffled AUC, fixations on other images as negatives",
            unit="",
            low=0.0,
            high=1.0,
            higher_is_better=True,
            per="fixation",
            score=_shuffled_auc,
            reference="Tatler, Baddeley and Gilchrist (2005), doi:10.1016/j.visres.2004.09.017",
            function="sauc",
            needs=frozenset({"other_negatives"}),
            optimal_map_from_mean=shuffled_auc_map,
            laws=("flip", "monotone", "scale", "shift"),
        ),
        Metric(
            key="NSS",
            title="normalised scanpath saliency",
            unit="",
            low=-np.inf,
            high=np.inf,
            higher_is_better=True,
            per="fixation",
            score=_nss,
            reference="Peters et al. (2005), doi:10.1016/j.visres.2005.03.019",
            function="nss",
            optimal_map=density_itself,
            laws=("flip", "scale", "shift"),
        ),
        Metric(
            key="CC",
            title="correlation with the empirical map",
            unit="",
            low=-1.0,
            high=1.0,
            higher_is_better=True,
            per="image",
            score=_cc,
            reference=_BYLINSKII,
            function="cc",
            needs=frozenset({"empirical_map"}),
            optimal_map=expected_empirical_map,
            laws=("flip", "scale", "shift"),
        ),
        Metric(
            key="KLDiv",
            title="KL divergence from the empirical map",
            unit="nat",
            low=0.0,
            high=np.inf,
            higher_is_better=False,
            per="image",
            score=_kldiv,
            reference=_BYLINSKII,
            function="kldiv",
            needs=frozenset({"empirical_map"}),
            optimal_map=expected_empirical_map,
            laws=("flip", "scale"),
        ),
        Metric(
            key="SIM",
            title="similarity with the empirical map",
            unit="",
            low=0.0,
            high=1.0,
            higher_is_better=True,
            per="image",
            score=_sim,
            reference=_BYLINSKII,
            function="sim",
            method="benchmark",
            needs=frozenset({"empirical_map"}),
            optimal_map=sim_map,
            laws=("flip", "scale"),
        ),
        Metric(
            key="EMD",
            title="earth mover's distance to the empirical map",
            unit="32 pixels",
            low=0.0,
            high=np.inf,
            higher_is_better=False,
            per="image",
            score=_emd,
            reference=_BYLINSKII,
            function="emd",
            needs=frozenset({"empirical_map"}),
            laws=("scale",),
        ),
        Metric(
            key="AUC-Judd",
            title="AUC with unfixated pixels as negatives, MATLAB's formula",
            unit="",
            low=0.0,
            high=1.0,
            higher_is_better=True,
            per="image",
            score=_auc_judd,
            reference="Judd, Durand and Torralba (2012), MIT-CSAIL-TR-2012-001",
            function="auc",
            method="judd",
            optimal_map=log_density_itself,
            laws=("flip", "monotone", "scale", "shift"),
        ),
        Metric(
            key="AUC-Borji",
            title="AUC at fixed thresholds with random pixels as negatives, its expectation",
            unit="",
            low=0.0,
            high=1.0,
            higher_is_better=True,
            per="image",
            score=_auc_borji,
            reference="Borji et al. (2013), doi:10.1109/ICCV.2013.118",
            function="auc",
            method="borji",
            laws=("flip", "scale", "shift"),
        ),
        Metric(
            key="sAUC-MATLAB",
            title="AUC at fixed thresholds with other images' fixations, its expectation",
            unit="",
            low=0.0,
            high=1.0,
            higher_is_better=True,
            per="image",
            score=_shuffled_auc_matlab,
            reference="Zhang et al. (2008), doi:10.1167/8.7.32",
            function="auc",
            method="shuffled-matlab",
            needs=frozenset({"other_pixels"}),
            laws=("flip", "scale", "shift"),
        ),
        Metric(
            key="NSS-MATLAB",
            title="NSS with N - 1 over unique fixated pixels",
            unit="",
            low=-np.inf,
            high=np.inf,
            higher_is_better=True,
            per="image",
            score=_nss_matlab,
            reference=_BYLINSKII,
            function="nss",
            optimal_map=density_itself,
            laws=("flip", "scale", "shift"),
        ),
        Metric(
            key="SIM-MATLAB",
            title="similarity of min-max scaled maps",
            unit="",
            low=0.0,
            high=1.0,
            higher_is_better=True,
            per="image",
            score=_sim_matlab,
            reference=_BYLINSKII,
            function="sim",
            method="matlab",
            needs=frozenset({"empirical_map"}),
            laws=("flip", "scale", "shift"),
        ),
        Metric(
            key="IG-MATLAB",
            title="InfoGain of min-max scaled maps",
            unit="bit/pixel",
            low=-np.inf,
            high=np.inf,
            higher_is_better=True,
            per="image",
            score=_information_gain_matlab,
            reference=_BYLINSKII,
            function="information_gain",
            method="matlab",
            needs=frozenset({"baseline_map"}),
            laws=("flip", "scale", "shift"),
        ),
    )
}

OPTIMAL_MAP_METRICS = tuple(
    sorted((key for key, metric in METRICS.items() if metric.has_optimal_map), key=str.casefold)
)


def metrics_that_need(part: Need) -> tuple[str, ...]:
    """Return the keys of the metrics that need a part of the observation, sorted."""
    return tuple(sorted(key for key, metric in METRICS.items() if part in metric.needs))


def metrics_of_function(function: str) -> dict[str, str]:
    """Return the key of the metric for each value of ``method=`` of a public function."""
    return {
        metric.method: key
        for key, metric in METRICS.items()
        if metric.function == function and metric.method is not None
    }


def whole_metrics(keys: Iterable[str]) -> tuple[str, ...]:
    """Return keys of metrics with those that are shares, which come with it, replaced by the whole.

    Examples
    --------
    >>> whole_metrics(["IGE", "IG", "AUC"])
    ('IG', 'AUC')
    """
    wholes = ((METRICS[key].share_of if key in METRICS else None) or key for key in keys)
    return tuple(dict.fromkeys(wholes))
