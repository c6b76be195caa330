"""DeepGaze IIE-ACW trained: all readouts of a fold together with the weights of categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from salmetrics.data.dataset import Dataset
from salmetrics.data.folds import Folds, stratified
from salmetrics.errors import InputError, check_choice, check_whole, is_number
from salmetrics.fingerprint import fingerprint
from salmetrics.io.files import replacing
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E_ACW, Architecture
from salmetrics_models.deepgaze.cross_validated import CrossValidatedDeepGaze
from salmetrics_models.deepgaze_acw.categories import MIXINGS, category_of, checked_categories
from salmetrics_models.deepgaze_acw.head import CategoryHead
from salmetrics_models.deepgaze_acw.model import DeepGazeIIEACW
from salmetrics_models.devices import settings_of_torch
from salmetrics_models.seeds import check_seed, seeded
from salmetrics_models.training.deepgaze_acw.objective import (
    PREFIX,
    CategoryObjective,
    CategorySamples,
    JointFeatures,
    column_of,
)
from salmetrics_models.training.inputs.backbones import check_sizes, check_weights, extractor_of
from salmetrics_models.training.inputs.features import (
    FEATURE_DTYPES,
    filled_features,
    image_digests,
)
from salmetrics_models.training.inputs.samples import Samples
from salmetrics_models.training.inputs.stages import Part, Stage, check_unseen, warn_of_shared
from salmetrics_models.training.loop.fit import Settings, check_folder, fit, settings_for
from salmetrics_models.training.loop.folders import alone_in, swept
from salmetrics_models.training.loop.recipe import Recipe, as_recipe
from salmetrics_models.weights.files import write_weights

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TrainedACW", "train_acw"]

_FIFTH = 5


@dataclass(frozen=True, eq=False)
class TrainedACW:
    """What came of a training.

    Attributes
    ----------
    path
        The file of weights, which `DeepGazeIIEACW` loads.
    architecture
        Of the network, with all components.
    history
        One row an epoch of each fold: fold, epoch, learning_rate, loss (bits), LL, IG and other
        metrics on the validation images, centre_weight.
    category_weights
        How shares of the backbones went: columns fold, epoch (0: before training), category,
        backbone, weight; for `salmetrics.plotting.plot_category_weights`.
    folds
        Of the images; None without.
    """

    path: Path
    architecture: Architecture
    history: pd.DataFrame
    category_weights: pd.DataFrame
    folds: Folds | None

    def model(self, **options: Any) -> DeepGazeIIEACW:
        """Return the mixture of all folds; options are those of `DeepGazeIIEACW`."""
        return DeepGazeIIEACW(self.path, backbones=self.architecture.backbones, **options)

    def cross_validated(self, **options: Any) -> CrossValidatedDeepGaze:
        """Return the model that predicts each image by the fold that has not seen it.

        Parameters
        ----------
        **options
            As of `model`.

        Raises
        ------
        InputError
            If there were no folds.
        """
        if self.folds is None:
            raise InputError("this training had no folds")
        return self.model(**options).cross_validated(self.folds)


def train_acw(
    dataset: Dataset,
    out: str | Path,
    *,
    folds: Folds | str = "none",
    validation: Dataset | None = None,
    architecture: Architecture = DEEPGAZE_2E_ACW,
    weights: Mapping[str, str | Path] | None = None,
    n_instances: int | None = None,
    recipe: Recipe | str = "deepgaze2e-acw",
    category_rate: float = 10.0,
    mixing: str = MIXINGS[0],
    centre_bias: Any = "gaussian",
    seed: int = 0,
    features: str | Path | None = None,
    feature_dtype: str = "float32",
    device: str = "auto",
    n_threads: int | None = None,
    metrics: Sequence[str] = (),
    tensorboard: bool | None = None,
    save_seconds: float = 60.0,
    progress: bool = True,
) -> TrainedACW:
    """Train DeepGaze IIE-ACW; the same call goes on where an earlier one stopped.

    Backbones are not trained: their features are computed once. The readouts of all backbones and
    instances of a fold learn together with the weights that mix them, by maximum likelihood of the
    mixture.

    Parameters
    ----------
    dataset
        Images with the attribute "category", and fixations.
    out
        Folder of this training, made if it isn't there. It gets ``model.pth``, ``history.csv``,
        ``category_weights.csv`` and ``folds.csv``, and a folder for each fold.
    folds
        One model each, trained on `Folds.train` and validated on `Folds.validation`; or "none": one
        model, validated on `validation`, or else on a fifth of the images of each category, as in
        the authors' code.
    validation
        Images and fixations to validate on, where there are no folds.
    architecture
        The backbones, and what is read; its number of components does not matter.
    weights
        As of `train`.
    n_instances
        Readouts of each backbone and fold, from other random weights; None: 3, and 15 without
        folds, as the paper has 15 in either case.
    recipe
        How they are trained, or a name in `RECIPES`; the rate is that of the readouts.
    category_rate
        Times that rate: the rate of the weights of categories.
    mixing
        As of `DeepGazeIIEACW`.
    centre_bias
        As of `Stage`, or "gaussian", the paper's.
    seed, features, feature_dtype, device, n_threads, metrics, tensorboard, save_seconds, progress
        As of `train`.

    Raises
    ------
    InputError
        For data or options that can't be, a loss that is no number, or a folder that holds a
        training under other conditions, or where another process trains.
    """
    recipe = as_recipe(recipe)
    check_choice("mixing", mixing, MIXINGS)
    check_choice("feature_dtype", feature_dtype, FEATURE_DTYPES)
    check_seed(seed)
    if not is_number(category_rate) or not 0 <= category_rate <= 1e6:
        raise InputError(f"category_rate must be a number from 0 to 1e6; got {category_rate!r}")
    if architecture.scaled:
        raise InputError("DeepGaze IIE-ACW has no scale of features; use scaled=False")
    files = check_weights(architecture, weights or {})
    stage, categories = _stage(dataset, validation, folds, recipe, centre_bias)
    own_folds = stage.folds
    n = (15 if own_folds is None else 3) if n_instances is None else n_instances
    one_fold = replace(
        architecture,
        n_components=check_whole("n_instances", n, 1),
        downsample=recipe.downsample or architecture.downsample,
    )
    check_sizes(one_fold, [stage])
    settings = settings_for(
        device,
        metrics=metrics,
        tensorboard=tensorboard,
        save_seconds=save_seconds,
        progress=progress,
    )
    folder = Path(out)
    cache = Path(features or folder / "features")
    with alone_in(folder), settings_of_torch(settings.device, n_threads, alone=False):
        swept(folder, "all", "fold-*")
        run = _Run(one_fold, stage, categories, (folder, settings, seed), category_rate, mixing)
        run.check_folders()
        states = run.fill(files, cache, feature_dtype)
        fitted = [run.fitted(part) for part in run.parts]
        whole = replace(one_fold, n_components=n * stage.n_parts)
        about = {
            "architecture": whole.description(),
            "n_folds": stage.n_parts,
            "categories": list(categories),
            "mixing": mixing,
        }
        write_weights(folder / "model.pth", _joined(states, fitted), about)
        if own_folds is not None:
            own_folds.save(folder / "folds.csv")
        history, shares = run.tables(folder)
    return TrainedACW(folder / "model.pth", whole, history, shares, own_folds)


class _Run:
    """A training that runs."""

    def __init__(
        self,
        architecture: Architecture,
        stage: Stage,
        categories: tuple[str, ...],
        where: tuple[Path, Settings, int],
        rate: float,
        mixing: str,
    ) -> None:
        self._architecture, self._stage, self._categories = architecture, stage, categories
        self._folder, self._settings, self._seed = where
        self._rate, self._mixing = rate, mixing
        self._sets = (stage.dataset, stage.validation)
        self._digests = [[] if d is None else image_digests(d.stimuli) for d in self._sets]
        check_unseen([stage], [self._digests])
        if stage.validation is not None:
            warn_of_shared(stage.validation, self._digests)
        self.parts = stage.parts(progress=self._settings.progress)
        self._features: list[JointFeatures] = []  # to train on, and to validate on
        self._of_features: dict[str, dict[str, Any]] = {}  # by backbone
        self._rows: list[dict[str, Any]] = []

    def check_folders(self) -> None:
        """Look whether what is there already is of this training, before anything is computed."""
        for part in self.parts:
            check_folder(self._folder_of(part), self._stage.recipe, self._conditions(part))

    def fill(
        self, files: Sequence[Path | None], cache: Path, dtype: str
    ) -> list[dict[str, Tensor]]:
        """Compute all features that are not there yet; return the state of each backbone."""
        states, made = [], []
        for backbone, file in zip(self._architecture.backbones, files, strict=True):
            extractor = extractor_of(backbone, file, self._seed)
            states.append({k: t.cpu().clone() for k, t in extractor.state_dict().items()})
            extractor = extractor.to(self._settings.device)
            of_sets = [
                filled_features(
                    extractor,
                    dataset.stimuli,
                    digests,
                    downsample=self._architecture.downsample,
                    folder=cache,
                    dtype=dtype,
                    progress=self._settings.progress,
                )
                for dataset, digests in zip(self._sets, self._digests, strict=True)
                if dataset is not None
            ]
            self._of_features[backbone.name] = of_sets[0].conditions
            made.append(of_sets)
        self._features = [JointFeatures(of_set) for of_set in zip(*made, strict=True)]
        return states

    def fitted(self, part: Part) -> dict[str, Tensor]:
        """Train the model of a fold; return its state."""
        with seeded(self._seed, part.fold or 0):
            head = CategoryHead(self._architecture, len(self._categories), self._mixing)
        metrics = self._settings.metrics
        folder = self._folder_of(part)
        found = fit(
            CategoryObjective(head, self._categories, self._rate, metrics),
            *self._samples(part),
            self._stage.recipe,
            folder,
            seed=(self._seed, part.fold or 0),
            conditions=self._conditions(part) | {"features": self._of_features},
            settings=self._settings,
            name=folder.name,
        )
        self._rows += [{"fold": part.fold} | row for row in found.history]
        return found.state

    def tables(self, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return one row an epoch of each fold, and shares in long form; written to files too."""
        import pandas as pd

        table = pd.DataFrame(self._rows)
        history = table[[name for name in table if not str(name).startswith(PREFIX)]]
        rows = [
            {
                "fold": row["fold"],
                "epoch": row["epoch"],
                "category": category,
                "backbone": backbone.name,
                "weight": row[column_of(category, backbone.name)],
            }
            for row in self._rows
            for category in self._categories
            for backbone in self._architecture.backbones
        ]
        shares = pd.DataFrame(rows)
        for name, found in (("history.csv", history), ("category_weights.csv", shares)):
            with replacing(folder / name) as temporary:
                found.to_csv(temporary, index=False, lineterminator="\n")
        return history, shares

    def _folder_of(self, part: Part) -> Path:
        return self._folder / ("all" if part.fold is None else f"fold-{part.fold}")

    def _conditions(self, part: Part) -> dict[str, Any]:
        on_cpu = self._settings.device.type == "cpu"
        known = [category_of(s) for d in self._sets if d is not None for s in d.stimuli]
        return {
            "torch": torch.__version__,
            "seed": self._seed,
            "device": self._settings.device.type,
            "n_threads": torch.get_num_threads() if on_cpu else 0,
            "architecture": self._architecture.description(),
            "stage": self._stage.conditions(*self._digests),
            "categories": fingerprint(known),
            "category_rate": self._rate,
            "mixing": self._mixing,
            "fold": part.fold,
        }

    def _samples(self, part: Part) -> tuple[Samples, Samples | None]:
        """Return what is trained on, and what is validated on."""
        stage = self._stage
        training = self._of(stage.dataset, part.training, 0, part.centre_bias)
        if part.stopping is not None:
            return training, self._of(stage.dataset, part.stopping, 0, part.centre_bias)
        if stage.validation is None:
            return training, None
        everything = range(len(stage.validation))
        bias = part.validation_centre_bias
        return training, self._of(stage.validation, everything, 1, bias)

    def _of(self, dataset: Dataset, chosen: Any, which: int, centre_bias: Any) -> Samples:
        made = CategorySamples(
            dataset,
            chosen,
            self._features[which],
            centre_bias,
            self._architecture,
            average=self._stage.recipe.average,
            folder=self._folder,
            progress=self._settings.progress,
        )
        numbers = {name: number for number, name in enumerate(self._categories)}
        made.categories = [numbers[str(category_of(s))] for s in dataset.stimuli]
        return made


def _stage(
    dataset: Dataset,
    validation: Dataset | None,
    folds: Folds | str,
    recipe: Recipe,
    centre_bias: Any,
) -> tuple[Stage, tuple[str, ...]]:
    """Return data, folds and recipe as a stage, and all categories."""
    if not isinstance(folds, Folds):
        check_choice("folds", folds, ("none",))
    for given in (dataset, validation):
        without = [s.id for s in given.stimuli if category_of(s) is None] if given else []
        if without:
            raise InputError(
                f"image {without[0]!r} has no category; give Stimuli attributes={{'category': ...}}"
            )
    names = sorted({str(category_of(s)) for s in dataset.stimuli})
    if validation is not None:
        unseen = {str(category_of(s)) for s in validation.stimuli} - {*names}
        if unseen:
            raise InputError(f"no image to train on has category {min(unseen)!r} of validation")
    own = folds if isinstance(folds, Folds) else None
    if own is None and validation is None:
        _, counts = np.unique([str(category_of(s)) for s in dataset.stimuli], return_counts=True)
        if counts.min() < _FIFTH:
            rarest = names[counts.argmin()]
            raise InputError(
                f"a fifth of the images of each category is validated on, and {rarest!r} has "
                f"{counts.min()}; give validation= or folds="
            )
        cut = stratified(dataset.stimuli, n_folds=_FIFTH)
        tested = np.array([cut[name] == 0 for name in dataset.stimuli.ids])
        dataset, validation = dataset[~tested], dataset[tested]
    stage = Stage("acw", dataset, recipe, own, validation, centre_bias)
    return stage, checked_categories(names)


def _joined(
    backbones: Sequence[dict[str, Tensor]], fitted: Sequence[dict[str, Tensor]]
) -> dict[str, Tensor]:
    """Return the state of the network from those of backbones, and of each fold's head."""
    state = {"category_weights": torch.stack([one["category_weights"] for one in fitted])}
    for b, of_backbone in enumerate(backbones):
        state |= {f"branches.{b}.features.{key}": t for key, t in of_backbone.items()}
        prefix = f"heads.{b}."
        for key in (k.removeprefix(prefix) for k in fitted[0] if k.startswith(prefix)):
            of_folds = [one[prefix + key] for one in fitted]
            # instance-major: all folds of the first instance, then of the second, ...
            state[f"branches.{b}.{key}"] = torch.stack(of_folds, dim=1).flatten(0, 1)
    return state
