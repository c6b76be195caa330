"""All readouts of a model: backbones, instances, stages, folds; and the file that comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from salmetrics.errors import InputError, check_list, check_whole
from salmetrics.folds import Folds
from salmetrics.models.base import DensityModel
from salmetrics.models.cross_validated import CrossValidated
from salmetrics_models.architectures import DEEPGAZE_2, DEEPGAZE_2E, Architecture
from salmetrics_models.backbones import Backbone, FeatureExtractor
from salmetrics_models.checkpoints import load_backbone, write_weights
from salmetrics_models.cross_validated import CrossValidatedDeepGaze
from salmetrics_models.deepgaze2 import DeepGazeII
from salmetrics_models.deepgaze2e import DeepGazeIIE
from salmetrics_models.devices import device_of
from salmetrics_models.folded import FoldedDeepGaze
from salmetrics_models.heads import Head
from salmetrics_models.readout_model import ReadoutModel
from salmetrics_models.training.cached import FromFeatures
from salmetrics_models.training.features import Features, image_digests
from salmetrics_models.training.fitting import Fitted, Settings, finished_fit, fit_head
from salmetrics_models.training.samples import Samples
from salmetrics_models.training.stages import Part, Stage, checked_stages

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Trained", "train"]

_RANDOM = "random"


@dataclass(frozen=True, eq=False)
class Trained:
    """What came of a training.

    Attributes
    ----------
    path
        The file of weights, which `DeepGazeII`, `DeepGazeIIE` or `ReadoutModel` load.
    architecture
        Of the network, with all components.
    parts
        Of the last stage: what each readout was trained and stopped on.
    n_instances
        How often all was trained, from other random weights.
    history
        One row an epoch of each training: backbone, instance, stage, fold, epoch, learning_rate,
        loss (bits), LL and other metrics on the validation images, sigma, centre_weight.
    features
        Of the images of the last stage, for each backbone.
    """

    path: Path
    architecture: Architecture
    parts: tuple[Part, ...]
    n_instances: int
    history: pd.DataFrame
    features: tuple[Features, ...]

    @property
    def stage(self) -> Stage:
        """The last stage."""
        return self.parts[0].stage

    @cached_property
    def centre_bias(self) -> DensityModel:
        """The centre bias of training; of folds, each image's own, which has not seen it."""
        if self.stage.folds is None or not self.stage.fits_centre_bias:
            return self.parts[0].centre_bias
        made = [part.centre_bias for part in self.parts]
        return CrossValidated(made, self.stage.folds, name="centre bias of each fold's training")

    def model(self, **options: Any) -> FoldedDeepGaze:
        """Return the mixture of all components, as for images that nothing was trained on.

        Parameters
        ----------
        **options
            As of `DeepGaze`; `centre_bias` is by default that of training.
        """
        options = {"centre_bias": self.centre_bias} | options
        known = {"DeepGazeII": DEEPGAZE_2, "DeepGazeIIE": DEEPGAZE_2E}
        own = _without_numbers(self.architecture)
        for kind, name in ((DeepGazeII, "DeepGazeII"), (DeepGazeIIE, "DeepGazeIIE")):
            if own == _without_numbers(known[name]):
                return kind(self.path, **options)
        return ReadoutModel(self.path, backbones=self.architecture.backbones, **options)

    def cross_validated(self, **options: Any) -> CrossValidatedDeepGaze:
        """Return the model that predicts each image by readouts that have not seen it.

        Parameters
        ----------
        **options
            As of `model`.

        Raises
        ------
        InputError
            If the last stage had no folds.
        """
        return self.model(**options).cross_validated(self._folds())

    def from_features(self, *, instance: int | None = None, name: str = "readout") -> FromFeatures:
        """Return what `cross_validated` does, from the features that are kept; faster.

        Parameters
        ----------
        instance
            One alone, from 0; None: the mixture of all.
        name
            For tables.
        """
        folds = self._folds()
        model = self.model(device="cpu")
        heads: list[Head] = []
        for branch in model.network.branches:
            head = Head(branch.features.backbone, self.architecture)  # type: ignore[union-attr, arg-type]
            own = head.state_dict().keys()
            head.load_state_dict({k: t for k, t in branch.state_dict().items() if k in own})
            heads.append(head)
        of_folds = [model.components_of(fold=k, instance=instance) for k in range(folds.n_folds)]
        return FromFeatures(
            self.architecture,
            heads,
            self.features,
            self.centre_bias,
            lambda image: of_folds[folds[image]],
            name,
        )

    def validation(self, instance: int | None = None) -> float:
        """Return the mean information gain on validation images of the epochs that were kept, bits.

        Parameters
        ----------
        instance
            One alone, from 0; None: all.
        """
        rows = self.history[self.history["stage"] == self.stage.name]
        if instance is not None:
            rows = rows[rows["instance"] == instance]
        scores = rows.groupby(["backbone", "instance", "fold"], dropna=False)["score"]
        kept = scores.max() if self.stage.recipe.keep == "best" else scores.last()
        return float(kept.mean())

    def _folds(self) -> Folds:
        if self.stage.folds is None:
            raise InputError("the last stage of this training had no folds")
        return self.stage.folds


def train(
    architecture: Architecture,
    stages: Sequence[Stage],
    out: str | Path,
    *,
    weights: Mapping[str, str | Path] | None = None,
    n_instances: int = 1,
    seed: int = 0,
    features: str | Path | None = "",
    feature_dtype: str = "float32",
    device: str = "auto",
    n_threads: int | None = None,
    metrics: Sequence[str] = ("IG",),
    tensorboard: bool | None = None,
    save_seconds: float = 60.0,
    progress: bool = True,
) -> Trained:
    """Train the readouts of a model; the same call goes on where an earlier one stopped.

    Backbones are not trained: their features are computed once. Each stage starts from the
    readouts of the stage before it, the first one from random weights, other ones an instance.

    Parameters
    ----------
    architecture
        Such as `DEEPGAZE_2` or `DEEPGAZE_2E`; its number of components does not matter.
    stages
        In order; the last one may have folds.
    out
        Folder of this training, made if it isn't there. It gets ``model.pth`` (all readouts and
        backbones), ``history.csv`` and ``folds.csv``, and in a folder for each readout its
        ``log.csv`` and its state.
    weights
        File of each backbone's weights, by its name, as torchvision or the published checkpoints
        name them; under "all", a checkpoint that has all others, such as the published one of
        DeepGaze IIE; or "random". Hand-made features need none.
    n_instances
        How often all is trained; the result mixes all instances.
    seed
        Of random weights and of the order of batches. With the same number of threads, the same
        seed makes the same file, bit for bit, on a CPU.
    features
        Folder for features, which several trainings may share; by default ``features`` in `out`;
        None: they are computed again in each epoch.
    feature_dtype
        "float32", or "float16" for half of the disk.
    device
        "auto" (a GPU if there is one), "cpu", "cuda", ...
    n_threads
        Of torch on a CPU; None: as torch is set.
    metrics
        Followed on the validation images besides LL: of "IG", "NSS", "AUC".
    tensorboard
        Whether to write logs for TensorBoard; None: if it is installed.
    save_seconds
        How often the state is written within an epoch; it always is after one.
    progress
        Show bars on standard error when it takes more than a few seconds.

    Raises
    ------
    InputError
        For data or options that can't be, a loss that is no number, or a folder that holds a
        training under other conditions, or where another process trains.
    """
    given = checked_stages(stages)
    check_whole("n_instances", n_instances, 1)
    check_whole("seed", seed, 0)
    settings = Settings(
        device_of(device),
        metrics=tuple(check_list("metrics", metrics)),
        save_seconds=save_seconds,
        tensorboard=_has_tensorboard() if tensorboard is None else tensorboard,
        progress=progress,
    )
    folder = Path(out)
    cache = None if features is None else Path(features or folder / "features")
    parts = [stage.parts() for stage in given]
    with _alone_in(folder), _threads(n_threads) as threads:
        where = folder, cache, feature_dtype
        run = _Run(architecture, given, parts, where, settings, seed, threads)
        of_backbones = [
            run.trained(b, _weights_of(backbone, weights or {}), n_instances)
            for b, backbone in enumerate(architecture.backbones)
        ]
        last = given[-1]
        whole = replace(
            architecture,
            n_components=n_instances * last.n_parts,
            downsample=last.recipe.downsample or architecture.downsample,
        )
        about = {"architecture": whole.description(), "n_folds": last.n_parts}
        write_weights(folder / "model.pth", _joined(of_backbones), about)
        if last.folds is not None:
            last.folds.save(folder / "folds.csv")
        history = run.history(folder / "history.csv")
        kept = tuple(run.features)
    return Trained(folder / "model.pth", whole, tuple(parts[-1]), n_instances, history, kept)


class _Run:
    """A training that runs."""

    def __init__(
        self,
        architecture: Architecture,
        stages: list[Stage],
        parts: list[list[Part]],
        where: tuple[Path, Path | None, str],
        settings: Settings,
        seed: int,
        n_threads: int,
    ) -> None:
        self._architecture = replace(architecture, n_components=1)
        self._stages = stages
        self._parts = parts
        self._folder, self._cache, self._feature_dtype = where
        self._settings = settings
        self._seed = seed
        self._common = {"torch": torch.__version__, "n_threads": n_threads, "seed": seed}
        self._common["device"] = settings.device.type
        self._of_stages = [stage.conditions for stage in stages]
        self._digests = [self._digests_of(stage) for stage in stages]
        self._rows: list[dict[str, Any]] = []
        self.features: list[Features] = []  # of the last stage's images, for each backbone

    def trained(
        self, b: int, weights: str | Path | None, n_instances: int
    ) -> tuple[dict[str, Tensor], list[dict[str, Tensor]]]:
        """Train all readouts of a backbone; return its state, and theirs, instance by instance."""
        backbone = self._architecture.backbones[b]
        extractor = _extractor(backbone, weights, self._seed).to(self._settings.device)
        sets = [self._features(extractor, s) for s in range(len(self._stages))]
        self.features.append(sets[-1][0])
        scale = None
        if self._architecture.scaled:
            first = self._parts[0][0].training.tolist()
            scale = sets[0][0].scale(first, progress=self._settings.progress)
        heads = []
        for j in range(n_instances):
            start = self._random_head(b, j, scale)
            for s in range(len(self._stages)):
                fitted = [self._fitted(b, j, s, part, start, sets[s]) for part in self._parts[s]]
                start = fitted[0].state
            heads += [one.state for one in fitted]
        state = {key: tensor.cpu() for key, tensor in extractor.state_dict().items()}
        return state, heads

    def history(self, path: Path) -> pd.DataFrame:
        """Return one row an epoch of each training, written to a file too."""
        import pandas as pd

        from salmetrics.io.files import replacing

        table = pd.DataFrame(self._rows)
        with replacing(path) as temporary:
            table.to_csv(temporary, index=False, lineterminator="\n")
        return table

    def _digests_of(self, stage: Stage) -> list[list[str] | None]:
        """Return digests of a stage's images, and of those it is stopped on, if they are kept."""
        sets = (stage.dataset, stage.validation)
        if self._cache is None:
            return [None, None]
        return [None if one is None else image_digests(one.stimuli) for one in sets]

    def _features(self, extractor: FeatureExtractor, s: int) -> tuple[Features, Features | None]:
        """Return features of a stage's images, and of those it is stopped on."""
        stage = self._stages[s]
        made: list[Features | None] = []
        sets = (stage.dataset, stage.validation)
        for dataset, digests in zip(sets, self._digests[s], strict=True):
            if dataset is None:
                made.append(None)
                continue
            features = Features(
                extractor,
                dataset.stimuli,
                downsample=stage.recipe.downsample or self._architecture.downsample,
                folder=self._cache,
                dtype=self._feature_dtype,
                digests=digests,
            )
            features.fill(progress=self._settings.progress)
            made.append(features)
        assert made[0] is not None
        return made[0], made[1]

    def _random_head(self, b: int, j: int, scale: Tensor | None) -> dict[str, Tensor]:
        with torch.random.fork_rng(devices=[]):
            entropy = np.random.SeedSequence(self._seed, spawn_key=(b, j))
            torch.manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))
            head = Head(self._architecture.backbones[b], self._architecture)
        if scale is not None:
            head.feature_scale.copy_(scale)
        return dict(head.state_dict())

    def _fitted(
        self,
        b: int,
        j: int,
        s: int,
        part: Part,
        start: dict[str, Tensor],
        features: tuple[Features, Features | None],
    ) -> Fitted:
        """Train one readout, unless that is done."""
        stage, backbone = part.stage, self._architecture.backbones[b]
        names = [backbone.name, f"instance-{j}", stage.name]
        names += [] if part.fold is None else [f"fold-{part.fold}"]
        folder = self._folder.joinpath(*names)
        conditions = {
            **self._common,
            "architecture": self._architecture.description(),
            "stages": self._of_stages[: s + 1],
            "earlier_recipes": [earlier.recipe.as_dict() for earlier in self._stages[:s]],
            "features": features[0].conditions,
            "instance": j,
            "fold": part.fold,
        }
        fitted = finished_fit(folder, stage.recipe, conditions)
        if fitted is None:
            architecture = replace(
                self._architecture,
                downsample=stage.recipe.downsample or self._architecture.downsample,
            )
            head = Head(backbone, architecture)
            head.load_state_dict(start)
            training, validation = self._samples(part, features, architecture)
            fitted = fit_head(
                head,
                training,
                validation,
                stage.recipe,
                folder,
                seed=(self._seed, b, j, s, part.fold or 0),
                conditions=conditions,
                settings=self._settings,
                name=" ".join(names),
            )
        about = {"backbone": backbone.name, "instance": j, "stage": stage.name, "fold": part.fold}
        self._rows += [about | row for row in fitted.history]
        return fitted

    def _samples(
        self, part: Part, features: tuple[Features, Features | None], architecture: Architecture
    ) -> tuple[Samples, Samples | None]:
        stage = part.stage
        options: dict[str, Any] = {"average": stage.recipe.average, "folder": self._folder}
        weights = {
            "image_weights": stage.image_weights,
            "fixation_weights": stage.fixation_weights,
        }
        own = features[0]
        centre_bias = part.centre_bias
        training = Samples(
            stage.dataset, part.training, own, centre_bias, architecture, **options, **weights
        )
        if part.stopping is not None:
            stopping = Samples(
                stage.dataset, part.stopping, own, centre_bias, architecture, **options, **weights
            )
            return training, stopping
        if stage.validation is None or features[1] is None:
            return training, None
        everything = range(len(stage.validation))
        other = part.validation_centre_bias
        return training, Samples(
            stage.validation, everything, features[1], other, architecture, **options
        )


def _joined(
    of_backbones: Sequence[tuple[dict[str, Tensor], list[dict[str, Tensor]]]],
) -> dict[str, Tensor]:
    """Return the state of a network from those of its backbones and of their readouts."""
    state: dict[str, Tensor] = {}
    for b, (of_backbone, heads) in enumerate(of_backbones):
        state |= {f"branches.{b}.features.{key}": t for key, t in of_backbone.items()}
        for key in heads[0]:
            tensors = [head[key] for head in heads]
            shared = key == "feature_scale"
            state[f"branches.{b}.{key}"] = tensors[0] if shared else torch.cat(tensors)
    return state


def _weights_of(backbone: Backbone, weights: Mapping[str, str | Path]) -> str | Path | None:
    """Return where a backbone's weights are; None for features made by hand."""
    if not backbone.pretrained:
        return None
    given = weights.get(backbone.name, weights.get("all"))
    if given is None:
        raise InputError(
            f"backbone {backbone.name!r} needs weights: give the file that has them in weights=, "
            "or 'random'"
        )
    return given


def _extractor(backbone: Backbone, weights: str | Path | None, seed: int) -> FeatureExtractor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        extractor = FeatureExtractor(backbone)
    if weights is not None and weights != _RANDOM:
        load_backbone(extractor, weights)
    return extractor


def _without_numbers(architecture: Architecture) -> dict[str, Any]:
    description = architecture.description()
    return {k: v for k, v in description.items() if k not in ("n_components", "downsample")}


def _has_tensorboard() -> bool:
    from importlib.util import find_spec

    return find_spec("tensorboard") is not None


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Make a folder, and keep other processes from training in it."""
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"folder {str(folder)!r} can't be made: {error.strerror or error}"
        ) from error
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(f"another process trains in {str(folder)!r}") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _threads(n: int | None) -> Iterator[int]:
    """Let torch use so many threads; give how many those are."""
    before = torch.get_num_threads()
    if n is not None:
        torch.set_num_threads(check_whole("n_threads", n, 1))
    try:
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)
