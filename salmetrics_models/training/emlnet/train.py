"""EML-NET trained piece by piece: each encoder alone, then the decoder of frozen encoders."""

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
from salmetrics.io.files import check_file, replacing
from salmetrics.protocols import DEFAULT
from salmetrics_models.backbones.backbone import Backbone, digest_of_weights
from salmetrics_models.backbones.loading import load_backbone
from salmetrics_models.devices import settings_of_torch
from salmetrics_models.emlnet.framing import Frame
from salmetrics_models.emlnet.model import EMLNet
from salmetrics_models.emlnet.network import FORMS, EMLNetwork, Encoder, checked_encoders
from salmetrics_models.seeds import check_seed, seeded
from salmetrics_models.training.emlnet.objectives import (
    LOSSES,
    DecoderObjective,
    EncoderObjective,
    MapObjective,
)
from salmetrics_models.training.emlnet.samples import MapSamples, Taps
from salmetrics_models.training.inputs.features import image_digests
from salmetrics_models.training.inputs.samples import warn_of_empty
from salmetrics_models.training.inputs.stages import fingerprints, warn_of_shared
from salmetrics_models.training.loop.fit import Settings, finished_fit, fit, settings_for
from salmetrics_models.training.loop.folders import alone_in, swept
from salmetrics_models.training.loop.recipe import Recipe, as_recipe
from salmetrics_models.weights.files import write_weights

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TrainedEMLNet", "check_weights", "train_emlnet"]

_AWAKEN = 8  # images
_Both = tuple[MapSamples | None, MapSamples | None]  # to train on, and to validate on


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
    form: str | None = None,
    backbones: Mapping[str, Backbone] | None = None,
    weights: Mapping[str, str | Path] | None = None,
    start: str | Path | None = None,
    encoder_recipe: Recipe | str = "emlnet-encoder",
    decoder_recipe: Recipe | str = "emlnet-decoder",
    loss: str = "eml-net",
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
    """Train EML-NET; the same call goes on where an earlier one stopped.

    First each encoder is trained alone, backbone and all, by its own head; then the decoder, with
    the encoders frozen.

    Parameters
    ----------
    dataset
        Images and fixations.
    out
        Folder of this training, made if it isn't there. It gets ``model.pth`` and ``history.csv``,
        and in a folder for each piece its ``log.csv`` and its state. Encoders do not depend on each
        other: with one more in `backbones`, those that are trained stay; remove the folder of the
        decoder, which depends on all.
    validation
        Images and fixations that are scored after each epoch. Recipes that stop by them, or keep
        the best epoch, need them.
    form, backbones
        As of `EMLNet`; those of `start`, if there is one.
    weights
        File of each backbone's weights, by the name of its encoder, as torchvision (timm for
        NASNet) names them; or "random". Of backbones that need none, nothing.
    start
        A file of `EMLNet` that all pieces start from, in place of `weights`: for fine-tuning.
    encoder_recipe, decoder_recipe
        How the pieces are trained, or names in `RECIPES`.
    loss
        One of `LOSSES`: "eml-net" (KLD + 1 - CC + NSS'), "mse", "kld", "cc", "nss", "sim".
    size, pad
        As of `EMLNet`; None: those of `start`, or (480, 640) and stretched.
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
    check_choice("form", form, (None, *FORMS))
    check_choice("loss", loss, LOSSES)
    check_choice("keep_taps", keep_taps, (None, True, False))
    check_seed(seed)
    recipes = []
    for given, name in ((encoder_recipe, "encoder_recipe"), (decoder_recipe, "decoder_recipe")):
        recipe = as_recipe(given, name)
        if recipe.looks_at_validation and validation is None:
            raise InputError(f"{name} looks at validation images, and there are none")
        if recipe.average == "fixation" or recipe.downsample is not None:
            raise InputError(f"{name}: EML-NET has no average over fixations, and no downsample")
        recipes.append(recipe)
    settings = settings_for(
        device, tensorboard=tensorboard, save_seconds=save_seconds, progress=progress
    )
    for data in (dataset, validation):
        if data is not None:
            _check_data(data)
    folder = Path(out)
    network, usual = _started(form, backbones, weights or {}, start, seed)
    frame = Frame(usual.size if size is None else size, usual.pad if pad is None else pad)
    public = network.form.is_public
    if keep_taps and not public:
        raise InputError("taps of the paper's form are all features, and too many to be kept")
    with alone_in(folder), settings_of_torch(settings.device, n_threads, alone=False):
        swept(folder, *(_folder_of(name) for name in network.names), "decoder")
        run = _Run(network, dataset, validation, frame, sigma, loss, (folder, settings, seed))
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
        """Let all maps of the paper's form begin as not 0 everywhere."""
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
        own = next(one for one in self._network.description()["encoders"] if one["name"] == name)
        # of no other encoder, so that more can be added
        self._fitted(objective, _folder_of(name), {"encoder": own}, recipe, self._as_they_are)
        encoder.to("cpu")  # others need the memory of a GPU

    def decoder(self, recipe: Recipe, *, keep_taps: bool) -> None:
        """Train the decoder of all encoders."""
        encoders = [self._network.encoder(name) for name in self._network.names]
        conditions = {"encoders": [digest_of_weights(e.state_dict()) for e in encoders]}
        objective = DecoderObjective(self._network.decoder, encoders, self._loss)

        def with_taps() -> _Both:
            objective.to(self._settings.device, self._settings.dtype)
            training, validation = (
                None if one is None or d is None else self._with_taps(one, d, encoders)
                for one, d in zip(self._samples, self._sets, strict=True)
            )
            return training, validation

        samples = with_taps if keep_taps else self._as_they_are
        self._fitted(objective, "decoder", conditions, recipe, samples)
        self._network.to("cpu")

    def _as_they_are(self) -> _Both:
        return self._samples

    def _with_taps(
        self, samples: MapSamples, dataset: Dataset, encoders: Sequence[Encoder]
    ) -> MapSamples:
        progress = self._settings.progress
        numbers, frame = samples.numbers, self._frame
        taps = Taps(encoders, dataset, numbers, frame, self._folder, progress=progress)
        return MapSamples(dataset, numbers, frame, sigma=samples.sigma, taps=taps)

    def history(self, path: Path) -> pd.DataFrame:
        """Return one row an epoch of each piece, written to a file too."""
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
                f"{piece} predicts the same for all pixels of all validation images: its last "
                "rectifier lets nothing through any more. Train it with a lower learning rate",
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
    form: str | None,
    backbones: Mapping[str, Backbone] | None,
    weights: Mapping[str, str | Path],
    start: str | Path | None,
    seed: int,
) -> tuple[EMLNetwork, Frame]:
    """Return the network with which training starts, on the CPU, and the frame it is made for."""
    if start is not None:
        if weights:
            raise InputError("give weights or start, not both")
        model = EMLNet(start, backbones=backbones, device="cpu")
        if form not in (None, model.network.form.name):
            raise InputError(
                f"{str(start)!r} is of the {model.network.form.name} form; leave out form={form!r}"
            )
        return model.network, model.frame
    own = FORMS[form or "public"].backbones if backbones is None else backbones
    checked_encoders(own)
    files = check_weights(own, weights)
    with seeded(seed):
        network = EMLNetwork(own, form or "public")
    for name, file in files.items():
        load_backbone(own[name], network.encoder(name).network, file)
    return network, Frame()


def check_weights(
    backbones: Mapping[str, Backbone], weights: Mapping[str, str | Path]
) -> dict[str, Path]:
    """Return the files of backbones by the names of their encoders, but for random ones.

    Raises
    ------
    InputError
        If one that needs weights has none, or there is no such file.
    """
    if not isinstance(weights, Mapping):
        raise InputError(
            "weights must be a mapping from names of encoders to files, or to 'random'; got "
            f"{weights!r}"
        )
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
