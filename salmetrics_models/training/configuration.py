"""A training as a TOML file says it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any

from salmetrics.dataset import Dataset
from salmetrics.errors import InputError, check_choice
from salmetrics.folds import SCHEMES, Folds, kfold, mit1003
from salmetrics.io.files import check_file
from salmetrics.transforms import resize
from salmetrics_models.architectures import DEEPGAZE_1, DEEPGAZE_2, DEEPGAZE_2E, Architecture
from salmetrics_models.backbones import known_backbones
from salmetrics_models.devices import device_of
from salmetrics_models.training.recipes import Recipe, named_recipe
from salmetrics_models.training.runs import check_weights, train
from salmetrics_models.training.stages import Stage, checked_stages
from salmetrics_models.training.trained import Trained

__all__ = ["Configuration", "example", "example_names", "read_configuration"]

_BASES = {"deepgaze1": DEEPGAZE_1, "deepgaze2": DEEPGAZE_2, "deepgaze2e": DEEPGAZE_2E}
_NUMBERS = (int, float)

# key: type, by table
_TOP: dict[str, Any] = {
    "out": str,
    "model": dict,
    "weights": dict,
    "stages": list,
    "features": dict,
    "run": dict,
}
_MODEL: dict[str, Any] = {
    "base": str,
    "backbones": list,
    "layers": dict,
    "downsample": _NUMBERS,
    "readout_factor": int,
    "map_factor": int,
    "instances": int,
    "seed": int,
}
_STAGE: dict[str, Any] = {
    "name": str,
    "dataset": str,
    "root": str,
    "first": int,
    "size": list,
    "validation": str,
    "validation_root": str,
    "recipe": (str, dict),
    "folds": (int, str),
    "scheme": str,
    "centre_bias": str,
    "image_weights": str,
    "fixation_weights": str,
    **{field.name: (*_NUMBERS, str, list) for field in fields(Recipe)},
}
_FEATURES: dict[str, Any] = {"folder": str, "dtype": str, "keep": bool}
_RUN: dict[str, Any] = {
    "device": str,
    "threads": int,
    "metrics": list,
    "tensorboard": bool,
    "save_seconds": _NUMBERS,
}

Load = Callable[[str, Path | None], Dataset]


@dataclass(frozen=True, eq=False)
class Configuration:
    """What a file says, with its data loaded.

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


def example_names() -> list[str]:
    """Return the names of the configurations that `example` knows."""
    folder = resources.files("salmetrics_models.training") / "examples"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir())


def example(name: str) -> str:
    """Return the text of a configuration, such as that of a paper's recipe."""
    check_choice("example", name, example_names())
    folder = resources.files("salmetrics_models.training") / "examples"
    return (folder / f"{name}.toml").read_text("utf-8")


def read_configuration(
    path: str | Path, load: Load, *, out: Path | None = None, **changes: Any
) -> Configuration:
    """Read a file, and load the data that it names.

    Parameters
    ----------
    path
        Of the TOML file; paths in it are relative to its folder.
    load
        Gives a data set by its name and its folder.
    out
        Instead of the file's.
    **changes
        Of the options of `train`, instead of the file's; None: the file's.

    Raises
    ------
    InputError
        For a file that is no TOML, keys that are unknown, or values that can't be; each with the
        table that it is in.
    """
    source = check_file(path)
    try:
        given = tomllib.loads(source.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{str(source)!r} is no TOML: {error}") from error
    try:
        return _configured(given, source.absolute().parent, load, out, changes)
    except InputError as error:
        raise InputError(f"{str(source)!r}: {error}") from error


def _configured(
    given: dict[str, Any], folder: Path, load: Load, out: Path | None, changes: Mapping[str, Any]
) -> Configuration:
    top = _checked("the file", given, _TOP)
    model = _checked("[model]", top.get("model", {}), _MODEL)
    features = _checked("[features]", top.get("features", {}), _FEATURES)
    run = _checked("[run]", top.get("run", {}), _RUN)
    if out is None:
        if "out" not in top:
            raise InputError("the file must say where results go: out = 'FOLDER'")
        out = folder / top["out"]
    architecture = _architecture(model)
    known = [*(backbone.name for backbone in architecture.backbones), "all"]
    given_weights = _checked("[weights]", top.get("weights", {}), dict.fromkeys(known, str))
    weights = {k: v if v == "random" else folder / v for k, v in given_weights.items()}
    options: dict[str, Any] = {
        "weights": weights,
        "n_instances": model.get("instances", 1),
        "seed": model.get("seed", 0),
    }
    names = {"device": "device", "threads": "n_threads", "metrics": "metrics"}
    names |= {"tensorboard": "tensorboard", "save_seconds": "save_seconds"}
    kept = {"keep": "keep_features", "dtype": "feature_dtype"}
    options |= {there: run[here] for here, there in names.items() if here in run}
    if "folder" in features:
        options["features"] = folder / features["folder"]
    options |= {there: features[here] for here, there in kept.items() if here in features}
    options |= {name: value for name, value in changes.items() if value is not None}
    if not top.get("stages"):
        raise InputError("there must be at least one table [[stages]]")
    stages = [
        _stage(f"[[stages]] {number}", one, folder, load)
        for number, one in enumerate(top["stages"], start=1)
    ]
    for stage in stages:
        if "downsample" in model and stage.recipe.downsample not in (None, model["downsample"]):
            raise InputError(
                f"[model] and the recipe of {stage.name!r} have different downsample; leave out "
                "that of [model]"
            )
    return Configuration(architecture, checked_stages(stages), out, options)


def _architecture(model: dict[str, Any]) -> Architecture:
    base = model.get("base", "deepgaze2e")
    check_choice("base", base, _BASES)
    found = _BASES[base]
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


def _stage(where: str, given: Any, folder: Path, load: Load) -> Stage:
    table = _checked(where, given, _STAGE)
    for name in ("name", "dataset"):
        if name not in table:
            raise InputError(f"{where} must have a {name}")
    dataset = _dataset(table["dataset"], table.get("root"), table, folder, load)
    validation = None
    if "validation" in table:
        root = table.get("validation_root")
        validation = _dataset(table["validation"], root, table | {"first": None}, folder, load)
    centre_bias = table.get("centre_bias", "fit")
    if centre_bias not in ("fit", "uniform"):
        centre_bias = folder / centre_bias
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
        _recipe(where, table),
        folds=_folds(table, dataset, folder),
        validation=validation,
        centre_bias=centre_bias,
        image_weights=image_weights,
        fixation_weights=fixation_weights,
    )


def _dataset(
    spec: str, root: str | None, table: Mapping[str, Any], folder: Path, load: Load
) -> Dataset:
    path = folder / spec
    found = load(str(path) if path.is_file() else spec, None if root is None else folder / root)
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


def _recipe(where: str, table: dict[str, Any]) -> Recipe:
    names = [field.name for field in fields(Recipe)]
    given = table.get("recipe", {})
    changes = {name: table[name] for name in names if name in table}
    if isinstance(given, str):
        return named_recipe(given, **changes)
    own = _checked(f"{where}, recipe", given, {name: _STAGE[name] for name in names})
    twice = sorted(own.keys() & changes)
    if twice:
        raise InputError(f"{where} and its recipe both have {twice[0]}; say it once")
    return Recipe().changed(**own, **changes)


def _folds(table: dict[str, Any], dataset: Dataset, folder: Path) -> Folds | None:
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
        return kfold(dataset.stimuli, given, scheme=scheme)
    if "scheme" in table:
        raise InputError("the scheme of a file of folds is in the file")
    return Folds.load(folder / given)


def _checked(where: str, given: Any, kinds: Mapping[str, Any]) -> dict[str, Any]:
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
