"""Tables of a TOML file that configures a training: data sets, recipes, folds and options."""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from salmetrics.data.dataset import Dataset
from salmetrics.data.folds import SCHEMES, Folds, kfold, mit1003
from salmetrics.data.transforms import resize, split
from salmetrics.errors import InputError, check_choice, check_whole, is_number
from salmetrics.evaluation.evaluate import evaluate
from salmetrics.io.files import replacing
from salmetrics.models.base import DensityModel
from salmetrics_models.backbones.registry import known_backbones
from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.training.loop.recipe import Recipe, named_recipe

__all__ = [
    "NUMBERS",
    "SPLIT",
    "STAGE",
    "Configuration",
    "Load",
    "Split",
    "TomlSource",
    "architecture_of",
    "cache_options",
    "checked",
    "dataset_of",
    "folds_of",
    "only_stage",
    "recipe_of",
    "run_options",
    "scores_of_unseen",
    "split_of",
    "validation_of",
    "weights_of",
]

NUMBERS = (int, float)
_RECIPE: dict[str, Any] = {field.name: (*NUMBERS, str, list) for field in fields(Recipe)}

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
"""Keys of all tables [[stages]], with the types of their values."""

SPLIT: dict[str, Any] = {"split": list, "split_by": str, "split_seed": int}
"""Keys of tables [[stages]] whose images can be split, with the types of their values."""

_PARTS = ("training", "validation", "test")

_RUN: dict[str, Any] = {
    "device": str,
    "threads": int,
    "metrics": list,
    "tensorboard": bool,
    "save_seconds": NUMBERS,
}

Load = Callable[[str, Path | None], Dataset]


@dataclass(frozen=True)
class TomlSource:
    """Where a file is, and how its data sets are loaded.

    Attributes
    ----------
    folder
        Folder of the file; paths in the file are relative to it.
    load
        Function of the name and the folder of a data set that returns the data set.
    out
        Folder of the results.
    changes
        Options of the training that replace those of the file, unless they are None.
    """

    folder: Path
    load: Load
    out: Path
    changes: Mapping[str, Any]


class Configuration(ABC):
    """A training as a file configures it, with its data loaded."""

    @abstractmethod
    def summary(self) -> str:
        """Return a few lines on what will be trained."""

    @abstractmethod
    def check(self) -> None:
        """Raise `InputError` if weights are missing, or the device does not exist."""

    @abstractmethod
    def train(self, *, progress: bool = True) -> Any:
        """Run the training that this file configures."""

    @abstractmethod
    def results(self, trained: Any) -> Iterator[str]:
        """Yield the lines of the report on a finished training, computing scores on the way."""


def dataset_of(table: Mapping[str, Any], source: TomlSource) -> Dataset:
    """Return the data set of a stage.

    Parameters
    ----------
    table
        Table of the stage.
    source
        The file.
    """
    return _loaded(table["dataset"], table.get("root"), table, source)


def validation_of(table: Mapping[str, Any], source: TomlSource) -> Dataset | None:
    """Return the data set on which a stage is validated; None if there is none.

    Parameters
    ----------
    table
        Table of the stage.
    source
        The file.
    """
    if "validation" not in table:
        return None
    root = table.get("validation_root")
    return _loaded(table["validation"], root, {**table, "first": None}, source)


def _loaded(spec: str, root: str | None, table: Mapping[str, Any], source: TomlSource) -> Dataset:
    path = source.folder / spec
    name = str(path) if path.is_file() else spec
    dataset = source.load(name, None if root is None else source.folder / root)
    if table.get("first") is not None:
        if table["first"] < 1:
            raise InputError(f"first must be at least 1; got {table['first']}")
        dataset = dataset[: table["first"]]
    if "size" in table:
        size = table["size"]
        if len(size) != 2:
            raise InputError(f"size must be [height, width]; got {size}")
        dataset = resize(dataset, (size[0], size[1]))
    return dataset


@dataclass(frozen=True)
class Split:
    """A data set split into images to train on, to validate on and to test.

    Attributes
    ----------
    training, validation, test
        The three parts.
    """

    training: Dataset
    validation: Dataset
    test: Dataset

    def save(self, path: Path) -> None:
        """Write the part of each image as a CSV file with the columns id and part.

        Parameters
        ----------
        path
            Path of the file, replaced atomically if it exists; its folder is created.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            replacing(path) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("id", "part"))
            for part in _PARTS:
                writer.writerows((name, part) for name in getattr(self, part).stimuli.ids)

    def __str__(self) -> str:
        return ", ".join(f"{len(getattr(self, part))} for {part}" for part in _PARTS)


def split_of(
    where: str, table: Mapping[str, Any], dataset: Dataset, by: str | None = None
) -> Split | None:
    """Return the parts of a stage's images; None if the stage does not split them.

    Parameters
    ----------
    where
        Name of the stage's table in messages.
    table
        Table of the stage.
    dataset
        Data set of the stage.
    by
        Attribute of the images within whose values they are split, unless the table names one.

    Raises
    ------
    InputError
        For invalid shares, an unknown attribute, a part without images, or another key that says
        which images are validated or tested.
    """
    if "split" not in table:
        for key in ("split_by", "split_seed"):
            if key in table:
                raise InputError(f"{key} in {where} is an option of split; give split, too")
        return None
    for key in ("folds", "validation"):
        if key in table:
            raise InputError(f"{where} has {key} and split; leave out one of them")
    shares = table["split"]
    if len(shares) != len(_PARTS) or not all(is_number(s) and s > 0 for s in shares):
        raise InputError(
            f"split in {where} must be three numbers above 0, the shares of the images for "
            f"training, validation and test, such as [64, 16, 20]; got {shares}"
        )
    by = table.get("split_by", by)
    if by is not None:
        check_choice(f"split_by in {where}", by, dataset.stimuli.attributes)
    seed = check_whole(f"split_seed in {where}", table.get("split_seed", 0), 0)
    parts = split(dataset, [share / sum(shares) for share in shares], by=by, seed=seed)
    for name, part in zip(_PARTS, parts, strict=True):
        wanted, found = (_values(d, by) for d in (dataset, part))
        if wanted - found:
            of = "" if by is None else f" of {by} {min(wanted - found)!r}"
            raise InputError(
                f"split in {where} leaves no image{of} for {name}; change the shares, or leave out "
                "the images"
            )
    return Split(*parts)


def _values(dataset: Dataset, by: str | None) -> set[str]:
    """Return the different values of an attribute; one for all images if there is no attribute."""
    if by is None:
        return {""} if len(dataset) else set()
    return {str(value) for value in dataset.stimuli.attributes[by]}


def recipe_of(
    where: str, table: Mapping[str, Any], key: str = "recipe", usual: Recipe | None = None
) -> Recipe:
    """Return the recipe of a stage: a name or a table, changed by the stage's own keys.

    Parameters
    ----------
    where
        Name of the stage's table in messages.
    table
        Table of the stage.
    key
        Key of the recipe in it.
    usual
        Recipe that the table changes, and that is used without one; None: ``Recipe()``.

    Raises
    ------
    InputError
        For unknown names, values of another type, or a value that is given twice.
    """
    given = table.get(key, {})
    changes = {name: table[name] for name in _RECIPE if name in table}
    if isinstance(given, str):
        return named_recipe(given, **changes)
    own = checked(f"{where}, {key}", given, _RECIPE)
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
    """Return the folds of a stage; None if it has none.

    Parameters
    ----------
    table
        Table of the stage.
    dataset
        Data set of the stage.
    folder
        Folder of the file.
    cut
        Function of the data set and a number of folds that returns folds; None:
        `salmetrics.data.folds.kfold`.

    Raises
    ------
    InputError
        For an unknown scheme, a scheme without folds, or a file of folds that does not exist.
    """
    folds = _folds_of(table, dataset, folder, cut)
    if "together" not in table:
        return folds
    if folds is None:
        raise InputError("together is an option of folds; give folds, too, or leave it out")
    return folds.together(*table["together"])


def _folds_of(
    table: Mapping[str, Any],
    dataset: Dataset,
    folder: Path,
    cut: Callable[[Dataset, int], Folds] | None,
) -> Folds | None:
    given = table.get("folds")
    scheme = table.get("scheme", SCHEMES[0])
    if given is None:
        if "scheme" in table:
            raise InputError("scheme is an option of folds; give folds, too, or leave it out")
        return None
    check_choice("scheme", scheme, SCHEMES)
    if given == "mit1003":
        return mit1003(dataset.stimuli, scheme=scheme)
    if isinstance(given, int):
        if cut is not None:
            return cut(dataset, given)
        return kfold(dataset.stimuli, given, scheme=scheme)
    if "scheme" in table:
        raise InputError("a file of folds contains its scheme; leave out scheme")
    return Folds.load(folder / given)


def only_stage(
    top: Mapping[str, Any], kinds: Mapping[str, Any], what: str
) -> tuple[str, dict[str, Any]]:
    """Return the name in messages, and the table, of the only stage of a training.

    Parameters
    ----------
    top
        Contents of the file.
    kinds
        Keys of the table, with the types of their values.
    what
        Name of the model in messages.

    Raises
    ------
    InputError
        If there is not exactly one stage, or it has no data set.
    """
    n = len(top.get("stages", []))
    if n != 1:
        raise InputError(f"{what} has one stage: give one table [[stages]]; got {n}")
    where = "[[stages]] 1"
    stage = checked(where, top["stages"][0], kinds)
    if "dataset" not in stage:
        raise InputError(f"{where} must have a dataset")
    return where, stage


def scores_of_unseen(
    model: DensityModel, dataset: Dataset, path: Path, by: str = ""
) -> Iterator[str]:
    """Score a cross-validated model, and save the scores; yield the lines of the report.

    Parameters
    ----------
    model
        Model that predicts each image by readouts that were not trained on it.
    dataset
        Images and fixations.
    path
        Path of the weights; the scores are saved in the same folder.
    by
        Option of ``salmetrics show`` that the report suggests, such as " --by category".
    """
    scored = evaluate([model], *dataset, metrics=["LL", "IG", "NSS", "AUC"])
    target = path.with_name("evaluation.h5")
    scored.save(target)
    yield f"{len(dataset)} images of {dataset.name}, each by readouts not trained on it:\n"
    yield scored.to_markdown()
    yield f"wrote {target} (salmetrics show {target}{by})"


def run_options(run: Any, source: TomlSource) -> dict[str, Any]:
    """Return the options of the table [run] as arguments of a training.

    Parameters
    ----------
    run
        The table.
    source
        The file; its `changes` come first.
    """
    own = checked("[run]", run, _RUN)
    arguments = {"threads": "n_threads"}
    options = {arguments.get(key, key): own[key] for key in _RUN if key in own}
    return options | {name: value for name, value in source.changes.items() if value is not None}


def checked(where: str, given: Any, kinds: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table whose keys are known and whose values have the right types.

    Parameters
    ----------
    where
        Name of the table in messages.
    given
        The table.
    kinds
        Known keys, with the types of their values.

    Raises
    ------
    InputError
        For anything but a table, unknown keys, or values of another type.
    """
    if not isinstance(given, dict):
        raise InputError(f"{where} must be a table; got {given!r}")
    for key, value in given.items():
        check_choice(f"key of {where}", key, kinds)
        kind = kinds[key] if isinstance(kinds[key], tuple) else (kinds[key],)
        if not isinstance(value, kind) or (isinstance(value, bool) and bool not in kind):
            names = " or ".join(_WORDS[accepted] for accepted in kind)
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
    top: Mapping[str, Any], architecture: Architecture, source: TomlSource
) -> dict[str, str | Path]:
    """Return the table [weights]: a path, or "random", by the name of a backbone.

    Parameters
    ----------
    top
        Contents of the file.
    architecture
        Architecture whose backbones have the weights.
    source
        The file.
    """
    known = [*(backbone.name for backbone in architecture.backbones), "all"]
    given = checked("[weights]", top.get("weights", {}), dict.fromkeys(known, str))
    return {k: v if v == "random" else source.folder / v for k, v in given.items()}


def cache_options(top: Mapping[str, Any], source: TomlSource) -> dict[str, Any]:
    """Return the options of the table [features] as arguments of a training.

    Parameters
    ----------
    top
        Contents of the file.
    source
        The file.
    """
    features = checked("[features]", top.get("features", {}), _FEATURES)
    options: dict[str, Any] = {}
    if "folder" in features:
        options["features"] = source.folder / features["folder"]
    arguments = {"keep": "keep_features", "dtype": "feature_dtype"}
    return options | {arguments[key]: features[key] for key in arguments if key in features}


def architecture_of(model: Mapping[str, Any], base: Architecture) -> Architecture:
    """Return an architecture changed by the table [model].

    Parameters
    ----------
    model
        The table; backbones, layers, downsample and factors are used.
    base
        The architecture that is changed.

    Raises
    ------
    InputError
        For unknown backbones or layers, or invalid values.
    """
    changed = base
    if "backbones" in model:
        known = known_backbones()
        for name in model["backbones"]:
            check_choice("backbone", name, known)
        changed = replace(changed, backbones=tuple(known[name] for name in model["backbones"]))
    own = {backbone.name: backbone for backbone in changed.backbones}
    for name, layers in model.get("layers", {}).items():
        check_choice("backbone in [model.layers]", name, own)
        own[name] = own[name].reading(layers)
    numbers = {k: model[k] for k in ("downsample", "readout_factor", "map_factor") if k in model}
    return replace(changed, backbones=tuple(own.values()), **numbers)
