"""EML-NET trained piece by piece: each encoder alone, then the decoder of frozen encoders."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from salmetrics.dataset import Dataset
from salmetrics.errors import InputError, check_choice, check_whole
from salmetrics.io.files import check_file, replacing
from salmetrics_models import losses
from salmetrics_models.backbones import Backbone, digest_of_weights
from salmetrics_models.checkpoints import load_backbone, write_weights
from salmetrics_models.devices import device_of, settings_of_torch
from salmetrics_models.emlnet import EMLNet
from salmetrics_models.emlnet_networks import FORMS, Decoder, EMLNetwork, Encoder
from salmetrics_models.framing import Frame
from salmetrics_models.training.features import image_digests
from salmetrics_models.training.fitting import Fitted, Settings, fit
from salmetrics_models.training.folders import alone_in, swept
from salmetrics_models.training.logs import has_tensorboard
from salmetrics_models.training.maps import MapBatch, MapSamples, Taps
from salmetrics_models.training.objectives import NotANumber, Objective
from salmetrics_models.training.recipes import RECIPES, Recipe
from salmetrics_models.training.samples import warn_of_empty
from salmetrics_models.training.stages import fingerprints

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LOSSES", "TrainedEMLNet", "check_weights", "train_emlnet"]

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def _mean_square(prediction: Tensor, target: Tensor, fixations: Tensor) -> Tensor:
    return (prediction - target).square().mean((-2, -1))


LOSSES: dict[str, Loss] = {
    "cc": lambda p, q, f: losses.cc_loss(p, q, reduction="none"),
    "eml-net": lambda p, q, f: losses.eml_net_loss(p, q, f, reduction="none"),
    "kld": lambda p, q, f: losses.kld_loss(p, q, reduction="none"),
    "mse": _mean_square,
    "nss": lambda p, q, f: losses.nss_loss(p, f, reduction="none"),
    "sim": lambda p, q, f: losses.sim_loss(p, q, reduction="none"),
}
"""What maps can be trained for; of prediction, empirical map and fixated pixels."""


class _MapObjective(Objective):
    """One map an image, as an encoder makes it of pixels, or a decoder of taps."""

    def __init__(self, loss: str) -> None:
        self._loss = LOSSES[loss]

    @abstractmethod
    def predictions(self, batch: MapBatch) -> Tensor:
        """Return maps, shape (n, h, w)."""

    def losses(self, batch: MapBatch) -> Tensor:
        """Return the loss of each image, shape (n,)."""
        return self._loss(self.predictions(batch), batch.target, batch.fixations)

    def scores(
        self, samples: MapSamples, batches: Iterable[tuple[Sequence[int], MapBatch]]
    ) -> dict[str, float]:
        """Return the loss, NSS, CC, KLDiv and SIM, means over images; the score is minus the loss.

        NSS is over the pixels that are fixated, at the size of the frame.
        """
        sums = dict.fromkeys(("validation_loss", "NSS", "CC", "KLDiv", "SIM"), 0.0)
        n = 0
        for _, batch in batches:
            made = self.predictions(batch)
            own = self._loss(made, batch.target, batch.fixations)
            if not bool(torch.isfinite(own).all()):
                raise NotANumber("loss of validation", batch.ids)
            sums["validation_loss"] += float(own.sum())
            sums["NSS"] -= float(LOSSES["nss"](made, batch.target, batch.fixations).sum())
            sums["KLDiv"] += float(LOSSES["kld"](made, batch.target, batch.fixations).sum())
            for key, loss in (("CC", "cc"), ("SIM", "sim")):
                values = LOSSES[loss](made, batch.target, batch.fixations)
                sums[key] += float((1 - values).sum())
            n += len(batch.ids)
        found = {key: value / n for key, value in sums.items()}
        return found | {"score": -found["validation_loss"]}


class _EncoderObjective(_MapObjective):
    def __init__(self, encoder: Encoder, loss: str) -> None:
        super().__init__(loss)
        self.module = self._encoder = encoder

    def predictions(self, batch: MapBatch) -> Tensor:
        assert batch.images is not None
        made: Tensor = self._encoder(batch.images)
        return made[:, 0]


class _DecoderObjective(_MapObjective):
    """The decoder; encoders are frozen, and normalise as they learnt to."""

    def __init__(self, decoder: Decoder, encoders: Sequence[Encoder], loss: str) -> None:
        super().__init__(loss)
        self.module = self._decoder = decoder
        self._encoders = nn.ModuleList(encoders).eval().requires_grad_(False)

    def to(self, device: torch.device, dtype: torch.dtype) -> None:
        super().to(device, dtype)
        self._encoders.to(device, dtype)

    def predictions(self, batch: MapBatch) -> Tensor:
        taps: list[list[Tensor]] | None = batch.taps
        if taps is None:
            assert batch.images is not None
            with torch.no_grad():
                taps = [e.taps(batch.images) for e in self._encoders]  # type: ignore[operator]
        made: Tensor = self._decoder(taps, batch.target.shape[-2:])
        return made[:, 0]


@dataclass(frozen=True, eq=False)
class TrainedEMLNet:
    """What came of a training.

    Attributes
    ----------
    path
        The file of weights, which `EMLNet` loads.
    history
        One row an epoch of each piece: piece, epoch, learning_rate, loss, and the loss, NSS, CC,
        KLDiv and SIM on the validation images.
    backbones
        By the names of their encoders.
    """

    path: Path
    history: pd.DataFrame
    backbones: Mapping[str, Backbone]

    def model(self, **options: Any) -> EMLNet:
        """Return the model; options are those of `EMLNet`."""
        return EMLNet(self.path, backbones=self.backbones, **options)


def train_emlnet(
    dataset: Dataset,
    out: str | Path,
    *,
    validation: Dataset | None = None,
    form: str = "public",
    backbones: Mapping[str, Backbone] | None = None,
    weights: Mapping[str, str | Path] | None = None,
    start: str | Path | None = None,
    encoder_recipe: Recipe = RECIPES["emlnet-encoder"],
    decoder_recipe: Recipe = RECIPES["emlnet-decoder"],
    loss: str = "eml-net",
    size: Sequence[int] = (480, 640),
    pad: bool = False,
    sigma: float | None = None,
    keep_taps: bool | None = None,
    seed: int = 0,
    device: str = "auto",
    n_threads: int | None = None,
    tensorboard: bool | None = None,
    save_seconds: float = 60.0,
    progress: bool = True,
) -> TrainedEMLNet:
    """Train EML-NET; the same call goes on where an earlier one stopped.

    First each encoder is trained alone, backbone and all, by its own head; then the decoder, with
    the encoders frozen.

    Parameters
    ----------
    dataset
        Images and fixations.
    out
        Folder of this training, made if it isn't there. It gets ``model.pth`` and ``history.csv``,
        and in a folder for each piece its ``log.csv`` and its state.
    validation
        Images and fixations that are scored after each epoch. Recipes that stop by them, or keep
        the best epoch, need them.
    form, backbones
        As of `EMLNet`.
    weights
        File of each backbone's weights, by the name of its encoder, as torchvision (timm for
        NASNet) names them; or "random". Of backbones that need none, nothing.
    start
        A file of `EMLNet` that all pieces start from, in place of `weights`: for fine-tuning.
    encoder_recipe, decoder_recipe
        How the pieces are trained.
    loss
        One of `LOSSES`: "eml-net" (KLD + 1 - CC + NSS'), "mse", "kld", "cc", "nss", "sim".
    size, pad
        As of `EMLNet`.
    sigma
        Of empirical maps, in pixels of the images; None: that of the stimuli, or one degree.
    keep_taps
        Whether what frozen encoders make of each image is kept in a temporary file, so that they
        run once; None: in the public form, where that is .8 MB an image of 480x640.
    seed, device, n_threads, tensorboard, save_seconds, progress
        As of `train`.

    Raises
    ------
    InputError
        For data or options that can't be, a loss that is no number, or a folder that holds a
        training under other conditions, or where another process trains.
    """
    check_choice("form", form, FORMS)
    check_choice("loss", loss, LOSSES)
    check_whole("seed", seed, 0)
    frame = Frame(size, pad)
    for recipe, name in ((encoder_recipe, "encoder_recipe"), (decoder_recipe, "decoder_recipe")):
        if recipe.looks_at_validation and validation is None:
            raise InputError(f"{name} looks at validation images, and there are none")
        if recipe.average == "fixation" or recipe.downsample is not None:
            raise InputError(f"{name}: EML-NET has no average over fixations, and no downsample")
    if tensorboard and not has_tensorboard():
        raise InputError("TensorBoard is not installed: pip install 'salmetrics[tensorboard]'")
    for given in (dataset, validation):
        if given is not None:
            _check_data(given)
    settings = Settings(
        device_of(device),
        save_seconds=save_seconds,
        tensorboard=has_tensorboard() if tensorboard is None else tensorboard,
        progress=progress,
    )
    folder = Path(out)
    network = _started(form, backbones, weights or {}, start, seed)
    public = network.form.is_public
    if keep_taps and not public:
        raise InputError("taps of the paper's form are all features, and too many to be kept")
    with alone_in(folder), settings_of_torch(settings.device, n_threads, alone=False):
        swept(folder)
        run = _Run(network, dataset, validation, frame, sigma, loss, (folder, settings, seed))
        for name in network.names:
            run.encoder(name, encoder_recipe)
        run.decoder(decoder_recipe, keep_taps=public if keep_taps is None else keep_taps)
        about = network.description() | {"size": list(frame.size), "pad": frame.pad}
        write_weights(folder / "model.pth", network.state_dict(), {"emlnet": about})
        history = run.history(folder / "history.csv")
    own = {name: network.encoder(name).backbone for name in network.names}
    return TrainedEMLNet(folder / "model.pth", history, own)


class _Run:
    """A training that runs."""

    def __init__(
        self,
        network: EMLNetwork,
        dataset: Dataset,
        validation: Dataset | None,
        frame: Frame,
        sigma: float | None,
        loss: str,
        where: tuple[Path, Settings, int],
    ) -> None:
        self._network, self._frame, self._sigma, self._loss = network, frame, sigma, loss
        self._sets = (dataset, validation)
        self._folder, self._settings, self._seed = where
        self._rows: list[dict[str, Any]] = []
        self._samples = [
            None if d is None else MapSamples(d, range(len(d)), frame, sigma=sigma)
            for d in self._sets
        ]
        cpu = self._settings.device.type == "cpu"
        self._conditions = {
            "torch": torch.__version__,
            "seed": self._seed,
            "device": self._settings.device.type,
            "n_threads": torch.get_num_threads() if cpu else 0,
            "network": network.description(),
            "size": list(frame.size),
            "pad": frame.pad,
            "sigma": sigma,
            "loss": loss,
            "data": [
                None if d is None else fingerprints(d, image_digests(d.stimuli)) for d in self._sets
            ],
        }

    def encoder(self, name: str, recipe: Recipe) -> None:
        """Train an encoder alone."""
        encoder = self._network.encoder(name)
        objective = _EncoderObjective(encoder, self._loss)
        number = self._network.names.index(name)
        self._fitted(objective, f"encoder-{name}", number, recipe, self._samples)

    def decoder(self, recipe: Recipe, *, keep_taps: bool) -> None:
        """Train the decoder of all encoders."""
        encoders = [self._network.encoder(name) for name in self._network.names]
        objective = _DecoderObjective(self._network.decoder, encoders, self._loss)
        objective.to(self._settings.device, self._settings.dtype)
        samples = self._samples
        if keep_taps:
            size = (int(self._frame.size[0]), int(self._frame.size[1]))
            samples = [
                None
                if d is None
                else MapSamples(
                    d,
                    range(len(d)),
                    self._frame,
                    sigma=self._sigma,
                    taps=Taps(encoders, len(d), size, self._folder),
                )
                for d in self._sets
            ]
        self._fitted(objective, "decoder", len(encoders), recipe, samples)

    def history(self, path: Path) -> pd.DataFrame:
        """Return one row an epoch of each piece, written to a file too."""
        import pandas as pd

        table = pd.DataFrame(self._rows)
        with replacing(path) as temporary:
            table.to_csv(temporary, index=False, lineterminator="\n")
        return table

    def _fitted(
        self,
        objective: _MapObjective,
        piece: str,
        number: int,
        recipe: Recipe,
        samples: Sequence[MapSamples | None],
    ) -> Fitted:
        training, validation = samples
        assert training is not None
        # what it starts from says what came before
        start = digest_of_weights(self._network.state_dict())
        fitted = fit(
            objective,
            training,
            validation,
            recipe,
            self._folder / piece,
            seed=(self._seed, number),
            conditions=self._conditions | {"start": start},
            settings=self._settings,
            name=piece,
        )
        if fitted.history[-1].get("CC") == 0:
            warnings.warn(
                f"{piece} predicts the same for all pixels of all validation images: its last "
                "rectifier lets nothing through any more. Train it with a lower learning rate",
                stacklevel=4,
            )
        objective.module.load_state_dict(fitted.state)
        objective.module.eval()
        self._rows += [{"piece": piece} | row for row in fitted.history]
        return fitted


def _started(
    form: str,
    backbones: Mapping[str, Backbone] | None,
    weights: Mapping[str, str | Path],
    start: str | Path | None,
    seed: int,
) -> EMLNetwork:
    """Return the network with which training starts, on the CPU."""
    if start is not None:
        if weights:
            raise InputError("give weights or start, not both")
        return EMLNet(start, backbones=backbones, device="cpu").network
    own = FORMS[form].backbones if backbones is None else backbones
    files = check_weights(own, weights)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = EMLNetwork(own, form)
    for name, file in files.items():
        load_backbone(own[name], network.encoder(name).network, file)
    return network


def check_weights(
    backbones: Mapping[str, Backbone], weights: Mapping[str, str | Path]
) -> dict[str, Path]:
    """Return the files of backbones by the names of their encoders, but for random ones.

    Raises
    ------
    InputError
        If one that needs weights has none, or there is no such file.
    """
    for name in weights:
        check_choice("encoder in weights", name, backbones)
    files: dict[str, Path] = {}
    for name, backbone in backbones.items():
        given = weights.get(name)
        if given is None and backbone.pretrained:
            raise InputError(
                f"encoder {name!r} needs weights of {backbone.name}: give the file that has them "
                "in weights, or 'random'"
            )
        if given is not None and given != "random":
            files[name] = check_file(given)
    return files


def _check_data(dataset: Dataset) -> None:
    dataset.fixations.check_against(dataset.stimuli)
    without = [s.id for s in dataset.stimuli if not s.has_pixels]
    if without:
        raise InputError(f"training needs images; {without[0]!r} has a size only")
    warn_of_empty(dataset, None, None)
