"""Tables of a TOML file that says a training: their keys, data sets, recipes and folds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from salmetrics.data.dataset import Dataset
from salmetrics.data.folds import SCHEMES, Folds, kfold, mit1003
from salmetrics.data.transforms import resize
from salmetrics.errors import InputError, check_choice
from salmetrics.evaluation.evaluate import evaluate
from salmetrics.models.base import DensityModel
from salmetrics_models.backbones.backbone import known_backbones
from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.training.loop.recipe import Recipe, named_recipe

__all__ = [
    "NUMBERS",
    "STAGE",
    "Configuration",
    "Load",
    "Source",
    "architecture_of",
    "cache_options",
    "checked",
    "dataset_of",
    "folds_of",
    "only_stage",
    "recipe_of",
    "run_options",
    "scores_of_unseen",
    "validation_of",
    "weights_of",
]

NUMBERS = (int, float)
_OF_RECIPES: dict[str, Any] = {field.name: (*NUMBERS, str, list) for field in fields(Recipe)}

STAGE: dict[str, Any] = {
    "name": str,
    "dataset": str,
    "root": str,
    "first": int,
    "size": list,
    "validation": str,
    "validation_root": str,
    "folds": (int, str),
}
"""Keys, and types of their values, of all tables [[stages]]."""

_RUN: dict[str, Any] = {
    "device": str,
    "threads": int,
    "metrics": list,
    "tensorboard": bool,
    "save_seconds": NUMBERS,
}

Load = Callable[[str, Path | None], Dataset]


@dataclass(frozen=True)
class Source:
    """Where a file is, and how its data are got.

    Attributes
    ----------
    folder
        Of the file; paths in it are relative to that.
    load
        Gives a data set by its name and its folder.
    out
        Folder of the results.
    changes
        Options that are not the file's.
    """

    folder: Path
    load: Load
    out: Path
    changes: Mapping[str, Any]


class Configuration(ABC):
    """What a file says, with its data loaded."""

    @abstractmethod
    def summary(self) -> str:
        """Return what will be done, in a few lines."""

    @abstractmethod
    def check(self) -> None:
        """Raise `InputError` for weights that aren't there, or a device."""

    @abstractmethod
    def train(self, *, progress: bool = True) -> Any:
        """Do as it says."""

    @abstractmethod
    def results(self, trained: Any) -> Iterator[str]:
        """Yield what there is to say about what `train` made; scores are computed meanwhile."""


def dataset_of(table: Mapping[str, Any], source: Source) -> Dataset:
    """Return the data set of a stage."""
    return _loaded(table["dataset"], table.get("root"), table, source)


def validation_of(table: Mapping[str, Any], source: Source) -> Dataset | None:
    """Return the data set that a stage is validated on, if there is one."""
    if "validation" not in table:
        return None
    root = table.get("validation_root")
    return _loaded(table["validation"], root, {**table, "first": None}, source)


def _loaded(spec: str, root: str | None, table: Mapping[str, Any], source: Source) -> Dataset:
    path = source.folder / spec
    name = str(path) if path.is_file() else spec
    found = source.load(name, None if root is None else source.folder / root)
    if table.get("first") is not None:
        if table["first"] < 1:
            raise InputError(f"first must be at least 1; got {table['first']}")
        found = found[: table["first"]]
    if "size" in table:
        size = table["size"]
        if len(size) != 2:
            raise InputError(f"size must be [height, width]; got {size}")
        found = resize(found, (size[0], size[1]))
    return found


def recipe_of(
    where: str, table: Mapping[str, Any], key: str = "recipe", usual: Recipe | None = None
) -> Recipe:
    """Return a recipe: a name of `RECIPES`, or a table; entries may stand beside it as well.

    Parameters
    ----------
    where
        What messages call the table.
    table
        Of the stage.
    key
        Under which the recipe is.
    usual
        What a table changes, and what is taken without one.
    """
    given = table.get(key, {})
    changes = {name: table[name] for name in _OF_RECIPES if name in table}
    if isinstance(given, str):
        return named_recipe(given, **changes)
    own = checked(f"{where}, {key}", given, _OF_RECIPES)
    twice = sorted(own.keys() & changes)
    if twice:
        raise InputError(f"{where} and its {key} both have {twice[0]}; say it once")
    return (usual or Recipe()).changed(**own, **changes)


def folds_of(
    table: Mapping[str, Any],
    dataset: Dataset,
    folder: Path,
    cut: Callable[[Dataset, int], Folds] | None = None,
) -> Folds | None:
    """Return the folds of a stage, if it has any.

    Parameters
    ----------
    table
        Of the stage.
    dataset
        Its data set.
    folder
        Of the file.
    cut
        Makes so many folds; None: `salmetrics.data.folds.kfold`.
    """
    given = table.get("folds")
    scheme = table.get("scheme", SCHEMES[0])
    if given is None:
        if "scheme" in table:
            raise InputError("scheme goes with folds")
        return None
    check_choice("scheme", scheme, SCHEMES)
    if given == "mit1003":
        return mit1003(dataset.stimuli, scheme=scheme)
    if isinstance(given, int):
        if cut is not None:
            return cut(dataset, given)
        return kfold(dataset.stimuli, given, scheme=scheme)
    if "scheme" in table:
        raise InputError("the scheme of a file of folds is in the file")
    return Folds.load(folder / given)


def only_stage(
    top: Mapping[str, Any], kinds: Mapping[str, Any], what: str
) -> tuple[str, dict[str, Any]]:
    """Return what messages call the one stage of a training, and its table."""
    if len(top.get("stages", [])) != 1:
        raise InputError(f"{what} has one stage; there must be one table [[stages]]")
    where = "[[stages]] 1"
    stage = checked(where, top["stages"][0], kinds)
    if "dataset" not in stage:
        raise InputError(f"{where} must have a dataset")
    return where, stage


def scores_of_unseen(
    model: DensityModel, dataset: Dataset, path: Path, by: str = ""
) -> Iterator[str]:
    """Score images by a model that has not seen them; yield the table, and where it is saved.

    Parameters
    ----------
    model
        Cross-validated.
    dataset
        Images and fixations.
    path
        Of the weights; scores are beside it.
    by
        What may be told apart: an option of ``salmetrics show``.
    """
    scored = evaluate([model], *dataset, metrics=["LL", "IG", "NSS", "AUC"])
    target = path.with_name("evaluation.h5")
    scored.save(target)
    yield f"{len(dataset)} images of {dataset.name}, each by readouts that have not seen it:\n"
    yield scored.to_markdown()
    yield f"wrote {target} (salmetrics show {target}{by})"


def run_options(run: Any, source: Source) -> dict[str, Any]:
    """Return what the table [run] says, as arguments of a training."""
    own = checked("[run]", run, _RUN)
    names = {"device": "device", "threads": "n_threads", "metrics": "metrics"}
    names |= {"tensorboard": "tensorboard", "save_seconds": "save_seconds"}
    options = {there: own[here] for here, there in names.items() if here in own}
    return options | {name: value for name, value in source.changes.items() if value is not None}


def checked(where: str, given: Any, kinds: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table; raise `InputError` for keys that are unknown and values of another type."""
    if not isinstance(given, dict):
        raise InputError(f"{where} must be a table; got {given!r}")
    for key, value in given.items():
        check_choice(f"key of {where}", key, kinds)
        kind = kinds[key] if isinstance(kinds[key], tuple) else (kinds[key],)
        if not isinstance(value, kind) or (isinstance(value, bool) and bool not in kind):
            names = " or ".join(_WORDS[one] for one in kind)
            raise InputError(f"{key} in {where} must be {names}; got {value!r}")
    return given


_WORDS = {
    bool: "true or false",
    dict: "a table",
    float: "a number",
    int: "a whole number",
    list: "a list",
    str: "text",
}


_FEATURES: dict[str, Any] = {"folder": str, "dtype": str, "keep": bool}


def weights_of(
    top: Mapping[str, Any], architecture: Architecture, source: Source
) -> dict[str, str | Path]:
    """Return what the table [weights] says: a file for each backbone, or "random"."""
    known = [*(backbone.name for backbone in architecture.backbones), "all"]
    given = checked("[weights]", top.get("weights", {}), dict.fromkeys(known, str))
    return {k: v if v == "random" else source.folder / v for k, v in given.items()}


def cache_options(top: Mapping[str, Any], source: Source) -> dict[str, Any]:
    """Return what the table [features] says, as arguments of a training."""
    features = checked("[features]", top.get("features", {}), _FEATURES)
    options: dict[str, Any] = {}
    if "folder" in features:
        options["features"] = source.folder / features["folder"]
    kept = {"keep": "keep_features", "dtype": "feature_dtype"}
    return options | {there: features[here] for here, there in kept.items() if here in features}


def architecture_of(model: Mapping[str, Any], base: Architecture) -> Architecture:
    """Return the base, with the backbones, layers and factors of the table [model]."""
    found = base
    if "backbones" in model:
        known = known_backbones()
        for name in model["backbones"]:
            check_choice("backbone", name, known)
        found = replace(found, backbones=tuple(known[name] for name in model["backbones"]))
    own = {backbone.name: backbone for backbone in found.backbones}
    for name, layers in model.get("layers", {}).items():
        check_choice("backbone in [model.layers]", name, own)
        own[name] = own[name].reading(layers)
    numbers = {k: model[k] for k in ("downsample", "readout_factor", "map_factor") if k in model}
    return replace(found, backbones=tuple(own.values()), **numbers)
