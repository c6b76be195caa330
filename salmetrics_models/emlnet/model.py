"""EML-NET as a saliency map model: any number of encoders, and their decoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from salmetrics.array_types import AnyArray
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.densities.resampling import resize_map
from salmetrics.errors import InputError, check_choice, is_number
from salmetrics.fingerprint import fingerprint
from salmetrics.io.files import check_target
from salmetrics.models.base import SaliencyMapModel
from salmetrics_models.backbones.backbone import Backbone
from salmetrics_models.emlnet.framing import Frame
from salmetrics_models.emlnet.network import (
    DENSENET_161,
    FORMS,
    NASNET_LARGE,
    RESNET_50,
    EMLNetwork,
    Encoder,
    FormName,
    checked_encoders,
)
from salmetrics_models.emlnet.published import decoder_names, encoder_names
from salmetrics_models.prediction.batched import Batched, Dtype
from salmetrics_models.prediction.producer import Task
from salmetrics_models.seeds import check_seed, seeded
from salmetrics_models.weights.digests import CachedDigest
from salmetrics_models.weights.files import (
    load_renamed,
    load_state,
    read_tensors,
    read_weights,
    unfilled,
    write_weights,
)

__all__ = ["EMLNet"]

_KNOWN = (RESNET_50, DENSENET_161, NASNET_LARGE)


class _Published(NamedTuple):
    """Paths of the three files that the authors published."""

    imagenet: str | Path
    places: str | Path
    decoder: str | Path

    def network(self) -> EMLNetwork:
        """Return the network with all tensors of the files."""
        network = unfilled(lambda: EMLNetwork(FORMS["public"].backbones, "public"))
        for name in network.names:
            path, encoder = getattr(self, name), network.encoder(name)
            load_renamed(encoder, encoder_names(encoder), read_tensors(path), f"{str(path)!r}")
        names = decoder_names(network.decoder)
        tensors = read_tensors(self.decoder)
        load_renamed(network.decoder, names, tensors, f"{str(self.decoder)!r}")
        return network


class EMLNet(Batched, SaliencyMapModel):
    """EML-NET, in the form of the published weights or in the paper's.

    Parameters
    ----------
    weights
        Path of a file that `save` or a training wrote; None for random weights. For the three
        published files, use `from_checkpoints`.
    form
        Form of random weights. "public": two ResNet-50, 3x3 convolutions; "paper": NASNet-Large
        (which needs timm) and DenseNet-161, 1x1 convolutions. A file has its own form.
    backbones
        Backbones by the names of their encoders, for random weights; by default those of the form.
        For a file: backbones of your own that it may name.
    size
        (height, width) in pixels to which images are resized, at least 32 each; by default the size
        of the file, or (480, 640).
    pad
        Whether images keep their aspect ratio and are padded with zeros, as the paper does with
        MIT1003; otherwise they are stretched. By default the setting of the file, or False.
    sigma
        Standard deviation of the Gaussian that blurs maps, in pixels of `size`, before they are
        scaled to [0, 1] and resized to the image; 0 for no blur.
    device
        "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1", ...
    dtype
        Type of the computation, "float32" or "float64".
    batch_size
        Number of images that are predicted together.
    n_threads
        Number of threads of torch on a CPU; None leaves it as it is, see `DeepGaze`.
    seed
        Seed of random weights.

    Raises
    ------
    InputError
        If an option is invalid, or the file is missing, damaged or of another model.

    References
    ----------
    Jia and Bruce (2020), EML-NET: An Expandable Multi-Layer NETwork for saliency prediction, Image
    and Vision Computing 95, 103887, doi:10.1016/j.imavis.2020.103887.

    Examples
    --------
    With random weights, on a small network:

    >>> import numpy as np
    >>> from torch import nn
    >>> from salmetrics import Stimuli
    >>> from salmetrics_models import EMLNet
    >>> from salmetrics_models.backbones import Backbone
    >>> small = Backbone(
    ...     "small",
    ...     make=lambda: nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU()),
    ...     trunk=lambda network: network,
    ...     layers=("1",),
    ...     channels=8,
    ... )
    >>> model = EMLNet(backbones={"objects": small}, size=(48, 64), device="cpu")
    >>> stimuli = Stimuli.from_arrays([np.zeros((90, 120, 3), np.uint8)])
    >>> model.saliency_map(stimuli[0]).shape
    (90, 120)
    """

    def __init__(
        self,
        weights: str | Path | _Published | None = None,
        *,
        form: FormName = "public",
        backbones: Mapping[str, Backbone] | None = None,
        size: Sequence[int] | None = None,
        pad: bool | None = None,
        sigma: float = 5.0,
        device: str = "auto",
        dtype: Dtype = "float32",
        batch_size: int = 1,
        n_threads: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(device=device, dtype=dtype, batch_size=batch_size, n_threads=n_threads)
        check_choice("form", form, FORMS)
        check_seed(seed)
        if backbones is not None:
            checked_encoders(backbones)
        if not is_number(sigma) or not 0 <= sigma <= 1000:
            raise InputError(f"sigma must be a number from 0 to 1000; got {sigma!r}")
        self.name = "emlnet"
        self.sigma = float(sigma)
        self._only: str | None = None
        about: dict[str, Any] = {}
        if isinstance(weights, _Published):
            network = weights.network()
        elif weights is None:
            with seeded(seed):
                own = FORMS[form].backbones if backbones is None else backbones
                network = EMLNetwork(own, form)
        else:
            network, about = _loaded(Path(weights), backbones or {})
        self.frame = Frame(
            about.get("size", (480, 640)) if size is None else size,
            about.get("pad", False) if pad is None else pad,
        )
        dtype_of, where = self.place
        self._network = network.eval().requires_grad_(False).to(where, dtype_of)
        if self.device.type == "cuda":
            self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._digest = CachedDigest()

    @classmethod
    def from_checkpoints(
        cls,
        *,
        imagenet: str | Path,
        places: str | Path,
        decoder: str | Path,
        **options: Any,
    ) -> Self:
        """Return a model with the weights of the three files that the authors published.

        Parameters
        ----------
        imagenet, places
            Paths of the files of the two encoders.
        decoder
            Path of the file of the decoder.
        **options
            Options of the class, except `weights`, `form` and `backbones`.

        Returns
        -------
        model : EMLNet
            In the public form.

        Raises
        ------
        InputError
            If a file is missing, damaged or of another network.
        """
        for name in ("weights", "form", "backbones"):
            if name in options:
                raise InputError(f"from_checkpoints takes no {name}; the files determine it")
        return cls(_Published(imagenet, places, decoder), **options)

    @property
    def network(self) -> EMLNetwork:
        """The network on its device, in evaluation mode and without gradients."""
        return self._network

    @property
    def parameters(self) -> dict[str, Any]:
        """All settings that predictions depend on, besides the image, for results."""
        return {
            "weights": self.weights_digest,
            "network": self._network.description(),
            "size": list(self.frame.size),
            "pad": self.frame.pad,
            "sigma": self.sigma,
            "encoder": self._only,
            "device": self.device.type,
            "dtype": self.dtype,
            "n_threads": self.n_threads,
        }

    @property
    def weights_digest(self) -> str:
        """First 16 digits of the SHA-256 of all weights."""
        return self._digest.of(self._network)

    @property
    def fingerprint(self) -> str:
        """Identity of the model and its settings, by which stored predictions are found again."""
        return fingerprint([type(self).__name__, self.parameters])

    def alone(self, encoder: str) -> Self:
        """Return a model of one encoder with its own head, which shares the weights of this one.

        Parameters
        ----------
        encoder
            Name of the encoder.

        Returns
        -------
        model : EMLNet
            Named after the encoder.

        Raises
        ------
        InputError
            If there is no such encoder.
        """
        self._network.encoder(encoder)
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._only = encoder
        other.name = f"{self.name} ({encoder} alone)"
        return other

    def save(self, path: str | Path) -> None:
        """Write all weights atomically, to a file that the class reads.

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

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Raise an error before the first prediction if an image has no pixels.

        Parameters
        ----------
        stimuli
            The images.
        fixations
            Ignored.

        Raises
        ------
        InputError
            If an image has no pixels.
        """
        for stimulus in stimuli:
            if not stimulus.has_pixels:
                raise InputError(f"{self.name} needs images; {stimulus.id!r} has a size only")

    def saliency_map(self, stimulus: Stimulus) -> AnyArray:
        """Return the saliency map for an image.

        Parameters
        ----------
        stimulus
            The image.

        Returns
        -------
        saliency_map : ndarray of shape (h, w), float64
            From 0 to 1; all 0 if the network's map is constant.
        """
        return self._alone(Task(0, stimulus, ()))

    def saliency_maps(self, stimuli: Stimuli) -> Iterator[AnyArray]:
        """Yield saliency maps in order; batches may have images of different sizes.

        Parameters
        ----------
        stimuli
            The images.

        Returns
        -------
        saliency_maps : iterator of ndarray of shape (h, w), float64
            From 0 to 1; all 0 if the network's map is constant.
        """
        return self._in_batches(Task(number, s, ()) for number, s in enumerate(stimuli))

    # ---- inside

    def _about(self) -> dict[str, Any]:
        frame = {"size": list(self.frame.size), "pad": self.frame.pad}
        return {"emlnet": self._network.description() | frame}

    def _decoded(self, stimulus: Stimulus) -> NDArray[np.uint8]:
        return self.frame.framed(stimulus.rgb)

    def _computed(self, images: Tensor, batch: list[Task]) -> Tensor:
        network: EMLNetwork | Encoder = self._network
        if self._only is not None:
            network = self._network.encoder(self._only)
        if images.is_cuda:
            images = images.contiguous(memory_format=torch.channels_last)
        maps: Tensor = network(images / 255)
        return maps[:, 0]

    def _finished(self, prediction: AnyArray, task: Task) -> AnyArray:
        from scipy.ndimage import gaussian_filter

        blurred = prediction
        if self.sigma:
            blurred = gaussian_filter(prediction.astype(np.float64), self.sigma)
        cropped = self.frame.unframed(blurred, task.stimulus.size)
        lowest, highest = cropped.min(), cropped.max()
        scaled = (cropped - lowest) / (highest - lowest) if highest > lowest else cropped * 0.0
        return resize_map(scaled, task.stimulus.size)


def _loaded(path: Path, backbones: Mapping[str, Backbone]) -> tuple[EMLNetwork, dict[str, Any]]:
    """Return the network of a file, and the description in it."""
    weights = read_weights(path)
    what = f"{str(path)!r}"
    if weights.about is None or "emlnet" not in weights.about:
        raise InputError(
            f"{what} has no description of an EML-NET; the authors' three files are for "
            "EMLNet.from_checkpoints"
        )
    known = {b.name: b for b in (*_KNOWN, *backbones.values())}
    about = weights.about["emlnet"]
    try:
        by_encoder = {}
        for entry in about["encoders"]:
            check_choice("backbone in the file", entry["backbone"], known)
            backbone, layers = known[entry["backbone"]], tuple(entry["layers"])
            same = layers == backbone.layers
            by_encoder[entry["name"]] = backbone if same else backbone.reading(layers)
        network = unfilled(lambda: EMLNetwork(by_encoder, about["form"]))
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"the description in {what} is invalid: {error}") from error
    load_state(network, weights.tensors, what)
    return network, about
