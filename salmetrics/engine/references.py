"""References: what predictions are compared with, made before the engine starts."""

from __future__ import annotations

from dataclasses import dataclass

from salmetrics.data.fixations import Fixations
from salmetrics.models.base import DensityModel, SaliencyMapModel

__all__ = ["References"]


@dataclass(frozen=True, kw_only=True)
class References:
    """Models and data that predictions are compared with.

    Attributes
    ----------
    baseline
        The density that information gains are relative to; None if no model has a metric that
        needs one, or it cannot be fitted.
    no_baseline
        Why the baseline cannot be fitted; None if it can, or is not needed.
    gold_standard
        The density whose information gain others have a share of, if any.
    no_gold_standard
        Why the gold standard cannot be fitted; None if it can, or is not wanted.
    empirical
        Ground-truth maps that replace blurred fixations, if any.
    nonfixations
        Negatives of AUC that replace the protocol's, if any.
    """

    baseline: DensityModel | None = None
    no_baseline: str | None = None
    gold_standard: DensityModel | None = None
    no_gold_standard: str | None = None
    empirical: SaliencyMapModel | None = None
    nonfixations: Fixations | None = None
