"""Trainings of DeepGaze IIE-ACW configured by TOML files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from salmetrics.data.dataset import Dataset
from salmetrics.data.folds import Folds, stratified
from salmetrics.errors import InputError
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E_ACW, Architecture
from salmetrics_models.devices import device_of
from salmetrics_models.training.deepgaze_acw.train import TrainedACW, train_acw
from salmetrics_models.training.inputs.backbones import files_of
from salmetrics_models.training.loop.recipe import RECIPES, Recipe
from salmetrics_models.training.toml_tables import (
    NUMBERS,
    SPLIT,
    STAGE,
    Configuration,
    Split,
    TomlSource,
    architecture_of,
    cache_options,
    checked,
    dataset_of,
    folds_of,
    only_stage,
    recipe_of,
    run_options,
    scores_of_unseen,
    split_of,
    validation_of,
    weights_of,
)

__all__ = ["CategoryWeights", "read_acw"]

_MODEL: dict[str, Any] = {
    "base": str,
    "backbones": list,
    "layers": dict,
    "downsample": NUMBERS,
    "readout_factor": int,
    "map_factor": int,
    "least_side": int,
    "smooth": bool,
    "mixing": str,
    "category_rate": NUMBERS,
    "instances": int,
    "seed": int,
}
_STAGE: dict[str, Any] = {
    **STAGE,
    **SPLIT,
    "recipe": (str, dict),
    "centre_bias": str,
    **{field.name: (*NUMBERS, str, list) for field in fields(Recipe)},
}


@dataclass(frozen=True, eq=False)
class CategoryWeights(Configuration):
    """A training of DeepGaze IIE-ACW.

    Attributes
    ----------
    dataset, out
        See `train_acw`.
    options
        Further arguments of `train_acw`.
    parts
        The whole data set in parts, of which `dataset` is that to train on; None if it is not
        split.
    """

    dataset: Dataset
    out: Path
    options: dict[str, Any]
    parts: Split | None = None

    def summary(self) -> str:
        """Return two lines on what will be trained."""
        architecture: Architecture = self.options["architecture"]
        names = ", ".join(backbone.name for backbone in architecture.backbones)
        folds = self.options["folds"]
        cut = f"{folds.n_folds} folds" if isinstance(folds, Folds) else "one model"
        if self.parts is not None:
            cut = f"one model; in all, {self.parts}"
        data = self.dataset
        return (
            f"readouts of {names}, weighted by category, in {self.out}\n"
            f"  {data.name}, {len(data)} images, {len(data.fixations)} fixations, {cut}"
        )

    def check(self) -> None:
        """Raise `InputError` if weights are missing, or the device does not exist."""
        files_of(self.options["architecture"], self.options["weights"])
        device_of(self.options.get("device", "auto"))

    def train(self, *, progress: bool = True) -> TrainedACW:
        """Run the training that this file configures."""
        trained = train_acw(self.dataset, self.out, **self.options, progress=progress)
        if self.parts is not None:
            self.parts.save(self.out / "split.csv")
        return trained

    def results(self, trained: TrainedACW) -> Iterator[str]:
        """Yield the path of the weights, the categories' weights, and scores on test images."""
        model = trained.model(device="cpu")
        yield f"wrote {trained.path}: weights of backbones, mean over folds"
        yield model.category_weights().round(3).to_string()
        best = trained.history.groupby("fold", dropna=False)["IG"].max()
        yield f"\nIG on validation images {best.mean():.4f} bit, mean over folds"
        device = self.options.get("device", "auto")
        by = " --by category"
        if self.parts is not None:
            whole = trained.model(device=device)
            yield from scores_of_unseen(whole, self.parts.test, trained.path, by)
        elif trained.folds is not None:
            crossed = trained.cross_validated(device=device)
            yield from scores_of_unseen(crossed, self.dataset, trained.path, by)


def read_acw(top: Mapping[str, Any], source: TomlSource) -> CategoryWeights:
    """Return the training that the tables of a file configure.

    Parameters
    ----------
    top
        Contents of the file.
    source
        The file.

    Raises
    ------
    InputError
        For unknown keys and invalid values.
    """
    model = checked("[model]", top.get("model", {}), _MODEL)
    own = {k: model[k] for k in ("least_side", "smooth") if k in model}
    architecture = replace(architecture_of(model, DEEPGAZE_2E_ACW), **own)
    where, stage = only_stage(top, _STAGE, "DeepGaze IIE-ACW")
    dataset, validation = dataset_of(stage, source), validation_of(stage, source)
    parts = split_of(where, stage, dataset, "category")
    if parts is not None:
        dataset, validation = parts.training, parts.validation
    centre_bias = stage.get("centre_bias", "gaussian")
    if centre_bias not in ("fit", "gaussian", "uniform"):
        centre_bias = source.folder / centre_bias
    cache = cache_options(top, source)
    if "keep_features" in cache:
        raise InputError("[features]: DeepGaze IIE-ACW always keeps its features; leave out keep")
    options: dict[str, Any] = {
        "architecture": architecture,
        "weights": weights_of(top, architecture, source),
        "folds": folds_of(stage, dataset, source.folder, _by_category) or "none",
        "validation": validation,
        "n_instances": model.get("instances"),
        "recipe": recipe_of(where, stage, usual=RECIPES["deepgaze2e-acw"]),
        "centre_bias": centre_bias,
        **{k: model[k] for k in ("category_rate", "mixing", "seed") if k in model},
        **cache,
        **run_options(top.get("run", {}), source),
    }
    return CategoryWeights(dataset, source.out, options, parts)


def _by_category(dataset: Dataset, n_folds: int) -> Folds:
    return stratified(dataset.stimuli, n_folds=n_folds)
