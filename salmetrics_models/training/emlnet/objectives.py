"""Networks that make one map an image, as objectives of a training: an encoder, or a decoder."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from salmetrics_models import losses
from salmetrics_models.emlnet.network import Decoder, Encoder
from salmetrics_models.training.emlnet.samples import MapBatch, MapSamples
from salmetrics_models.training.loop.objective import NotANumber, Objective

__all__ = ["LOSSES", "DecoderObjective", "EncoderObjective", "MapObjective"]

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


class MapObjective(Objective):
    """One map an image, as an encoder makes it of pixels, or a decoder of taps.

    Parameters
    ----------
    loss
        One of `LOSSES`.
    """

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


class EncoderObjective(MapObjective):
    """An encoder, by its own head.

    Parameters
    ----------
    encoder
        Backbone and all.
    loss
        One of `LOSSES`.
    """

    def __init__(self, encoder: Encoder, loss: str) -> None:
        super().__init__(loss)
        self.module = self._encoder = encoder

    def predictions(self, batch: MapBatch) -> Tensor:
        """Return maps, shape (n, h, w)."""
        assert batch.images is not None
        made: Tensor = self._encoder(batch.images)
        return made[:, 0]


class DecoderObjective(MapObjective):
    """The decoder; encoders are frozen, and normalise as they learnt to.

    Parameters
    ----------
    decoder
        What learns.
    encoders
        Of its taps.
    loss
        One of `LOSSES`.
    """

    def __init__(self, decoder: Decoder, encoders: Sequence[Encoder], loss: str) -> None:
        super().__init__(loss)
        self.module = self._decoder = decoder
        self._encoders = nn.ModuleList(encoders).eval().requires_grad_(False)

    def to(self, device: torch.device, dtype: torch.dtype) -> None:
        """Move the encoders too."""
        super().to(device, dtype)
        self._encoders.to(device, dtype)

    def predictions(self, batch: MapBatch) -> Tensor:
        """Return maps, shape (n, h, w)."""
        taps: list[list[Tensor]] | None = batch.taps
        if taps is None:
            assert batch.images is not None
            with torch.no_grad():
                taps = [e.taps(batch.images) for e in self._encoders]  # type: ignore[operator]
        made: Tensor = self._decoder(taps, batch.target.shape[-2:])
        return made[:, 0]
