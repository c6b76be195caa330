"""Conversion of arrays, files, functions and foreign models into models: `as_model`."""

from __future__ import annotations

import inspect
import os
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from salmetrics.array_types import KINDS, AnyArray, Array, Kind, is_array, to_numpy
from salmetrics.checked_map import NORMALIZATION_TOLERANCE, as_log_density
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.densities.resampling import (
    RESIZES,
    Resize,
    is_turned,
    resize_log_density,
    resize_map,
)
from salmetrics.errors import (
    InputError,
    InputWarning,
    NeedsDensityError,
    check_choice,
    described,
    shortened,
)
from salmetrics.fingerprint import Aside
from salmetrics.io.name_templates import shifted_numbers
from salmetrics.io.names import match_maps
from salmetrics.models.base import DensityModel, Model, SaliencyMapModel, as_array, model_name
from salmetrics.models.stored_maps import MapOrder, StoredMaps, stem_of

__all__ = ["Input", "as_model", "instance_of", "path_and_part", "require_density"]

Input = Literal["stimulus", "image"]

_LONGEST = 160  # characters of another library's message that are quoted

Predict = Callable[[Stimulus], Any]


def as_model(
    obj: Any,
    stimuli: Stimuli | None = None,
    *,
    kind: Kind | None = None,
    input: Input = "stimulus",
    resize: Resize | None = None,
    normalize: bool = False,
    map_name: str | None = None,
    map_order: MapOrder | None = None,
) -> Model:
    """Turn an object into a `DensityModel` or a `SaliencyMapModel`.

    Parameters
    ----------
    obj
        A model; a model class whose constructor needs no arguments; a dict of arrays by image id,
        or by names that belong to the images of `stimuli` as those of `salmetrics.StoredMaps` do;
        a list of arrays, one per image; `salmetrics.StoredMaps`, or the path of a folder, archive
        or file that it takes (``file.mat:variable`` names a part); a function of an image; or a
        pysaliency model. Arrays may be NumPy arrays or torch tensors (any device, requiring
        gradients or not) or other arrays that NumPy reads, of shape (h, w) or with leading axes of
        length 1; one of shape (n, h, w) is a list of n.
    stimuli
        The images of a list, in its order, and of names that are not ids.
    kind
        What arrays and functions contain: "log_density" (natural log), "density" (sums to 1) or
        "saliency_map" (any scale; the default for stored maps). A file that records its kind
        takes precedence.
    input
        Argument of a function: "stimulus", or "image", its uint8 pixels of shape (h, w) or
        (h, w, 3).
    resize
        "nearest", "bilinear" or "bicubic": interpolation of predictions whose size differs from
        the image's. A density is normalised afterwards. By default another size is an error.
    normalize
        Whether to divide densities by their sum; by default a sum that differs from 1 by more than
        1e-3 is an error.
    map_name, map_order
        Names and order of the maps of a folder, archive or file, see `salmetrics.StoredMaps`.

    Returns
    -------
    model : DensityModel or SaliencyMapModel
        `obj` itself if it is a model and neither `resize` nor `normalize` is given.

    Raises
    ------
    InputError
        If `kind` is needed and missing, an option is unknown, stored maps do not fit the images,
        or a class is abstract or needs arguments.
    TypeError
        If `obj` cannot serve as a model.

    Examples
    --------
    >>> model = as_model({"0": np.ones((2, 3))}, kind="saliency_map")
    >>> model.saliency_map(Stimuli.from_sizes([(2, 3)])[0]).shape
    (2, 3)
    """
    check_choice("input", input, get_args(Input))
    check_choice("resize", resize, (None, *RESIZES))
    if kind is not None:
        check_choice("kind", kind, KINDS)
    if inspect.isclass(obj) and issubclass(obj, (DensityModel, SaliencyMapModel)):
        obj = instance_of(obj)
    if isinstance(obj, (DensityModel, SaliencyMapModel)):
        return obj if resize is None and not normalize else _resized(obj, resize, normalize)
    if isinstance(obj, (str, Path)):
        path, part = path_and_part(obj)
        obj = StoredMaps(
            path,
            stimuli,
            part=part,
            check_sizes=resize is None,
            map_name=map_name,
            map_order=map_order,
        )
    elif map_name is not None or map_order is not None:
        raise InputError("map_name= and map_order= are for the path of maps")
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


def require_density(
    obj: Any,
    purpose: str,
    stimuli: Stimuli | None = None,
    *,
    kind: Kind = "log_density",
    with_maps: bool = False,
    one_per_image: bool = False,
) -> DensityModel:
    """Return a density model, from anything that `as_model` takes.

    Parameters
    ----------
    obj, stimuli, kind
        See `as_model`; raw arrays are log densities unless `kind` says otherwise.
    purpose
        What the density is needed for; the subject of the message.
    with_maps
        Whether a model that has likelihoods but no maps is an error.
    one_per_image
        Whether a model whose predictions depend on the subject is an error, too.

    Returns
    -------
    model : DensityModel
        `obj`, or the model made from it.

    Raises
    ------
    NeedsDensityError
        If the model gives saliency maps, or not the densities that are needed; it is an
        `InputError` and a `TypeError`.
    """
    model = as_model(obj, stimuli, kind=kind)
    name = model_name(model)
    if not isinstance(model, DensityModel):
        raise NeedsDensityError(
            f"{purpose} needs densities; {name} gives saliency maps. Turn them into densities "
            "with salmetrics.fit_density"
        )
    if (with_maps or one_per_image) and model.without_maps is not None:
        raise NeedsDensityError(
            f"{purpose} needs densities of whole images; {name} has none: {model.without_maps}"
        )
    if one_per_image and model.subject_dependent:
        raise NeedsDensityError(
            f"{purpose} needs one density per image; {name} has one per subject (a gold standard "
            "has one per image with upper_bound=True)"
        )
    return model


class _FromFunction:
    """The part that models calling a function of a stimulus have in common."""

    _predict: Predict

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Raise `InputError` if stored maps of these images are missing or invalid."""
        if isinstance(self._predict, StoredMaps):
            self._predict.check(stimuli)
        elif isinstance(self._predict, _Lookup):
            self._predict.use_for(stimuli)

    @property
    def parameters(self) -> dict[str, Any]:
        """Which maps are stored and how they are read, by name; empty for a function."""
        return self._predict.parameters if isinstance(self._predict, StoredMaps) else {}

    @property
    def at_hand(self) -> bool:
        """Whether predictions exist already, so that looking at one costs little."""
        return isinstance(self._predict, (StoredMaps, _Lookup))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was noticed while predictions that exist already were read."""
        predict = self._predict
        return predict.notes if isinstance(predict, (StoredMaps, _Lookup)) else ()

    @property
    def stored(self) -> StoredMaps | None:
        """The stored maps that the model reads; None if it reads none."""
        return self._predict if isinstance(self._predict, StoredMaps) else None


class _DensityFromFunction(_FromFunction, DensityModel):
    """A density model that calls a function of a stimulus."""

    def __init__(
        self, predict: Predict, name: str, resize: Resize | None, *, is_log: bool, normalize: bool
    ) -> None:
        self.name = name
        self._normalize = normalize
        self._predict = predict
        self._resize = resize
        self._is_log = is_log

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> AnyArray:
        array = as_array(self._predict(stimulus))
        if not self._is_log:
            array = self._log(array, stimulus)
        elif self._normalize or self._resize is not None:
            what = f"the log density of {self.name} for image {stimulus.id!r}"
            array = as_log_density(array, what, normalize=self._normalize).values
        if self._resize is not None and array.shape != tuple(stimulus.size):
            _check_not_turned(array, stimulus, self.name)
            array = resize_log_density(array, stimulus.size, self._resize)
        return array

    def _log(self, density: AnyArray, stimulus: Stimulus) -> Array:
        total = float(np.sum(density, dtype=np.float64))
        if self._normalize and np.all(density >= 0) and 0 < total < np.inf:
            density = np.asarray(density, dtype=np.float64) / total
        elif not (np.all(density >= 0) and abs(total - 1) <= NORMALIZATION_TOLERANCE):
            raise InputError(
                f"the density of {self.name} for image {stimulus.id!r} must be >= 0 and sum to 1; "
                f"its smallest value is {np.min(density):.6g} and its sum {total:.6g}. Divide it "
                "by its sum, or pass kind='saliency_map'"
            )
        with np.errstate(divide="ignore"):  # probability 0 is legal
            logarithm: Array = np.log(np.asarray(density, dtype=np.float64))
        return logarithm


class _MapFromFunction(_FromFunction, SaliencyMapModel):
    """A saliency map model that calls a function of a stimulus."""

    def __init__(self, predict: Predict, name: str, resize: Resize | None) -> None:
        self.name = name
        self._predict = predict
        self._resize = resize

    def saliency_map(self, stimulus: Stimulus) -> AnyArray:
        array = as_array(self._predict(stimulus))
        if self._resize is not None and array.shape != tuple(stimulus.size):
            _check_not_turned(array, stimulus, self.name)
            array = resize_map(array, stimulus.size, self._resize)
        return array


def _check_not_turned(array: AnyArray, stimulus: Stimulus, name: str | None) -> None:
    """Raise `InputError` for a map that resizing would distort, as it is (width, height)."""
    if array.ndim == 2 and is_turned(array.shape, stimulus.size):
        raise InputError(
            f"{name} predicted size {array.shape} for image {stimulus.id!r} of size "
            f"{tuple(stimulus.size)} (height, width); it looks transposed, and is not resized"
        )


def _predictor(
    obj: Any, stimuli: Stimuli | None, kind: Kind | None, input: Input
) -> tuple[Predict, Kind | None, str]:
    """Return a function of a stimulus, the kind of its predictions, and a name."""
    if isinstance(obj, StoredMaps):
        return obj, obj.kind or kind or "saliency_map", stem_of(obj.path)
    if isinstance(obj, Mapping):
        return _Lookup(dict(obj), stimuli), kind, "dict"
    if isinstance(obj, np.ndarray) and obj.dtype == object and obj.ndim == 1:
        obj = list(obj)  # maps of several sizes
    if is_array(obj):
        stack = obj if isinstance(obj, np.ndarray) else to_numpy(obj)  # a mask is kept
        if stack.ndim == 2 and stimuli is not None and len(stimuli) == 1:
            stack = stack[np.newaxis]
        if stack.ndim == 4 and stack.shape[-1] == 1:
            stack = stack[..., 0]
        if stack.ndim not in (3, 4) or (stack.ndim == 4 and stack.shape[1] != 1):
            raise InputError(
                "an array of predictions must have shape (n, height, width), one map per image; "
                f"got {stack.shape}"
            )
        obj = list(stack)
    if isinstance(obj, Sequence) and not isinstance(obj, (str, bytes)):
        if stimuli is None:
            raise InputError("a list of predictions needs stimuli: as_model(list, stimuli, ...)")
        if len(obj) != len(stimuli):
            hint = _axes_hint(obj, stimuli)
            raise InputError(f"there are {len(obj)} predictions for {len(stimuli)} stimuli{hint}")
        return _Lookup(dict(zip(stimuli.ids, obj, strict=True))), kind, "list"
    name = getattr(obj, "__name__", type(obj).__name__)
    if type(obj).__module__.split(".")[0] == "pysaliency" or _derives_from_pysaliency(obj):
        return _pysaliency_predictor(obj, name)
    if inspect.isclass(obj):
        obj = instance_of(obj)
    if callable(obj):
        predict = _OfImage(obj) if input == "image" else obj
        return (_OfModule(predict, name) if _is_torch_module(obj) else predict), kind, name
    raise TypeError(
        f"{type(obj).__name__} cannot serve as a model: expected a DensityModel, SaliencyMapModel, "
        "a class of one, a dict of arrays by image id, a list of arrays, a folder or file of maps, "
        f"a function or a pysaliency model{_advice(obj)}"
    )


def instance_of(named: type, what: str = "", instead: str = "; give an object of it") -> Any:
    """Return an object of a class whose constructor needs no arguments.

    Parameters
    ----------
    named
        The class.
    what
        Text before the message of an error.
    instead
        What to do about a class that needs arguments, which ends the message.

    Raises
    ------
    InputError
        If the class is abstract, or needs arguments.
    """
    if inspect.isabstract(named):
        missing = ", ".join(sorted(getattr(named, "__abstractmethods__", ())))
        raise InputError(f"{what}class {named.__name__} must define {missing}")
    required = [
        parameter.name
        for parameter in inspect.signature(named).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if required:
        raise InputError(f"{what}class {named.__name__} needs {', '.join(required)}{instead}")
    return named()


def _advice(obj: Any) -> str:
    """Return the end of a message on an object that cannot serve as a model: what can."""
    name = type(obj).__name__
    if isinstance(obj, Iterator):
        return f". A {name} is used up after one image each; give list(...) of it"
    for method in ("log_density", "saliency_map"):
        if callable(getattr(obj, method, None)):
            base = "DensityModel" if method == "log_density" else "SaliencyMapModel"
            return f". Derive {name} from salmetrics.{base}, which calls its {method}"
    for method in ("predict", "forward", "transform", "compute", "run"):
        if callable(getattr(obj, method, None)):
            return (
                f". Give its method: as_model(model.{method}, kind=..., input='image'), or a "
                "function of a stimulus that calls it"
            )
    return ""


def _axes_hint(maps: Sequence[Any], stimuli: Stimuli) -> str:
    """Return what would make an array with the images last a list of maps; empty if unknown."""
    height = len(maps)
    first: tuple[int, ...] = np.shape(maps[0]) if height and is_array(maps[0]) else ()
    if len(first) == 2 and (height, first[0]) == stimuli[0].size and first[1] == len(stimuli):
        return ". The array has the images last; give np.moveaxis(maps, -1, 0)"
    return ""


def path_and_part(text: str | Path) -> tuple[Path, str | None]:
    """Split ``file.mat:variable``, unless a file of that whole name exists.

    Parameters
    ----------
    text
        Path, or path and part.
    """
    path, colon, part = str(text).rpartition(":")
    if colon and part and not os.path.exists(text) and os.path.isfile(path):
        return Path(path), part
    return Path(text), None


class _Lookup:
    """Predictions by image id, or by a name that belongs to the image by the rule for maps."""

    def __init__(self, predictions: dict[Any, Any], stimuli: Stimuli | None = None) -> None:
        self._predictions = {str(name): value for name, value in predictions.items()}
        if len(self._predictions) < len(predictions):
            raise InputError("keys of a dict of predictions must differ as text; 0 and '0' do not")
        self._names: dict[str, str] = {}
        self._problems: dict[str, str] = {}
        if stimuli is not None:
            self.use_for(stimuli)

    notes: Aside[tuple[str, ...]] = Aside((), "What was noticed about their names.")

    def use_for(self, stimuli: Stimuli) -> None:
        """Find the predictions of images, if they are not all named by their ids."""
        ids = stimuli.ids
        if self._names.keys() | self._problems.keys() >= set(ids):
            return
        self._names, self._problems, before = {}, {}, self.notes
        self.notes = ()
        if self._predictions.keys() >= set(ids):
            return
        shifted = shifted_numbers(list(self._predictions), ids)
        if shifted is not None:
            raise InputError(
                f"the predictions are numbered from 0 to {len(self._predictions) - 1}, the images "
                f"from 1 to {len(ids)}, so that the prediction for {ids[0]!r} may be that of its "
                "number, or of the number before; name them by the ids of the images"
            )
        matching = match_maps({name: name for name in self._predictions}, ids)
        self._names, self._problems = matching.found, matching.problems
        if matching.rule is not None:
            rule = matching.rule.replace("the maps", "the predictions")
            self.notes = (rule,)
            if self.notes != before:
                warnings.warn(rule, InputWarning, stacklevel=5)

    def __call__(self, stimulus: Stimulus) -> Any:
        name = self._names.get(stimulus.id, stimulus.id)
        if name not in self._predictions:
            known = ", ".join(map(repr, list(self._predictions)[:3]))
            problem = self._problems.get(stimulus.id, "")
            if problem == f"no map for {stimulus.id!r}":
                problem = ""
            raise InputError(
                f"there is no prediction for image {stimulus.id!r}{problem and f': {problem}'}; "
                f"the first of the {len(self._predictions)} predictions are for {known}"
            )
        return self._predictions[name]


class _OfImage:
    """A function of pixels as a function of a stimulus."""

    def __init__(self, function: Callable[[NDArray[np.uint8]], Any]) -> None:
        self._function = function

    def __call__(self, stimulus: Stimulus) -> Any:
        return self._function(stimulus.image)


class _OfModule:
    """A torch module that is called as a function, and told apart from one that needs tensors."""

    def __init__(self, function: Predict, name: str) -> None:
        self._function = function
        self._name = name

    _answers: Aside[bool] = Aside(False, "Whether a call has succeeded: errors are of other kinds.")

    def __call__(self, stimulus: Stimulus) -> Any:
        try:
            answer = self._function(stimulus)
        except (AttributeError, RuntimeError, TypeError) as error:
            if self._answers or not _is_of_call(error):
                raise
            raise InputError(
                f"{self._name} is a torch module, and cannot be called with a stimulus or pixels "
                f"as it is ({shortened(' '.join(described(error).split()), _LONGEST)}). Give a "
                "function that makes its input, such as "
                "as_model(lambda stimulus: net(prepared(stimulus.rgb)), kind=...)"
            ) from error
        self._answers = True
        return answer


def _is_of_call(error: AttributeError | RuntimeError | TypeError) -> bool:
    """Whether an error follows from a stimulus or pixels where a tensor is expected.

    The innermost function still holds them then, while in another error it holds tensors.
    """
    given = (Stimulus, np.ndarray)
    if type(error) not in (AttributeError, RuntimeError, TypeError):
        return False  # such as a lack of memory
    if isinstance(error, AttributeError):
        return isinstance(error.obj, given)
    frame: dict[str, Any] = {}
    for each, _ in traceback.walk_tb(error.__traceback__):
        frame = each.f_locals
    held = list(frame.values())
    held += [part for each in held if isinstance(each, tuple) for part in each]
    return any(isinstance(each, given) for each in held)


def _is_torch_module(obj: Any) -> bool:
    return any(
        base.__name__ == "Module" and base.__module__.startswith("torch.")
        for base in type(obj).__mro__
    )


class _Pysaliency:
    """A pysaliency model's method as a function of a stimulus."""

    def __init__(self, method: Callable[[NDArray[np.uint8]], Any]) -> None:
        self._method = method

    def __call__(self, stimulus: Stimulus) -> Any:
        return self._method(stimulus.image)


def _derives_from_pysaliency(obj: Any) -> bool:
    return any(base.__module__.split(".")[0] == "pysaliency" for base in type(obj).__mro__)


def _pysaliency_predictor(obj: Any, name: str) -> tuple[Predict, Kind, str]:
    if hasattr(obj, "log_density"):
        return _Pysaliency(obj.log_density), "log_density", name
    if hasattr(obj, "saliency_map"):
        return _Pysaliency(obj.saliency_map), "saliency_map", name
    raise TypeError(
        f"the pysaliency model {name} has neither log_density nor saliency_map; scanpath models "
        "are not supported"
    )


def _resized(model: Model, resize: Resize | None, normalize: bool) -> Model:
    if isinstance(model, DensityModel):
        if model.subject_dependent:
            raise InputError("predictions that depend on the subject cannot be resized")
        name = model.name or type(model).__name__
        resized = _DensityFromFunction(
            model.log_density, name, resize, is_log=True, normalize=normalize
        )
        resized.leave_one_out = model.leave_one_out
        resized.check_data = model.check_data  # type: ignore[method-assign]
        return resized
    return _MapFromFunction(model.saliency_map, model.name or type(model).__name__, resize)
