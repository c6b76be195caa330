"""Train EML-NET piece by piece: each encoder alone, then the decoder on frozen encoders."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from salmetrics.data.dataset import Dataset
from salmetrics.errors import InputError, check_choice
from salmetrics.io.files import replacing
from salmetrics.protocols import DEFAULT
from salmetrics_models.backbones.backbone import Backbone
from salmetrics_models.backbones.loading import load_backbone
from salmetrics_models.devices import settings_of_torch
from salmetrics_models.emlnet.framing import Frame
from salmetrics_models.emlnet.model import EMLNet
from salmetrics_models.emlnet.network import FORMS, EMLNetwork, Encoder, FormName, checked_encoders
from salmetrics_models.seeds import check_seed, seeded
from salmetrics_models.training.emlnet.objectives import (
    LOSSES,
    DecoderObjective,
    EncoderObjective,
    LossName,
    MapObjective,
)
from salmetrics_models.training.emlnet.samples import MapSamples, Taps
from salmetrics_models.training.inputs.backbones import check_weights
from salmetrics_models.training.inputs.features import image_digests
from salmetrics_models.training.inputs.samples import warn_of_empty
from salmetrics_models.training.inputs.stages import fingerprints, warn_of_shared
from salmetrics_models.training.loop.fit import Settings, finished_fit, fit, settings_for
from salmetrics_models.training.loop.folders import alone_in, swept
from salmetrics_models.training.loop.recipe import Recipe, as_recipe
from salmetrics_models.weights.digests import digest_of_weights
from salmetrics_models.weights.files import write_weights

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TrainedEMLNet", "train_emlnet"]

_AWAKEN = 8  # images by which `awaken` chooses the signs of weights
_Both = tuple[MapSamples | None, MapSamples | None]  # to train on, and to validate on


@dataclass(frozen=True, eq=False)
class TrainedEMLNet:
    """The result of `train_emlnet`.

    Parameters
    ----------
    path
        File of weights, which `EMLNet` loads.
    history
        One row per epoch of each piece: piece, epoch, learning_rate, loss, and on the validation
        images validation_loss, NSS, CC, KLDiv and SIM.
    backbones
        Backbones by the names of their encoders.

    See Also
    --------
    train_emlnet : Return such a result.

    Examples
    --------
    A file that was trained earlier is loaded without this class:

    >>> from salmetrics_models import EMLNet
    >>> model = EMLNet("emlnet/model.pth")  # doctest: +SKIP
    """

    path: Path
    history: pd.DataFrame
    backbones: Mapping[str, Backbone]

    def model(self, **options: Any) -> EMLNet:
        """Return the trained model.

        Parameters
        ----------
        **options
            Options of `EMLNet`, such as `device`.

        Returns
        -------
        model : EMLNet
            The model with the trained weights.
        """
        return EMLNet(self.path, backbones=self.backbones, **options)


def train_emlnet(
    dataset: Dataset,
    out: str | Path,
    *,
    validation: Dataset | None = None,
    form: FormName | None = None,
    backbones: Mapping[str, Backbone] | None = None,
    weights: Mapping[str, str | Path] | None = None,
    start: str | Path | None = None,
    encoder_recipe: Recipe | str = "emlnet-encoder",
    decoder_recipe: Recipe | str = "emlnet-decoder",
    loss: LossName = "eml-net",
    size: Sequence[int] | None = None,
    pad: bool | None = None,
    sigma: float | None = None,
    keep_taps: bool | None = None,
    seed: int = 0,
    device: str = "auto",
    n_threads: int | None = None,
    tensorboard: bool | None = None,
    save_seconds: float = 60.0,
    progress: bool = True,
) -> TrainedEMLNet:
    """Train EML-NET, or resume where an earlier call stopped.

    First each encoder is trained alone, with its backbone, by its own head; then the decoder is
    trained on the frozen encoders.

    Parameters
    ----------
    dataset
        Images and fixations.
    out
        Folder of this training, created if it does not exist. It gets ``model.pth``,
        ``history.csv``, and a folder for each piece with its ``log.csv`` and its state. Encoders do
        not depend on each other: to add one, put it into `backbones` and remove the folder of the
        decoder, which depends on all; the other encoders are not trained again.
    validation
        Images and fixations that are scored after each epoch. They are required by recipes that
        stop by validation scores or keep the best epoch.
    form, backbones
        See `EMLNet`; with `start`, those of its file.
    weights
        File of each backbone's weights by the name of its encoder, with the names of tensors of
        torchvision (of timm for NASNet); or "random". Backbones that need no weights may be
        missing.
    start
        File of `EMLNet` from which all pieces start, instead of `weights`: for fine-tuning.
    encoder_recipe, decoder_recipe
        Recipes of the pieces, or names in `RECIPES`.
    loss
        "eml-net" (KLD + 1 - CC + NSS'), "mse", "kld", "cc", "nss" or "sim".
    size, pad
        See `EMLNet`; None: those of `start`, or else (480, 640) and stretched.
    sigma
        Standard deviation of the Gaussian that blurs empirical maps, in pixels of the images;
        None: that of the stimuli, or else one degree.
    keep_taps
        Whether the taps of frozen encoders are stored in a temporary file, so that encoders run
        only once; None: in the public form, where taps take 0.8 MB per image of 480 x 640 pixels.
    seed, device, n_threads, tensorboard, save_seconds, progress
        See `train`.

    Returns
    -------
    trained : TrainedEMLNet
        The file of weights, the history, and the trained model.

    Raises
    ------
    InputError
        For invalid data or options, a loss that is not finite, or a folder that holds a training
        under other conditions or in which another process trains.

    References
    ----------
    Jia and Bruce (2018), EML-NET, arXiv:1805.01047; (2020), Image and Vision Computing, 95.

    Examples
    --------
    Two encoders on hand-made features, for one epoch:

    >>> import tempfile
    >>> from salmetrics.datasets import generate_dataset
    >>> from salmetrics_models.backbones.handmade import HAND_MADE
    >>> from salmetrics_models.training import RECIPES
    >>> drawn = generate_dataset(4, size=(64, 80), seed=1).dataset
    >>> two = {"first": HAND_MADE, "second": HAND_MADE.reading(["colour", "contrast"])}
    >>> encoder, decoder = (
    ...     RECIPES[name].changed(max_epochs=1) for name in ("emlnet-encoder", "emlnet-decoder")
    ... )
    >>> options = {"size": (64, 80), "sigma": 4.0, "device": "cpu", "progress": False}
    >>> options |= {"encoder_recipe": encoder, "decoder_recipe": decoder}
    >>> with tempfile.TemporaryDirectory() as out:
    ...     trained = train_emlnet(drawn, out, backbones=two, **options)
    ...     model = trained.model(device="cpu")
    >>> trained.history["piece"].unique().tolist()
    ['encoder-first', 'encoder-second', 'decoder']
    >>> model.saliency_map(drawn.stimuli[0]).shape
    (64, 80)
    """
    check_choice("form", form, (None, *FORMS))
    check_choice("loss", loss, LOSSES)
    check_choice("keep_taps", keep_taps, (None, True, False))
    check_seed(seed)
    recipes = []
    for given, name in ((encoder_recipe, "encoder_recipe"), (decoder_recipe, "decoder_recipe")):
        recipe = as_recipe(given, name)
        if recipe.looks_at_validation and validation is None:
            raise InputError(
                f"{name} needs validation images, and there are none; give validation, or choose "
                "keep='last', stopping='none' and schedule='steps'"
            )
        if recipe.average == "fixation" or recipe.downsample is not None:
            raise InputError(
                f"{name}: EML-NET has no average over fixations and no downsample; choose "
                "average='image' and downsample=None"
            )
        recipes.append(recipe)
    settings = settings_for(
        device, tensorboard=tensorboard, save_seconds=save_seconds, progress=progress
    )
    for data in (dataset, validation):
        if data is not None:
            _check_data(data)
    folder = Path(out)
    network, default = _started(form, backbones, weights or {}, start, seed)
    frame = Frame(default.size if size is None else size, default.pad if pad is None else pad)
    public = network.form.is_public
    if keep_taps and not public:
        raise InputError(
            "keep_taps is for the public form: in the paper's, taps are all features, which are "
            "too large; leave it out"
        )
    with alone_in(folder), settings_of_torch(settings.device, n_threads, alone=False):
        swept(folder, *(_folder_of(name) for name in network.names), "decoder")
        run = _PieceRun(network, dataset, validation, frame, sigma, loss, (folder, settings, seed))
        if start is None:
            run.awaken()
        for name in network.names:
            run.encoder(name, recipes[0])
        run.decoder(recipes[1], keep_taps=public if keep_taps is None else keep_taps)
        about = network.description() | {"size": list(frame.size), "pad": frame.pad}
        write_weights(folder / "model.pth", network.state_dict(), {"emlnet": about})
        history = run.history(folder / "history.csv")
    own = {name: network.encoder(name).backbone for name in network.names}
    return TrainedEMLNet(folder / "model.pth", history, own)


class _PieceRun:
    """A running training."""

    def __init__(
        self,
        network: EMLNetwork,
        dataset: Dataset,
        validation: Dataset | None,
        frame: Frame,
        sigma: float | None,
        loss: LossName,
        where: tuple[Path, Settings, int],
    ) -> None:
        self._network, self._frame, self._sigma, self._loss = network, frame, sigma, loss
        self._sets = (dataset, validation)
        self._folder, self._settings, self._seed = where
        self._rows: list[dict[str, Any]] = []
        training, tested = (
            None if d is None else MapSamples(d, range(len(d)), frame, sigma=sigma)
            for d in self._sets
        )
        self._samples: _Both = (training, tested)
        digests = [[] if d is None else image_digests(d.stimuli) for d in self._sets]
        if validation is not None:
            warn_of_shared(validation, digests)
        cpu = self._settings.device.type == "cpu"
        self._conditions = {
            "torch": torch.__version__,
            "seed": self._seed,
            "device": self._settings.device.type,
            "n_threads": torch.get_num_threads() if cpu else 0,
            "form": network.form.name,
            "size": list(frame.size),
            "pad": frame.pad,
            "sigma": [None if s is None else s.sigma for s in self._samples],
            "smoothing": [DEFAULT.boundary, DEFAULT.truncate],
            "loss": loss,
            "data": [
                None if d is None else fingerprints(d, of_images)
                for d, of_images in zip(self._sets, digests, strict=True)
            ],
        }

    def awaken(self) -> None:
        """Choose signs of weights so that no map of the paper's form starts as 0 everywhere."""
        if self._network.form.is_public:
            return
        first = self._samples[0]
        assert first is not None
        batch = first.batch(first.numbers[:_AWAKEN]).to(torch.device("cpu"), torch.float32)
        assert batch.images is not None
        self._network.eval()
        with torch.no_grad():
            encoders = [self._network.encoder(name) for name in self._network.names]
            for encoder in encoders:
                encoder.awaken(batch.images)
            self._network.decoder.awaken([e.taps(batch.images) for e in encoders])

    def encoder(self, name: str, recipe: Recipe) -> None:
        """Train an encoder alone."""
        encoder = self._network.encoder(name)
        objective = EncoderObjective(encoder, self._loss)
        described = self._network.description()["encoders"]
        own = next(entry for entry in described if entry["name"] == name)
        # conditions contain no other encoder, so that more can be added
        self._fitted(objective, _folder_of(name), {"encoder": own}, recipe, self._with_pixels)
        encoder.to("cpu")  # the next piece needs the memory of the GPU

    def decoder(self, recipe: Recipe, *, keep_taps: bool) -> None:
        """Train the decoder on all encoders, which are frozen."""
        encoders = [self._network.encoder(name) for name in self._network.names]
        conditions = {"encoders": [digest_of_weights(e.state_dict()) for e in encoders]}
        objective = DecoderObjective(self._network.decoder, encoders, self._loss)

        def with_taps() -> _Both:
            objective.to(self._settings.device, self._settings.dtype)
            training, validation = (
                None if s is None or d is None else self._with_taps(s, d, encoders)
                for s, d in zip(self._samples, self._sets, strict=True)
            )
            return training, validation

        samples = with_taps if keep_taps else self._with_pixels
        self._fitted(objective, "decoder", conditions, recipe, samples)
        self._network.to("cpu")

    def _with_pixels(self) -> _Both:
        """Return the samples to train on and to validate on, with pixels."""
        return self._samples

    def _with_taps(
        self, samples: MapSamples, dataset: Dataset, encoders: Sequence[Encoder]
    ) -> MapSamples:
        """Return samples with taps of the encoders instead of pixels."""
        progress = self._settings.progress
        numbers, frame = samples.numbers, self._frame
        taps = Taps(encoders, dataset, numbers, frame, self._folder, progress=progress)
        return MapSamples(dataset, numbers, frame, sigma=samples.sigma, taps=taps)

    def history(self, path: Path) -> pd.DataFrame:
        """Write one row per epoch of each piece as CSV, and return the table."""
        import pandas as pd

        table = pd.DataFrame(self._rows)
        with replacing(path) as temporary:
            table.to_csv(temporary, index=False, lineterminator="\n")
        return table

    def _fitted(
        self,
        objective: MapObjective,
        piece: str,
        conditions: dict[str, Any],
        recipe: Recipe,
        samples: Callable[[], _Both],
    ) -> None:
        """Train a piece unless it is finished, and load its state.

        `samples` is called only if the piece is trained.
        """
        start = digest_of_weights(objective.module.state_dict())
        known = self._conditions | conditions | {"start": start}
        folder = self._folder / piece
        fitted = finished_fit(folder, recipe, known)
        if fitted is None:
            training, validation = samples()
            assert training is not None
            fitted = fit(
                objective,
                training,
                validation,
                recipe,
                folder,
                seed=(self._seed, zlib.crc32(piece.encode())),
                conditions=known,
                settings=self._settings,
                name=piece,
            )
        best = max(fitted.history, key=lambda row: float(row["score"]))
        kept = best if recipe.keep == "best" else fitted.history[-1]
        if kept.get("CC") == 0:
            warnings.warn(
                f"{piece} predicts constant maps for all validation images: the input of its last "
                "rectifier is never above 0. Train it with a lower learning rate",
                stacklevel=4,
            )
        objective.module.load_state_dict(fitted.state)
        objective.module.eval().requires_grad_(False)
        for parameter in objective.module.parameters():
            parameter.grad = None
        self._rows += [{"piece": piece} | row for row in fitted.history]


def _folder_of(encoder: str) -> str:
    return f"encoder-{encoder}"


def _started(
    form: FormName | None,
    backbones: Mapping[str, Backbone] | None,
    weights: Mapping[str, str | Path],
    start: str | Path | None,
    seed: int,
) -> tuple[EMLNetwork, Frame]:
    """Return the network with which training starts, on the CPU, and its default frame."""
    if start is not None:
        if weights:
            raise InputError("give weights or start, not both")
        model = EMLNet(start, backbones=backbones, device="cpu")
        if form not in (None, model.network.form.name):
            raise InputError(
                f"{str(start)!r} has the {model.network.form.name} form; leave out form={form!r}"
            )
        return model.network, model.frame
    own = FORMS[form or "public"].backbones if backbones is None else backbones
    checked_encoders(own)
    files = check_weights(own, weights, role="encoder")
    with seeded(seed):
        network = EMLNetwork(own, form or "public")
    for name, file in files.items():
        load_backbone(own[name], network.encoder(name).network, file)
    return network, Frame()


def _check_data(dataset: Dataset) -> None:
    dataset.fixations.check_against(dataset.stimuli)
    without = [s.id for s in dataset.stimuli if not s.has_pixels]
    if without:
        raise InputError(f"training needs the pixels of images; {without[0]!r} has only a size")
    warn_of_empty(dataset, None, None)
