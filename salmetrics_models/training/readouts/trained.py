"""What came of a training: the file of weights, and models made from it."""

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
        name = "centre bias of each fold's training"
        # images of no fold have the mixture of all
        return CrossValidated(made, self.stage.folds, unknown="mixture", name=name)

    def model(self, **options: Any) -> FoldedDeepGaze:
        """Return the mixture of all components, as for images that nothing was trained on.

        Parameters
        ----------
        **options
            As of `DeepGaze`; `centre_bias` is by default that of training.
        """
        options = {"centre_bias": self.centre_bias} | options
        for kind in (DeepGazeII, DeepGazeIIE):
            if not kind.architecture.differences(self.architecture):
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
        of_folds = [model.components_of(fold=k, instance=instance) for k in range(folds.n_folds)]
        used = sorted({number for chosen in of_folds for number in chosen})
        architecture = replace(self.architecture, n_components=len(used))
        heads: list[Head] = []
        for branch in model.network.branches:
            head = Head(branch.features.backbone, architecture)  # type: ignore[union-attr, arg-type]
            own, state = head.state_dict(), branch.state_dict()
            shared = [key for key in own if key == "feature_scale"]
            head.load_state_dict({k: state[k] if k in shared else state[k][used] for k in own})
            heads.append(head)
        places = [[used.index(number) for number in chosen] for chosen in of_folds]
        return FromFeatures(
            architecture,
            heads,
            self.features,
            self.centre_bias,
            lambda image: places[folds[image]],
            name,
            {"weights": model.weights_digest, "instance": instance},
        )

    def validation(self, instance: int | None = None) -> float:
        """Return the mean information gain on validation images of the epochs that were kept, bits.

        NaN if the last stage had nothing to validate on.

        Parameters
        ----------
        instance
            One alone, from 0; None: all.
        """
        rows = self.history[self.history["stage"] == self.stage.name]
        if "IG" not in rows or rows["IG"].isna().all():
            return math.nan  # there was nothing to validate on
        if instance is not None:
            rows = rows[rows["instance"] == instance]
        of_readouts = rows.groupby(["backbone", "instance", "fold"], dropna=False)["IG"]
        best = self.stage.recipe.keep == "best"
        return float(np.mean([one.max() if best else one.iloc[-1] for _, one in of_readouts]))

    def _folds(self) -> Folds:
        if self.stage.folds is None:
            raise InputError("the last stage of this training had no folds")
        return self.stage.folds
