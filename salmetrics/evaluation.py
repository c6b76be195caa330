"""Score models on every image: one prediction each, every metric on the map it wants."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.averaging import Cells, Sample
from salmetrics.checkpoint import Checkpoint
from salmetrics.errors import InputError, check_choice
from salmetrics.execution import work
from salmetrics.fingerprint import data_fingerprint, fingerprint
from salmetrics.fixations import Fixations
from salmetrics.metrics.registry import METRICS
from salmetrics.models.base import Model, model_name
from salmetrics.models.convert import as_model
from salmetrics.predicting import Predictions
from salmetrics.protocols import Protocol, get_protocol
from salmetrics.provenance import provenance_of
from salmetrics.results import Evaluation
from salmetrics.scoring import ImageScores, MeanDensity, Scorer
from salmetrics.spill import Spill
from salmetrics.stimuli import Stimuli

__all__ = ["Scores", "evaluate", "score_models"]

_UNDEFINED = "no image has a value: there are no nonfixations, or all ground truth is constant"
_ALL_FAILED = "no image has a value; see .errors"
SPILL_BYTES = 4 * 2**30
_CHUNK = 16  # images that are done, and kept in a checkpoint, together

Array = NDArray[np.float64]


def evaluate(
    models: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    metrics: Sequence[str] | None = None,
    protocol: str | Protocol = "default",
    baseline: Any = None,
    empirical: Any = None,
    kind: str | None = None,
    n_bootstrap: int = 1000,
    n_jobs: int | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    keep: str = "fixation",
    on_error: str = "raise",
    spill_bytes: int = SPILL_BYTES,
    progress: bool = True,
) -> Evaluation:
    """Score models with all metrics in one pass: one prediction per image and model.

    Only shuffled AUC of a density needs a second pass, because its optimal map is made with the
    mean prediction over the other images; predictions are kept in a temporary file until then, as
    far as `spill_bytes` allow, and made again beyond.

    Parameters
    ----------
    models
        A model, a list of models, or a dict of models by name; anything that
        `salmetrics.as_model` takes can stand for a model.
    stimuli, fixations
        What was shown and where people looked.
    metrics
        Keys such as "IG" and "AUC"; those of the protocol by default.
    protocol
        "default", "mit-matlab", or a `salmetrics.Protocol`.
    baseline
        What IG is relative to; by default the `salmetrics.CentreBias` of these fixations, each
        image's own left out.
    empirical
        Ground-truth maps instead of blurred fixations for CC, KLDiv, SIM and EMD: anything that
        `salmetrics.as_model` takes.
    kind
        What raw arrays and functions give: "log_density", "density" or "saliency_map".
    n_bootstrap
        Resamples behind each confidence interval; 0 for none.
    n_jobs
        Threads that compute metrics, as in joblib: -1 for all cores. Within
        ``joblib.parallel_config("loky")`` or ``("dask")`` processes are used instead. The results
        are the same to the last bit.
    seed
        Of everything random: resamples, and which other images sAUC-MATLAB draws.
    checkpoint
        A folder: what is done is kept there, and a run that was interrupted goes on from it.
    keep
        "fixation", or "image" to keep sums over images and subjects only, in less memory.
    on_error
        "raise", or "record": note which model failed on which image, and go on without it.
    spill_bytes
        Size of the temporary file.
    progress
        Show a bar on standard error when it takes more than two seconds.

    Returns
    -------
    `salmetrics.Evaluation`. A metric that a model doesn't have is NaN, with the reason.

    Raises
    ------
    InputError
        Naming the argument, model or image at fault.

    Examples
    --------
    >>> import salmetrics
    >>> stimuli = salmetrics.Stimuli.from_sizes([(30, 40), (30, 40)], sigma=2)
    >>> fixations = salmetrics.Fixations.from_arrays([20, 22.5, 19], [15, 14, 16.5], [0, 0, 1])
    >>> result = evaluate(salmetrics.GaussianCentreBias(), stimuli, fixations, metrics=["LL"])
    >>> print(result.summary["value"].round(2).to_string())
    model                 metric
    gaussian-centre-bias  LL       -8.77
    """
    check_choice("keep", keep, ("fixation", "image"))
    check_choice("on_error", on_error, ("raise", "record"))
    if not isinstance(n_bootstrap, int) or n_bootstrap < 0:
        raise InputError(f"n_bootstrap must be a whole number >= 0; got {n_bootstrap!r}")
    if not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed must be a whole number >= 0; got {seed!r}")
    if n_jobs == 0:
        raise InputError("n_jobs must be at least 1, or -1 for all cores; got 0")
    chosen = get_protocol(protocol)
    if metrics is not None:
        chosen = chosen.override(metrics=metrics if isinstance(metrics, str) else tuple(metrics))
    named = {name: as_model(model, stimuli, kind=kind) for name, model in _named(models).items()}
    scores = score_models(
        named,
        stimuli,
        fixations,
        chosen,
        baseline=baseline,
        empirical=empirical,
        n_jobs=n_jobs,
        seed=seed,
        checkpoint=checkpoint,
        keep=keep,
        on_error=on_error,
        spill_bytes=spill_bytes,
        progress=progress,
    )
    return Evaluation.of_scores(
        scores,
        stimuli.ids,
        stimuli.attributes,
        provenance_of(
            stimuli,
            fixations,
            chosen,
            models=named,
            baseline=scores.baseline,
            seed=seed,
            n_bootstrap=n_bootstrap,
            n_predictions=scores.n_predictions,
        ),
    )


@dataclass
class Scores:
    """Values of models and metrics.

    Attributes
    ----------
    cells
        Pairs of image and subject.
    values
        By (model, metric): float64, one a fixation, shape (n_fixations,), or one an image, shape
        (n_images,), NaN where there is none. Without those a fixation if sums only are kept.
    sums
        By (model, metric) with one value a fixation: sums over cells, shape (n_cells,).
    reasons
        By (model, metric): why there is no value at all.
    failures
        By (model, image): what went wrong.
    baseline
        What IG is relative to; None if no metric needs a baseline.
    n_predictions
        How many maps models made, all together.
    """

    cells: Cells
    reasons: dict[tuple[str, str], str]
    baseline: Model | None
    values: dict[tuple[str, str], Array] = field(default_factory=dict)
    sums: dict[tuple[str, str], Array] = field(default_factory=dict)
    failures: dict[tuple[str, int], str] = field(default_factory=dict)
    n_predictions: int = 0

    def sample(self, model: str, metric: str, average: str) -> Sample:
        """Return what one number is made of."""
        if METRICS[metric].per == "image":
            return Sample.of_images(self.values[model, metric])
        return self.cells.sample(self.sums[model, metric], average)


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
    )
    run = _Run(scorer, keep, n_jobs, progress)
    if checkpoint is not None:
        run.resume(Path(checkpoint), _conditions(scorer, nonfixations, seed))
    return run.all_scores(spill_bytes)


def _add_densities(sums: dict[str, tuple[Array, int]], scores: ImageScores) -> None:
    """Add an image's densities to the sums, and let go of them: 2 MB each."""
    for name, density in scores.densities.items():
        total, n = sums.get(name, (0.0, 0))
        sums[name] = total + density, n + 1
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
        self._scores = Scores(
            Cells(fixations.image, fixations.subject), scorer.reasons, scorer.baseline
        )
        self._means: dict[str, tuple[Array, int]] = {}
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
        missing = {
            name: [c for c in range(len(chunks)) if self._stored(name, which, c) is None]
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
            means = {name: MeanDensity(*self._means[name]) for name in names}
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
            densities: dict[str, tuple[Array, int]] = {}
            for i in chunk:
                if any(i in wanted[name] for name in names):
                    fresh.append(next(done))
                    _add_densities(densities, fresh[-1])
            for name in names:
                arrays = None if c in missing[name] else self._stored(name, which, c)
                if arrays is None and c not in missing[name]:
                    raise InputError(
                        f"a chunk of {name} in the checkpoint was damaged during this run; start "
                        "it again to compute the chunk anew"
                    )
                if arrays is None:
                    mine = [scores for scores in fresh if scores.i in wanted[name]]
                    arrays = self._arrays(name, which, chunk, {s.i: s for s in mine})
                    if name in densities:
                        arrays["density"], n = densities[name]
                        arrays["n_densities"] = np.array(n)
                    if name in self._stores:
                        self._stores[name].save(f"{which}-{c:06d}", arrays)
                self._take(name, chunk, arrays)
        for _ in done:  # lets the bar finish
            pass

    def _stored(self, name: str, which: str, c: int) -> dict[str, NDArray[Any]] | None:
        return self._stores[name].load(f"{which}-{c:06d}") if name in self._stores else None

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
                scores.values[name, key][chunk] = values
                continue
            scores.cells.add(scores.sums[name, key], values, rows)
            if self._keep == "fixation":
                scores.values[name, key][rows] = values
        for i, failure in json.loads(str(arrays["failures"])).items():
            scores.failures[name, int(i)] = failure
        scores.n_predictions += int(arrays["n_calls"])
        if "density" in arrays:
            total, n = self._means.get(name, (0.0, 0))
            self._means[name] = (
                total + arrays["density"],
                n + int(arrays["n_densities"]),
            )

    def _explain(self, name: str, key: str) -> None:
        """Give a reason if a metric has no value on any image."""
        scores = self._scores
        if (name, key) not in scores.reasons and scores.sample(name, key, "image").sums.size == 0:
            failed = any(model == name for model, _ in scores.failures)
            scores.reasons[name, key] = _ALL_FAILED if failed else _UNDEFINED

    def _prepare(self, name: str, key: str) -> None:
        scores = self._scores
        if METRICS[key].per == "image":
            scores.values[name, key] = np.full(len(self._scorer.stimuli), np.nan)
            return
        scores.sums[name, key] = np.zeros(len(scores.cells))
        if (name, key) in self._scorer.reasons:
            scores.sums[name, key].fill(np.nan)
        if self._keep == "fixation":
            scores.values[name, key] = np.full(len(self._scorer.fixations), np.nan)


def _conditions(scorer: Scorer, nonfixations: Fixations | None, seed: int) -> dict[str, Any]:
    """Everything but the model that scores depend on."""
    conditions: dict[str, Any] = {
        "data": data_fingerprint(scorer.stimuli, scorer.fixations),
        "protocol": dataclasses.asdict(scorer.protocol),
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


def _named(models: Any) -> dict[str, Any]:
    """Models by name; equal names get numbers."""
    if isinstance(models, Mapping):
        if not models:
            raise InputError("models must hold at least one model")
        if _is_prediction(next(iter(models.values()))):
            return {"model": models}  # one model: a dict of arrays by image id
        return {str(name): model for name, model in models.items()}
    if isinstance(models, np.ndarray) and models.ndim == 3:
        return {"model": models}
    several = models if isinstance(models, (list, tuple)) else [models]
    if several and _is_prediction(several[0]):
        return {"model": several}  # one model: a list of arrays
    named: dict[str, Any] = {}
    for model in several:
        base = model_name(model) if not hasattr(model, "__name__") else model.__name__
        name, number = base, 2
        while name in named:
            name, number = f"{base} {number}", number + 1
        named[name] = model
    return named


def _is_prediction(obj: Any) -> bool:
    """Whether this is an array or a torch tensor."""
    return isinstance(obj, np.ndarray) or (hasattr(obj, "detach") and hasattr(obj, "numpy"))
