"""Inter-observer consistency, and the share of it that a model explains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.array_types import Kind
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.engine.run_options import RunOptions
from salmetrics.errors import InputError, check_choice
from salmetrics.evaluation.evaluate import evaluate
from salmetrics.evaluation.scoring import checked_references, scored
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import DensityModel, log_density_of
from salmetrics.models.conversion import require_density
from salmetrics.models.gold_standard import GoldStandard
from salmetrics.protocols import AVERAGES, DEFAULT, Average

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["information_gain_explained", "information_gain_map", "inter_observer"]


def information_gain_explained(
    model: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    gold_standard: Any = True,
    baseline: Any = None,
    average: Average = DEFAULT.average,
    kind: Kind | None = None,
) -> float:
    """Information gain explained: a model's share of the gold standard's information gain.

    IGE = IG(model) / IG(gold standard), both over the same baseline

    Parameters
    ----------
    model
        A `DensityModel`, or what `as_model` takes; raw arrays are natural log densities.
    stimuli, fixations
        What was shown and where people looked.
    gold_standard
        True for the `GoldStandard` fitted to these fixations, or a density model.
    baseline
        A density model. By default the `CentreBias` fitted to these fixations, leaving out each
        image's own.
    average
        "fixation", "image" or "subject"; see `information_gain`. A ratio has no single values.
    kind
        What raw arrays are, if not log densities; see `as_model`.

    Returns
    -------
    share : float
        At most about 1; higher is better. NaN if the gold standard has no information gain. For
        its interval use ``evaluate(..., gold_standard=True)``.

    Raises
    ------
    InputError
        If an argument, a prediction or an image is invalid; the message says which.
    NeedsDensityError
        For a saliency map model; an `InputError` and a `TypeError`.

    References
    ----------
    Kümmerer, Wallis and Bethge (2015), PNAS 112, 16054-16059, doi:10.1073/pnas.1510393112.

    Examples
    --------
    >>> from salmetrics.datasets import generate_dataset
    >>> generated = generate_dataset(4)
    >>> information_gain_explained(generated.truth, *generated.dataset) > 0.8
    True
    """
    check_choice("average", average, AVERAGES)
    density = require_density(model, "IGE", stimuli, kind=kind or "log_density")
    models = {"model": density}
    protocol = DEFAULT.override(metrics=("IG",))
    references = checked_references(
        models,
        stimuli,
        fixations,
        protocol,
        baseline=baseline,
        gold_standard=gold_standard,
        required=True,
    )
    options = RunOptions(progress=True)
    scores = scored(models, stimuli, fixations, protocol, references, options)
    return scores.sample("model", "IGE", average).value


def information_gain_map(
    model: Any, stimulus: Stimulus, *, gold_standard: DensityModel, baseline: DensityModel
) -> NDArray[np.float64]:
    """Pointwise information gain: where on an image a model gains over a baseline, or loses.

    p_gold (log2 p - log2 p_baseline), pixel by pixel

    Parameters
    ----------
    model
        A `DensityModel`, or what `as_model` takes; raw arrays are natural log densities.
    stimulus
        The image: ``stimuli[i]``.
    gold_standard
        Density of expected fixations: a `GoldStandard` with `upper_bound`, or another density.
    baseline
        Density that the gain is relative to, such as a `CentreBias`.

    Returns
    -------
    gain : ndarray of shape (h, w)
        Bits per fixation; the sum is the expected information gain. 0 where no fixation is
        expected.

    Raises
    ------
    NeedsDensityError
        If one of the three gives saliency maps; an `InputError` and a `TypeError`.

    References
    ----------
    Kümmerer, Wallis and Bethge (2015), PNAS 112, 16054-16059, doi:10.1073/pnas.1510393112.

    Examples
    --------
    >>> import salmetrics
    >>> uniform, centred = salmetrics.Uniform(), salmetrics.GaussianCentreBias()
    >>> stimulus = Stimuli.from_sizes([(30, 40)])[0]
    >>> gain = information_gain_map(centred, stimulus, gold_standard=centred, baseline=uniform)
    >>> gain.shape
    (30, 40)
    """
    logs = []
    for part in (gold_standard, model, baseline):
        density = require_density(part, "a map of information gain")
        logs.append(log_density_of(density, stimulus).values.astype(np.float64))
    expected = np.exp(logs[0])
    with np.errstate(invalid="ignore"):  # -inf - -inf, and 0 * inf
        gain = expected * (logs[1] - logs[2]) / np.log(2)
    return np.where(expected > 0, gain, 0.0)


def inter_observer(
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    gold_standard: GoldStandard | None = None,
    metrics: Sequence[str] = ("LL", "IG", "AUC", "NSS"),
    **options: Any,
) -> pd.DataFrame:
    """Inter-observer consistency: how well the fixations of all others predict each subject's.

    Parameters
    ----------
    stimuli, fixations
        What was shown and where people looked.
    gold_standard
        Gold standard made from these fixations; fitted by default.
    metrics
        Keys of metrics with one value per fixation. AUC and NSS need a map per subject and image;
        LL and IG do not, and take seconds.
    **options
        Other options of `evaluate`.

    Returns
    -------
    table : DataFrame
        `Evaluation.summary` for each subject, whose name is the first index level, and for all
        ("all").

    Raises
    ------
    InputError
        If a metric has one value per image, or the gold standard does not leave out a subject.

    References
    ----------
    Wilming, Betz, Kietzmann and König (2011), PLoS ONE 6, e24038,
    doi:10.1371/journal.pone.0024038.

    Examples
    --------
    >>> from salmetrics.datasets import generate_dataset
    >>> stimuli, fixations = generate_dataset(4).dataset
    >>> table = inter_observer(stimuli, fixations, metrics=["LL"], n_bootstrap=0, progress=False)
    >>> table.loc[("all", "LL"), "unit"]
    'bit/fixation'
    """
    import pandas as pd

    for key in metrics:
        check_choice("metric", key, [k for k, entry in METRICS.items() if entry.per == "fixation"])
    if gold_standard is None:
        gold_standard = GoldStandard.fit(stimuli, fixations)
    if not gold_standard.subject_dependent:
        raise InputError(
            f"{gold_standard.name} does not leave a subject out; make it with hold_out='subject' "
            "and without upper_bound"
        )
    result = evaluate(gold_standard, stimuli, fixations, metrics=tuple(metrics), **options)
    everyone = pd.concat({"all": result.summary}, names=["subject"])
    return pd.concat([result.by("subject"), everyone]).droplevel("model")
