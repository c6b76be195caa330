"""Score many models on many data sets."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from salmetrics.array_types import Kind
from salmetrics.data.dataset import Dataset
from salmetrics.data.stimuli import Stimuli
from salmetrics.densities.resampling import Resize
from salmetrics.errors import (
    CollectedInputError,
    InputError,
    InputWarning,
    NotSavedWarning,
    call_all,
    check_choice,
    check_list,
    described,
)
from salmetrics.evaluation.evaluate import evaluate
from salmetrics.evaluation.scoring import missing_for_data
from salmetrics.io.checkpoint import NoCheckpointError
from salmetrics.io.map_stores import MAP_STORES
from salmetrics.metrics.registry import METRICS, whole_metrics
from salmetrics.models.base import Model
from salmetrics.models.conversion import as_model
from salmetrics.models.fitted_density import fitted_if_map
from salmetrics.models.short_names import checked_names
from salmetrics.models.stored_maps import StoredMaps, stem_of
from salmetrics.models.unfitted import check_some_fitted, or_unfitted
from salmetrics.protocols import Protocol, get_protocol
from salmetrics.results.earlier_boards import check_folder
from salmetrics.results.evaluation import Evaluation
from salmetrics.results.layouts import Layout, get_layout
from salmetrics.results.leaderboards import Benchmark, Skipped, first_shared

__all__ = ["benchmark", "part_for"]

Maker = Callable[[Dataset], Any]


def benchmark(
    datasets: Sequence[Dataset],
    models: Mapping[str, Any],
    *,
    made: Mapping[str, Callable[[Dataset], Any]] | None = None,
    empirical: Mapping[str, Any] | None = None,
    protocol: str | Protocol | None = None,
    metrics: Sequence[str] | None = None,
    layout: str | Layout | None = None,
    sort_by: str | None = None,
    gold_standard: bool = False,
    kind: Kind | None = None,
    resize: Resize | None = None,
    fit: bool = False,
    keep_going: bool = False,
    checkpoint: str | Path | None = None,
    out: str | Path | None = None,
    n_bootstrap: int = 1000,
    n_jobs: int | None = None,
    seed: int = 0,
    check: bool = True,
    progress: bool = True,
) -> Benchmark:
    """Score many models on many data sets.

    Everything is opened and checked before anything is scored. A metric that the data of some data
    set do not allow, such as CC without the width of the blur, is missing there, with the reason,
    and so is a model that cannot be fitted to it, such as a centre bias without fixations.

    Parameters
    ----------
    datasets
        Data sets with different names.
    models
        Models by name: anything that `as_model` takes. If a folder of maps has parts named like
        the data sets (``maps/toronto``, ``maps/toronto.zip``), each data set gets its own part.
    made
        Functions by name of the model, each of which makes the model for a data set, such as
        ``{"centre-bias": lambda dataset: CentreBias.fit(*dataset)}``.
    empirical
        Ground-truth maps that replace blurred fixations, by name of the data set; see `evaluate`.
    protocol, metrics
        See `evaluate`; by default those of the layout, if there is one. A metric of `metrics` must
        be possible on at least one data set.
    layout
        Name of a paper's layout of tables, or a `salmetrics.results.layouts.Layout`, in which the
        result is printed and saved.
    sort_by
        Key of the metric by which models are sorted; by default the first that all models have.
    gold_standard
        Whether each data set gets a gold standard, and its models IGE; where the subjects are not
        known, IGE is missing.
    kind, resize
        See `as_model`; `resize` applies to stored maps only.
    fit
        Turn saliency maps into densities first, with `fit_density`, so that they have LL and IG.
    keep_going
        Leave out models that cannot be opened or fail on an image, and data sets that fail or on
        which no model is left, and list them in the result; by default, they are an error.
    checkpoint
        Folder for finished chunks of images; an interrupted run resumes from it, with or without
        `keep_going`.
    out
        Folder into which the tables of each data set are written as soon as it is finished, before
        the next begins; all of them again in the end, see `Benchmark.save`. If it holds tables of
        another run, a warning says which are replaced; tables that compare data sets, and those of
        layouts, are removed with them.
    n_bootstrap, n_jobs, seed, check, progress
        See `evaluate`.

    Returns
    -------
    result : Benchmark
        Leaderboards by data set, and what was skipped.

    Warns
    -----
    NotSavedWarning
        If the disk is full, or fails otherwise, after something was computed: the result is
        returned, and not all of it is in `checkpoint` or `out`.

    Raises
    ------
    InputError
        Naming everything that is wrong with all models; or, with `keep_going`, if no model is
        left on any data set.

    Examples
    --------
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> datasets = [
    ...     salmetrics.Dataset(name, *generate_dataset(n, size=(24, 32)).dataset)
    ...     for name, n in (("small", 4), ("large", 6))
    ... ]
    >>> models = {"flat": salmetrics.Uniform(), "centred": salmetrics.GaussianCentreBias()}
    >>> result = benchmark(datasets, models, metrics=["LL"], n_bootstrap=0, progress=False)
    >>> result.generalisation["mean rank", ""].to_dict()
    {'centred': 1.0, 'flat': 2.0}
    """
    datasets = [datasets] if isinstance(datasets, Dataset) else list(datasets)
    names = [dataset.name for dataset in datasets]
    _check_names(names)
    makers = _makers(models, made, names)
    form = None if layout is None else get_layout(layout)
    if metrics is not None and gold_standard:
        metrics = whole_metrics(check_list("metrics", metrics))
    choices = _protocol(protocol, metrics, form)
    _check_order(sort_by, choices, form, datasets)
    opened, skipped = _open_all(
        datasets, makers, kind=kind, resize=resize, fit=fit, seed=seed, keep_going=keep_going
    )
    check_some_fitted(model for models in opened.values() for model in models.values())
    truths = _ground_truths(empirical, datasets)
    if metrics is not None:
        _check_possible(metrics, opened, datasets, choices, truths)
    refused: tuple[type[Exception], ...] = (Exception,) if keep_going else ()
    if out is not None:
        layout_name = None if form is None else form.name
        earlier = check_folder(Path(out), names, makers, ("gold-standard",), layout_name)
        if earlier is not None:
            warnings.warn(earlier, InputWarning, stacklevel=2)
        Path(out).mkdir(parents=True, exist_ok=True)
    evaluations: dict[str, Evaluation] = {}
    for dataset in datasets:
        name, ours = dataset.name, opened[dataset.name]
        if not ours:
            continue  # each model is among the skipped
        score = partial(
            evaluate,
            ours,
            *dataset,
            protocol=choices,
            gold_standard=gold_standard,
            empirical=truths.get(name),
            n_bootstrap=n_bootstrap,
            n_jobs=n_jobs,
            seed=seed,
            on_error="record" if keep_going else "raise",
            check=check,
            progress=progress,
        )
        try:
            result = _with_checkpoint(score, checkpoint, name, needed=not evaluations)
        except refused as error:
            skipped += [Skipped(name, model, _told(error)) for model in ours]
            continue
        except InputError as error:
            raise InputError(f"{name}: {error}{_kept(checkpoint, out, evaluations)}") from error
        left = _without_failures(result, dataset, skipped)
        if left is None:
            continue
        evaluations[name] = left
        if out is not None:
            alone = {name: evaluations[name]}
            order = sort_by or first_shared(alone)
            board = Benchmark(alone, (), order, layout=form)
            _saved(partial(board.save_dataset, name), out)
    if not evaluations:
        first, *others = (f"{s.model} on {s.dataset}: {s.reason}" for s in skipped)
        raise CollectedInputError([f"no model is left: {first}", *others])
    sort_by = sort_by or first_shared(evaluations)
    result_of_all = Benchmark(evaluations, skipped, sort_by, _maps_of_no_image(opened), form)
    if out is not None:
        _saved(result_of_all.save, out)
    return result_of_all


def _with_checkpoint(
    score: Callable[..., Evaluation], checkpoint: str | Path | None, name: str, *, needed: bool
) -> Evaluation:
    """Score a data set with a checkpoint, or without if it cannot be made and is not needed."""
    if checkpoint is None:
        return score()
    try:
        return score(checkpoint=Path(checkpoint) / name)
    except NoCheckpointError as error:
        if needed or not isinstance(error.__cause__, OSError):
            raise
        failure = error.__cause__
    warnings.warn(NotSavedWarning("checkpoint", checkpoint, failure), stacklevel=3)
    return score()


def _saved(write: Callable[[str | Path], None], out: str | Path) -> None:
    """Write tables; warn if the disk fails, so that the scores are not lost."""
    try:
        write(out)
    except OSError as failure:
        warnings.warn(NotSavedWarning("out", out, failure), stacklevel=3)


def _ground_truths(
    empirical: Mapping[str, Any] | None, datasets: Sequence[Dataset]
) -> dict[str, Model]:
    """Open ground-truth maps, by name of the data set."""
    if empirical is None:
        return {}
    if not isinstance(empirical, Mapping):
        raise InputError(
            "empirical must be a dict of ground-truth maps by name of the data set; got "
            f"{type(empirical).__name__}"
        )
    stimuli = {dataset.name: dataset.stimuli for dataset in datasets}
    for name in empirical:
        check_choice("data set of empirical", name, stimuli)
    return call_all(
        {name: partial(_ground_truth, maps, stimuli[name]) for name, maps in empirical.items()}
    )


def _ground_truth(maps: Any, stimuli: Stimuli) -> Model:
    try:
        return as_model(maps, stimuli, kind="saliency_map")
    except InputError as error:
        raise InputError(f"empirical=: {error}") from error


def _check_possible(
    metrics: Sequence[str],
    opened: Mapping[str, Mapping[str, Model]],
    datasets: Sequence[Dataset],
    protocol: Protocol,
    truths: Mapping[str, Any],
) -> None:
    """Raise `InputError` for a metric that the user asked for and no data set allows."""
    for key in metrics:
        check_choice("metric", key, METRICS)
    reasons: dict[str, dict[str, str]] = {key: {} for key in metrics}
    for dataset in datasets:
        models = opened[dataset.name]
        ground_truth = dataset.name in truths
        missing = missing_for_data(
            models, dataset.stimuli, dataset.fixations, protocol, ground_truth=ground_truth
        )
        for key in metrics:
            if key in missing:
                reasons[key][dataset.name] = missing[key]
    impossible = []
    for key, by_dataset in reasons.items():
        if len(by_dataset) == len(datasets):
            listed = "; ".join(f"{name}: {why}" for name, why in by_dataset.items())
            impossible.append(f"no data set allows {key}; {listed}")
    if impossible:
        raise CollectedInputError(impossible)


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, InputError) else described(error)


def _kept(checkpoint: Any, out: Any, evaluations: Mapping[str, Evaluation]) -> str:
    """Return what an error does not lose, as the end of its message."""
    kept = []
    if out is not None and evaluations:
        kept.append(f"the tables of {', '.join(evaluations)} are in {str(out)!r}")
    if checkpoint is not None:
        kept.append("finished parts of this data set are kept: the same call resumes there")
    return "".join(f". {text[0].upper()}{text[1:]}" for text in kept)


def _makers(
    models: Mapping[str, Any], made: Mapping[str, Maker] | None, names: Sequence[str]
) -> dict[str, Maker]:
    """Return functions that make each model for a data set, by name of the model."""
    if not isinstance(models, Mapping):
        raise InputError(f"models must be a dict by name; got {type(models).__name__}")
    parts = {
        name: partial(part_for, model, names=names)
        for name, model in zip(checked_names(models), models.values(), strict=True)
    }
    makers: dict[str, Maker] = {**parts, **(made or {})}
    if len(makers) < len(models) + len(made or {}) or not makers:
        raise InputError("models must be at least one, with different names")
    return makers


def _protocol(
    protocol: str | Protocol | None, metrics: Sequence[str] | None, form: Layout | None
) -> Protocol:
    """Return the protocol, which a layout decides unless one is named, with its metrics."""
    if protocol is None:
        protocol = "default" if form is None else form.protocol
    choices = get_protocol(protocol)
    if metrics is None and form is not None:
        metrics = form.metrics_under(choices)
    return choices if metrics is None else choices.override(metrics=tuple(metrics))


def _check_order(
    sort_by: str | None, protocol: Protocol, form: Layout | None, datasets: Sequence[Dataset]
) -> None:
    """Check that the metrics and attributes exist by which tables are sorted and grouped."""
    if form is not None:
        if sort_by is not None:
            raise InputError(
                f"layout {form.name!r} determines the order of the models; leave out sort_by="
            )
        attributes = {dataset.name: dataset.stimuli.attributes for dataset in datasets}
        call_all(
            {n: partial(form.check, protocol.metrics, known) for n, known in attributes.items()}
        )
    if sort_by is not None:
        check_choice("sort_by", sort_by, protocol.metrics)


def _open_all(
    datasets: Sequence[Dataset], makers: Mapping[str, Maker], *, keep_going: bool, **options: Any
) -> tuple[dict[str, dict[str, Model]], list[Skipped]]:
    """Open every model for every data set, before anything is scored.

    Returns
    -------
    opened : dict
        Models by name of the data set, and then of the model.
    skipped : list of Skipped
        Models that cannot be opened.

    Raises
    ------
    InputError
        Naming everything that is wrong with all models, unless `keep_going`.
    """
    skipped: list[Skipped] = []
    opened: dict[str, dict[str, Model]] = {dataset.name: {} for dataset in datasets}
    refused: tuple[type[Exception], ...] = (Exception,) if keep_going else (InputError, OSError)
    for dataset in datasets:
        for name, make in makers.items():
            try:
                opened[dataset.name][name] = _opened(make, dataset, **options)
            except refused as error:
                skipped.append(Skipped(dataset.name, name, _told(error)))
    if skipped and not keep_going:
        raise CollectedInputError(f"{s.model} on {s.dataset}: {s.reason}" for s in skipped)
    return opened, skipped


def _maps_of_no_image(opened: Mapping[str, Mapping[str, Model]]) -> dict[tuple[str, str], int]:
    """Return the number of stored maps that belong to no image, by (data set, model)."""
    return {
        (dataset, name): len(stored.extra)
        for dataset, models in opened.items()
        for name, model in models.items()
        if isinstance(stored := getattr(model, "stored", None), StoredMaps) and stored.extra
    }


def _check_names(names: Sequence[str]) -> None:
    """Check that the names of data sets differ and can name files of results."""
    if not names or len(set(names)) < len(names):
        raise InputError(f"data sets must be at least one, with different names; got {names!r}")
    for name in names:
        taken = name in ("checkpoint", "generalisation", "skipped")
        if taken or not name or name.startswith(".") or set(name) & set("/\\\0"):
            raise InputError(
                f"data set {name!r} cannot name a file of results; give it another name: "
                "Dataset(name, stimuli, fixations)"
            )


def part_for(model: Any, dataset: Dataset, names: Sequence[str] = ()) -> Any:
    """Return the part of a folder of maps that belongs to a data set, if the folder has parts.

    Parameters
    ----------
    model
        Path of a folder; anything else is returned as it is.
    dataset
        The data set.
    names
        Names of all data sets: if the folder has parts for others, it must have one for this.

    Raises
    ------
    InputError
        If the folder has several parts of the data set's name, or parts for others only.
    """
    if not isinstance(model, (str, Path)) or not os.path.isdir(model):
        return model
    parts: dict[str, list[Path]] = {}
    for path in sorted(Path(model).iterdir()):
        if path.is_dir() or path.name.lower().endswith(MAP_STORES):
            parts.setdefault(stem_of(path), []).append(path)
    own = parts.get(dataset.name, [])
    if len(own) > 1:
        raise InputError(
            f"{str(model)!r} has {len(own)} things named like the data set: "
            f"{', '.join(path.name for path in own)}"
        )
    others = [name for name in names if name in parts]
    if not own and others:
        raise InputError(f"{str(model)!r} has maps for {', '.join(others)}, not for {dataset.name}")
    return own[0] if own else model


def _opened(
    make: Maker,
    dataset: Dataset,
    *,
    kind: Kind | None,
    resize: Resize | None,
    fit: bool,
    seed: int,
) -> Model:
    obj = or_unfitted(partial(make, dataset))
    is_stored = isinstance(obj, (str, Path))
    model = as_model(obj, dataset.stimuli, kind=kind, resize=resize if is_stored else None)
    return fitted_if_map(model, *dataset, seed=seed) if fit else model


def _without_failures(
    result: Evaluation, dataset: Dataset, skipped: list[Skipped]
) -> Evaluation | None:
    """Leave out models that failed on any image, as they are not comparable with the others."""
    failed = result.errors.groupby("model", sort=False)
    for model, rows in failed:
        first = rows.iloc[0]
        reason = (
            f"failed on {len(rows)} of {len(dataset)} images, the first is {first['image']!r}: "
            f"{first['error']}"
        )
        skipped.append(Skipped(dataset.name, str(model), reason))
    left = [model for model in result.models if model not in failed.groups]
    return result.select(left) if set(left) - {result.gold_standard} else None
