"""Networks that predict one map per image, as objectives of a training: encoder and decoder."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from salmetrics_models import losses
from salmetrics_models.emlnet.network import Decoder, Encoder
from salmetrics_models.training.emlnet.samples import MapBatch, MapSamples
from salmetrics_models.training.loop.objective import NotANumber, Objective

__all__ = ["LOSSES", "DecoderObjective", "EncoderObjective", "LossName", "MapObjective"]

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def _mean_square(prediction: Tensor, target: Tensor, fixations: Tensor) -> Tensor:
    return (prediction - target).square().mean((-2, -1))


LossName = Literal["cc", "eml-net", "kld", "mse", "nss", "sim"]
LOSSES: dict[LossName, Loss] = {
    "cc": lambda p, q, f: losses.cc_loss(p, q, reduction="none"),
    "eml-net": lambda p, q, f: losses.eml_net_loss(p, q, f, reduction="none"),
    "kld": lambda p, q, f: losses.kld_loss(p, q, reduction="none"),
    "mse": _mean_square,
    "nss": lambda p, q, f: losses.nss_loss(p, f, reduction="none"),
    "sim": lambda p, q, f: losses.sim_loss(p, q, reduction="none"),
}
"""Losses by name: functions of prediction, empirical map and fixated pixels, shape (n, h, w)."""


class MapObjective(Objective):
    """One map per image, predicted by an encoder from pixels or by a decoder from taps.

    Parameters
    ----------
    loss
        Name in `LOSSES`.
    """

    def __init__(self, loss: LossName) -> None:
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
        """Return means of the loss, NSS, CC, KLDiv and SIM; the score is minus the loss.

        NSS is the mean over the fixated pixels of the frame, however often each is fixated.

        Parameters
        ----------
        samples
            The validation images.
        batches
            Pairs of image numbers and their batch on the device.

        Raises
        ------
        NotANumber
            If a loss is not finite.
        """
        sums = dict.fromkeys(("validation_loss", "NSS", "CC", "KLDiv", "SIM"), 0.0)
        n = 0
        for _, batch in batches:
            maps = self.predictions(batch)
            losses = self._loss(maps, batch.target, batch.fixations)
            if not bool(torch.isfinite(losses).all()):
                raise NotANumber("loss of validation", batch.ids)
            sums["validation_loss"] += float(losses.sum())
            sums["NSS"] -= float(LOSSES["nss"](maps, batch.target, batch.fixations).sum())
            sums["KLDiv"] += float(LOSSES["kld"](maps, batch.target, batch.fixations).sum())
            for key, loss in (("CC", LOSSES["cc"]), ("SIM", LOSSES["sim"])):
                values = loss(maps, batch.target, batch.fixations)
                sums[key] += float((1 - values).sum())
            n += len(batch.ids)
        means = {key: value / n for key, value in sums.items()}
        return means | {"score": -means["validation_loss"]}


class EncoderObjective(MapObjective):
    """An encoder with its own head; its backbone learns, too.

    Parameters
    ----------
    encoder
        The encoder.
    loss
        Name in `LOSSES`.
    """

    def __init__(self, encoder: Encoder, loss: LossName) -> None:
        super().__init__(loss)
        self.module = self._encoder = encoder

    def predictions(self, batch: MapBatch) -> Tensor:
        """Return maps, shape (n, h, w)."""
        assert batch.images is not None
        maps: Tensor = self._encoder(batch.images)
        return maps[:, 0]


class DecoderObjective(MapObjective):
    """The decoder; encoders are frozen and normalise with the statistics of their own training.

    Parameters
    ----------
    decoder
        The decoder, which learns.
    encoders
        Encoders whose taps it reads.
    loss
        Name in `LOSSES`.
    """

    def __init__(self, decoder: Decoder, encoders: Sequence[Encoder], loss: LossName) -> None:
        super().__init__(loss)
        self.module = self._decoder = decoder
        self._encoders = nn.ModuleList(encoders).eval().requires_grad_(False)

    def to(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move the decoder and the encoders."""
        super().to(device, dtype)
        self._encoders.to(device, dtype)

    def predictions(self, batch: MapBatch) -> Tensor:
        """Return maps, shape (n, h, w)."""
        taps: list[list[Tensor]] | None = batch.taps
        if taps is None:
            assert batch.images is not None
            with torch.no_grad():
                taps = [e.taps(batch.images) for e in self._encoders]  # type: ignore[operator]
        maps: Tensor = self._decoder(taps, batch.target.shape[-2:])
        return maps[:, 0]
