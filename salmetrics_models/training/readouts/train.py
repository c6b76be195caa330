"""Train all readouts of a model: of each backbone, instance, stage and fold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from salmetrics.errors import check_choice, check_whole
from salmetrics.io.files import replacing
from salmetrics_models.backbones.backbone import FeatureExtractor
from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.deepgaze.head import Head
from salmetrics_models.devices import settings_of_torch
from salmetrics_models.seeds import check_seed, seeded
from salmetrics_models.training.inputs.backbones import check_sizes, extractor_of, files_of
from salmetrics_models.training.inputs.features import (
    FEATURE_DTYPES,
    FeatureDtype,
    Features,
    filled_features,
    image_digests,
)
from salmetrics_models.training.inputs.samples import Samples
from salmetrics_models.training.inputs.stages import Part, Stage, check_unseen, checked_stages
from salmetrics_models.training.loop.fit import (
    Settings,
    check_folder,
    finished_fit,
    fit,
    settings_for,
)
from salmetrics_models.training.loop.folders import alone_in, swept
from salmetrics_models.training.loop.objective import Metric
from salmetrics_models.training.loop.states import FORMAT, read_state
from salmetrics_models.training.readouts.objective import ReadoutObjective
from salmetrics_models.training.readouts.trained import Trained
from salmetrics_models.weights.files import write_state, write_weights

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["train"]


def train(
    architecture: Architecture,
    stages: Sequence[Stage],
    out: str | Path,
    *,
    weights: Mapping[str, str | Path] | None = None,
    n_instances: int = 1,
    seed: int = 0,
    features: str | Path | None = None,
    keep_features: bool = True,
    feature_dtype: FeatureDtype = "float32",
    device: str = "auto",
    n_threads: int | None = None,
    metrics: Sequence[Metric] = (),
    tensorboard: bool | None = None,
    save_seconds: float = 60.0,
    progress: bool = True,
) -> Trained:
    """Train the readouts of a model, or resume where an earlier call stopped.

    Backbones are not trained: their features are computed once. The first stage starts from random
    weights, which differ between instances; each further stage starts from the readouts of the
    stage before it. If an architecture scales features (DeepGaze II), it scales them by the images
    of the first stage, all of them, without their fixations.

    Parameters
    ----------
    architecture
        Architecture such as `DEEPGAZE_2` or `DEEPGAZE_2E`; its number of components is not used.
    stages
        Stages in their order; the last one may have folds.
    out
        Folder of this training, created if it does not exist. It gets ``model.pth`` (all readouts
        and backbones), ``history.csv``, ``folds.csv``, and a folder for each readout with its
        ``log.csv`` and its state.
    weights
        File of each backbone's weights by the backbone's name, with the names of tensors of
        torchvision or of the published checkpoints; or "random". A file under "all" is used for
        all other backbones, such as the published file of DeepGaze IIE. Hand-made features need no
        weights.
    n_instances
        Number of trainings from different random weights; the result mixes all of them.
    seed
        Seed of the random weights and of the order of batches. On a CPU, with the same number of
        threads, the same seed gives the same file, bit for bit.
    features
        Folder of the features, which several trainings may share; None: ``features`` in `out`.
    keep_features
        Whether features are cached on disk; otherwise they are computed in each epoch.
    feature_dtype
        "float32", or "float16" for half of the disk space.
    device
        "auto" (a GPU if there is one), "cpu", "cuda", ...
    n_threads
        Number of threads of torch on a CPU; None: torch's current setting.
    metrics
        Metrics on the validation images, logged in addition to LL and IG: "NSS", "AUC".
    tensorboard
        Whether logs for TensorBoard are written; None: if it is installed.
    save_seconds
        Seconds between two writes of the state within an epoch; it is always written after one.
    progress
        Whether progress bars are shown on standard error if something takes more than a few
        seconds.

    Returns
    -------
    trained : Trained
        The file of weights, the history, and models with the trained readouts.

    Raises
    ------
    InputError
        For invalid data or options, images that one stage trains on and another one tests, a loss
        that is not finite, or a folder that holds a training under other conditions or in which
        another process trains.

    Examples
    --------
    A small network on hand-made features, with one epoch in each of three folds:

    >>> import tempfile
    >>> from dataclasses import replace
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> from salmetrics_models.backbones.handmade import HAND_MADE
    >>> from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
    >>> from salmetrics_models.training import Recipe, Stage
    >>> dataset = generate_dataset(6, size=(64, 80), seed=1).dataset
    >>> folds = salmetrics.data.folds.kfold(dataset.stimuli, 3)
    >>> recipe = Recipe(max_epochs=1)
    >>> stage = Stage("generated", dataset, recipe, folds=folds, centre_bias="gaussian")
    >>> small = replace(DEEPGAZE_2E, backbones=(HAND_MADE,), downsample=1, readout_factor=8)
    >>> with tempfile.TemporaryDirectory() as out:
    ...     trained = train(small, [stage], out, device="cpu", progress=False)
    ...     model = trained.cross_validated(device="cpu")
    >>> trained.architecture.n_components
    3
    >>> model.log_density(dataset.stimuli[0]).shape
    (64, 80)
    """
    ordered = checked_stages(stages)
    check_whole("n_instances", n_instances, 1)
    check_seed(seed)
    check_choice("feature_dtype", feature_dtype, FEATURE_DTYPES)
    files = files_of(architecture, weights or {})
    settings = settings_for(
        device,
        metrics=metrics,
        tensorboard=tensorboard,
        save_seconds=save_seconds,
        progress=progress,
    )
    check_sizes(architecture, ordered)
    folder = Path(out)
    cache = Path(features or folder / "features") if keep_features else None
    with alone_in(folder), settings_of_torch(settings.device, n_threads, alone=False):
        run = _ReadoutRun(architecture, ordered, (folder, cache, feature_dtype), settings, seed)
        run.check_folders(n_instances)
        run.fill(files)
        readouts = [run.trained(b, n_instances) for b in range(len(files))]
        last = ordered[-1]
        whole = replace(
            architecture,
            n_components=n_instances * last.n_parts,
            downsample=last.recipe.downsample or architecture.downsample,
        )
        about = {"architecture": whole.description(), "n_folds": last.n_parts}
        write_weights(folder / "model.pth", _joined(readouts), about)
        if last.folds is not None:
            last.folds.save(folder / "folds.csv")
        history = run.history(folder / "history.csv")
    parts, cached = tuple(run.parts[-1]), tuple(sets[-1][0] for sets in run.features)
    others = tuple(other for sets in run.features if (other := sets[-1][1]) is not None)
    return Trained(folder / "model.pth", whole, parts, n_instances, history, cached, others)


class _ReadoutRun:
    """A running training."""

    def __init__(
        self,
        architecture: Architecture,
        stages: list[Stage],
        where: tuple[Path, Path | None, str],
        settings: Settings,
        seed: int,
    ) -> None:
        self._architecture = replace(architecture, n_components=1)
        self._stages = stages
        self._folder, self._cache, self._feature_dtype = where
        self._settings = settings
        self._seed = seed
        self._common = {"torch": torch.__version__, "seed": seed}
        self._common |= {"device": settings.device.type, "n_threads": torch.get_num_threads()}
        if settings.device.type == "cuda":
            self._common["n_threads"] = 0  # they do not change the result
        self._digests = [
            [
                [] if d is None else image_digests(d.stimuli)
                for d in (stage.dataset, stage.validation)
            ]
            for stage in stages
        ]
        self.parts = [stage.parts(progress=settings.progress) for stage in stages]
        check_unseen(stages, self._digests)
        self._stage_conditions = [
            stage.conditions(*digests) for stage, digests in zip(stages, self._digests, strict=True)
        ]
        self._rows: list[dict[str, Any]] = []
        self._states: list[dict[str, Tensor]] = []
        self.features: list[list[tuple[Features, Features | None]]] = []  # by backbone and stage
        swept(self._folder, "*", "*/instance-*/**")

    def check_folders(self, n_instances: int) -> None:
        """Check that existing states belong to this training, before anything is computed."""
        for b in range(len(self._architecture.backbones)):
            for s, parts in enumerate(self.parts):
                for part in parts:
                    for j in range(n_instances):
                        folder = self._folder_of(b, j, part)
                        check_folder(folder, part.stage.recipe, self._conditions(s, j, part))

    def _folder_of(self, b: int, j: int, part: Part) -> Path:
        names = [self._architecture.backbones[b].name, f"instance-{j}", part.stage.name]
        names += [] if part.fold is None else [f"fold-{part.fold}"]
        return self._folder.joinpath(*names)

    def _conditions(self, s: int, j: int, part: Part) -> dict[str, Any]:
        """Return everything on which a readout depends, except for its recipe and features."""
        return {
            **self._common,
            "architecture": self._architecture.description(),
            "stages": self._stage_conditions[: s + 1],
            "earlier_recipes": [earlier.recipe.as_dict() for earlier in self._stages[:s]],
            "instance": j,
            "fold": part.fold,
        }

    def fill(self, weights: Sequence[Path | None]) -> None:
        """Compute all missing features of all backbones and stages."""
        for backbone, file in zip(self._architecture.backbones, weights, strict=True):
            extractor = extractor_of(backbone, file, self._seed)
            state = extractor.state_dict()
            self._states.append({key: tensor.cpu().clone() for key, tensor in state.items()})
            extractor = extractor.to(self._settings.device)
            self.features.append([self._features(extractor, s) for s in range(len(self._stages))])

    def trained(
        self, b: int, n_instances: int
    ) -> tuple[dict[str, Tensor], list[dict[str, Tensor]]]:
        """Train all readouts of a backbone; return its state, and theirs by instance and fold."""
        scale = self._scale(b) if self._architecture.scaled else None
        starts = [self._random_head(b, j, scale) for j in range(n_instances)]
        heads: list[list[dict[str, Tensor]]] = []
        for s, parts in enumerate(self.parts):
            by_part = [self._train_part(b, s, part, starts) for part in parts]
            heads = [list(by_fold) for by_fold in zip(*by_part, strict=True)]
            starts = [by_fold[0] for by_fold in heads]
        return self._states[b], [head for by_fold in heads for head in by_fold]

    def history(self, path: Path) -> pd.DataFrame:
        """Write one row per epoch of each readout as CSV, and return the table."""
        import pandas as pd

        table = pd.DataFrame(self._rows)
        with replacing(path) as temporary:
            table.to_csv(temporary, index=False, lineterminator="\n")
        return table

    def _features(self, extractor: FeatureExtractor, s: int) -> tuple[Features, Features | None]:
        """Return features of a stage's images, and of those to validate on."""
        stage = self._stages[s]
        options: dict[str, Any] = {
            "downsample": stage.recipe.downsample or self._architecture.downsample,
            "folder": self._cache,
            "dtype": self._feature_dtype,
            "progress": self._settings.progress,
        }
        digests, other = self._digests[s]
        own = filled_features(extractor, stage.dataset.stimuli, digests, **options)
        if stage.validation is None:
            return own, None
        return own, filled_features(extractor, stage.validation.stimuli, other, **options)

    def _scale(self, b: int) -> Tensor:
        """Return the scale of features over the images of the first stage, computed once."""
        features = self.features[b][0][0]
        path = self._folder / self._architecture.backbones[b].name / "scale.pth"
        wanted = features.conditions | {"images": self._stage_conditions[0]["data"]["images"]}
        text = json.dumps(wanted, sort_keys=True)
        state = read_state(path)
        if state is not None and state["conditions"] == text:
            known: Tensor = state["scale"]
            return known
        path.parent.mkdir(parents=True, exist_ok=True)
        scale = features.scale(progress=self._settings.progress)
        write_state(path, {"format": FORMAT, "scale": scale, "conditions": text})
        return scale

    def _random_head(self, b: int, j: int, scale: Tensor | None) -> dict[str, Tensor]:
        with seeded(self._seed, b, j):
            head = Head(self._architecture.backbones[b], self._architecture)
        if scale is not None:
            head.feature_scale.copy_(scale)
        return dict(head.state_dict())

    def _train_part(
        self, b: int, s: int, part: Part, starts: Sequence[dict[str, Tensor]]
    ) -> list[dict[str, Tensor]]:
        """Train one readout per instance, except for those that are finished."""
        stage, backbone = part.stage, self._architecture.backbones[b]
        architecture = replace(
            self._architecture, downsample=stage.recipe.downsample or self._architecture.downsample
        )
        samples: tuple[Samples, Samples | None] | None = None
        states = []
        for j, start in enumerate(starts):
            folder = self._folder_of(b, j, part)
            conditions = self._conditions(s, j, part)
            conditions["features"] = self.features[b][s][0].conditions
            fitted = finished_fit(folder, stage.recipe, conditions)
            if fitted is None:
                head = Head(backbone, architecture)
                head.load_state_dict(start)
                if samples is None:  # the same for all instances
                    samples = self._samples(part, self.features[b][s], architecture)
                fitted = fit(
                    ReadoutObjective(head, self._settings.metrics),
                    *samples,
                    stage.recipe,
                    folder,
                    seed=(self._seed, b, j, s, part.fold or 0),
                    conditions=conditions,
                    settings=self._settings,
                    name=" ".join(folder.relative_to(self._folder).parts),
                )
            about = {"backbone": backbone.name, "instance": j, "stage": stage.name}
            self._rows += [about | {"fold": part.fold} | row for row in fitted.history]
            states.append(fitted.state)
        return states

    def _samples(
        self, part: Part, features: tuple[Features, Features | None], architecture: Architecture
    ) -> tuple[Samples, Samples | None]:
        """Return the samples to train on, and those to validate on."""
        stage = part.stage
        options: dict[str, Any] = {
            "average": stage.recipe.average,
            "folder": self._folder,
            "progress": self._settings.progress,
        }
        weights = {
            "image_weights": stage.image_weights,
            "fixation_weights": stage.fixation_weights,
        }
        own, bias = features[0], part.centre_bias
        training = Samples(
            stage.dataset, part.training, own, bias, architecture, **options, **weights
        )
        if part.stopping is not None:
            stopping = Samples(
                stage.dataset, part.stopping, own, bias, architecture, **options, **weights
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
    readouts: Sequence[tuple[dict[str, Tensor], list[dict[str, Tensor]]]],
) -> dict[str, Tensor]:
    """Return the state of a network, given those of each backbone and of its readouts."""
    state: dict[str, Tensor] = {}
    for b, (backbone, heads) in enumerate(readouts):
        state |= {f"branches.{b}.features.{key}": t for key, t in backbone.items()}
        for key in heads[0]:
            tensors = [head[key] for head in heads]
            shared = key == "feature_scale"
            state[f"branches.{b}.{key}"] = tensors[0] if shared else torch.cat(tensors)
    return state
