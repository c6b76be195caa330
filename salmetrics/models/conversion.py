"""`as_model`: everything that can stand for a model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.checked_map import NORMALIZATION_TOLERANCE, as_log_density
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.densities.resampling import _ORDERS, resize_log_density, resize_map
from salmetrics.errors import InputError, check_choice
from salmetrics.models.base import DensityModel, Model, SaliencyMapModel, as_array, model_name
from salmetrics.models.stored_maps import StoredMaps, stem_of

__all__ = ["KINDS", "as_density", "as_model"]

KINDS = ("log_density", "density", "saliency_map")

Predict = Callable[[Stimulus], Any]


def as_model(
    obj: Any,
    stimuli: Stimuli | None = None,
    *,
    kind: str | None = None,
    input: str = "stimulus",
    resize: str | None = None,
    normalize: bool = False,
) -> Model:
    """Turn an object into a `DensityModel` or a `SaliencyMapModel`.

    Parameters
    ----------
    obj
        A model; a class of one, made without arguments; a dict of arrays by image id; a list of
        arrays, one an image; `salmetrics.StoredMaps`, or the path of a folder, archive or file
        that it takes (``file.mat:variable`` names a part); a function of an image; or a
        pysaliency model. Arrays may be NumPy arrays or torch tensors (any device, requiring
        gradients or not), shape (h, w) or with leading axes of length 1.
    stimuli
        The images that a list is for.
    kind
        What arrays and functions give: "log_density" (natural log), "density" (sums to 1) or
        "saliency_map" (any scale; what stored maps are taken for). A file that says what it
        holds is believed.
    input
        What a function is called with: "stimulus", or "image", its uint8 pixels.
    resize
        "nearest", "bilinear" or "bicubic": bring predictions of another size to the image's. A
        density is interpolated and normalised again. By default another size is an error.
    normalize
        Divide densities by their sum; by default one that is not 1 within 1e-3 is an error.

    Raises
    ------
    InputError
        If `kind` is needed and missing, or an option is unknown.
    TypeError
        If `obj` can't stand for a model.

    Examples
    --------
    >>> model = as_model({"0": np.ones((2, 3))}, kind="saliency_map")
    >>> model.saliency_map(Stimuli.from_sizes([(2, 3)])[0]).shape
    (2, 3)
    """
    check_choice("input", input, ("stimulus", "image"))
    check_choice("resize", resize, (None, *_ORDERS))
    if kind is not None:
        check_choice("kind", kind, KINDS)
    if inspect.isclass(obj) and issubclass(obj, (DensityModel, SaliencyMapModel)):
        obj = obj()
    if isinstance(obj, (DensityModel, SaliencyMapModel)):
        return obj if resize is None and not normalize else _resized(obj, resize, normalize)
    if isinstance(obj, (str, Path)):
        path, part = _path_and_part(obj)
        obj = StoredMaps(path, stimuli, part=part, check_sizes=resize is None)
    predict, kind, name = _predictor(obj, stimuli, kind, input)
    if kind is None:
        raise InputError(
            f"kind is needed for {name}: 'log_density' (natural log), 'density' (sums to 1) or "
            "'saliency_map' (any scale)"
        )
    if kind == "saliency_map":
        return _MapFromFunction(predict, name, resize)
    is_log = kind == "log_density"
    return _DensityFromFunction(predict, name, resize, is_log=is_log, normalize=normalize)


def as_density(obj: Any, stimuli: Stimuli | None = None, *, purpose: str) -> DensityModel:
    """Return anything that `as_model` takes as a model with one density an image.

    Parameters
    ----------
    obj, stimuli
        As in `as_model`; raw arrays are log densities.
    purpose
        What needs it, for messages.

    Raises
    ------
    InputError
        If it gives saliency maps, or no one density for an image.
    """
    model = as_model(obj, stimuli, kind="log_density")
    why = None
    if not isinstance(model, DensityModel):
        why = "gives saliency maps; salmetrics.fit_density turns them into densities"
    elif model.without_maps is not None:
        why = f"has none: {model.without_maps}"
    elif model.subject_dependent:
        why = (
            "predicts each subject apart (a gold standard has one with upper_bound=True; on the "
            "command line: gold-standard:upper-bound)"
        )
    if why is not None or not isinstance(model, DensityModel):
        raise InputError(f"{purpose} needs one density an image; {model_name(model)} {why}")
    return model


class _FromFunction:
    """What the models around a function of a stimulus share."""

    _predict: Predict

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Check that stored maps are there for these images."""
        if isinstance(self._predict, StoredMaps):
            self._predict.check(stimuli)

    @property
    def stored(self) -> StoredMaps | None:
        """The stored maps behind it, if there are any."""
        return self._predict if isinstance(self._predict, StoredMaps) else None


class _DensityFromFunction(_FromFunction, DensityModel):
    """A density model around a function of a stimulus."""

    def __init__(
        self, predict: Predict, name: str, resize: str | None, *, is_log: bool, normalize: bool
    ) -> None:
        self.name = name
        self._normalize = normalize
        self._predict = predict
        self._resize = resize
        self._is_log = is_log

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> NDArray[Any]:
        array = as_array(self._predict(stimulus))
        if not self._is_log:
            array = self._log(array, stimulus)
        elif self._normalize or self._resize is not None:
            what = f"the log density of {self.name} for image {stimulus.id!r}"
            array = as_log_density(array, what, normalize=self._normalize).values
        if self._resize is not None and array.shape != tuple(stimulus.size):
            array = resize_log_density(array, stimulus.size, self._resize)
        return array

    def _log(self, density: NDArray[Any], stimulus: Stimulus) -> NDArray[np.float64]:
        total = float(np.sum(density, dtype=np.float64))
        if self._normalize and np.all(density >= 0) and 0 < total < np.inf:
            density = density / total
        elif not (np.all(density >= 0) and abs(total - 1) <= NORMALIZATION_TOLERANCE):
            raise InputError(
                f"the density of {self.name} for image {stimulus.id!r} must be >= 0 and sum to 1; "
                f"its smallest value is {np.min(density):.6g} and its sum {total:.6g}. Divide it "
                "by its sum, or pass kind='saliency_map'"
            )
        with np.errstate(divide="ignore"):  # probability 0 is legal
            logarithm: NDArray[np.float64] = np.log(np.asarray(density, dtype=np.float64))
        return logarithm


class _MapFromFunction(_FromFunction, SaliencyMapModel):
    """A saliency map model around a function of a stimulus."""

    def __init__(self, predict: Predict, name: str, resize: str | None) -> None:
        self.name = name
        self._predict = predict
        self._resize = resize

    def saliency_map(self, stimulus: Stimulus) -> NDArray[Any]:
        array = as_array(self._predict(stimulus))
        if self._resize is not None and array.shape != tuple(stimulus.size):
            array = resize_map(array, stimulus.size, self._resize)
        return array


def _predictor(
    obj: Any, stimuli: Stimuli | None, kind: str | None, input: str
) -> tuple[Predict, str | None, str]:
    """Return a function of a stimulus, the kind of what it gives, and a name."""
    if isinstance(obj, StoredMaps):
        return obj, obj.kind or kind or "saliency_map", stem_of(obj.path)
    if isinstance(obj, Mapping):
        return _Lookup(dict(obj)), kind, "dict"
    if isinstance(obj, np.ndarray) and obj.ndim == 3:
        obj = list(obj)  # one map an image
    if isinstance(obj, Sequence) and not isinstance(obj, (str, bytes)):
        if stimuli is None:
            raise InputError("a list of predictions needs stimuli: as_model(list, stimuli, ...)")
        if len(obj) != len(stimuli):
            raise InputError(f"there are {len(obj)} predictions for {len(stimuli)} stimuli")
        return _Lookup(dict(zip(stimuli.ids, obj, strict=True))), kind, "list"
    name = getattr(obj, "__name__", type(obj).__name__)
    if type(obj).__module__.split(".")[0] == "pysaliency" or _derives_from_pysaliency(obj):
        return _pysaliency_predictor(obj, name)
    if inspect.isclass(obj):
        obj = obj()
    if callable(obj):
        return (_OfImage(obj) if input == "image" else obj), kind, name
    raise TypeError(
        f"{type(obj).__name__} can't stand for a model: expected a DensityModel, SaliencyMapModel, "
        "a class of one, a dict of arrays by image id, a list of arrays, a folder or file of maps, "
        "a function or a pysaliency model"
    )


def _path_and_part(given: str | Path) -> tuple[Path, str | None]:
    """Split ``file.mat:variable``, unless there is a file of that name."""
    path, colon, part = str(given).rpartition(":")
    if colon and part and not Path(given).exists() and Path(path).is_file():
        return Path(path), part
    return Path(given), None


class _Lookup:
    """Predictions by image id."""

    def __init__(self, predictions: dict[Any, Any]) -> None:
        self._predictions = {str(name): value for name, value in predictions.items()}
        if len(self._predictions) < len(predictions):
            raise InputError("keys of a dict of predictions must differ as text; 0 and '0' don't")

    def __call__(self, stimulus: Stimulus) -> Any:
        if stimulus.id not in self._predictions:
            known = ", ".join(map(repr, list(self._predictions)[:3]))
            raise InputError(
                f"there is no prediction for image {stimulus.id!r}; the {len(self._predictions)} "
                f"there are begin with {known}"
            )
        return self._predictions[stimulus.id]


class _OfImage:
    """A function of pixels as a function of a stimulus."""

    def __init__(self, function: Callable[[NDArray[np.uint8]], Any]) -> None:
        self._function = function

    def __call__(self, stimulus: Stimulus) -> Any:
        return self._function(stimulus.image)


class _Pysaliency:
    """A pysaliency model's method as a function of a stimulus."""

    def __init__(self, method: Callable[[NDArray[np.uint8]], Any]) -> None:
        self._method = method

    def __call__(self, stimulus: Stimulus) -> Any:
        return self._method(stimulus.image)


def _derives_from_pysaliency(obj: Any) -> bool:
    return any(base.__module__.split(".")[0] == "pysaliency" for base in type(obj).__mro__)


def _pysaliency_predictor(obj: Any, name: str) -> tuple[Predict, str, str]:
    if hasattr(obj, "log_density"):
        return _Pysaliency(obj.log_density), "log_density", name
    if hasattr(obj, "saliency_map"):
        return _Pysaliency(obj.saliency_map), "saliency_map", name
    raise TypeError(
        f"the pysaliency model {name} has neither log_density nor saliency_map; scanpath models "
        "are not supported"
    )


def _resized(model: Model, resize: str | None, normalize: bool) -> Model:
    if isinstance(model, DensityModel):
        if model.subject_dependent:
            raise InputError("a subject-dependent model can't be resized")
        name = model.name or type(model).__name__
        resized = _DensityFromFunction(
            model.log_density, name, resize, is_log=True, normalize=normalize
        )
        resized.leave_one_out = model.leave_one_out
        resized.check_data = model.check_data  # type: ignore[method-assign]
        return resized
    return _MapFromFunction(model.saliency_map, model.name or type(model).__name__, resize)
