"""Stages of a training: which data, which recipe, which folds."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

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

_FITTED_TO = 1000  # images that bandwidth and floor of the centre bias are fitted to, at most


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
        fitted to the images that a readout is trained on, leaving out each image itself (its
        bandwidth and floor to 1000 of them, if there are more).
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
        if not re.fullmatch(r"\w[\w.-]*", self.name):
            raise InputError(
                "the name of a stage must begin with a letter or digit, and go on with those, '-', "
                f"'_' and '.'; got {self.name!r}"
            )
        if self.folds is not None and self.validation is not None:
            raise InputError(
                f"stage {self.name!r} has folds, which say what is validated on; leave out "
                "validation"
            )
        if self.folds is None and self.validation is None and self.recipe.looks_at_validation:
            raise InputError(
                f"the recipe of stage {self.name!r} looks at validation images, and there are "
                "none; give folds or validation, or keep='last', stopping='none' and "
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
                raise InputError(f"training needs images; {without[0]!r} has a size only")
        if n_images == 0:
            raise InputError(f"stage {self.name!r} has no images")

    @property
    def n_parts(self) -> int:
        """How many readouts come out, of one that goes in."""
        return 1 if self.folds is None else self.folds.n_folds

    def parts(self, *, progress: bool = True) -> list[Part]:
        """Return what each readout is trained and stopped on; warn of images without fixations.

        Parameters
        ----------
        progress
            Whether parts show bars.
        """
        warn_of_empty(self.dataset, self.image_weights, self.fixation_weights)
        if self.folds is None:
            if self.validation is not None:
                warn_of_empty(self.validation, None, None)
            everything = np.arange(len(self.dataset))
            return [Part(self, None, everything, None, progress)]
        self.folds.of(self.dataset.stimuli)  # says so if images are in no fold
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
            made.append(Part(self, k, chosen[0], chosen[1], progress))
        return made

    @property
    def fits_centre_bias(self) -> bool:
        """Whether the centre bias is fitted to the data of the stage."""
        return isinstance(self.centre_bias, str) and self.centre_bias == "fit"

    def conditions(self, digests: Sequence[str], of_validation: Sequence[str]) -> dict[str, Any]:
        """Return what a training depends on, as JSON can hold it.

        Parameters
        ----------
        digests, of_validation
            Of the images, and of those that are stopped on, as of `image_digests`.
        """
        found: dict[str, Any] = {
            "stage": self.name,
            "data": fingerprints(self.dataset, digests),
            "centre_bias": "fit",
        }
        if not self.fits_centre_bias:
            found["centre_bias"] = fingerprint(as_centre_bias(self.centre_bias))
        if self.validation is not None:
            found["validation"] = fingerprints(self.validation, of_validation)
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
    progress
        Whether there are bars on standard error.
    """

    stage: Stage
    fold: int | None
    training: NDArray[np.int64]
    stopping: NDArray[np.int64] | None
    progress: bool = True

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
        if not self.stage.fits_centre_bias:
            return as_centre_bias(self.stage.centre_bias)
        if len(dataset) <= _FITTED_TO:
            return CentreBias.fit(*dataset, progress=self.progress)
        fewer = subsample(dataset, _FITTED_TO)  # for its two numbers, which hardly depend on more
        fitted = CentreBias.fit(*fewer, progress=self.progress)
        return CentreBias(*dataset, bandwidth=fitted.bandwidth, floor=fitted.floor)


def fingerprints(dataset: Dataset, digests: Sequence[str]) -> dict[str, str]:
    """Return what a training knows the images and fixations of a data set by."""
    fixations = dataset.fixations
    where = [fixations.x, fixations.y, fixations.image, fixations.subject]
    return {
        "images": fingerprint([list(dataset.stimuli.ids), list(digests)]),
        "fixations": fingerprint(where),
    }


def warn_of_shared(validation: Dataset, digests: Sequence[Sequence[str]]) -> None:
    """Warn of images that are trained on and validated on; known by their files or pixels.

    Parameters
    ----------
    validation
        Images that are validated on.
    digests
        Of those that are trained on, and of these, as of `image_digests`.
    """
    known = set(digests[0])
    ids = validation.stimuli.ids
    shared = [name for name, digest in zip(ids, digests[1], strict=True) if digest in known]
    if shared:
        warnings.warn(
            f"{len(shared)} images of {validation.name!r} are validated on and trained on too: "
            f"{some(shared)}; scores there are too good",
            stacklevel=3,
        )


def check_unseen(stages: Sequence[Stage], digests: Sequence[Sequence[Sequence[str]]]) -> None:
    """Check that images that are tested on in folds were not trained on in an earlier stage.

    An image is the same if its file or pixels are, or its id in a data set of the same name. One
    that is in two folds under different ids makes a warning.

    Parameters
    ----------
    stages
        In order.
    digests
        For each, of its images, and of those that it is stopped on.

    Raises
    ------
    InputError
        If they were. If an earlier stage was stopped on them, this warns.
    """
    last = stages[-1]
    if last.folds is None:
        return
    ids = last.dataset.stimuli.ids
    tested = dict(zip(digests[-1][0], ids, strict=True))
    tested |= {f"{last.dataset.name}:{name}": name for name in ids}
    of_image: dict[str, set[int]] = {}
    for digest, name in zip(digests[-1][0], ids, strict=True):
        of_image.setdefault(digest, set()).add(last.folds[name])
    twice = [tested[digest] for digest, own in of_image.items() if len(own) > 1]
    if twice:
        warnings.warn(
            f"{len(twice)} images of stage {last.name!r} are in several folds, under different "
            f"ids: {some(twice)}; scores there are too good",
            stacklevel=3,
        )
    for stage, of_stage in zip(stages[:-1], digests[:-1], strict=True):
        for dataset, own, what in zip(
            (stage.dataset, stage.validation), of_stage, ("trained", "stopped"), strict=True
        ):
            if dataset is None:
                continue
            keys = zip(own, (f"{dataset.name}:{name}" for name in dataset.stimuli.ids), strict=True)
            seen = [tested[key] for pair in keys for key in pair if key in tested]
            seen = list(dict.fromkeys(seen))
            if not seen:
                continue
            text = (
                f"stage {stage.name!r} is {what} on {len(seen)} images of stage {last.name!r}, "
                f"whose folds test them: {some(seen)}"
            )
            if what == "trained":
                raise InputError(f"{text}. Leave them out of it")
            warnings.warn(f"{text}; scores there are a little too good", stacklevel=3)


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
