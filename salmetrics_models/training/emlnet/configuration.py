"""Trainings of EML-NET configured by TOML files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from salmetrics.data.dataset import Dataset
from salmetrics.data.transforms import split
from salmetrics.errors import InputError, check_choice
from salmetrics.io.files import check_file
from salmetrics_models.devices import device_of
from salmetrics_models.emlnet.network import FORMS
from salmetrics_models.training.emlnet.train import TrainedEMLNet, train_emlnet
from salmetrics_models.training.inputs.backbones import check_weights
from salmetrics_models.training.loop.recipe import RECIPES
from salmetrics_models.training.toml_tables import (
    NUMBERS,
    STAGE,
    Configuration,
    TomlSource,
    checked,
    dataset_of,
    only_stage,
    recipe_of,
    run_options,
    validation_of,
)

__all__ = ["Pieces", "read_emlnet"]

_MODEL: dict[str, Any] = {
    "base": str,
    "form": str,
    "size": list,
    "pad": bool,
    "sigma": NUMBERS,
    "loss": str,
    "start": str,
    "seed": int,
}
_STAGE: dict[str, Any] = {
    **{key: kind for key, kind in STAGE.items() if key not in ("folds", "size")},
    "hold_out": int,
    "encoder": (str, dict),
    "decoder": (str, dict),
}


@dataclass(frozen=True, eq=False)
class Pieces(Configuration):
    """A training of EML-NET, piece by piece.

    Attributes
    ----------
    dataset, out
        See `train_emlnet`.
    options
        Further arguments of `train_emlnet`.
    """

    dataset: Dataset
    out: Path
    options: dict[str, Any]

    def summary(self) -> str:
        """Return two lines on what will be trained."""
        data, other = self.dataset, self.options["validation"]
        validated = "" if other is None else f", validated on {other.name} ({len(other)} images)"
        return (
            f"EML-NET, {self.options.get('form', 'public')} form, in {self.out}\n"
            f"  {data.name}, {len(data)} images, {len(data.fixations)} fixations{validated}"
        )

    def check(self) -> None:
        """Raise `InputError` if weights are missing, or the device does not exist."""
        if "start" in self.options:
            check_file(self.options["start"])
        else:
            form = self.options.get("form", "public")
            check_weights(FORMS[form].backbones, self.options["weights"], role="encoder")
        device_of(self.options.get("device", "auto"))

    def train(self, *, progress: bool = True) -> TrainedEMLNet:
        """Run the training that this file configures."""
        return train_emlnet(self.dataset, self.out, **self.options, progress=progress)

    def results(self, trained: TrainedEMLNet) -> Iterator[str]:
        """Yield the path of the weights, and the last row of each piece's history."""
        yield f"wrote {trained.path}"
        last = trained.history.groupby("piece", sort=False).last()
        columns = [name for name in ("loss", "validation_loss", "NSS", "CC") if name in last]
        yield last[["epoch", *columns]].round(4).to_string()


def read_emlnet(top: Mapping[str, Any], source: TomlSource) -> Pieces:
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
    form = model.get("form", "public")
    check_choice("form", form, FORMS)
    if "features" in top:
        raise InputError("EML-NET has no table [features]: its encoders are trained, too")
    where, stage = only_stage(top, _STAGE, "EML-NET")
    dataset, validation = dataset_of(stage, source), validation_of(stage, source)
    if "hold_out" in stage:
        if validation is not None:
            raise InputError(f"{where} has validation and hold_out; leave out one of them")
        dataset, validation = _cut(dataset, stage["hold_out"], model.get("seed", 0))
    known = dict.fromkeys(FORMS[form].backbones, str)
    given = checked("[weights]", top.get("weights", {}), known)
    weights = {k: v if v == "random" else source.folder / v for k, v in given.items()}
    options: dict[str, Any] = {
        "weights": weights,
        "validation": validation,
        "encoder_recipe": recipe_of(where, stage, "encoder", RECIPES["emlnet-encoder"]),
        "decoder_recipe": recipe_of(where, stage, "decoder", RECIPES["emlnet-decoder"]),
        **{k: v for k, v in model.items() if k not in ("base", "start")},
        **run_options(top.get("run", {}), source),
    }
    if "metrics" in options:
        raise InputError(
            "[run]: the metrics of EML-NET are always NSS, CC, KLDiv and SIM; leave out metrics"
        )
    if "start" in model:
        options["start"] = source.folder / model["start"]
    return Pieces(dataset, source.out, options)


def _cut(dataset: Dataset, hold_out: int, seed: int) -> tuple[Dataset, Dataset]:
    """Split a data set at random; the second part has `hold_out` images."""
    if not 0 < hold_out < len(dataset):
        raise InputError(
            f"hold_out must be from 1 to {len(dataset) - 1} images of {dataset.name!r}; got "
            f"{hold_out}"
        )
    share = hold_out / len(dataset)
    training, validation = split(dataset, [1 - share, share], seed=seed)
    return training, validation
