"""Stages of a training: their data, recipes and folds."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from salmetrics.array_types import Rows
from salmetrics.data.dataset import Dataset
from salmetrics.data.folds import Folds
from salmetrics.data.transforms import subsample
from salmetrics.errors import InputError, check_list, some
from salmetrics.fingerprint import fingerprint
from salmetrics.models.base import DensityModel
from salmetrics.models.centre_bias import CentreBias
from salmetrics_models.deepgaze.centre_bias import as_centre_bias
from salmetrics_models.training.inputs.samples import checked_weights, warn_of_empty
from salmetrics_models.training.loop.recipe import Recipe

__all__ = ["Part", "Stage", "check_unseen", "checked_stages", "fingerprints", "warn_of_shared"]

_FITTED_TO = 1000  # most images to which bandwidth and floor of the centre bias are fitted
# Identity of the centre biases that have a name. It stands in trainings, so it is fixed. (These are
# the digests that were recorded when classes were identified by their module.)
_CENTRE_BIASES = {
    "gaussian": "1fea6abc3b06b10ad1a84bc8b69d8421",
    "uniform": "bc1f7c6937f5e8d4c5740ddc490d9279",
}


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage of a training, such as pretraining on SALICON or fine-tuning on MIT1003 in folds.

    Parameters
    ----------
    name
        Name in folders, logs and tables.
    dataset
        Images and fixations.
    recipe
        Learning rates, batches and the rule for stopping.
    folds
        Folds of the images. There is one readout per fold: readout k is trained on the images of
        ``folds.train(k)`` and validated on those of ``folds.validation(k)``. None: one readout is
        trained on all images.
    validation
        Images and fixations to validate on, if there are no folds.
    centre_bias
        Density model, or anything else that DeepGaze accepts as a centre bias. "fit": a
        `salmetrics.CentreBias` of the images that a readout is trained on, leaving out each image
        itself; its bandwidth and floor are fitted to at most 1000 images.
    image_weights, fixation_weights
        Weight of each image and of each fixation of the data set, shape (n,); None: all are equal.

    Raises
    ------
    InputError
        For invalid values, or values that contradict each other.

    Examples
    --------
    >>> import salmetrics
    >>> from salmetrics.datasets import generate_dataset
    >>> from salmetrics_models.training import Recipe
    >>> dataset = generate_dataset(6, size=(64, 80), seed=1).dataset
    >>> folds = salmetrics.data.folds.kfold(dataset.stimuli, 3)
    >>> stage = Stage("generated", dataset, Recipe(max_epochs=5), folds=folds)
    >>> [len(part.training) for part in stage.parts()]
    [2, 2, 2]
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
        if not re.fullmatch(r"\w[\w.-]*", self.name):
            raise InputError(
                "the name of a stage must begin with a letter or digit, and contain only those, "
                f"'-', '_' and '.'; got {self.name!r}"
            )
        if self.folds is not None and self.validation is not None:
            raise InputError(
                f"stage {self.name!r} has folds, which determine the validation images; leave out "
                "validation"
            )
        if self.folds is None and self.validation is None and self.recipe.looks_at_validation:
            raise InputError(
                f"the recipe of stage {self.name!r} needs validation images, and there are none; "
                "give folds or validation, or choose keep='last', stopping='none' and "
                "schedule='steps'"
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
                raise InputError(
                    f"training needs the pixels of images; {without[0]!r} has only a size"
                )
        if n_images == 0:
            raise InputError(f"stage {self.name!r} has no images")

    @property
    def n_parts(self) -> int:
        """Number of readouts that are trained, for each one that training starts from.

        Returns
        -------
        n : int
            Number of folds; 1 without folds.
        """
        return 1 if self.folds is None else self.folds.n_folds

    def parts(self, *, progress: bool = True) -> list[Part]:
        """Return the images of each readout; warn of images without fixations.

        Parameters
        ----------
        progress
            Whether the parts show progress bars on standard error.

        Returns
        -------
        parts : list of Part
            One per fold; one alone without folds.

        Raises
        ------
        InputError
            If an image is in no fold, or a fold has no images to train on or to validate on.
        """
        warn_of_empty(self.dataset, self.image_weights, self.fixation_weights)
        if self.folds is None:
            if self.validation is not None:
                warn_of_empty(self.validation, None, None)
            everything = np.arange(len(self.dataset))
            return [Part(self, None, everything, None, progress)]
        self.folds.of(self.dataset.stimuli)  # raises an error if an image is in no fold
        parts = []
        for k in range(self.folds.n_folds):
            used = {*self.folds.train(k)}, {*self.folds.validation(k)}
            self.folds.check(k, used[0])
            if self.folds.scheme != "deepgaze2":  # there, the validation images are those tested
                self.folds.check(k, used[1])
            training, stopping = (
                np.array([i for i, name in enumerate(self.dataset.stimuli.ids) if name in ids])
                for ids in used
            )
            for what, images in (("train", training), ("validate", stopping)):
                if not images.size:
                    raise InputError(
                        f"fold {k} has no images of {self.dataset.name!r} to {what} on"
                    )
            parts.append(Part(self, k, training, stopping, progress))
        return parts

    @property
    def fits_centre_bias(self) -> bool:
        """Whether the centre bias is fitted to the data of the stage.

        Returns
        -------
        fits : bool
            True if `centre_bias` is "fit".
        """
        return isinstance(self.centre_bias, str) and self.centre_bias == "fit"

    def conditions(self, digests: Sequence[str], of_validation: Sequence[str]) -> dict[str, Any]:
        """Return everything in the stage on which a training depends, except for the recipe.

        Parameters
        ----------
        digests, of_validation
            Result of `image_digests` for the images, and for those of `validation`.

        Returns
        -------
        conditions : dict
            Digests and names, serialisable as JSON.
        """
        conditions: dict[str, Any] = {
            "stage": self.name,
            "data": fingerprints(self.dataset, digests),
            "centre_bias": "fit",
        }
        if not self.fits_centre_bias:
            conditions["centre_bias"] = _identity(as_centre_bias(self.centre_bias))
        if self.validation is not None:
            conditions["validation"] = fingerprints(self.validation, of_validation)
        if self.folds is not None:
            conditions["folds"] = fingerprint([dict(self.folds), self.folds.scheme])
        for name in ("image_weights", "fixation_weights"):
            if getattr(self, name) is not None:
                conditions[name] = fingerprint(getattr(self, name))
        return conditions


@dataclass(frozen=True, eq=False)
class Part:
    """The images on which one readout of a stage is trained and validated.

    Attributes
    ----------
    stage
        Stage of the readout.
    fold
        Number of the fold; None without folds.
    training
        Numbers of the images of the stage's data set to train on, int64.
    stopping
        Numbers of the images of that data set to validate on, int64; None without folds.
    progress
        Whether progress bars are shown on standard error.
    """

    stage: Stage
    fold: int | None
    training: Rows
    stopping: Rows | None
    progress: bool = True

    @cached_property
    def centre_bias(self) -> DensityModel:
        """The centre bias; a fitted one does not depend on the images that are tested."""
        return self._centre_bias(self.stage.dataset[self.training])

    @cached_property
    def validation_centre_bias(self) -> DensityModel:
        """The centre bias of the stage's `validation`, whose display may be another one."""
        assert self.stage.validation is not None
        return self._centre_bias(self.stage.validation)

    def _centre_bias(self, dataset: Dataset) -> DensityModel:
        if not self.stage.fits_centre_bias:
            return as_centre_bias(self.stage.centre_bias)
        if len(dataset) <= _FITTED_TO:
            return CentreBias.fit(*dataset, progress=self.progress)
        fewer = subsample(dataset, _FITTED_TO)  # more hardly change the two numbers
        fitted = CentreBias.fit(*fewer, progress=self.progress)
        return CentreBias(*dataset, bandwidth=fitted.bandwidth, floor=fitted.floor)


def _identity(centre_bias: DensityModel) -> str:
    """Return the identity of a centre bias; it is fixed for those that have a name."""
    own = fingerprint(centre_bias)
    named = {fingerprint(as_centre_bias(name)): fixed for name, fixed in _CENTRE_BIASES.items()}
    return named.get(own, own)


def fingerprints(dataset: Dataset, digests: Sequence[str]) -> dict[str, str]:
    """Return digests by which a training recognises the images and fixations of a data set.

    Parameters
    ----------
    dataset
        Images and fixations.
    digests
        Result of `image_digests` for the images.
    """
    fixations = dataset.fixations
    columns = [fixations.x, fixations.y, fixations.image, fixations.subject]
    return {
        "images": fingerprint([list(dataset.stimuli.ids), list(digests)]),
        "fixations": fingerprint(columns),
    }


def warn_of_shared(validation: Dataset, digests: Sequence[Sequence[str]]) -> None:
    """Warn of images that are in training and in validation, identified by files or pixels.

    Parameters
    ----------
    validation
        Images to validate on.
    digests
        Results of `image_digests` for the images to train on, and for those to validate on.
    """
    known = set(digests[0])
    ids = validation.stimuli.ids
    shared = [name for name, digest in zip(ids, digests[1], strict=True) if digest in known]
    if shared:
        warnings.warn(
            f"{len(shared)} images of {validation.name!r} are in training and in validation: "
            f"{some(shared)}; validation scores are too high",
            stacklevel=3,
        )


def check_unseen(stages: Sequence[Stage], digests: Sequence[Sequence[Sequence[str]]]) -> None:
    """Check that no earlier stage is trained on images that the last stage tests in folds.

    Two images are the same if their files or pixels are, or their ids in data sets of one name.
    There are warnings of images that an earlier stage is validated on, and of images that are in
    two folds under different ids.

    Parameters
    ----------
    stages
        Stages in their order.
    digests
        Results of `image_digests` for each stage: of its images, and of those to validate on.

    Raises
    ------
    InputError
        If an earlier stage is trained on images that are tested.
    """
    last = stages[-1]
    if last.folds is None:
        return
    ids = last.dataset.stimuli.ids
    tested = dict(zip(digests[-1][0], ids, strict=True))
    tested |= {f"{last.dataset.name}:{name}": name for name in ids}
    folds_by_digest: dict[str, set[int]] = {}
    for digest, name in zip(digests[-1][0], ids, strict=True):
        folds_by_digest.setdefault(digest, set()).add(last.folds[name])
    twice = [tested[digest] for digest, folds in folds_by_digest.items() if len(folds) > 1]
    if twice:
        warnings.warn(
            f"{len(twice)} images of stage {last.name!r} are in several folds, under different "
            f"ids: {some(twice)}; their scores are too high",
            stacklevel=3,
        )
    for stage, stage_digests in zip(stages[:-1], digests[:-1], strict=True):
        for dataset, own, what in zip(
            (stage.dataset, stage.validation), stage_digests, ("trained", "validated"), strict=True
        ):
            if dataset is None:
                continue
            keys = zip(own, (f"{dataset.name}:{name}" for name in dataset.stimuli.ids), strict=True)
            shared = [tested[key] for pair in keys for key in pair if key in tested]
            shared = list(dict.fromkeys(shared))
            if not shared:
                continue
            text = (
                f"stage {stage.name!r} is {what} on {len(shared)} images of stage {last.name!r}, "
                f"whose folds test them: {some(shared)}"
            )
            if what == "trained":
                raise InputError(f"{text}. Leave them out of stage {stage.name!r}")
            warnings.warn(f"{text}; their scores are slightly too high", stacklevel=3)


def checked_stages(stages: Sequence[Stage]) -> list[Stage]:
    """Return stages as a list.

    Parameters
    ----------
    stages
        Stages in their order.

    Raises
    ------
    InputError
        If there is none, two have one name, or one with folds is not the last.
    """
    listed = check_list("stages", stages)
    if not listed:
        raise InputError("there must be at least one stage")
    names = [stage.name for stage in listed]
    if len(set(names)) < len(names):
        raise InputError(f"stages must have different names; got {names}")
    for stage in listed[:-1]:
        if stage.folds is not None:
            raise InputError(
                f"only the last stage may have folds; {stage.name!r} has some, and a stage after it"
            )
    return listed
