"""One entry a metric: what `evaluate`, the documentation, tests and benchmarks loop over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.checked_map import CheckedMap
from salmetrics.metrics import auc, cc, emd, information, kldiv, nss, sim
from salmetrics.metrics.observation import Observation

__all__ = ["METRICS", "Metric"]


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes
    ----------
    key
        Its name everywhere: command line, columns, this table.
    title
        In words.
    unit
        Unit of its values.
    low, high
        Range of its values.
    higher_is_better
        Direction.
    per
        "fixation" or "image": what it has one value for.
    score
        Its values from a prediction and an observation. For `needs_density` the prediction is
        the model's log likelihood of each fixation in nats, else a map.
    needs_density
        Whether only densities have it.
    share_of
        The metric whose share of the gold standard's value it is; it is then not computed from
        predictions.
    reference
        Where it comes from.
    laws
        What its values don't change under, or how; tests hold it to them.
    """

    key: str
    title: str
    unit: str
    low: float
    high: float
    higher_is_better: bool
    per: str
    score: Callable[[Any, Observation], Any]
    reference: str
    needs_density: bool = False
    share_of: str | None = None
    laws: tuple[str, ...] = field(default=("flip",))


def _log_likelihood(log_likelihoods: NDArray[np.float64], seen: Observation) -> Any:
    return log_likelihoods / np.log(2)


def _information_gain(log_likelihoods: NDArray[np.float64], seen: Observation) -> Any:
    return (log_likelihoods - seen.baseline) / np.log(2)


def _information_gain_matlab(m: CheckedMap, seen: Observation) -> float:
    return information.matlab(m, seen.x, seen.y, seen.baseline_map)


def _not_from_predictions(log_likelihoods: NDArray[np.float64], seen: Observation) -> Any:
    raise NotImplementedError("a share of the gold standard is made from scores")


def _auc(m: CheckedMap, seen: Observation) -> NDArray[np.float64]:
    return auc.score(m, seen.x, seen.y, negatives=seen.negatives)


def _shuffled_auc(m: CheckedMap, seen: Observation) -> NDArray[np.float64]:
    return auc.score(m, seen.x, seen.y, negatives=seen.other_negatives)


def _auc_judd(m: CheckedMap, seen: Observation) -> float:
    return auc.judd(m, seen.x, seen.y, jitter=seen.protocol.judd_jitter)


def _auc_borji(m: CheckedMap, seen: Observation) -> float:
    return auc.borji(m, seen.x, seen.y, step=seen.protocol.threshold_step)


def _shuffled_auc_matlab(m: CheckedMap, seen: Observation) -> float:
    step = seen.protocol.threshold_step
    return auc.shuffled(m, seen.x, seen.y, step=step, draws=seen.other_pixels)


def _nss(m: CheckedMap, seen: Observation) -> NDArray[np.float64]:
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
            laws=("flip", "scale", "shift"),
        ),
    )
}
