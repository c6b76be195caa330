"""A run over all images: two passes in chunks of images, which a checkpoint stores."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from salmetrics.array_types import AnyArray
from salmetrics.data.dataset import data_fingerprint
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.densities.mean_density import MeanDensity
from salmetrics.engine.calls import Predictions, Predictor
from salmetrics.engine.parallel import work
from salmetrics.engine.plan import Known, Pass, Plan
from salmetrics.engine.references import References
from salmetrics.engine.run_options import RunOptions
from salmetrics.engine.score_table import ScoreTable
from salmetrics.engine.scorer import ImageScores, Scorer
from salmetrics.errors import InputError, NotSavedWarning
from salmetrics.fingerprint import fingerprint
from salmetrics.io.checkpoint import Checkpoint
from salmetrics.io.spill import Spill
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import Model
from salmetrics.progress import progress_bar
from salmetrics.protocols import Protocol
from salmetrics.results.scores import Scores

__all__ = ["known_of", "score_models"]

_CHUNK = 16  # images that are scored, and stored in a checkpoint, together


def score_models(
    models: Mapping[str, Model],
    stimuli: Stimuli,
    fixations: Fixations,
    protocol: Protocol,
    references: References,
    options: RunOptions,
) -> Scores:
    """Score models on every image that has fixations, in order; without any, on all images.

    Inputs are checked by the caller, and nothing is fitted here.

    Parameters
    ----------
    models
        Models by name.
    stimuli, fixations
        What was shown and where people looked.
    protocol
        Every choice, metrics included.
    references
        What predictions are compared with.
    options
        How the run is carried out.

    Returns
    -------
    scores : Scores
        Scores of all models on all images.

    Raises
    ------
    InputError
        If a prediction is invalid, unless errors are recorded.
    """
    ground_truth = references.empirical is not None
    known = known_of(stimuli, fixations, protocol, ground_truth=ground_truth)
    plan = Plan(models, protocol, known, no_baseline=references.no_baseline)
    record_errors = options.on_error == "record"
    predictor = Predictor(models, stimuli, fixations, plan, references, record_errors=record_errors)
    scorer = Scorer(
        models,
        stimuli,
        fixations,
        protocol,
        plan=plan,
        references=references,
        seed=options.seed,
        record_errors=record_errors,
    )
    table = ScoreTable(list(models), plan, fixations, protocol, keep=options.keep)
    stores: dict[str, Checkpoint] = {}
    if options.checkpoint is not None:
        conditions = _conditions(stimuli, fixations, protocol, references, scorer, options.seed)
        stores = {
            name: Checkpoint(
                Path(options.checkpoint),
                name,
                {"model": fingerprint(model), **conditions, **_baseline_of(name, plan, references)},
            )
            for name, model in models.items()
        }
    _Run(predictor, scorer, plan, table, stores, options).all_passes(list(models), stimuli)
    scores = table.finished()
    return dataclasses.replace(
        scores,
        baseline=references.baseline,
        empirical=references.empirical,
        smoothing=scorer.smoothing,
    )


def known_of(
    stimuli: Stimuli, fixations: Fixations, protocol: Protocol, *, ground_truth: bool
) -> Known:
    """Return what predictions can be compared with, beside ground-truth maps."""
    widths = (protocol.sigma, protocol.cycles, stimuli.sigma, stimuli.pixels_per_degree)
    return Known(
        fixations=len(fixations) > 0,
        ground_truth=ground_truth,
        width=any(width is not None for width in widths),
    )


def _conditions(
    stimuli: Stimuli,
    fixations: Fixations,
    protocol: Protocol,
    references: References,
    scorer: Scorer,
    seed: int,
) -> dict[str, Any]:
    """Return everything but the model and the baseline that scores depend on.

    Whether errors are recorded is not among it: a chunk with a failure is never stored.
    """
    conditions: dict[str, Any] = {
        "data": data_fingerprint(stimuli, fixations),
        "protocol": dataclasses.asdict(protocol),
        "smoothing": dataclasses.asdict(scorer.smoothing),
        "seed": seed,
        "salmetrics": version("salmetrics"),
    }
    if references.empirical is not None:
        conditions["empirical"] = fingerprint(references.empirical)
    if references.nonfixations is not None:
        conditions["nonfixations"] = fingerprint(references.nonfixations.columns)
    return conditions


def _baseline_of(name: str, plan: Plan, references: References) -> dict[str, str]:
    """Return the condition that a baseline is, for a model with metrics relative to it."""
    if references.baseline is None:
        return {}
    if not any(METRICS[key].relative_to_baseline for key in plan.metrics(name)):
        return {}  # the baseline is there for other models
    return {"baseline": fingerprint(references.baseline)}


class _Run:
    """Scores chunk by chunk of images; chunks in a checkpoint are not computed again."""

    def __init__(
        self,
        predictor: Predictor,
        scorer: Scorer,
        plan: Plan,
        table: ScoreTable,
        stores: Mapping[str, Checkpoint],
        options: RunOptions,
    ) -> None:
        self._predictor = predictor
        self._scorer = scorer
        self._plan = plan
        self._table = table
        self._stores = stores
        self._options = options
        images = table.images
        self._chunks = [images[k : k + _CHUNK] for k in range(0, len(images), _CHUNK)]

    def all_passes(self, models: list[str], stimuli: Stimuli) -> None:
        """Score all models on all images."""
        twice = [name for name in models if self._plan.needs_second_pass(name)]
        with Spill(stimuli.sizes, twice, self._options.spill_bytes) as spill:
            self._pass("first", models, spill)
            predicted = [name for name in twice if name in self._table.means]
            if predicted:
                self._pass("second", predicted, spill)
            for name in set(twice) - set(predicted):  # failed on every image
                self._table.give_up(name)

    def _pass(self, which: Pass, models: list[str], spill: Spill) -> None:
        """Score some models on all images, in one of the two passes."""
        todo = self._todo(which, models)
        results = self._computed(todo, spill)
        for c, chunk in enumerate(self._chunks):
            fresh: list[ImageScores] = []
            densities: dict[str, MeanDensity] = {}
            for _ in todo.union.intersection(chunk):
                fresh.append(next(results))
                _move_densities(fresh[-1], densities)
            for name in models:
                if c in todo.chunks[name]:
                    arrays = self._arrays(todo, name, c, fresh, densities.get(name))
                else:
                    arrays = self._stored_for_sure(todo, name, c)
                self._table.take(name, chunk, arrays)
        for _ in results:  # lets the bar finish
            pass

    # ---- what is missing

    def _todo(self, which: Pass, models: list[str]) -> _Todo:
        """Return which chunks of which models the checkpoint does not hold."""
        means = self._table.means
        # the mean density that a second pass depends on: another first pass changes it
        digests = {name: means[name].digest() for name in models} if which == "second" else {}
        todo = _Todo(which, {}, {}, digests)
        for name in models:
            missing = [c for c in range(len(self._chunks)) if self._stored(todo, name, c) is None]
            todo.chunks[name] = frozenset(missing)
            todo.images[name] = [
                i for c in missing for i in self._chunks[c] if not self._table.failed(name, i)
            ]
        return todo

    def _stored(self, todo: _Todo, name: str, c: int) -> dict[str, AnyArray] | None:
        """Return a chunk from the checkpoint; None if missing or based on another mean."""
        arrays = self._stores[name].load(todo.label(c)) if name in self._stores else None
        if arrays is None or str(arrays.get("of_mean")) != str(todo.mean_digests.get(name)):
            return None
        return arrays

    def _stored_for_sure(self, todo: _Todo, name: str, c: int) -> dict[str, AnyArray]:
        arrays = self._stored(todo, name, c)
        if arrays is None:
            raise InputError(
                f"a chunk of {name} in the checkpoint was damaged during this run; start it again "
                "to compute the chunk from scratch"
            )
        return arrays

    # ---- compute and store

    def _computed(self, todo: _Todo, spill: Spill) -> Iterator[ImageScores]:
        """Yield the scores on the images that are missing for at least one model, in order."""
        finish: Callable[[Predictions], ImageScores]
        if todo.which == "first":
            make = _Predict(self._predictor, todo.images, None)
            finish = partial(self._scorer.score, spill=spill)
        else:
            make = _Predict(self._predictor, todo.images, spill)
            means = {name: self._table.means[name] for name in todo.images}
            finish = partial(self._scorer.score_shuffled, means=means)
        images = sorted(todo.union)
        return iter(
            progress_bar(
                work(images, make, finish, Predictions.held, self._options.n_jobs),
                show=self._options.progress,
                total=len(images),
                description=f"{todo.which} pass" if self._table.means else None,
            )
        )

    def _arrays(
        self,
        todo: _Todo,
        name: str,
        c: int,
        fresh: Sequence[ImageScores],
        density: MeanDensity | None,
    ) -> dict[str, AnyArray]:
        """Return the scores of one model on a fresh chunk as arrays, stored if nothing failed."""
        wanted = frozenset(todo.images[name])
        scores = {each.i: each for each in fresh if each.i in wanted}
        arrays = self._table.arrays(name, todo.which, self._chunks[c], scores)
        if density is not None:
            arrays["density"] = density.total
            arrays["n_densities"] = np.array(density.n)
        if name in todo.mean_digests:
            arrays["of_mean"] = np.array(todo.mean_digests[name])
        # failures may be temporary, so the next run tries again
        if name in self._stores and not any(name in each.failures for each in scores.values()):
            try:
                self._stores[name].save(todo.label(c), arrays)
            except OSError as failure:  # the scores are at hand all the same
                folder = self._options.checkpoint
                warnings.warn(NotSavedWarning("checkpoint", folder, failure), stacklevel=2)
        return arrays


def _move_densities(scores: ImageScores, sums: dict[str, MeanDensity]) -> None:
    """Add the densities of an image to the sums, and free them: 2 MB each."""
    for name, density in scores.densities.items():
        sums[name] = sums.get(name, MeanDensity()).add(density)
    scores.densities.clear()


@dataclasses.dataclass(frozen=True)
class _Todo:
    """What one pass has to compute: chunks and images by model."""

    which: Pass
    chunks: dict[str, frozenset[int]]
    images: dict[str, list[int]]
    mean_digests: Mapping[str, str]

    @cached_property
    def union(self) -> frozenset[int]:
        """Images that are missing for at least one model."""
        return frozenset[int]().union(*self.images.values())

    def label(self, c: int) -> str:
        """Name of a chunk in a checkpoint."""
        return f"{self.which}-{c:06d}"


class _Predict:
    """Calls models for a run of images; pickles for other processes."""

    def __init__(
        self,
        predictor: Predictor,
        images_by_model: Mapping[str, Sequence[int]],
        spill: Spill | None,
    ) -> None:
        self._predictor = predictor
        self._images = {name: frozenset(images) for name, images in images_by_model.items()}
        self._spill = spill

    def __call__(self, run: Sequence[int]) -> Iterator[Predictions]:
        images_by_model = {
            name: [i for i in run if i in images]
            for name, images in self._images.items()
            if not images.isdisjoint(run)
        }
        return self._predictor.predict(images_by_model, spill=self._spill)
