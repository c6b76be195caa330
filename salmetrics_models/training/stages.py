"""Stages of a training: which data, which recipe, which folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.dataset import Dataset
from salmetrics.errors import InputError, check_list
from salmetrics.fingerprint import data_fingerprint, fingerprint
from salmetrics.folds import Folds
from salmetrics.models.base import DensityModel
from salmetrics.models.centre_bias import CentreBias
from salmetrics_models.centre import as_centre_bias
from salmetrics_models.training.recipes import Recipe
from salmetrics_models.training.samples import checked_weights, warn_of_empty

__all__ = ["Part", "Stage", "checked_stages"]


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage, such as pretraining on SALICON, or fine-tuning on MIT1003 in folds.

    Attributes
    ----------
    name
        For folders, logs and tables.
    dataset
        Images and fixations.
    recipe
        How the readout is trained.
    folds
        Of the images, for as many readouts: number k is trained on the images of `Folds.train`, and
        stopped on those of `Folds.validation`. None: one readout, trained on all images.
    validation
        Images and fixations to stop on, where there are no folds.
    centre_bias
        A density model or whatever else DeepGaze takes for one; "fit": `salmetrics.CentreBias`
        fitted to the images that a readout is trained on, leaving out each image itself.
    image_weights, fixation_weights
        How much each image, or each fixation, of the data set counts; None: all alike.

    Raises
    ------
    InputError
        For values that can't be, or that don't go together.
    """

    name: str
    dataset: Dataset
    recipe: Recipe
    folds: Folds | None = None
    validation: Dataset | None = None
    centre_bias: Any = "fit"
    image_weights: Any = None
    fixation_weights: Any = None

    def __post_init__(self) -> None:
        if not self.name or not all(c.isalnum() or c in "-_." for c in self.name):
            raise InputError(
                f"the name of a stage must be of letters, digits, '-', '_' and '.'; got "
                f"{self.name!r}"
            )
        if self.folds is not None and self.validation is not None:
            raise InputError(
                f"stage {self.name!r} has folds, which say what is validated on; leave out "
                "validation"
            )
        n_images, n_fixations = len(self.dataset), len(self.dataset.fixations)
        for name, n in (("image_weights", n_images), ("fixation_weights", n_fixations)):
            checked = checked_weights(name, getattr(self, name), n)
            object.__setattr__(self, name, checked)
        for dataset in (self.dataset, self.validation):
            if dataset is None:
                continue
            dataset.fixations.check_against(dataset.stimuli)
            without = [s.id for s in dataset.stimuli if not s.has_pixels]
            if without:
                raise InputError(f"training needs images; {without[0]!r} has a size only")
        if n_images == 0:
            raise InputError(f"stage {self.name!r} has no images")

    @property
    def n_parts(self) -> int:
        """How many readouts come out, of one that goes in."""
        return 1 if self.folds is None else self.folds.n_folds

    def parts(self) -> list[Part]:
        """Return what each readout is trained and stopped on; warn of images without fixations."""
        warn_of_empty(self.dataset, self.image_weights, self.fixation_weights)
        if self.folds is None:
            if self.validation is not None:
                warn_of_empty(self.validation, None, None)
            everything = np.arange(len(self.dataset))
            return [Part(self, None, everything, None)]
        of_image = self.folds.of(self.dataset.stimuli)
        made = []
        for k in range(self.folds.n_folds):
            used = {*self.folds.train(k)}, {*self.folds.validation(k)}
            self.folds.check(k, used[0])
            if self.folds.scheme != "deepgaze2":  # there, models are stopped on the images tested
                self.folds.check(k, used[1])
            chosen = [
                np.array([i for i, name in enumerate(self.dataset.stimuli.ids) if name in ids])
                for ids in used
            ]
            for what, images in zip(("train", "stop"), chosen, strict=True):
                if not images.size:
                    raise InputError(
                        f"fold {k} has no images of {self.dataset.name!r} to {what} on"
                    )
            assert of_image.size == len(self.dataset)
            made.append(Part(self, k, *chosen))
        return made

    @property
    def fits_centre_bias(self) -> bool:
        """Whether the centre bias is fitted to the data of the stage."""
        return isinstance(self.centre_bias, str) and self.centre_bias == "fit"

    @property
    def conditions(self) -> dict[str, Any]:
        """What a training depends on, as JSON can hold it; reads all images."""
        found: dict[str, Any] = {
            "stage": self.name,
            "data": data_fingerprint(*self.dataset),
            "centre_bias": "fit"
            if self.fits_centre_bias
            else fingerprint(as_centre_bias(self.centre_bias)),
        }
        if self.validation is not None:
            found["validation"] = data_fingerprint(*self.validation)
        if self.folds is not None:
            found["folds"] = fingerprint([dict(self.folds), self.folds.scheme])
        for name in ("image_weights", "fixation_weights"):
            if getattr(self, name) is not None:
                found[name] = fingerprint(getattr(self, name))
        return found


@dataclass(frozen=True, eq=False)
class Part:
    """What one readout of a stage is trained and stopped on.

    Attributes
    ----------
    stage
        Which it is a part of.
    fold
        Its fold; None without folds.
    training
        Numbers of images of the stage's data set.
    stopping
        Numbers of images of that too; None without folds.
    """

    stage: Stage
    fold: int | None
    training: NDArray[np.int64]
    stopping: NDArray[np.int64] | None

    @cached_property
    def centre_bias(self) -> DensityModel:
        """The centre bias; a fitted one knows no image that is tested on."""
        return self._centre_bias(self.stage.dataset[self.training])

    @cached_property
    def validation_centre_bias(self) -> DensityModel:
        """The centre bias of the stage's `validation`, which may be of another display."""
        assert self.stage.validation is not None
        return self._centre_bias(self.stage.validation)

    def _centre_bias(self, dataset: Dataset) -> DensityModel:
        if self.stage.fits_centre_bias:
            return CentreBias.fit(*dataset)
        return as_centre_bias(self.stage.centre_bias)


def checked_stages(stages: Sequence[Stage]) -> list[Stage]:
    """Return stages as a list; raise `InputError` unless they go together."""
    given = check_list("stages", stages)
    if not given:
        raise InputError("there must be at least one stage")
    names = [stage.name for stage in given]
    if len(set(names)) < len(names):
        raise InputError(f"stages must have different names; got {names}")
    for stage in given[:-1]:
        if stage.folds is not None:
            raise InputError(
                f"only the last stage can have folds: after {stage.name!r} there would be one "
                "readout for each"
            )
    return given
