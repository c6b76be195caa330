"""Trainings of readouts configured by TOML files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from salmetrics.errors import InputError, check_choice, some
from salmetrics_models.deepgaze.architectures import (
    DEEPGAZE_1,
    DEEPGAZE_2,
    DEEPGAZE_2E,
    Architecture,
)
from salmetrics_models.devices import device_of
from salmetrics_models.training.inputs.backbones import files_of
from salmetrics_models.training.inputs.features import image_digests
from salmetrics_models.training.inputs.stages import Stage, checked_stages
from salmetrics_models.training.loop.recipe import Recipe
from salmetrics_models.training.readouts.train import train
from salmetrics_models.training.readouts.trained import Trained
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
    recipe_of,
    run_options,
    scores_of_unseen,
    split_of,
    validation_of,
    weights_of,
)

__all__ = ["BASES", "ReadoutStages", "read_readouts"]

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
    **SPLIT,
    "recipe": (str, dict),
    "scheme": str,
    "together": list,
    "centre_bias": str,
    "image_weights": str,
    "fixation_weights": str,
    **{field.name: (*NUMBERS, str, list) for field in fields(Recipe)},
}


@dataclass(frozen=True, eq=False)
class ReadoutStages(Configuration):
    """A training of readouts in stages.

    Attributes
    ----------
    architecture, stages, out
        See `train`.
    options
        Further arguments of `train`.
    parts
        The data sets of stages that split them, by name of the stage.
    """

    architecture: Architecture
    stages: list[Stage]
    out: Path
    options: dict[str, Any]
    parts: dict[str, Split] = field(default_factory=dict)

    def summary(self) -> str:
        """Return a few lines on what will be trained."""
        names = ", ".join(backbone.name for backbone in self.architecture.backbones)
        n = self.options["n_instances"]
        lines = [f"{n} instance{'s' if n > 1 else ''} of readouts of {names}, in {self.out}"]
        for stage in self.stages:
            data, other = stage.dataset, stage.validation
            folds = "" if stage.folds is None else f", {stage.folds.n_folds} folds"
            validated = (
                "" if other is None else f", validated on {other.name} ({len(other)} images)"
            )
            lines.append(
                f"  {stage.name}: {data.name}, {len(data)} images, {len(data.fixations)} fixations"
                f"{folds}{validated}"
            )
            if stage.name in self.parts:
                lines[-1] += f"; in all, {self.parts[stage.name]}"
        return "\n".join(lines)

    def check(self) -> None:
        """Raise `InputError` if weights are missing, or the device does not exist."""
        files_of(self.architecture, self.options["weights"])
        device_of(self.options.get("device", "auto"))

    def train(self, *, progress: bool = True) -> Trained:
        """Run the training that this file configures."""
        self._check_tested()
        trained = train(self.architecture, self.stages, self.out, **self.options, progress=progress)
        for name, parts in self.parts.items():
            parts.save(self.out / f"split-{name}.csv")
        return trained

    def _check_tested(self) -> None:
        """Raise `InputError` if a stage is trained on images that the last one holds out."""
        last = self.stages[-1].name
        if last not in self.parts:
            return
        test = self.parts[last].test.stimuli
        held_out = dict(zip(image_digests(test), test.ids, strict=True))
        for stage in self.stages:
            digests = image_digests(stage.dataset.stimuli)
            shared = [held_out[digest] for digest in digests if digest in held_out]
            if shared:
                raise InputError(
                    f"stage {stage.name!r} is trained on {len(shared)} of the images that split "
                    f"leaves for test: {some(shared)}. Leave them out of stage {stage.name!r}"
                )

    def results(self, trained: Trained) -> Iterator[str]:
        """Yield the path of the weights, then scores on validation images and on test images."""
        n = trained.architecture.n_components
        yield f"wrote {trained.path}: {n} readouts of each backbone"
        validation = trained.validation()
        if not math.isnan(validation):
            yield f"IG on validation images {validation:.4f} bit, mean over readouts"
        parts = self.parts.get(trained.stage.name)
        if parts is not None:
            whole = trained.model(device=self.options.get("device", "auto"))
            yield from scores_of_unseen(whole, parts.test, trained.path)
        elif trained.stage.folds is not None:
            crossed = trained.from_features(name="cross-validated")
            yield from scores_of_unseen(crossed, trained.stage.dataset, trained.path)


def read_readouts(top: Mapping[str, Any], source: TomlSource) -> ReadoutStages:
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
    architecture = architecture_of(model, BASES[model.get("base", "deepgaze2e")])
    options: dict[str, Any] = {
        "weights": weights_of(top, architecture, source),
        "n_instances": model.get("instances", 1),
        "seed": model.get("seed", 0),
    }
    options |= cache_options(top, source) | run_options(top.get("run", {}), source)
    if not top.get("stages"):
        raise InputError("there must be at least one table [[stages]]")
    parts: dict[str, Split] = {}
    stages = [
        _stage(f"[[stages]] {number}", table, source, parts)
        for number, table in enumerate(top["stages"], start=1)
    ]
    for stage in stages[:-1]:
        if stage.name in parts:
            raise InputError(
                f"only the last stage may have split; {stage.name!r} is an earlier one"
            )
    for stage in stages:
        if "downsample" in model and stage.recipe.downsample not in (None, model["downsample"]):
            raise InputError(
                f"[model] and the recipe of {stage.name!r} have different values of downsample; "
                "leave out that of [model]"
            )
    return ReadoutStages(architecture, checked_stages(stages), source.out, options, parts)


def _stage(where: str, given: Any, source: TomlSource, parts: dict[str, Split]) -> Stage:
    """Return a stage; if it splits its data set, add the parts to those given."""
    table = checked(where, given, _STAGE)
    for name in ("name", "dataset"):
        if name not in table:
            raise InputError(f"{where} must have a {name}")
    dataset, validation = dataset_of(table, source), validation_of(table, source)
    cut = split_of(where, table, dataset)
    if cut is not None:
        parts[table["name"]] = cut
        dataset, validation = cut.training, cut.validation
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
        validation=validation,
        centre_bias=centre_bias,
        image_weights=image_weights,
        fixation_weights=fixation_weights,
    )
