"""Derived evaluations: two joined, with fewer models, or with other models."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from salmetrics.array_types import Array
from salmetrics.errors import InputError
from salmetrics.metrics.registry import METRICS
from salmetrics.results.provenance import differences, same_model
from salmetrics.results.rendering import with_parameters
from salmetrics.results.scores import Key, Scores

__all__ = ["joined", "selected", "shares_of", "with_other_models"]

# what an evaluation consists of: scores and provenance
Parts = tuple[Scores, dict[str, Any]]


def joined(first: Parts, second: Parts) -> Parts:
    """Return the models of both; see `Evaluation.join`."""
    (scores, ours), (others, theirs) = first, second
    different = differences(ours, theirs)
    for line in different:
        if line.startswith(("dataset.ids", "dataset.sizes", "dataset.fixations")):
            raise InputError(f"the evaluations are on different images or fixations: {line}")
    metrics = [key for key in _metrics(ours) if key in _metrics(theirs)]
    if not metrics:
        raise InputError(f"they share no metric: {_metrics(ours)} and {_metrics(theirs)}")
    different = [line for line in different if _matters(line, metrics)]
    if None in (ours["baseline"], theirs["baseline"]):  # one has nothing relative to a baseline
        different = [line for line in different if not line.startswith("baseline")]
    gold = _shared_gold_standard(ours, theirs)
    if not shares_of(metrics):
        gold = None
    both = {_gold_standard(ours)} & {_gold_standard(theirs)} - {None}
    same = set(ours["models"]) & set(theirs["models"]) - both
    if same:
        raise InputError(f"both evaluations have a model {sorted(same)[0]!r}")
    if different:
        warnings.warn("the joined evaluations differ in " + "; ".join(different), stacklevel=3)
    provenance = copy.deepcopy(ours)
    provenance["protocol"]["choices"]["metrics"] = metrics
    provenance["baseline"] = ours["baseline"] or theirs["baseline"]
    provenance["gold_standard"] = gold
    provenance["joined"] = [
        *ours.get("joined", []),
        *theirs.get("joined", []),
        *(f"{', '.join(theirs['models'])}: {line}" for line in different),
    ]
    provenance["models"] = {**ours["models"], **theirs["models"]}
    provenance["checks"] = list(dict.fromkeys([*ours.get("checks", []), *theirs.get("checks", [])]))
    provenance["n_predictions"] = ours["n_predictions"] + theirs["n_predictions"]
    scores = scores.join(others)
    for record in (ours, theirs):
        if gold is not None and _gold_standard(record) is None:
            _explain_shares(scores, record["models"], metrics)
    scores.gold_standard = None if gold is None else gold["name"]
    return scores, provenance


def selected(parts: Parts, models: Sequence[str]) -> Parts:
    """Return some models, in this order; see `Evaluation.select`."""
    scores, record = parts
    names = list(dict.fromkeys(models))
    gold = _gold_standard(record)
    if gold is not None and gold not in names:
        names.append(gold)
    provenance = copy.deepcopy(record)
    provenance["models"] = {name: record["models"][name] for name in names}
    scores = dataclasses.replace(
        scores,
        reasons={key: why for key, why in scores.reasons.items() if key[0] in names},
        failures={key: why for key, why in scores.failures.items() if key[0] in names},
    )
    return scores, provenance


def with_other_models(
    parts: Parts,
    records: Mapping[str, Mapping[str, Any]],
    metrics: Sequence[str],
    score: Callable[[Key], Array],
) -> Parts:
    """Return other models on the same fixations; see `Evaluation.with_models`."""
    old, record = parts
    cells, gold = old.cells, _gold_standard(record)
    assert cells.of_fixation is not None
    everything = np.arange(cells.of_fixation.size)
    shares = shares_of(metrics) if gold is not None else ()
    kept = (*metrics, *shares)
    reasons = {k: why for k, why in old.reasons.items() if k[0] == gold and k[1] in kept}
    sums: dict[Key, Array] = {}
    for key in ((name, metric) for name in records for metric in metrics):
        sums[key] = np.zeros(len(cells))
        cells.add(sums[key], score(key), everything)
        if np.isnan(sums[key]).all():
            reasons |= {(key[0], k): "no fixation has a value" for k in (key[1], *shares)}
            continue
        for share in shares:
            if gold is not None and (gold, share) in reasons:
                reasons[key[0], share] = reasons[gold, share]
    provenance = copy.deepcopy(record)
    provenance["protocol"]["choices"]["metrics"] = list(metrics)
    provenance["models"] = {name: dict(each) for name, each in records.items()}
    if gold is not None:
        sums |= {(gold, metric): old.sums[gold, metric] for metric in metrics}
        provenance["models"].setdefault(gold, record["models"][gold])
    if not shares_of(metrics):
        provenance["gold_standard"] = gold = None
    scores = Scores(
        cells.without_fixations(),
        sums=sums,
        reasons=reasons,
        baseline=old.baseline,
        gold_standard=gold,
    )
    return scores, provenance


def shares_of(metrics: Sequence[str]) -> tuple[str, ...]:
    """Return the metrics that are shares of the gold standard's value of one of these."""
    return tuple(key for key, metric in METRICS.items() if metric.share_of in metrics)


def _shared_gold_standard(
    first: Mapping[str, Any], second: Mapping[str, Any]
) -> dict[str, Any] | None:
    ours, theirs = (record.get("gold_standard") for record in (first, second))
    if ours is not None and theirs is not None and not same_model(ours, theirs):
        raise InputError(
            "the evaluations have different gold standards, so their IGE cannot be compared: "
            f"{with_parameters(ours)} and {with_parameters(theirs)}"
        )
    return ours or theirs


def _explain_shares(scores: Scores, models: Iterable[str], metrics: Sequence[str]) -> None:
    """Enter why models lack a share of a gold standard that their own evaluation did not have."""
    for model in models:
        for share in shares_of(metrics):
            whole = str(METRICS[share].share_of)
            scores.reasons.pop((model, share), None)
            if (model, whole) in scores.reasons:
                scores.reasons[model, share] = scores.reasons[model, whole]


def _gold_standard(record: Mapping[str, Any]) -> str | None:
    gold = record.get("gold_standard")
    return None if gold is None else str(gold["name"])


def _metrics(record: Mapping[str, Any]) -> list[str]:
    return list(record["protocol"]["choices"]["metrics"])


def _matters(difference: str, metrics: Sequence[str]) -> bool:
    """Whether a difference of two records may move one of these metrics."""
    if difference.startswith(("smoothing", "empirical")):
        return any("empirical_map" in METRICS[key].needs for key in metrics)
    if difference.startswith("baseline"):
        return any(METRICS[key].relative_to_baseline for key in metrics)
    return not difference.startswith("protocol.choices.metrics")
