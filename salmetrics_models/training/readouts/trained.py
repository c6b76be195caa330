"""The result of a training of readouts: its file of weights, and models with them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from salmetrics.data.folds import Folds
from salmetrics.errors import InputError
from salmetrics.models.base import DensityModel
from salmetrics.models.cross_validated import CrossValidated
from salmetrics_models.deepgaze.architectures import Architecture
from salmetrics_models.deepgaze.cross_validated import CrossValidatedDeepGaze
from salmetrics_models.deepgaze.deepgaze2 import DeepGazeII
from salmetrics_models.deepgaze.deepgaze2e import DeepGazeIIE
from salmetrics_models.deepgaze.folded import FoldedDeepGaze
from salmetrics_models.deepgaze.head import Head
from salmetrics_models.deepgaze.readout_model import ReadoutModel
from salmetrics_models.training.inputs.features import Features
from salmetrics_models.training.inputs.stages import Part, Stage
from salmetrics_models.training.readouts.from_features import FromFeatures

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Trained"]


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of `train`.

    Parameters
    ----------
    path
        File of weights, which `DeepGazeII`, `DeepGazeIIE` or `ReadoutModel` loads.
    architecture
        Architecture of the network, with all components.
    parts
        Parts of the last stage: the images on which each readout was trained and validated.
    n_instances
        Number of trainings from different random weights.
    history
        One row per epoch of each readout: backbone, instance, stage, fold, epoch, learning_rate,
        loss (bits per fixation), LL, IG (bits per fixation) and other metrics on the validation
        images, sigma (pixels of the map), centre_weight.
    features
        Features of the images of the last stage, for each backbone.
    validation_features
        Features of the images that it is validated on, for each backbone; empty with folds.

    See Also
    --------
    train : Return such a result.

    Examples
    --------
    A small network on hand-made features, trained for one epoch on all images:

    >>> import tempfile
    >>> from dataclasses import replace
    >>> from salmetrics.datasets import generate_dataset
    >>> from salmetrics_models.backbones.handmade import HAND_MADE
    >>> from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
    >>> from salmetrics_models.training import Recipe, Stage, train
    >>> dataset = generate_dataset(4, size=(64, 80), seed=1).dataset
    >>> recipe = Recipe(max_epochs=1, keep="last")
    >>> stage = Stage("generated", dataset, recipe, centre_bias="gaussian")
    >>> small = replace(DEEPGAZE_2E, backbones=(HAND_MADE,), downsample=1, readout_factor=8)
    >>> with tempfile.TemporaryDirectory() as out:
    ...     trained = train(small, [stage], out, device="cpu", progress=False)
    ...     model = trained.model(device="cpu")
    >>> type(model).__name__, model.n_components
    ('ReadoutModel', 1)
    >>> trained.history["epoch"].tolist()
    [0, 1]
    """

    path: Path
    architecture: Architecture
    parts: tuple[Part, ...]
    n_instances: int
    history: pd.DataFrame
    features: tuple[Features, ...]
    validation_features: tuple[Features, ...] = ()

    @property
    def stage(self) -> Stage:
        """The last stage.

        Returns
        -------
        stage : Stage
            Its data, recipe and folds.
        """
        return self.parts[0].stage

    @cached_property
    def centre_bias(self) -> DensityModel:
        """The centre bias of the last stage; in folds, that of each image's fold.

        Returns
        -------
        centre_bias : DensityModel
            If it was fitted, it does not depend on the image that it predicts.
        """
        if self.stage.folds is None or not self.stage.fits_centre_bias:
            return self.parts[0].centre_bias
        biases = [part.centre_bias for part in self.parts]
        name = "centre bias of each fold's training"
        # images outside the folds get the mixture of all
        return CrossValidated(biases, self.stage.folds, unknown="mixture", name=name)

    def model(self, **options: Any) -> FoldedDeepGaze:
        """Return the model that mixes all components, for images outside the training.

        Parameters
        ----------
        **options
            Options of `DeepGazeII`, such as `device`; `centre_bias` is that of training by default.

        Returns
        -------
        model : DeepGazeII, DeepGazeIIE or ReadoutModel
            The class of the architecture.
        """
        options = {"centre_bias": self.centre_bias} | options
        for kind in (DeepGazeII, DeepGazeIIE):
            if not kind.architecture.differences(self.architecture):
                return kind(self.path, **options)
        return ReadoutModel(self.path, backbones=self.architecture.backbones, **options)

    def cross_validated(self, **options: Any) -> CrossValidatedDeepGaze:
        """Return the model that predicts each image with readouts that were not trained on it.

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
            If the last stage has no folds.
        """
        return self.model(**options).cross_validated(self._folds())

    def from_features(self, *, instance: int | None = None, name: str = "readout") -> FromFeatures:
        """Return a model for the images of training that were held out, which runs faster.

        It reads the cached features instead of running the backbones. With folds, it is the model
        of `cross_validated`; without, it predicts the images that the last stage is validated on,
        with the centre bias of its validation.

        Parameters
        ----------
        instance
            Number of one instance, from 0; None: the mixture of all.
        name
            Name in tables.

        Returns
        -------
        model : FromFeatures
            It refuses other images than those of the last stage.

        Raises
        ------
        InputError
            If the last stage has neither folds nor images to validate on.
        """
        folds = self.stage.folds
        if folds is None and not self.validation_features:
            raise InputError(
                "the last stage of this training has no folds, and no images to validate on"
            )
        features = self.validation_features if folds is None else self.features
        model = self.model(device="cpu")
        n_folds = 1 if folds is None else folds.n_folds
        by_fold = [model.components_of(fold=k, instance=instance) for k in range(n_folds)]
        used = sorted({number for components in by_fold for number in components})
        architecture = replace(self.architecture, n_components=len(used))
        heads: list[Head] = []
        for branch in model.network.branches:
            head = Head(branch.features.backbone, architecture)  # type: ignore[union-attr, arg-type]
            own, state = head.state_dict(), branch.state_dict()
            shared = [key for key in own if key == "feature_scale"]
            head.load_state_dict({k: state[k] if k in shared else state[k][used] for k in own})
            heads.append(head)
        places = [[used.index(number) for number in components] for components in by_fold]
        return FromFeatures(
            architecture,
            heads,
            features,
            self.parts[0].validation_centre_bias if folds is None else self.centre_bias,
            lambda image: places[0 if folds is None else folds[image]],
            name,
            {"weights": model.weights_digest, "instance": instance},
        )

    def validation(self, instance: int | None = None) -> float:
        """Return the information gain on validation images, averaged over readouts.

        Parameters
        ----------
        instance
            Number of one instance, from 0; None: all.

        Returns
        -------
        gain : float
            Mean over the readouts of the last stage, each at the epoch that was kept, in bits per
            fixation; NaN without validation images.
        """
        rows = self.history[self.history["stage"] == self.stage.name]
        if "IG" not in rows or rows["IG"].isna().all():
            return math.nan
        if instance is not None:
            rows = rows[rows["instance"] == instance]
        readouts = rows.groupby(["backbone", "instance", "fold"], dropna=False)["IG"]
        best = self.stage.recipe.keep == "best"
        return float(np.mean([gains.max() if best else gains.iloc[-1] for _, gains in readouts]))

    def _folds(self) -> Folds:
        if self.stage.folds is None:
            raise InputError("the last stage of this training has no folds")
        return self.stage.folds
