"""A run over all images: passes, chunks, and what a checkpoint holds of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.dataset import data_fingerprint
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.densities.resampling import MeanDensity
from salmetrics.engine.calls import Predictions
from salmetrics.engine.parallel import work
from salmetrics.engine.scorer import ImageScores, Scorer
from salmetrics.errors import InputError, check_choice
from salmetrics.fingerprint import fingerprint
from salmetrics.io.checkpoint import Checkpoint
from salmetrics.io.spill import Spill
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import Model
from salmetrics.protocols import Protocol
from salmetrics.results.scores import Key, Scores
from salmetrics.statistics.cells import Cells

__all__ = ["SPILL_BYTES", "score_models"]

_UNDEFINED = "no image has a value: there are no nonfixations, or all ground truth is constant"
_ALL_FAILED = "no image has a value; see .errors"
SPILL_BYTES = 4 * 2**30
_CHUNK = 16  # images that are done, and kept in a checkpoint, together

Array = NDArray[np.float64]


def score_models(
    models: Mapping[str, Model],
    stimuli: Stimuli,
    fixations: Fixations,
    protocol: Protocol,
    *,
    baseline: Any = None,
    empirical: Any = None,
    nonfixations: Fixations | None = None,
    n_jobs: int | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    keep: str = "fixation",
    on_error: str = "raise",
    spill_bytes: int = SPILL_BYTES,
    progress: bool = False,
) -> Scores:
    """Score models on every image that has fixations, in order.

    Parameters
    ----------
    models
        By name.
    stimuli, fixations
        What was shown and where people looked.
    protocol
        Every choice, metrics included.
    nonfixations
        Negatives of AUC, instead of the protocol's.
    baseline, empirical, n_jobs, seed, checkpoint, keep, on_error, spill_bytes, progress
        As in `evaluate`.
    """
    if not models:
        raise InputError("models must hold at least one model")
    for key in protocol.metrics:
        check_choice("metric", key, METRICS)
        if METRICS[key].share_of is not None:
            raise InputError(f"{key} comes with gold_standard=, beside {METRICS[key].share_of}")
    fixations.check_against(stimuli)
    if len(fixations) == 0:
        raise InputError("there are no fixations to score models on")
    scorer = Scorer(
        models,
        stimuli,
        fixations,
        protocol,
        baseline=baseline,
        empirical=empirical,
        nonfixations=nonfixations,
        seed=seed,
        record_errors=on_error == "record",
        progress=progress,
    )
    run = _Run(scorer, keep, n_jobs, progress)
    if checkpoint is not None:
        run.resume(Path(checkpoint), _conditions(scorer, nonfixations, seed))
    return run.all_scores(spill_bytes)


def _add_densities(sums: dict[str, MeanDensity], scores: ImageScores) -> None:
    """Add an image's densities to the sums, and let go of them: 2 MB each."""
    for name, density in scores.densities.items():
        sums[name] = sums.get(name, MeanDensity()).plus(MeanDensity(density, 1))
    scores.densities.clear()


class _Predict:
    """Calls models for a run of images; pickles for other processes."""

    def __init__(
        self, scorer: Scorer, images_of_models: Mapping[str, Sequence[int]], again: Spill | None
    ) -> None:
        self._scorer = scorer
        self._images = {name: frozenset(images) for name, images in images_of_models.items()}
        self._again = again

    def __call__(self, run: Sequence[int]) -> Iterator[Predictions]:
        chosen = {
            name: [i for i in run if i in images]
            for name, images in self._images.items()
            if not images.isdisjoint(run)
        }
        return self._scorer.predict(chosen, again=self._again)


class _Run:
    """Scores everything, chunk by chunk of images; what a checkpoint holds is not done again.

    Fresh chunks and stored ones go the same way, as arrays, so they give the same results.
    """

    def __init__(self, scorer: Scorer, keep: str, n_jobs: int | None, progress: bool) -> None:
        self._scorer = scorer
        self._keep = keep
        self._n_jobs = n_jobs
        self._progress = progress
        fixations = scorer.fixations
        images = np.flatnonzero(fixations.counts()).tolist()
        self._chunks = [images[k : k + _CHUNK] for k in range(0, len(images), _CHUNK)]
        self._stores: dict[str, Checkpoint] = {}
        self._values: dict[Key, Array] = {}
        self._scores = Scores(
            Cells(fixations.image, fixations.subject),
            values=self._values,
            reasons=scorer.reasons,
            baseline=scorer.baseline,
            empirical=scorer.empirical,
            smoothing=scorer.smoothing,
        )
        self._means: dict[str, MeanDensity] = {}
        for name in scorer.models:
            for key in scorer.protocol.metrics:
                self._prepare(name, key)

    def resume(self, folder: Path, conditions: Mapping[str, Any]) -> None:
        """Use and fill the checkpoint in a folder."""
        for name, model in self._scorer.models.items():
            self._stores[name] = Checkpoint(
                folder, name, {"model": fingerprint(model), **conditions}
            )

    def all_scores(self, spill_bytes: int) -> Scores:
        """Do what is left to do."""
        scorer = self._scorer
        twice = [name for name in scorer.models if scorer.needs_mean_density(name)]
        with Spill(scorer.stimuli, twice, spill_bytes) as spill:
            self._pass("first", self._chunks, list(scorer.models), spill)
            predicted = [name for name in twice if name in self._means]
            if predicted:
                self._pass("second", self._chunks, predicted, spill)
            for name in set(twice) - set(predicted):  # failed on every image
                self._scores.sums[name, "sAUC"].fill(np.nan)
        for name in scorer.models:
            for key in scorer.protocol.metrics:
                self._explain(name, key)
        if self._keep == "image":
            self._scores.cells = self._scores.cells.without_fixations()
        return self._scores

    def _pass(self, which: str, chunks: list[list[int]], names: list[str], spill: Spill) -> None:
        from tqdm import tqdm

        scorer = self._scorer
        # of which mean density the second pass is: a first pass that went otherwise changes it
        digests = {name: self._means[name].digest() for name in names} if which == "second" else {}
        missing = {
            name: [
                c
                for c in range(len(chunks))
                if self._stored(name, which, c, digests.get(name)) is None
            ]
            for name in names
        }
        images = {
            name: [
                i
                for c in missing[name]
                for i in chunks[c]
                if (name, i) not in self._scores.failures
            ]
            for name in names
        }
        todo = sorted(set().union(*images.values()))
        finish: Callable[[Predictions], ImageScores]
        if which == "first":
            make, finish = _Predict(scorer, images, None), partial(scorer.score, spill=spill)
        else:
            means = {name: self._means[name] for name in names}
            make = _Predict(scorer, images, spill)
            finish = partial(scorer.score_shuffled, means=means)
        done = iter(
            tqdm(
                work(todo, make, finish, Predictions.held, self._n_jobs),
                total=len(todo),
                desc=f"{which} pass" if len(self._means) else None,
                disable=None if self._progress else True,
                delay=2,
                unit="image",
            )
        )
        wanted = {name: set(images[name]) for name in names}
        for c, chunk in enumerate(chunks):
            fresh = []
            densities: dict[str, MeanDensity] = {}
            for i in chunk:
                if any(i in wanted[name] for name in names):
                    fresh.append(next(done))
                    _add_densities(densities, fresh[-1])
            for name in names:
                arrays = None
                if c not in missing[name]:
                    arrays = self._stored(name, which, c, digests.get(name))
                if arrays is None and c not in missing[name]:
                    raise InputError(
                        f"a chunk of {name} in the checkpoint was damaged during this run; start "
                        "it again to compute the chunk anew"
                    )
                if arrays is None:
                    mine = [scores for scores in fresh if scores.i in wanted[name]]
                    arrays = self._arrays(name, which, chunk, {s.i: s for s in mine})
                    if name in densities:
                        arrays["density"] = densities[name].total
                        arrays["n_densities"] = np.array(densities[name].n)
                    if name in digests:
                        arrays["of_mean"] = np.array(digests[name])
                    # failures may pass, so they are tried again in the next run
                    if name in self._stores and not any(name in s.failures for s in mine):
                        self._stores[name].save(f"{which}-{c:06d}", arrays)
                self._take(name, chunk, arrays)
        for _ in done:  # lets the bar finish
            pass

    def _stored(
        self, name: str, which: str, c: int, of_mean: str | None
    ) -> dict[str, NDArray[Any]] | None:
        """Return a chunk from the checkpoint; None if it isn't there, or of another mean."""
        found = self._stores[name].load(f"{which}-{c:06d}") if name in self._stores else None
        if found is None or str(found.get("of_mean", None)) != str(of_mean):
            return None
        return found

    def _arrays(
        self, name: str, which: str, chunk: list[int], done: Mapping[int, ImageScores]
    ) -> dict[str, NDArray[Any]]:
        """Return one model's scores of a chunk as arrays."""
        keys = self._scorer.metrics_of(name) if which == "first" else ["sAUC"]
        counts = self._scorer.fixations.counts()
        arrays: dict[str, NDArray[Any]] = {}
        for key in keys:
            per_image = METRICS[key].per == "image"
            parts = [
                np.atleast_1d(done[i].values[name, key])
                if i in done and (name, key) in done[i].values
                else np.full(1 if per_image else counts[i], np.nan)
                for i in chunk
            ]
            arrays[f"values {key}"] = np.concatenate(parts)
        failures = {
            str(i): done[i].failures[name] for i in chunk if i in done and name in done[i].failures
        }
        arrays["failures"] = np.array(json.dumps(failures))
        arrays["n_calls"] = np.array(sum(scores.n_calls.get(name, 0) for scores in done.values()))
        return arrays

    def _take(self, name: str, chunk: list[int], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Put one model's scores of a chunk into the results."""
        scores = self._scores
        rows = np.concatenate([self._scorer.fixations.rows_of_image(i) for i in chunk])
        for label, values in arrays.items():
            kind, _, key = label.partition(" ")
            if kind != "values":
                continue
            if METRICS[key].per == "image":
                self._values[name, key][chunk] = values
                continue
            scores.cells.add(scores.sums[name, key], values, rows)
            if self._keep == "fixation":
                self._values[name, key][rows] = values
        for i, failure in json.loads(str(arrays["failures"])).items():
            scores.failures[name, int(i)] = failure
        scores.n_predictions += int(arrays["n_calls"])
        if "density" in arrays:
            here = MeanDensity(arrays["density"], int(arrays["n_densities"]))
            self._means[name] = self._means.get(name, MeanDensity()).plus(here)

    def _explain(self, name: str, key: str) -> None:
        """Give a reason if a metric has no value on any image."""
        scores = self._scores
        if (name, key) not in scores.reasons and scores.sample(name, key, "image").sums.size == 0:
            failed = any(model == name for model, _ in scores.failures)
            scores.reasons[name, key] = _ALL_FAILED if failed else _UNDEFINED

    def _prepare(self, name: str, key: str) -> None:
        scores = self._scores
        if METRICS[key].per == "image":
            self._values[name, key] = np.full(len(self._scorer.stimuli), np.nan)
            return
        scores.sums[name, key] = np.zeros(len(scores.cells))
        if (name, key) in self._scorer.reasons:
            scores.sums[name, key].fill(np.nan)
        if self._keep == "fixation":
            self._values[name, key] = np.full(len(self._scorer.fixations), np.nan)


def _conditions(scorer: Scorer, nonfixations: Fixations | None, seed: int) -> dict[str, Any]:
    """Everything but the model that scores depend on."""
    conditions: dict[str, Any] = {
        "data": data_fingerprint(scorer.stimuli, scorer.fixations),
        "protocol": dataclasses.asdict(scorer.protocol),
        "smoothing": dataclasses.asdict(scorer.smoothing),
        "seed": seed,
        "record_errors": scorer.record_errors,
        "salmetrics": version("salmetrics"),
    }
    if scorer.baseline is not None:
        conditions["baseline"] = fingerprint(scorer.baseline)
    if scorer.empirical is not None:
        conditions["empirical"] = fingerprint(scorer.empirical)
    if nonfixations is not None:
        conditions["nonfixations"] = fingerprint(nonfixations.columns)
    return conditions
