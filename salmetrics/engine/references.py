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
        The density that information gains are relative to; None if no metric needs one.
    gold_standard
        The density whose information gain others have a share of, if any.
    empirical
        Ground-truth maps that replace blurred fixations, if any.
    nonfixations
        Negatives of AUC that replace the protocol's, if any.
    """

    baseline: DensityModel | None = None
    gold_standard: DensityModel | None = None
    empirical: SaliencyMapModel | None = None
    nonfixations: Fixations | None = None
