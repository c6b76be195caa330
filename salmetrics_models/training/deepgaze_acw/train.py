"""Train DeepGaze IIE-ACW: all readouts of a fold together with the categories' weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

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
from salmetrics_models.deepgaze_acw.categories import (
    MIXINGS,
    MixingRule,
    category_of,
    checked_categories,
)
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
from salmetrics_models.training.inputs.backbones import check_sizes, extractor_of, files_of
from salmetrics_models.training.inputs.features import (
    FEATURE_DTYPES,
    FeatureDtype,
    filled_features,
    image_digests,
)
from salmetrics_models.training.inputs.samples import Samples
from salmetrics_models.training.inputs.stages import Part, Stage, check_unseen, warn_of_shared
from salmetrics_models.training.loop.fit import Settings, check_folder, fit, settings_for
from salmetrics_models.training.loop.folders import alone_in, swept
from salmetrics_models.training.loop.objective import Metric
from salmetrics_models.training.loop.recipe import Recipe, as_recipe
from salmetrics_models.weights.files import write_weights

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TrainedACW", "train_acw"]

_FIFTH = 5


@dataclass(frozen=True, eq=False)
class TrainedACW:
    """The result of `train_acw`.

    Parameters
    ----------
    path
        File of weights, which `DeepGazeIIEACW` loads.
    architecture
        Architecture of the network, with all components.
    history
        One row per epoch of each fold: fold, epoch, learning_rate, loss (bits per fixation), LL,
        IG (bits per fixation) and other metrics on the validation images, centre_weight.
    category_weights
        Shares of the backbones after each epoch, for `salmetrics.plotting.plot_category_weights`:
        columns fold, epoch (0: before training), category, backbone, weight.
    folds
        Folds of the images; None without folds.

    See Also
    --------
    train_acw : Return such a result.

    Examples
    --------
    A file that was trained earlier is loaded without this class:

    >>> from salmetrics_models import DeepGazeIIEACW
    >>> model = DeepGazeIIEACW("deepgaze2e-acw/model.pth")  # doctest: +SKIP
    """

    path: Path
    architecture: Architecture
    history: pd.DataFrame
    category_weights: pd.DataFrame
    folds: Folds | None

    def model(self, **options: Any) -> DeepGazeIIEACW:
        """Return the model that mixes all folds.

        Parameters
        ----------
        **options
            Options of `DeepGazeIIEACW`, such as `device`.

        Returns
        -------
        model : DeepGazeIIEACW
            The model with the trained weights.
        """
        return DeepGazeIIEACW(self.path, backbones=self.architecture.backbones, **options)

    def cross_validated(self, **options: Any) -> CrossValidatedDeepGaze:
        """Return the model that predicts each image with the fold that was not trained on it.

        Parameters
        ----------
        **options
            See `model`.

        Returns
        -------
        model : CrossValidatedDeepGaze
            It refuses images that are in no fold.

        Raises
        ------
        InputError
            If the training has no folds.
        """
        if self.folds is None:
            raise InputError("this training has no folds")
        return self.model(**options).cross_validated(self.folds)


def train_acw(
    dataset: Dataset,
    out: str | Path,
    *,
    folds: Folds | Literal["none"] = "none",
    validation: Dataset | None = None,
    architecture: Architecture = DEEPGAZE_2E_ACW,
    weights: Mapping[str, str | Path] | None = None,
    n_instances: int | None = None,
    recipe: Recipe | str = "deepgaze2e-acw",
    category_rate: float = 10.0,
    mixing: MixingRule = MIXINGS[0],
    centre_bias: Any = "gaussian",
    seed: int = 0,
    features: str | Path | None = None,
    feature_dtype: FeatureDtype = "float32",
    device: str = "auto",
    n_threads: int | None = None,
    metrics: Sequence[Metric] = (),
    tensorboard: bool | None = None,
    save_seconds: float = 60.0,
    progress: bool = True,
) -> TrainedACW:
    """Train DeepGaze IIE-ACW, or resume where an earlier call stopped.

    Backbones are not trained: their features are computed once. The readouts of all backbones and
    instances of a fold learn together with the weights that mix them, by maximum likelihood of the
    mixture.

    Parameters
    ----------
    dataset
        Images with the attribute "category", and fixations.
    out
        Folder of this training, created if it does not exist. It gets ``model.pth``,
        ``history.csv``, ``category_weights.csv``, ``folds.csv``, and a folder for each fold.
    folds
        Folds of the images. There is one model per fold, trained on `Folds.train` and validated on
        `Folds.validation`. "none": there is one model, validated on `validation`, or without it on
        a fifth of the images of each category, as in the authors' code.
    validation
        Images and fixations to validate on, if there are no folds.
    architecture
        Backbones with their layers, and the readout; the number of components is not used.
    weights
        See `train`.
    n_instances
        Number of readouts of each backbone and fold, from different random weights; None: 3, or 15
        without folds, so that there are 15 in five folds, as in the paper.
    recipe
        Recipe, or a name in `RECIPES`; its learning rate is that of the readouts.
    category_rate
        Factor between that learning rate and the one of the categories' weights.
    mixing
        See `DeepGazeIIEACW`.
    centre_bias
        See `Stage`; "gaussian" is the paper's.
    seed, features, feature_dtype, device, n_threads, metrics, tensorboard, save_seconds, progress
        See `train`.

    Returns
    -------
    trained : TrainedACW
        The file of weights, the history, and models with the trained weights.

    Raises
    ------
    InputError
        For invalid data or options, a loss that is not finite, or a folder that holds a training
        under other conditions or in which another process trains.

    References
    ----------
    Galván Díaz (2024), DeepGaze IIE-ACW.

    Examples
    --------
    One epoch on hand-made features, a single backbone and two categories:

    >>> import tempfile
    >>> from dataclasses import replace
    >>> from salmetrics import Dataset, Stimuli
    >>> from salmetrics.datasets import generate_dataset
    >>> from salmetrics_models.backbones.handmade import HAND_MADE
    >>> from salmetrics_models.training import RECIPES
    >>> drawn = generate_dataset(10, size=(64, 80), seed=1).dataset
    >>> images = [stimulus.image for stimulus in drawn.stimuli]
    >>> categories = {"category": ["indoor", "outdoor"] * 5}
    >>> stimuli = Stimuli.from_arrays(images, attributes=categories)
    >>> dataset = Dataset("ten", stimuli, drawn.fixations)
    >>> small = replace(DEEPGAZE_2E_ACW, backbones=(HAND_MADE,), downsample=1, least_side=32)
    >>> options = {"n_instances": 1, "device": "cpu", "progress": False}
    >>> recipe = RECIPES["deepgaze2e-acw"].changed(max_epochs=1)
    >>> with tempfile.TemporaryDirectory() as out:
    ...     trained = train_acw(dataset, out, architecture=small, recipe=recipe, **options)
    ...     weights = trained.model(device="cpu").category_weights()
    >>> weights["hand-made"].to_dict()
    {'indoor': 1.0, 'outdoor': 1.0}
    """
    recipe = as_recipe(recipe)
    check_choice("mixing", mixing, MIXINGS)
    check_choice("feature_dtype", feature_dtype, FEATURE_DTYPES)
    check_seed(seed)
    if not is_number(category_rate) or not 0 <= category_rate <= 1e6:
        raise InputError(f"category_rate must be a number from 0 to 1e6; got {category_rate!r}")
    if architecture.scaled:
        raise InputError(
            "DeepGaze IIE-ACW does not scale features; use an architecture with scaled=False"
        )
    files = files_of(architecture, weights or {})
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
        run = _CategoryRun(
            one_fold, stage, categories, (folder, settings, seed), category_rate, mixing
        )
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


class _CategoryRun:
    """A running training."""

    def __init__(
        self,
        architecture: Architecture,
        stage: Stage,
        categories: tuple[str, ...],
        where: tuple[Path, Settings, int],
        rate: float,
        mixing: MixingRule,
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
        self._feature_conditions: dict[str, dict[str, Any]] = {}  # by backbone
        self._rows: list[dict[str, Any]] = []

    def check_folders(self) -> None:
        """Check that existing states belong to this training, before anything is computed."""
        for part in self.parts:
            check_folder(self._folder_of(part), self._stage.recipe, self._conditions(part))

    def fill(
        self, files: Sequence[Path | None], cache: Path, dtype: FeatureDtype
    ) -> list[dict[str, Tensor]]:
        """Compute all missing features; return the state of each backbone."""
        states, features = [], []
        for backbone, file in zip(self._architecture.backbones, files, strict=True):
            extractor = extractor_of(backbone, file, self._seed)
            states.append({k: t.cpu().clone() for k, t in extractor.state_dict().items()})
            extractor = extractor.to(self._settings.device)
            by_set = [
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
            self._feature_conditions[backbone.name] = by_set[0].conditions
            features.append(by_set)
        self._features = [JointFeatures(by_backbone) for by_backbone in zip(*features, strict=True)]
        return states

    def fitted(self, part: Part) -> dict[str, Tensor]:
        """Train the model of a fold; return its state."""
        with seeded(self._seed, part.fold or 0):
            head = CategoryHead(self._architecture, len(self._categories), self._mixing)
        metrics = self._settings.metrics
        folder = self._folder_of(part)
        fitted = fit(
            CategoryObjective(head, self._categories, self._rate, metrics),
            *self._samples(part),
            self._stage.recipe,
            folder,
            seed=(self._seed, part.fold or 0),
            conditions=self._conditions(part) | {"features": self._feature_conditions},
            settings=self._settings,
            name=folder.name,
        )
        self._rows += [{"fold": part.fold} | row for row in fitted.history]
        return fitted.state

    def tables(self, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Write one row per epoch of each fold, and shares in long form, and return both tables."""
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
        for name, written in (("history.csv", history), ("category_weights.csv", shares)):
            with replacing(folder / name) as temporary:
                written.to_csv(temporary, index=False, lineterminator="\n")
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
        """Return the samples to train on, and those to validate on."""
        stage = self._stage
        training = self._chosen(stage.dataset, part.training, 0, part.centre_bias)
        if part.stopping is not None:
            return training, self._chosen(stage.dataset, part.stopping, 0, part.centre_bias)
        if stage.validation is None:
            return training, None
        everything = range(len(stage.validation))
        bias = part.validation_centre_bias
        return training, self._chosen(stage.validation, everything, 1, bias)

    def _chosen(self, dataset: Dataset, images: Any, which: int, centre_bias: Any) -> Samples:
        """Return samples of some images; `which` is the number of their features."""
        samples = CategorySamples(
            dataset,
            images,
            self._features[which],
            centre_bias,
            self._architecture,
            average=self._stage.recipe.average,
            folder=self._folder,
            progress=self._settings.progress,
        )
        numbers = {name: number for number, name in enumerate(self._categories)}
        samples.categories = [numbers[str(category_of(s))] for s in dataset.stimuli]
        return samples


def _stage(
    dataset: Dataset,
    validation: Dataset | None,
    folds: Folds | Literal["none"],
    recipe: Recipe,
    centre_bias: Any,
) -> tuple[Stage, tuple[str, ...]]:
    """Return the only stage of the training, and the names of all categories."""
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
            raise InputError(
                f"validation has images of category {min(unseen)!r}, and the images to train on "
                "have none; leave them out"
            )
    own = folds if isinstance(folds, Folds) else None
    if own is None and validation is None:
        _, counts = np.unique([str(category_of(s)) for s in dataset.stimuli], return_counts=True)
        if counts.min() < _FIFTH:
            rarest = names[counts.argmin()]
            raise InputError(
                "a fifth of the images of each category is used for validation, and "
                f"{rarest!r} has {counts.min()} images; give validation= or folds="
            )
        cut = stratified(dataset.stimuli, n_folds=_FIFTH)
        tested = np.array([cut[name] == 0 for name in dataset.stimuli.ids])
        dataset, validation = dataset[~tested], dataset[tested]
    stage = Stage("acw", dataset, recipe, own, validation, centre_bias)
    return stage, checked_categories(names)


def _joined(
    backbones: Sequence[dict[str, Tensor]], fitted: Sequence[dict[str, Tensor]]
) -> dict[str, Tensor]:
    """Return the state of the network, given those of the backbones and of each fold's head."""
    state = {"category_weights": torch.stack([head["category_weights"] for head in fitted])}
    for b, backbone in enumerate(backbones):
        state |= {f"branches.{b}.features.{key}": t for key, t in backbone.items()}
        prefix = f"heads.{b}."
        for key in (k.removeprefix(prefix) for k in fitted[0] if k.startswith(prefix)):
            by_fold = [head[prefix + key] for head in fitted]
            # instance-major: all folds of the first instance, then of the second, ...
            state[f"branches.{b}.{key}"] = torch.stack(by_fold, dim=1).flatten(0, 1)
    return state
