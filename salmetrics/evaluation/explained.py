"""How much of what people have in common a model knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.engine.run import score_models
from salmetrics.errors import InputError, check_choice
from salmetrics.evaluation.evaluate import evaluate
from salmetrics.evaluation.references import add_gold_standard, make_gold_standard
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import NO_DENSITY, DensityModel, log_density_of, model_name
from salmetrics.models.conversion import as_model
from salmetrics.models.gold_standard import GoldStandard
from salmetrics.protocols import AVERAGES, DEFAULT

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
    average: str = DEFAULT.average,
    kind: str | None = None,
) -> float:
    """Share of the gold standard's information gain that a model reaches.

    IGE = IG(model) / IG(gold standard), both over the same baseline

    Parameters
    ----------
    model
        A `DensityModel`, or what `as_model` takes; raw arrays are natural log densities.
    stimuli, fixations
        What was shown and where people looked.
    gold_standard
        True for the `GoldStandard` fitted to these fixations, or a density model.
    baseline, average, kind
        As in `information_gain`; None as `average` is not possible for a ratio.

    Returns
    -------
    At most about 1, higher is better; NaN if the gold standard has no information gain. For its
    interval: ``evaluate(..., gold_standard=True)``.

    Raises
    ------
    TypeError
        For a saliency map model, which has no densities.
    InputError
        Naming the argument, model or image at fault.

    References
    ----------
    Kümmerer, Wallis and Bethge (2015), PNAS 112, 16054-16059, doi:10.1073/pnas.1510393112.
    """
    check_choice("average", average, AVERAGES)
    scored = as_model(model, stimuli, kind=kind or "log_density")
    if not isinstance(scored, DensityModel):
        raise TypeError(f"{model_name(scored)} gives saliency maps: {NO_DENSITY}")
    models = {"model": scored}
    gold, baseline = make_gold_standard(gold_standard, baseline, models, stimuli, fixations)
    protocol = DEFAULT.override(metrics=("IG",))
    scores = score_models(models, stimuli, fixations, protocol, baseline=baseline, progress=True)
    scores = add_gold_standard(scores, gold, stimuli, fixations, protocol, keep="fixation")
    return scores.sample("model", "IGE", average).value


def information_gain_map(
    model: Any, stimulus: Stimulus, *, gold_standard: DensityModel, baseline: DensityModel
) -> NDArray[np.float64]:
    """Where on an image a model gains information over a baseline, and where it loses some.

    p_gold (log2 p - log2 p_baseline), pixel by pixel

    Parameters
    ----------
    model
        A `DensityModel`, or what `as_model` takes; raw arrays are natural log densities.
    stimulus
        The image: ``stimuli[i]``.
    gold_standard
        Where fixations are expected: a `GoldStandard` with `upper_bound`, or another density.
    baseline
        What the gain is over, such as `CentreBias`.

    Returns
    -------
    Bits per fixation, shape (h, w); the sum is the expected information gain. 0 where nobody is
    expected to look.

    References
    ----------
    Kümmerer, Wallis and Bethge (2015), PNAS 112, 16054-16059, doi:10.1073/pnas.1510393112.
    """
    logs = []
    for part in (gold_standard, model, baseline):
        made = as_model(part, kind="log_density")
        if not isinstance(made, DensityModel):
            raise TypeError(f"{model_name(made)} gives saliency maps: {NO_DENSITY}")
        logs.append(log_density_of(made, stimulus).values.astype(np.float64))
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
    """Score how well each subject is predicted by all others.

    Parameters
    ----------
    stimuli, fixations
        What was shown and where people looked.
    gold_standard
        Made from these fixations; fitted by default.
    metrics
        With one value a fixation. AUC and NSS need a map for each subject and image; LL and IG
        do not, and take seconds.
    **options
        Passed to `evaluate`.

    Returns
    -------
    `Evaluation.summary` for each subject, whose name is the first index level, and for all
    ("all").
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
    of_all = pd.concat({"all": result.summary}, names=["subject"])
    return pd.concat([result.by("subject"), of_all]).droplevel("model")
