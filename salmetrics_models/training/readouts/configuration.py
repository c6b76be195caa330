"""A training of readouts as a TOML file says it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from salmetrics.errors import InputError, check_choice
from salmetrics_models.deepgaze.architectures import (
    DEEPGAZE_1,
    DEEPGAZE_2,
    DEEPGAZE_2E,
    Architecture,
)
from salmetrics_models.devices import device_of
from salmetrics_models.training.inputs.backbones import check_weights
from salmetrics_models.training.inputs.stages import Stage, checked_stages
from salmetrics_models.training.loop.recipe import Recipe
from salmetrics_models.training.readouts.train import train
from salmetrics_models.training.readouts.trained import Trained
from salmetrics_models.training.toml_tables import (
    NUMBERS,
    STAGE,
    Configuration,
    Source,
    architecture_of,
    cache_options,
    checked,
    dataset_of,
    folds_of,
    recipe_of,
    run_options,
    scores_of_unseen,
    validation_of,
    weights_of,
)

__all__ = ["BASES", "Readouts", "read_readouts"]

BASES = {"deepgaze1": DEEPGAZE_1, "deepgaze2": DEEPGAZE_2, "deepgaze2e": DEEPGAZE_2E}

_MODEL: dict[str, Any] = {
    "base": str,
    "backbones": list,
    "layers": dict,
    "downsample": NUMBERS,
    "readout_factor": int,
    "map_factor": int,
    "instances": int,
    "seed": int,
}
_STAGE: dict[str, Any] = {
    **STAGE,
    "recipe": (str, dict),
    "scheme": str,
    "centre_bias": str,
    "image_weights": str,
    "fixation_weights": str,
    **{field.name: (*NUMBERS, str, list) for field in fields(Recipe)},
}


@dataclass(frozen=True, eq=False)
class Readouts(Configuration):
    """Readouts, in stages.

    Attributes
    ----------
    architecture, stages, out, options
        As `train` takes them.
    """

    architecture: Architecture
    stages: list[Stage]
    out: Path
    options: dict[str, Any]

    def summary(self) -> str:
        """Return what will be done, in a few lines."""
        names = ", ".join(backbone.name for backbone in self.architecture.backbones)
        n = self.options["n_instances"]
        lines = [f"{n} instance{'s' if n > 1 else ''} of readouts of {names}, in {self.out}"]
        for stage in self.stages:
            data, other = stage.dataset, stage.validation
            folds = "" if stage.folds is None else f", {stage.folds.n_folds} folds"
            stopped = "" if other is None else f", stopped on {other.name} ({len(other)} images)"
            lines.append(
                f"  {stage.name}: {data.name}, {len(data)} images, {len(data.fixations)} fixations"
                f"{folds}{stopped}"
            )
        return "\n".join(lines)

    def check(self) -> None:
        """Raise `InputError` for weights that aren't there, or a device."""
        check_weights(self.architecture, self.options["weights"])
        device_of(self.options.get("device", "auto"))

    def train(self, *, progress: bool = True) -> Trained:
        """Do as it says."""
        return train(self.architecture, self.stages, self.out, **self.options, progress=progress)

    def results(self, trained: Trained) -> Iterator[str]:
        """Yield the file, and scores: on validation images, and of readouts that saw no image."""
        n = trained.architecture.n_components
        yield f"wrote {trained.path}: {n} readouts of each backbone"
        validation = trained.validation()
        if not math.isnan(validation):
            yield f"IG on validation images {validation:.4f} bit, mean over readouts"
        if trained.stage.folds is None:
            return
        model = trained.from_features(name="cross-validated")
        yield from scores_of_unseen(model, trained.stage.dataset, trained.path)


def read_readouts(top: Mapping[str, Any], source: Source) -> Readouts:
    """Return what the tables of a file say."""
    model = checked("[model]", top.get("model", {}), _MODEL)
    architecture = architecture_of(model, BASES[model.get("base", "deepgaze2e")])
    options: dict[str, Any] = {
        "weights": weights_of(top, architecture, source),
        "n_instances": model.get("instances", 1),
        "seed": model.get("seed", 0),
    }
    options |= cache_options(top, source) | run_options(top.get("run", {}), source)
    if not top.get("stages"):
        raise InputError("there must be at least one table [[stages]]")
    stages = [
        _stage(f"[[stages]] {number}", one, source)
        for number, one in enumerate(top["stages"], start=1)
    ]
    for stage in stages:
        if "downsample" in model and stage.recipe.downsample not in (None, model["downsample"]):
            raise InputError(
                f"[model] and the recipe of {stage.name!r} have different downsample; leave out "
                "that of [model]"
            )
    return Readouts(architecture, checked_stages(stages), source.out, options)


def _stage(where: str, given: Any, source: Source) -> Stage:
    table = checked(where, given, _STAGE)
    for name in ("name", "dataset"):
        if name not in table:
            raise InputError(f"{where} must have a {name}")
    dataset = dataset_of(table, source)
    centre_bias = table.get("centre_bias", "fit")
    if centre_bias not in ("fit", "gaussian", "uniform"):
        centre_bias = source.folder / centre_bias
    image_weights = fixation_weights = None
    if "image_weights" in table:
        check_choice("image_weights", table["image_weights"], dataset.stimuli.attributes)
        image_weights = dataset.stimuli.attributes[table["image_weights"]]
    if "fixation_weights" in table:
        check_choice("fixation_weights", table["fixation_weights"], dataset.fixations.columns)
        fixation_weights = dataset.fixations.columns[table["fixation_weights"]]
    return Stage(
        table["name"],
        dataset,
        recipe_of(where, table),
        folds=folds_of(table, dataset, source.folder),
        validation=validation_of(table, source),
        centre_bias=centre_bias,
        image_weights=image_weights,
        fixation_weights=fixation_weights,
    )
