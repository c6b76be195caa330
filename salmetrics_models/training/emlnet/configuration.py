"""A training of EML-NET as a TOML file says it."""

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
from salmetrics_models.training.emlnet.train import TrainedEMLNet, check_weights, train_emlnet
from salmetrics_models.training.loop.recipe import RECIPES
from salmetrics_models.training.toml_tables import (
    NUMBERS,
    STAGE,
    Configuration,
    Source,
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
    """EML-NET, piece by piece.

    Attributes
    ----------
    dataset, out, options
        As `train_emlnet` takes them.
    """

    dataset: Dataset
    out: Path
    options: dict[str, Any]

    def summary(self) -> str:
        """Return what will be done, in two lines."""
        data, other = self.dataset, self.options["validation"]
        tested = "" if other is None else f", validated on {other.name} ({len(other)} images)"
        return (
            f"EML-NET, {self.options.get('form', 'public')} form, in {self.out}\n"
            f"  {data.name}, {len(data)} images, {len(data.fixations)} fixations{tested}"
        )

    def check(self) -> None:
        """Raise `InputError` for weights that aren't there, or a device."""
        if "start" in self.options:
            check_file(self.options["start"])
        else:
            form = self.options.get("form", "public")
            check_weights(FORMS[form].backbones, self.options["weights"])
        device_of(self.options.get("device", "auto"))

    def train(self, *, progress: bool = True) -> TrainedEMLNet:
        """Do as it says."""
        return train_emlnet(self.dataset, self.out, **self.options, progress=progress)

    def results(self, trained: TrainedEMLNet) -> Iterator[str]:
        """Yield the file, and the last row of each piece."""
        yield f"wrote {trained.path}"
        last = trained.history.groupby("piece", sort=False).last()
        shown = [name for name in ("loss", "validation_loss", "NSS", "CC") if name in last]
        yield last[["epoch", *shown]].round(4).to_string()


def read_emlnet(top: Mapping[str, Any], source: Source) -> Pieces:
    """Return what the tables of a file say."""
    model = checked("[model]", top.get("model", {}), _MODEL)
    form = model.get("form", "public")
    check_choice("form", form, FORMS)
    if "features" in top:
        raise InputError("EML-NET has no [features]: its encoders learn")
    where, stage = only_stage(top, _STAGE, "EML-NET")
    dataset, validation = dataset_of(stage, source), validation_of(stage, source)
    if "hold_out" in stage:
        if validation is not None:
            raise InputError(f"{where} has validation and hold_out; say one of them")
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
        raise InputError("[run]: EML-NET's metrics are always NSS, CC, KLDiv and SIM")
    if "start" in model:
        options["start"] = source.folder / model["start"]
    return Pieces(dataset, source.out, options)


def _cut(dataset: Dataset, hold_out: int, seed: int) -> tuple[Dataset, Dataset]:
    """Return images to train on, and so many others at random."""
    if not 0 < hold_out < len(dataset):
        raise InputError(
            f"hold_out must be from 1 to {len(dataset) - 1} images of {dataset.name!r}; got "
            f"{hold_out}"
        )
    share = hold_out / len(dataset)
    kept, tested = split(dataset, [1 - share, share], seed=seed)
    return kept, tested
