"""DeepGaze as density models: any image, any centre bias, any of its components."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from salmetrics.errors import InputError, check_choice, check_list, check_whole, is_number
from salmetrics.fingerprint import fingerprint
from salmetrics.fixations import Fixations
from salmetrics.folds import Folds
from salmetrics.io.files import check_target, replacing
from salmetrics.models.base import DensityModel, log_density_of, model_name
from salmetrics.models.baselines import Uniform
from salmetrics.models.convert import resize_log_density
from salmetrics.models.cross_validated import CrossValidated
from salmetrics.stimuli import Stimuli, Stimulus
from salmetrics_models.centre import FixedCentreBias, as_centre_bias
from salmetrics_models.checkpoints import (
    PUBLISHED,
    cached,
    load_published,
    load_state,
    read_tensors,
)
from salmetrics_models.networks import (
    DEEPGAZE_1,
    DEEPGAZE_2,
    DEEPGAZE_2E,
    Architecture,
    DeepGazeNetwork,
)
from salmetrics_models.producer import batches, decoded

__all__ = ["DeepGaze", "DeepGazeI", "DeepGazeII", "DeepGazeIIE"]

_NATIVE = 35.0  # pixels per degree of the images that DeepGaze was trained on
_DTYPES = {"float32": torch.float32, "float64": torch.float64}
_KEPT = 4  # centre biases, by size

Array = NDArray[Any]
Batch = list[tuple[Stimulus, NDArray[np.uint8]]]


class DeepGaze(DensityModel):
    """What all DeepGaze models share; use `DeepGazeI`, `DeepGazeII` or `DeepGazeIIE`.

    Parameters
    ----------
    weights
        Path of a checkpoint, the published one's or one of `save`; None for random weights.
    centre_bias
        A density model such as `salmetrics.CentreBias`, a log density of any size, the path of a
        .npy file with one, or "uniform".
    device
        "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1", ...
    dtype
        "float32" or "float64".
    autocast
        Whether backbones may compute in bfloat16: faster on a GPU, and less exact.
    pixels_per_degree
        Of the display that the images were shown on: they are brought to the 35 of training, and
        densities back. None: images are taken as they are.
    components
        Indices of the components to mix, of each backbone; all by default.
    batch_size
        Images of one size that are predicted together.
    seed
        Of random weights.
    """

    architecture: Architecture
    default_name: ClassVar[str]

    def __init__(
        self,
        weights: str | Path | None,
        *,
        centre_bias: Any,
        device: str = "auto",
        dtype: str = "float32",
        autocast: bool = False,
        pixels_per_degree: float | None = None,
        components: Sequence[int] | None = None,
        batch_size: int = 1,
        seed: int = 0,
    ) -> None:
        check_choice("dtype", dtype, _DTYPES)
        if pixels_per_degree is not None and not (
            is_number(pixels_per_degree) and 1 <= pixels_per_degree <= 1000
        ):
            raise InputError(
                f"pixels_per_degree must be a number from 1 to 1000; got {pixels_per_degree!r}"
            )
        check_choice("autocast", autocast, (True, False))
        self.name = self.default_name
        self.device = _device(device)
        self.dtype = dtype
        self.autocast = autocast
        self.pixels_per_degree = pixels_per_degree
        self.batch_size = check_whole("batch_size", batch_size, 1)
        self.centre_bias = as_centre_bias(centre_bias)
        network = self._made(None if weights is None else Path(weights), seed)
        self.components = self._checked_components(components)
        self._network = network.eval().requires_grad_(False).to(self.device, _DTYPES[dtype])
        self._network.autocast = autocast
        if self.device.type == "cuda":
            self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._centres: OrderedDict[tuple[int, int], Tensor] = OrderedDict()

    @classmethod
    def from_pretrained(cls, path_or_name: str | Path | None = None, **options: Any) -> Self:
        """Make a model with published weights, from a path or by name, got if need be.

        Parameters
        ----------
        path_or_name
            A path, or the name of the published file; by default that of this model.
        **options
            As of the class; without `centre_bias`, the published one of MIT1003 is used.
        """
        given = cls.default_name if path_or_name is None else path_or_name
        path = cached(given) if isinstance(given, str) and given in PUBLISHED else Path(given)
        if "centre_bias" not in options:
            options["centre_bias"] = cached("centerbias_mit1003")
        return cls(path, **options)

    @property
    def n_components(self) -> int:
        """Components of each backbone."""
        return self.architecture.n_components

    @property
    def network(self) -> DeepGazeNetwork:
        """The network, on its device; in evaluation mode, without gradients."""
        return self._network

    @property
    def parameters(self) -> dict[str, Any]:
        """What predictions depend on besides the image."""
        return {
            "weights": self.weights_digest,
            "centre_bias": model_name(self.centre_bias),
            "components": list(self.components),
            "dtype": self.dtype,
            "autocast": self.autocast,
            "pixels_per_degree": self.pixels_per_degree,
        }

    @property
    def weights_digest(self) -> str:
        """Start of the SHA-256 of all weights."""
        return self._network.digest

    def save(self, path: str | Path) -> None:
        """Write all weights, in one step; the same class reads them as `weights`."""
        with replacing(check_target(path)) as temporary:
            torch.save(self._network.state_dict(), temporary)

    def with_components(self, components: Sequence[int], name: str | None = None) -> Self:
        """Return a model of some components that shares this one's weights."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.components = self._checked_components(components)
        other.name = name or f"{self.name} ({len(other.components)} components)"
        return other

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Let the centre bias check the data; refuse images without pixels, or with too few."""
        self.centre_bias.check_data(stimuli, fixations)
        for stimulus in stimuli:
            if not stimulus.has_pixels:
                raise InputError(f"{self.name} needs images; {stimulus.id!r} has a size only")
            self._working_size(stimulus)

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> Array:
        """Return the log density, shape (h, w)."""
        made = self._decoded(stimulus)
        return self._predicted([(stimulus, made)])[0]

    def log_densities(self, stimuli: Stimuli) -> Iterator[Array]:
        """Yield log densities in order; neighbours of one size are predicted together."""
        items = decoded(stimuli, self._decoded, 2 * self.batch_size)
        groups = batches(items, np.shape, lambda: self.batch_size)
        if self.device.type != "cuda":
            for batch in groups:
                yield from self._predicted(batch)
            return
        # the GPU is given the next batch before the last one is waited for
        before: tuple[Batch, Tensor, Any] | None = None
        for batch in groups:
            try:
                started = self._launched(batch)
            except RuntimeError as error:
                if not _is_out_of_memory(error):
                    raise
                if before is not None:
                    yield from self._collected(*before)
                before = None
                yield from self._predicted(batch)
                continue
            if before is not None:
                yield from self._collected(*before)
            before = (batch, *started)
        if before is not None:
            yield from self._collected(*before)

    # ---- inside

    def _made(self, path: Path | None, seed: int) -> DeepGazeNetwork:
        """Return the network with weights from a file, or random ones."""
        check_whole("seed", seed, 0)
        if path is None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                return DeepGazeNetwork(self.architecture)
        state = read_tensors(path)
        self.architecture = self._architecture_of(state)
        with torch.device("meta"):  # random weights would take longer than those of the file
            network = DeepGazeNetwork(self.architecture)
        network = network.to_empty(device="cpu")
        what = f"{str(path)!r}"
        if self.architecture.scaled or any(key.startswith("branches.") for key in state):
            load_state(network, state, what)
        else:
            load_published(network, state, what)
        return network

    def _architecture_of(self, state: Mapping[str, Tensor]) -> Architecture:
        """Return the architecture of a checkpoint, as far as that may vary."""
        return self.architecture

    def _checked_components(self, components: Sequence[int] | None) -> tuple[int, ...]:
        n = self.n_components
        given = range(n) if components is None else check_list("components", components)
        chosen = tuple(check_whole("components", c, 0) for c in given)
        if not chosen or len(set(chosen)) < len(chosen) or not all(0 <= c < n for c in chosen):
            raise InputError(
                f"components must be different numbers from 0 to {n - 1}; got {chosen}"
            )
        return chosen

    def _working_size(self, stimulus: Stimulus) -> tuple[int, int]:
        """Size at which an image is predicted."""
        height, width = stimulus.size
        if self.pixels_per_degree is not None:
            factor = _NATIVE / self.pixels_per_degree
            height, width = max(1, round(height * factor)), max(1, round(width * factor))
        least = self.architecture.least_side
        if min(height, width) < least:
            raise InputError(
                f"{self.name} needs images of at least {least} pixels in height and width; "
                f"{stimulus.id!r} has {height} x {width}"
                + (" at its resolution" if self.pixels_per_degree is not None else "")
            )
        return height, width

    def _decoded(self, stimulus: Stimulus) -> NDArray[np.uint8]:
        """Return the pixels at the size of prediction, shape (h, w, 3)."""
        size = self._working_size(stimulus)
        pixels = stimulus.rgb
        if pixels.shape[:2] == size:
            return pixels
        from PIL import Image

        resized = Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BICUBIC)
        return np.asarray(resized)

    def _predicted(self, batch: Batch) -> list[Array]:
        """Predict images of one size together; in halves, if memory does not suffice."""
        try:
            return self._computed(batch)
        except RuntimeError as error:
            if not _is_out_of_memory(error) or len(batch) == 1:
                raise
        return self._in_halves(batch)

    def _in_halves(self, batch: Batch) -> list[Array]:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        half = len(batch) // 2
        warnings.warn(
            f"{len(batch)} images of {np.shape(batch[0][1])[:2]} pixels do not fit into memory; "
            f"{self.name} goes on with batches of {half}",
            stacklevel=2,
        )
        self.batch_size = min(self.batch_size, half)
        return [
            one
            for start in range(0, len(batch), half)
            for one in self._predicted(batch[start : start + half])
        ]

    def _computed(self, batch: Batch) -> list[Array]:
        return self._collected(batch, *self._launched(batch))

    def _launched(self, batch: Batch) -> tuple[Tensor, Any]:
        """Start a prediction; on a GPU, what it gives is there when the event has passed."""
        dtype = _DTYPES[self.dtype]
        pixels = torch.from_numpy(np.stack([made for _, made in batch]).transpose(0, 3, 1, 2))
        if self.device.type == "cuda":
            pixels = pixels.pin_memory()
        images = pixels.to(self.device, non_blocking=True).to(dtype)
        size = (int(images.shape[2]), int(images.shape[3]))
        centre = torch.cat([self._centre(stimulus, size) for stimulus, _ in batch])
        with torch.inference_mode():
            made = self._network(images, centre, self.components)
            if self.device.type != "cuda":
                return made, None
            copied = torch.empty(made.shape, dtype=made.dtype, pin_memory=True)
            copied.copy_(made, non_blocking=True)
            event = torch.cuda.Event()
            event.record()
        return copied, event

    def _collected(self, batch: Batch, made: Tensor, event: Any) -> list[Array]:
        if event is not None:
            event.synchronize()
        logs = made.numpy()
        return [
            _restored(log, stimulus.size) for log, (stimulus, _) in zip(logs, batch, strict=True)
        ]

    def _centre(self, stimulus: Stimulus, size: tuple[int, int]) -> Tensor:
        """Return the centre bias for an image at the size of prediction, shape (1, h, w)."""
        fixed = isinstance(self.centre_bias, (FixedCentreBias, Uniform))  # the same for a size
        if fixed and size in self._centres:
            return self._centres[size]
        log = log_density_of(self.centre_bias, stimulus).values
        made = torch.tensor(_restored(log, size), dtype=_DTYPES[self.dtype], device=self.device)[
            None
        ]
        if fixed:
            self._centres[size] = made
            while len(self._centres) > _KEPT:
                self._centres.popitem(last=False)
        return made

    @property
    def fingerprint(self) -> str:
        """What checkpoints know this model by."""
        return fingerprint(
            [type(self).__name__, self.parameters, self.components, self.centre_bias]
        )

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_centres": OrderedDict()}


class DeepGazeI(DeepGaze):
    """DeepGaze I in its published form: one layer of AlexNet, one convolution.

    Parameters are those of `DeepGaze`.

    References
    ----------
    Kümmerer, Theis and Bethge (2015), ICLR workshop, arXiv:1411.1045.
    """

    architecture = DEEPGAZE_1
    default_name = "deepgaze1"


class DeepGazeII(DeepGaze):
    """DeepGaze II: VGG-19, aligned features of its fifth stage, four layers of readout.

    No weights for torch were ever published. The class has random ones, takes VGG's with
    `load_backbone`, and saves and loads its own checkpoints.

    Parameters
    ----------
    weights
        A checkpoint that `save` wrote; None for random weights.
    n_components
        Readouts, such as one a fold; that of the checkpoint, if there is one.
    **options
        As of `DeepGaze`.

    References
    ----------
    Kümmerer, Wallis, Gatys and Bethge (2017), ICCV, doi:10.1109/ICCV.2017.513.
    """

    architecture = DEEPGAZE_2
    default_name = "deepgaze2"

    def __init__(
        self, weights: str | Path | None, *, n_components: int = 1, **options: Any
    ) -> None:
        n = check_whole("n_components", n_components, 1)
        self.architecture = replace(DEEPGAZE_2, n_components=n)
        super().__init__(weights, **options)

    def load_backbone(self, path: str | Path) -> None:
        """Take the convolutions of VGG-19 from a file, such as torchvision's for ImageNet."""
        state = read_tensors(path)
        kept = {key: tensor for key, tensor in state.items() if not key.startswith("classifier.")}
        load_state(self._network.branches[0].features.network, kept, f"{str(path)!r}")  # type: ignore[union-attr, arg-type]

    def fit_feature_scale(self, stimuli: Stimuli, *, progress: bool = True) -> None:
        """Let each channel have unit variance over images, as the paper has over ImageNet.

        Parameters
        ----------
        stimuli
            The images.
        progress
            Show a bar on standard error when it takes more than two seconds.
        """
        from tqdm import tqdm

        branch: Any = self._network.branches[0]
        n = 0
        sums = squares = torch.zeros(())
        bar = tqdm(stimuli, delay=2, disable=not progress, desc="feature scale", unit="image")
        with torch.inference_mode():
            for stimulus in bar:
                pixels = torch.from_numpy(self._decoded(stimulus).transpose(2, 0, 1)[None].copy())
                images = pixels.to(self.device, _DTYPES[self.dtype])[..., ::2, ::2]
                maps = torch.cat(branch.features(images), 1).double()
                n += maps.shape[-2] * maps.shape[-1]
                sums = sums + maps.sum((0, 2, 3))
                squares = squares + maps.square().sum((0, 2, 3))
        if n == 0:
            raise InputError("there are no images to fit the scale of features to")
        variance = torch.as_tensor(squares / n - (sums / n) ** 2)
        # a channel that never moves, rounding aside, carries nothing, and stays as it is
        moves = variance > 1e-12 * (squares / n)
        scale = torch.where(moves, variance.clamp(min=0).sqrt(), 1.0)
        branch.feature_scale.copy_(scale)

    @classmethod
    def from_pretrained(cls, path_or_name: str | Path | None = None, **options: Any) -> Self:
        """Refuse names: no weights were published; paths are as of the class."""
        if path_or_name is None:
            raise InputError("deepgaze2 has no published weights; give a file")
        return super().from_pretrained(path_or_name, **options)

    def cross_validated(self, folds: Folds, *, unknown: str = "error") -> CrossValidated:
        """Return a model that predicts the images of fold k by component k."""
        if folds.n_folds != self.n_components:
            raise InputError(
                f"{self.name} has {self.n_components} components; got {folds.n_folds} folds"
            )
        parts = [self.with_components((k,), f"{self.name}, fold {k}") for k in range(folds.n_folds)]
        name = f"cross-validated {self.name}"
        return CrossValidated(parts, folds, unknown=unknown, name=name)

    def _architecture_of(self, state: Mapping[str, Tensor]) -> Architecture:
        first = state.get("branches.0.readouts.weight0")
        if first is None:
            return self.architecture
        return replace(DEEPGAZE_2, n_components=first.shape[0])


class DeepGazeIIE(DeepGaze):
    """DeepGaze IIE: four backbones with 30 components each, 3 instances of 10 folds.

    Parameters are those of `DeepGaze`.

    References
    ----------
    Linardos, Kümmerer, Press and Bethge (2021), ICCV, 12919-12928.
    """

    architecture = DEEPGAZE_2E
    default_name = "deepgaze2e"
    n_folds = 10

    def components_of(
        self,
        *,
        fold: int | None = None,
        instance: int | None = None,
        component_order: str = "instance-major",
        fold_offset: int = 0,
    ) -> tuple[int, ...]:
        """Return indices of the components of a fold, of an instance, or of both.

        Parameters
        ----------
        fold, instance
            From 0; all by default.
        component_order
            Whether the file has all folds of one instance together ("instance-major"), or all
            instances of one fold ("fold-major"). The published file does not say;
            `identify_folds` may tell.
        fold_offset
            Fold of the first component.
        """
        check_choice("component_order", component_order, ("instance-major", "fold-major"))
        n_instances = self.n_components // self.n_folds
        for what, value, n in (("fold", fold, self.n_folds), ("instance", instance, n_instances)):
            if value is not None and not 0 <= check_whole(what, value, 0) < n:
                raise InputError(f"{what} must be from 0 to {n - 1}; got {value}")
        numbers = np.arange(self.n_components)
        folds, instances = numbers % self.n_folds, numbers // self.n_folds
        if component_order == "fold-major":
            folds, instances = numbers // n_instances, numbers % n_instances
        folds = (folds + check_whole("fold_offset", fold_offset, 0)) % self.n_folds
        there = np.ones(numbers.size, bool)
        if fold is not None:
            there &= folds == fold
        if instance is not None:
            there &= instances == instance
        return tuple(numbers[there].tolist())

    def cross_validated(
        self,
        folds: Folds,
        *,
        component_order: str = "instance-major",
        fold_offset: int = 0,
        unknown: str = "error",
    ) -> CrossValidated:
        """Return a model that predicts each image by the components that did not train on it.

        Parameters
        ----------
        folds
            Of the images: 10, such as `salmetrics.folds.mit1003`.
        component_order, fold_offset
            As of `components_of`.
        unknown
            As of `salmetrics.CrossValidated`.
        """
        if folds.n_folds != self.n_folds:
            raise InputError(f"{self.name} has {self.n_folds} folds; got {folds.n_folds}")
        if len(self.components) < self.n_components:
            raise InputError(f"{self.name} has some components only; folds need all of them")
        parts = []
        for k in range(self.n_folds):
            chosen = self.components_of(
                fold=k, component_order=component_order, fold_offset=fold_offset
            )
            parts.append(self.with_components(chosen, f"{self.name}, fold {k}"))
        name = f"cross-validated {self.name}"
        return CrossValidated(parts, folds, unknown=unknown, name=name)

    def log_densities_of_components(self, stimulus: Stimulus) -> Array:
        """Return the log density of each component number, mixed over backbones, (k, h, w)."""
        if self.pixels_per_degree is not None:
            raise InputError("densities of components are made at the size of the image only")
        pixels = torch.from_numpy(self._decoded(stimulus).transpose(2, 0, 1)[None].copy())
        images = pixels.to(self.device, _DTYPES[self.dtype])
        with torch.inference_mode():
            centre = self._centre(stimulus, stimulus.size)
            return self._network.log_densities_of_components(images, centre)[0].cpu().numpy()


def _device(given: str) -> torch.device:
    if given == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(given)
    except (RuntimeError, TypeError) as error:
        raise InputError(f"device must be 'auto', 'cpu' or 'cuda'; got {given!r}") from error
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"device must be 'auto', 'cpu' or 'cuda'; got {given!r}")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device {given!r} was asked for, but torch finds no GPU; use 'auto'")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(f"device {given!r}: torch finds {torch.cuda.device_count()} GPUs")
    return device


def _restored(log_density: Array, size: tuple[int, int]) -> Array:
    """Bring a log density to another size: what a pixel has, its parts share."""
    if log_density.shape == tuple(size):
        return log_density
    return resize_log_density(log_density, size)


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
