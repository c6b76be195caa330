"""EML-NET as a model of saliency maps: any number of encoders, and their decoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.densities.resampling import resize_map
from salmetrics.errors import InputError, check_choice, is_number
from salmetrics.fingerprint import fingerprint
from salmetrics.io.files import check_target
from salmetrics.models.base import SaliencyMapModel
from salmetrics_models.backbones.backbone import Backbone, CachedDigest
from salmetrics_models.emlnet.framing import Frame
from salmetrics_models.emlnet.network import (
    DENSENET_161,
    FORMS,
    NASNET_LARGE,
    RESNET_50,
    EMLNetwork,
    Encoder,
    checked_encoders,
)
from salmetrics_models.emlnet.published import decoder_names, encoder_names
from salmetrics_models.prediction.batched import Batched
from salmetrics_models.prediction.producer import Array, Task
from salmetrics_models.seeds import check_seed, seeded
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
    """The three files that the authors published."""

    imagenet: str | Path
    places: str | Path
    decoder: str | Path

    def network(self) -> EMLNetwork:
        """Return the network with all of their tensors."""
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
        Path of a file of `save`, or of a training; None for random weights. The three published
        files are for `from_checkpoints`.
    form
        "public": two ResNet-50, 3x3 convolutions; "paper": NASNet-Large (which needs timm) and
        DenseNet-161, 1x1 convolutions. A file tells its own.
    backbones
        By the names of their encoders, if others than the form's; also those of your own that a
        file names.
    size
        (height, width) to which images are brought; None: the file's, or (480, 640).
    pad
        Whether images keep their shape and are padded with zeros, as the paper does with MIT1003;
        else they are stretched. None: as the file says, or stretched.
    sigma
        Of the Gaussian that maps are blurred with, in pixels of `size`, before they are scaled to
        [0, 1] and brought to the image's size; 0: none.
    device, dtype, batch_size, n_threads
        As of `DeepGaze`.
    seed
        Of random weights.

    References
    ----------
    Jia and Bruce (2018), EML-NET, arXiv:1805.01047; (2020), Image and Vision Computing, 95.
    """

    def __init__(
        self,
        weights: str | Path | _Published | None = None,
        *,
        form: str = "public",
        backbones: Mapping[str, Backbone] | None = None,
        size: Sequence[int] | None = None,
        pad: bool | None = None,
        sigma: float = 5.0,
        device: str = "auto",
        dtype: str = "float32",
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
        """Make a model from the three files that the authors published.

        Parameters
        ----------
        imagenet, places
            Files of the two encoders.
        decoder
            File of the decoder.
        **options
            As of the class, but for `weights`, `form` and `backbones`.

        Raises
        ------
        InputError
            If a file can't be read, or is of another network; nothing is half loaded.
        """
        for name in ("weights", "form", "backbones"):
            if name in options:
                raise InputError(f"from_checkpoints takes no {name}; the files say all")
        return cls(_Published(imagenet, places, decoder), **options)

    @property
    def network(self) -> EMLNetwork:
        """The network, on its device; in evaluation mode, without gradients."""
        return self._network

    @property
    def parameters(self) -> dict[str, Any]:
        """What predictions depend on besides the image."""
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
        """Start of the SHA-256 of all weights."""
        return self._digest.of(self._network)

    @property
    def fingerprint(self) -> str:
        """What checkpoints know this model by."""
        return fingerprint([type(self).__name__, self.parameters])

    def alone(self, encoder: str) -> Self:
        """Return a model of one encoder, by its own head, that shares this one's weights."""
        self._network.encoder(encoder)
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._only = encoder
        other.name = f"{self.name} ({encoder} alone)"
        return other

    def save(self, path: str | Path) -> None:
        """Write all weights, in one step; the class reads them as `weights`."""
        write_weights(check_target(path), self._network.state_dict(), self._about())

    def check_data(self, stimuli: Stimuli, fixations: Fixations) -> None:
        """Refuse images without pixels."""
        for stimulus in stimuli:
            if not stimulus.has_pixels:
                raise InputError(f"{self.name} needs images; {stimulus.id!r} has a size only")

    def saliency_map(self, stimulus: Stimulus) -> Array:
        """Return the saliency map, shape (h, w), from 0 to 1."""
        return self._alone(Task(0, stimulus, ()))

    def saliency_maps(self, stimuli: Stimuli) -> Iterator[Array]:
        """Yield saliency maps in order; all images are brought to one size and predicted so."""
        return self._in_batches(Task(number, s, ()) for number, s in enumerate(stimuli))

    # ---- inside

    def _about(self) -> dict[str, Any]:
        facts = {"size": list(self.frame.size), "pad": self.frame.pad}
        return {"emlnet": self._network.description() | facts}

    def _decoded(self, stimulus: Stimulus) -> NDArray[np.uint8]:
        return self.frame.framed(stimulus.rgb)

    def _computed(self, images: Tensor, batch: list[Task]) -> Tensor:
        network: EMLNetwork | Encoder = self._network
        if self._only is not None:
            network = self._network.encoder(self._only)
        if images.is_cuda:
            images = images.contiguous(memory_format=torch.channels_last)
        made: Tensor = network(images / 255)
        return made[:, 0]

    def _finished(self, made: Array, task: Task) -> Array:
        from scipy.ndimage import gaussian_filter

        blurred = gaussian_filter(made.astype(np.float64), self.sigma) if self.sigma else made
        shown = self.frame.unframed(blurred, task.stimulus.size)
        lowest, highest = shown.min(), shown.max()
        scaled = (shown - lowest) / (highest - lowest) if highest > lowest else shown * 0.0
        return resize_map(scaled, task.stimulus.size)


def _loaded(path: Path, backbones: Mapping[str, Backbone]) -> tuple[EMLNetwork, dict[str, Any]]:
    """Return the network of a file, and what the file says besides."""
    weights = read_weights(path)
    what = f"{str(path)!r}"
    if weights.about is None or "emlnet" not in weights.about:
        raise InputError(
            f"{what} does not say which EML-NET it is of; the authors' three files are for "
            "EMLNet.from_checkpoints"
        )
    known = {b.name: b for b in (*_KNOWN, *backbones.values())}
    about = weights.about["emlnet"]
    try:
        of_encoders = {}
        for one in about["encoders"]:
            check_choice("backbone in the file", one["backbone"], known)
            backbone, layers = known[one["backbone"]], tuple(one["layers"])
            same = layers == backbone.layers
            of_encoders[one["name"]] = backbone if same else backbone.reading(layers)
        network = unfilled(lambda: EMLNetwork(of_encoders, about["form"]))
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{what} says of itself what can't be: {error}") from error
    load_state(network, weights.tensors, what)
    return network, about
