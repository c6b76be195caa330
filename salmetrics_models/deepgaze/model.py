"""DeepGaze as a density model: any image, any centre bias, any of its components."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from salmetrics.array_types import AnyArray, Size
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.densities.resampling import resize_log_density
from salmetrics.errors import InputError, check_choice, check_list, check_whole, is_number
from salmetrics.fingerprint import fingerprint
from salmetrics.io.files import check_target
from salmetrics.models.base import DensityModel, log_density_of, model_name
from salmetrics_models.deepgaze.architectures import DEEPGAZE_1, Architecture
from salmetrics_models.deepgaze.centre_bias import FixedCentreBias, as_centre_bias
from salmetrics_models.deepgaze.network import DeepGazeNetwork
from salmetrics_models.deepgaze.published import load_published
from salmetrics_models.devices import kept_tensors
from salmetrics_models.prediction.batched import Batched, Dtype, moved
from salmetrics_models.prediction.producer import Task
from salmetrics_models.seeds import check_seed, seeded
from salmetrics_models.weights.files import (
    Weights,
    load_state,
    read_weights,
    unfilled,
    write_weights,
)
from salmetrics_models.weights.published_files import PUBLISHED, cached

__all__ = ["DeepGaze", "DeepGazeI"]

_NATIVE = 35.0  # pixels per degree of the images that DeepGaze was trained on


class DeepGaze(Batched, DensityModel):
    """The base class of all DeepGaze models; use `DeepGazeI`, `DeepGazeII` or `DeepGazeIIE`.

    Parameters
    ----------
    weights
        Path of a file of weights, published or written by `save`; None for random weights.
    centre_bias
        Centre bias: a density model such as `salmetrics.CentreBias`, a log density of shape (h, w)
        and any size, the path of a .npy file with one, "uniform", or "gaussian" (with standard
        deviations of a quarter of the image's sides).
    device
        "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1", ...
    dtype
        Type of the computation, "float32" or "float64".
    autocast
        Whether backbones may compute in bfloat16, which is faster on a GPU and less exact.
    pixels_per_degree
        Resolution of the display on which the images were shown, from 1 to 1000: images are resized
        to the 35 pixels per degree of the training, and densities are resized back. None leaves
        images as they are.
    components
        Indices of the components to mix, of each backbone; by default all.
    batch_size
        Number of images of the same size that are predicted together.
    n_threads
        Number of threads of torch on a CPU. None leaves it as it is, which in `salmetrics.evaluate`
        is one, whatever its `n_jobs`. Another number changes the last digits.
    seed
        Seed of random weights.

    Raises
    ------
    InputError
        If an option is invalid, or the file is missing, damaged or of another model.

    Examples
    --------
    >>> from salmetrics_models import DeepGazeI
    >>> model = DeepGazeI("deepgaze1.pth", centre_bias="gaussian")  # doctest: +SKIP
    >>> model.log_density(stimuli[0]).shape  # doctest: +SKIP
    (768, 1024)
    """

    architecture: Architecture
    default_name: ClassVar[str]
    usual_centre: ClassVar[str | None] = None  # on the command line; None: fitted to the data

    def __init__(
        self,
        weights: str | Path | None,
        *,
        centre_bias: Any,
        device: str = "auto",
        dtype: Dtype = "float32",
        autocast: bool = False,
        pixels_per_degree: float | None = None,
        components: Sequence[int] | None = None,
        batch_size: int = 1,
        n_threads: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(device=device, dtype=dtype, batch_size=batch_size, n_threads=n_threads)
        if pixels_per_degree is not None and not (
            is_number(pixels_per_degree) and 1 <= pixels_per_degree <= 1000
        ):
            raise InputError(
                f"pixels_per_degree must be a number from 1 to 1000; got {pixels_per_degree!r}"
            )
        check_choice("autocast", autocast, (True, False))
        self.name = self.default_name
        self.autocast = autocast
        self.pixels_per_degree = pixels_per_degree
        self.centre_bias = centre_bias
        network = self._loaded(None if weights is None else Path(weights), seed)
        self.components = self._checked_components(components)
        dtype_of, where = self.place
        self._network = network.eval().requires_grad_(False).to(where, dtype_of)
        self._network.autocast = autocast
        if self.device.type == "cuda":
            self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def from_pretrained(cls, path_or_name: str | Path | None = None, **options: Any) -> Self:
        """Return a model with published weights, which are downloaded if necessary.

        Parameters
        ----------
        path_or_name
            Path of a file of weights, or name of the published file; by default the file of this
            model.
        **options
            Options of the class; by default `centre_bias` is the published one of MIT1003.

        Returns
        -------
        model : DeepGaze
            A model of this class.

        Raises
        ------
        InputError
            If the weights are of another model, or the download fails.
        """
        source = cls.default_name if path_or_name is None else path_or_name
        if source in PUBLISHED and source != cls.default_name:
            raise InputError(
                f"{source!r} is not a file of {cls.__name__}; its published file is called "
                f"{cls.default_name!r}"
            )
        path = cached(cls.default_name) if source == cls.default_name else Path(source)
        if "centre_bias" not in options:
            options["centre_bias"] = cached("centerbias_mit1003")
        return cls(path, **options)

    @property
    def centre_bias(self) -> DensityModel:
        """The centre bias, a density model; may be set to anything that the class takes."""
        return self._centre_bias

    @centre_bias.setter
    def centre_bias(self, centre_bias: Any) -> None:
        self._centre_bias = as_centre_bias(centre_bias)

    @property
    def n_components(self) -> int:
        """Number of components of each backbone."""
        return self.architecture.n_components

    @property
    def network(self) -> DeepGazeNetwork:
        """The network on its device, in evaluation mode and without gradients."""
        return self._network

    @property
    def parameters(self) -> dict[str, Any]:
        """All settings that predictions depend on, besides the image, for results."""
        return {
            "weights": self.weights_digest,
            "centre_bias": model_name(self.centre_bias),
            "components": list(self.components),
            "device": self.device.type,
            "dtype": self.dtype,
            "n_threads": self.n_threads,
            "autocast": self.autocast,
            "pixels_per_degree": self.pixels_per_degree,
        }

    @property
    def weights_digest(self) -> str:
        """First 16 digits of the SHA-256 of all weights."""
        return self._network.digest

    def save(self, path: str | Path) -> None:
        """Write all weights atomically, to a file that the same class reads.

        Parameters
        ----------
        path
            Path of the file.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        write_weights(check_target(path), self._network.state_dict(), self._about())

    def with_components(self, components: Sequence[int], name: str | None = None) -> Self:
        """Return a model of some of the components, which shares the weights of this one.

        Parameters
        ----------
        components
            Indices of the components to mix, of each backbone.
        name
            Name in results; by default the number of components is appended to this model's name.

        Returns
        -------
        model : DeepGaze
            A model of this class.
        """
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.components = self._checked_components(components)
        other.name = name or f"{self.name} ({len(other.components)} components)"
        return other

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Raise an error before the first prediction if images or centre bias do not fit.

        Parameters
        ----------
        stimuli
            Images, which must have pixels and the smallest size of the architecture.
        fixations
            Fixations, which the centre bias may check.

        Raises
        ------
        InputError
            If an image has no pixels or is too small, or the centre bias refuses the data.
        """
        self.centre_bias.check_data(stimuli, fixations)
        for stimulus in stimuli:
            if not stimulus.has_pixels:
                raise InputError(f"{self.name} needs images; {stimulus.id!r} has a size only")
            self._working_size(stimulus)

    def log_density(self, stimulus: Stimulus, *, subject: Any = None) -> AnyArray:
        """Return the log density for an image.

        Parameters
        ----------
        stimulus
            The image.
        subject
            Ignored: the prediction is the same for all subjects.

        Returns
        -------
        log_density : ndarray of shape (h, w)
            Natural log, logsumexp 0, of the type `dtype`.
        """
        return self._alone(Task(0, stimulus, self.components))

    def log_densities(self, stimuli: Stimuli) -> Iterator[AnyArray]:
        """Yield log densities in order; images of the same size are predicted together.

        Parameters
        ----------
        stimuli
            The images.

        Returns
        -------
        log_densities : iterator of ndarray of shape (h, w)
            Natural logs, logsumexp 0, of the type `dtype`.
        """
        return self.log_densities_by(stimuli, lambda stimulus: self.components)

    def log_densities_by(
        self, stimuli: Stimuli, components_for: Callable[[Stimulus], Sequence[int]]
    ) -> Iterator[AnyArray]:
        """Yield log densities in order, each from components of its own, such as those of a fold.

        Parameters
        ----------
        stimuli
            The images.
        components_for
            Function from an image to the indices of the components to mix, of each backbone.

        Yields
        ------
        log_density : ndarray of shape (h, w)
            Natural log, logsumexp 0, of the type `dtype`.
        """

        def task(number: int, stimulus: Stimulus) -> Task:
            try:
                return Task(number, stimulus, self._checked_components(components_for(stimulus)))
            except InputError as error:  # raised when it is this image's turn
                return Task(number, stimulus, (), error=error)

        yield from self._in_batches(task(number, s) for number, s in enumerate(stimuli))

    # ---- inside

    def _loaded(self, path: Path | None, seed: int) -> DeepGazeNetwork:
        """Return the network with weights from a file, or random ones."""
        check_seed(seed)
        if path is None:
            with seeded(seed):
                return self._new_network()
        weights = read_weights(path)
        state = weights.tensors
        self.architecture = self._architecture_of(weights, f"{str(path)!r}")
        network = unfilled(self._new_network)
        what = f"{str(path)!r}"
        if any(key.startswith("branches.") for key in state) or self.architecture.scaled:
            load_state(network, state, what)
        else:
            load_published(network, state, what)
        return network

    def _new_network(self) -> DeepGazeNetwork:
        """Return a network with random weights."""
        return DeepGazeNetwork(self.architecture)

    def _about(self) -> dict[str, Any]:
        """Return the description that a file of weights holds, of values that JSON can hold."""
        return {"architecture": self.architecture.description()}

    def _architecture_of(self, weights: Weights, what: str) -> Architecture:
        """Return the architecture of a file of weights, as far as it may vary."""
        return self.architecture

    def _checked_components(self, components: Sequence[int] | None) -> tuple[int, ...]:
        n = self.n_components
        wanted = range(n) if components is None else check_list("components", components)
        numbers = tuple(check_whole("components", c, 0) for c in wanted)
        if not numbers or len(set(numbers)) < len(numbers) or not all(0 <= c < n for c in numbers):
            raise InputError(
                f"components must be different numbers from 0 to {n - 1}; got {numbers}"
            )
        return numbers

    def _working_size(self, stimulus: Stimulus) -> Size:
        """Return (height, width) at which an image is predicted."""
        height, width = stimulus.size
        if self.pixels_per_degree is not None:
            factor = _NATIVE / self.pixels_per_degree
            height, width = max(1, round(height * factor)), max(1, round(width * factor))
        least = self.architecture.least_side
        if min(height, width) < least:
            raise InputError(
                f"{self.name} needs images of at least {least} pixels in height and width; "
                f"{stimulus.id!r} has {height} x {width}"
                + (" at 35 pixels per degree" if self.pixels_per_degree is not None else "")
            )
        return height, width

    def _decoded(self, stimulus: Stimulus) -> NDArray[np.uint8]:
        """Return the pixels of an image at the size of prediction, shape (h, w, 3)."""
        size = self._working_size(stimulus)
        pixels = stimulus.rgb
        if pixels.shape[:2] == size:
            return pixels
        from PIL import Image

        resized = Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BICUBIC)
        return np.asarray(resized)

    def _computed(self, images: Tensor, batch: list[Task]) -> Tensor:
        components = [task.components for task in batch]
        return self._network(images, self._centres(images, batch), components)

    def _centres(self, images: Tensor, batch: list[Task]) -> Tensor:
        """Return the centre bias for each image of a batch, shape (n, h, w)."""
        size = (int(images.shape[2]), int(images.shape[3]))
        return torch.cat([self._centre(task.stimulus, size) for task in batch])

    def _finished(self, prediction: AnyArray, task: Task) -> AnyArray:
        return _resized(prediction, task.stimulus.size)

    def _centre(self, stimulus: Stimulus, size: Size) -> Tensor:
        """Return the centre bias for an image at the size of prediction, shape (1, h, w)."""
        if isinstance(self.centre_bias, FixedCentreBias):
            return _fixed_centre(self.centre_bias, size, *self.place)
        log = _resized(log_density_of(self.centre_bias, stimulus).values, size)
        return moved(log[None], *self.place)

    @property
    def fingerprint(self) -> str:
        """Identity of the model and its settings, by which stored predictions are found again."""
        return fingerprint(
            [type(self).__name__, self.parameters, self.components, self.centre_bias]
        )


class DeepGazeI(DeepGaze):
    """DeepGaze I in its published form: one layer of AlexNet, one convolution.

    Parameters
    ----------
    weights
        Path of a file of weights, published or written by `save`; None for random weights.
    centre_bias, device, dtype, autocast, pixels_per_degree, components, batch_size, n_threads, seed
        See `DeepGaze`.

    References
    ----------
    Kümmerer, Theis and Bethge (2015), Deep Gaze I, ICLR workshop, doi:10.48550/arXiv.1411.1045.

    Examples
    --------
    >>> from salmetrics_models import DeepGazeI
    >>> model = DeepGazeI.from_pretrained(centre_bias="gaussian")  # doctest: +SKIP
    >>> model.n_components  # doctest: +SKIP
    1
    """

    architecture = DEEPGAZE_1
    default_name = "deepgaze1"


@kept_tensors(maxsize=8)
def _fixed_centre(
    centre_bias: FixedCentreBias, size: Size, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Return a centre bias at a size, shape (1, h, w); cached for the next image of this size."""
    return moved(centre_bias.at_size(size)[None], dtype, device)


def _resized(log_density: AnyArray, size: Size) -> AnyArray:
    """Return a log density at another size; the mass of a pixel is shared by its parts."""
    if log_density.shape == tuple(size):
        return log_density
    return resize_log_density(log_density, size)
