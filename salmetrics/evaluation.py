"""One pass over the images: every model predicts once, every metric scores what it wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.averaging import average_over_fixations, average_over_images
from salmetrics.empirical import Smoothing
from salmetrics.errors import InputError, check_choice
from salmetrics.fixations import Fixations
from salmetrics.metrics.auc import Negatives, count_pixels
from salmetrics.metrics.inputs import CheckedMap, as_map, pixel_indices
from salmetrics.metrics.registry import METRICS, Observation
from salmetrics.models.base import (
    DensityModel,
    Model,
    SaliencyMapModel,
    as_array,
    check_size,
    checked_log_density,
    model_name,
)
from salmetrics.models.baselines import CentreBias
from salmetrics.models.convert import as_model
from salmetrics.nonfixations import OtherFixations
from salmetrics.optimal import OPTIMAL_MAPS, WHY_NOT, optimal_map
from salmetrics.protocols import Protocol, get_protocol
from salmetrics.results import Evaluation
from salmetrics.stimuli import Stimuli, Stimulus

__all__ = ["Scores", "evaluate", "score_models"]

NO_DENSITY = (
    "a saliency map has no log likelihood; turn the maps into densities first (fit_density, in a "
    "coming version)"
)
_SUBJECT_DEPENDENT = "predictions depend on the subject, and this metric has one value an image"
_EMPIRICAL_MAP_METRICS = ("CC", "EMD", "KLDiv", "SIM", "SIM-MATLAB")


def evaluate(
    models: Any,
    stimuli: Stimuli,
    fixations: Fixations,
    *,
    metrics: Sequence[str] | None = None,
    protocol: str | Protocol = "default",
    baseline: Any = None,
    kind: str | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Evaluation:
    """Score models with all metrics in one pass: one prediction per image and model.

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
    kind
        What raw arrays and functions give: "log_density", "density" or "saliency_map".
    seed
        Of everything random: which other images sAUC-MATLAB draws.
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
    chosen = get_protocol(protocol)
    if metrics is not None:
        chosen = chosen.override(metrics=tuple(metrics))
    named = {name: as_model(model, stimuli, kind=kind) for name, model in _named(models).items()}
    scores = score_models(
        named, stimuli, fixations, chosen, baseline=baseline, seed=seed, progress=progress
    )
    return Evaluation(scores, stimuli.ids, fixations.image, fixations.subject, chosen, seed=seed)


@dataclass
class Scores:
    """Values of models and metrics.

    Attributes
    ----------
    values
        By (model, metric): float64, one a fixation, shape (n_fixations,), or one an image, shape
        (n_images,), NaN where there is none.
    reasons
        By (model, metric): why there is no value at all.
    baseline
        What IG is relative to; None if no metric needs a baseline.
    n_predictions
        How many predictions were made, for all models together.
    """

    values: dict[tuple[str, str], NDArray[np.float64]]
    reasons: dict[tuple[str, str], str]
    baseline: str | None
    n_predictions: int


def score_models(
    models: Mapping[str, Model],
    stimuli: Stimuli,
    fixations: Fixations,
    protocol: Protocol,
    *,
    baseline: Any = None,
    empirical: Any = None,
    nonfixations: Fixations | None = None,
    seed: int = 0,
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
    baseline, seed, progress
        As in `evaluate`.
    empirical
        Ground-truth maps instead of blurred fixations, as `as_model` takes them.
    nonfixations
        Negatives of AUC, instead of the protocol's.
    """
    from threadpoolctl import threadpool_limits
    from tqdm import tqdm

    if not models:
        raise InputError("models must hold at least one model")
    for key in protocol.metrics:
        check_choice("metric", key, METRICS)
    fixations.check_against(stimuli)
    if len(fixations) == 0:
        raise InputError("there are no fixations to score models on")
    images = np.flatnonzero(fixations.counts())
    observe = _Observer(stimuli, fixations, protocol, baseline, empirical, nonfixations, seed)
    runs = [
        _ModelRun(name, model, protocol, stimuli[images], len(fixations), len(stimuli))
        for name, model in models.items()
    ]
    with threadpool_limits(1, "blas"):  # other numbers of threads give other last bits
        for i in tqdm(images.tolist(), disable=None if progress else True, delay=2, unit="image"):
            rows = fixations.rows_of_image(i)
            seen = observe(i, rows)
            for run in runs:
                run.score_image(i, stimuli[i], fixations, rows, seen, observe)
    return Scores(
        values={(run.name, key): run.values[key] for run in runs for key in protocol.metrics},
        reasons={(run.name, key): why for run in runs for key, why in run.reasons.items()},
        baseline=observe.baseline_name,
        n_predictions=sum(run.n_predictions for run in runs),
    )


def average_scores(
    scores: Scores, model: str, metric: str, fixations: Fixations, average: str
) -> float:
    """Average one model's values of one metric."""
    values = scores.values[model, metric]
    if METRICS[metric].per == "image":
        return average_over_images(values, average)
    subjects = np.unique(fixations.subject, return_inverse=True)[1]
    return average_over_fixations(values, fixations.image, subjects, average)


class _ModelRun:
    """One model's way through the images, and its results."""

    def __init__(
        self,
        name: str,
        model: Model,
        protocol: Protocol,
        stimuli: Stimuli,
        n_fixations: int,
        n_images: int,
    ) -> None:
        self.name = name
        self.model = model
        self.protocol = protocol
        self.n_predictions = 0
        self.reasons = {
            key: why for key in protocol.metrics if (why := _why_not(model, key, protocol))
        }
        self.values = {
            key: np.full(n_fixations if METRICS[key].per == "fixation" else n_images, np.nan)
            for key in protocol.metrics
        }
        scored = [key for key in protocol.metrics if key not in self.reasons]
        self._own_likelihoods = isinstance(model, DensityModel) and (
            model.subject_dependent
            or type(model).log_likelihoods is not DensityModel.log_likelihoods
        )
        self._on_likelihoods = [key for key in scored if METRICS[key].needs_density]
        self._on_maps = [key for key in scored if not METRICS[key].needs_density]
        needs_map = bool(self._on_maps or (self._on_likelihoods and not self._own_likelihoods))
        self._predictions: Iterator[Any] | None = None
        if needs_map and isinstance(model, SaliencyMapModel):
            self._predictions = iter(model.saliency_maps(stimuli))
        elif needs_map and isinstance(model, DensityModel) and not model.subject_dependent:
            self._predictions = iter(model.log_densities(stimuli))

    def score_image(
        self,
        i: int,
        stimulus: Stimulus,
        fixations: Fixations,
        rows: NDArray[np.int64],
        seen: Observation,
        observe: _Observer,
    ) -> None:
        """Fill in this model's values for image i."""
        prediction = None if self._predictions is None else self._next(stimulus)
        if self._on_likelihoods:
            if self._own_likelihoods:
                nats = _likelihoods_of_image(self.model, observe.stimuli, fixations, i)
            else:
                assert prediction is not None
                pixels = pixel_indices(seen.x, seen.y, prediction.shape)
                nats = prediction.flat[pixels].astype(np.float64)
            for key in self._on_likelihoods:
                self.values[key][rows] = METRICS[key].score(nats, seen)
        if prediction is not None:
            self._score_map(i, rows, prediction, seen, observe)
        elif self._on_maps:
            self._score_subjects(i, stimulus, fixations, rows, observe)

    def _score_subjects(
        self,
        i: int,
        stimulus: Stimulus,
        fixations: Fixations,
        rows: NDArray[np.int64],
        observe: _Observer,
    ) -> None:
        """One map for each subject who looked at the image."""
        assert isinstance(self.model, DensityModel)
        subjects = fixations.subject[rows]
        for subject in np.unique(subjects):
            chosen = rows[subjects == subject]
            density = self.model.log_density(stimulus, subject=subject)
            prediction = checked_log_density(as_array(density), stimulus, self)
            self.n_predictions += 1
            self._score_map(i, chosen, prediction, observe(i, chosen), observe)

    def _score_map(
        self,
        i: int,
        rows: NDArray[np.int64],
        prediction: CheckedMap,
        seen: Observation,
        observe: _Observer,
    ) -> None:
        made: dict[Callable[..., CheckedMap], CheckedMap] = {}
        for key in self._on_maps:
            scored = prediction
            if isinstance(self.model, DensityModel):
                which = key if self.protocol.maps == "optimal" else "NSS"  # NSS: p itself
                if OPTIMAL_MAPS[which] not in made:
                    made[OPTIMAL_MAPS[which]] = optimal_map(which, prediction, observe.smoothing)
                scored = made[OPTIMAL_MAPS[which]]
            where = rows if METRICS[key].per == "fixation" else i
            self.values[key][where] = METRICS[key].score(scored, seen)

    def _next(self, stimulus: Stimulus) -> CheckedMap:
        assert self._predictions is not None
        try:
            prediction = as_array(next(self._predictions))
        except StopIteration:
            raise InputError(
                f"{self.name} stopped predicting before image {stimulus.id!r}; log_densities and "
                "saliency_maps must yield one prediction an image"
            ) from None
        self.n_predictions += 1
        if isinstance(self.model, DensityModel):
            return checked_log_density(prediction, stimulus, self)
        checked = as_map(prediction, f"the saliency map of {self.name} for image {stimulus.id!r}")
        check_size(checked, stimulus, self)
        return checked


class _Observer:
    """Makes the `Observation` of each image, and what all images share."""

    def __init__(
        self,
        stimuli: Stimuli,
        fixations: Fixations,
        protocol: Protocol,
        baseline: Any,
        empirical: Any,
        nonfixations: Fixations | None,
        seed: int,
    ) -> None:
        self.stimuli = stimuli
        self._fixations = fixations
        self._protocol = protocol
        self._seed = seed
        self._nonfixations = nonfixations
        self._others = OtherFixations(stimuli, fixations)
        self._empirical: SaliencyMapModel | None = None
        if nonfixations is not None:
            nonfixations.check_against(stimuli, "nonfixations")
        if empirical is not None:
            maps = as_model(empirical, stimuli, kind="saliency_map")
            if not isinstance(maps, SaliencyMapModel):
                raise InputError("empirical must give saliency maps, not densities")
            self._empirical = maps
        self._baseline: DensityModel | None = None
        if {"IG", "IG-MATLAB"} & set(protocol.metrics):
            self._baseline = _baseline_model(baseline, stimuli, fixations)
        self.smoothing = Smoothing()
        if set(_EMPIRICAL_MAP_METRICS) & set(protocol.metrics):
            self.smoothing = smoothing_of(protocol, stimuli)

    @property
    def baseline_name(self) -> str | None:
        """What IG is relative to."""
        return None if self._baseline is None else model_name(self._baseline)

    def __call__(self, i: int, rows: NDArray[np.int64]) -> Observation:
        """Observe image i and some of its fixations."""
        return Observation(
            x=self._fixations.x[rows],
            y=self._fixations.y[rows],
            protocol=self._protocol,
            make_empirical_map=partial(self._empirical_map, i),
            make_negatives=partial(self._negatives, i, rows.size),
            make_other_negatives=partial(self._others.of_all, i),
            make_other_pixels=partial(self._others.of_some, i, self._protocol.n_other, self._seed),
            make_baseline=partial(self._baseline_likelihoods, i, rows),
            make_baseline_map=partial(self._baseline_map, i),
        )

    def _empirical_map(self, i: int) -> CheckedMap:
        if self._empirical is not None:
            stimulus = self.stimuli[i]
            name = f"the empirical map for image {stimulus.id!r}"
            checked = as_map(as_array(self._empirical.saliency_map(stimulus)), name)
            check_size(checked, stimulus, self._empirical)
            return checked
        pixels = self._pixels(self._fixations, i)
        if self._protocol.binary:
            pixels = np.unique(pixels)
        return as_map(self.smoothing.points(tuple(self.stimuli.sizes[i].tolist()), pixels))

    def _negatives(self, i: int, n_rows: int) -> Negatives | str:
        if self._nonfixations is not None:
            return count_pixels(self._pixels(self._nonfixations, i))
        own = self._fixations.rows_of_image(i)
        if self._protocol.nonfixations == "unfixated" and n_rows < own.size:
            # one subject's fixations are scored, but a pixel that another fixated is fixated too
            everywhere = np.arange(int(np.prod(self.stimuli.sizes[i])))
            fixated = np.unique(self._pixels(self._fixations, i))
            return Negatives(everywhere, np.ones(everywhere.size, np.int64), fixated)
        return self._protocol.nonfixations

    def _pixels(self, fixations: Fixations, i: int) -> NDArray[np.int64]:
        rows = fixations.rows_of_image(i)
        size = tuple(self.stimuli.sizes[i].tolist())
        return pixel_indices(fixations.x[rows], fixations.y[rows], size)

    def _baseline_likelihoods(self, i: int, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        assert self._baseline is not None
        nats = _likelihoods_of_image(self._baseline, self.stimuli, self._fixations, i)
        return nats[np.isin(self._fixations.rows_of_image(i), rows)]

    def _baseline_map(self, i: int) -> CheckedMap:
        assert self._baseline is not None
        stimulus = self.stimuli[i]
        density = checked_log_density(
            as_array(self._baseline.log_density(stimulus)), stimulus, self._baseline
        )
        return as_map(np.exp(density.values, dtype=np.float64))


def smoothing_of(protocol: Protocol, stimuli: Stimuli) -> Smoothing:
    """Return how empirical maps are made: the protocol's sigma, the stimuli's, or one degree.

    Raises
    ------
    InputError
        If none of the three is known.
    """
    sigma = protocol.sigma or stimuli.sigma or stimuli.pixels_per_degree
    if sigma is None and protocol.cycles is None:
        raise InputError(
            "the width of the empirical maps is not known: pass sigma= (pixels), or give the "
            "stimuli sigma= or pixels_per_degree=, or leave out "
            f"{', '.join(_EMPIRICAL_MAP_METRICS)}"
        )
    return Smoothing(
        sigma=sigma or 0.0,
        boundary=protocol.boundary,
        truncate=protocol.truncate,
        cycles=protocol.cycles,
    )


def _named(models: Any) -> dict[str, Any]:
    """Models by name; equal names get numbers."""
    if isinstance(models, Mapping):
        if not models:
            raise InputError("models must hold at least one model")
        if _is_prediction(next(iter(models.values()))):
            return {"model": models}  # one model: a dict of arrays by image id
        return {str(name): model for name, model in models.items()}
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


def _why_not(model: Model, key: str, protocol: Protocol) -> str | None:
    """Why a model has no value of a metric; None if it has."""
    if isinstance(model, SaliencyMapModel):
        return NO_DENSITY if METRICS[key].needs_density else None
    if METRICS[key].needs_density:
        return None
    if model.subject_dependent and METRICS[key].per == "image":
        return _SUBJECT_DEPENDENT
    if protocol.maps == "optimal":
        return WHY_NOT.get(key)
    return None


def _likelihoods_of_image(
    model: Any, stimuli: Stimuli, fixations: Fixations, i: int
) -> NDArray[np.float64]:
    nats = model.log_likelihoods(stimuli[[i]], fixations.select_images([i]))
    if np.shape(nats) != (fixations.rows_of_image(i).size,) or np.isnan(nats).any():
        raise InputError(
            f"log_likelihoods of {model_name(model)} for image {stimuli.ids[i]!r} must be one "
            "number a fixation, without NaN"
        )
    return np.asarray(nats, dtype=np.float64)


def _baseline_model(baseline: Any, stimuli: Stimuli, fixations: Fixations) -> DensityModel:
    if baseline is None:
        return CentreBias(stimuli, fixations)
    model = as_model(baseline, stimuli, kind="log_density")
    if not isinstance(model, DensityModel):
        raise InputError(f"baseline must give densities; {model_name(model)} gives saliency maps")
    return model
