"""Losses of maps against their formulas, scores of validation, and what learns in each piece."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from salmetrics_models.emlnet.framing import Frame
from salmetrics_models.emlnet.network import EMLNetwork
from salmetrics_models.training.emlnet.objectives import (
    LOSSES,
    DecoderObjective,
    EncoderObjective,
    MapObjective,
)
from salmetrics_models.training.emlnet.samples import MapSamples
from salmetrics_models.training.loop.objective import NotANumber
from tests.salmetrics_models.toy_backbones import SEES, blobs

CPU = torch.device("cpu")
SIZE = (48, 48)


@pytest.fixture(scope="module")
def samples():
    data = blobs(5, lambda i: [0, 1], size=SIZE, seed=3)
    return MapSamples(data, range(5), Frame(SIZE))


@pytest.fixture
def network():
    torch.manual_seed(8)
    return EMLNetwork({name: SEES[name] for name in ("red", "green")}, "public").eval()


def maps(rng):
    prediction = rng.uniform(0.1, 1, (2, 6, 7))
    target = rng.uniform(0.1, 1, (2, 6, 7))
    fixations = (rng.uniform(size=(2, 6, 7)) < 0.2).astype(float)
    fixations[:, 0, 0] = 1
    return prediction, target, fixations


def by_formula(name, p, q, f):
    """The loss of one image."""
    if name == "mse":
        return ((p - q) ** 2).mean()
    if name == "cc":
        return 1 - np.corrcoef(p.ravel(), q.ravel())[0, 1]
    if name == "nss":
        return -(((p - p.mean()) / p.std()) * f).sum() / f.sum()
    p, q = p / p.sum(), q / q.sum()
    return (
        (q * np.log(q / (p + 1e-6) + 1e-6)).sum() if name == "kld" else 1 - np.minimum(p, q).sum()
    )


@pytest.mark.parametrize("name", ["cc", "kld", "mse", "nss", "sim"])
def test_losses(rng, name):
    prediction, target, fixations = maps(rng)
    found = LOSSES[name](*map(torch.from_numpy, (prediction, target, fixations)))
    expected = [by_formula(name, *one) for one in zip(prediction, target, fixations, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_the_papers_loss_is_of_three_parts(rng):
    """KLD + 1 - CC + NSS', the mean difference of standardised maps at fixated pixels."""
    given = maps(rng)
    prediction, target, fixations = map(torch.from_numpy, given)
    found = LOSSES["eml-net"](prediction, target, fixations)
    parts = LOSSES["kld"](prediction, target, fixations) + LOSSES["cc"](
        prediction, target, fixations
    )
    expected = []
    for p, _, f in zip(*given, strict=True):
        own, best = ((m - m.mean()) / m.std(ddof=1) for m in (p, f))
        expected.append(((best - own) * f).sum() / f.sum())
    np.testing.assert_allclose(found - parts, expected, rtol=1e-9)


class Shown(MapObjective):
    """Predictions that are given."""

    def predictions(self, batch):
        return torch.full_like(batch.target, torch.nan) if self.broken else batch.target**2

    broken = False


def test_scores_of_validation_are_means_over_images(samples):
    batches = [(images, samples.batch(images)) for images in ([0, 1, 2], [3, 4])]
    found = Shown("mse").scores(samples, batches)
    each = samples.batch(range(5))
    images = list(zip(*(t.double().numpy() for t in (each.target, each.fixations)), strict=True))
    expected = {
        key: np.mean([sign * by_formula(loss, q**2, q, f) + add for q, f in images])
        for key, loss, sign, add in (
            ("validation_loss", "mse", 1, 0),
            ("NSS", "nss", -1, 0),
            ("CC", "cc", -1, 1),
            ("KLDiv", "kld", 1, 0),
            ("SIM", "sim", -1, 1),
        )
    }
    expected["score"] = -expected["validation_loss"]
    assert set(found) == set(expected)
    for key, value in expected.items():
        # maps of float32, sums over 2304 pixels
        assert found[key] == pytest.approx(value, rel=1e-4), key


def test_a_loss_that_is_no_number(samples):
    objective = Shown("mse")
    objective.broken = True
    with pytest.raises(NotANumber, match="loss of validation") as caught:
        objective.scores(samples, [([0, 1], samples.batch([0, 1]))])
    assert caught.value.ids == ("blobs0", "blobs1")


def test_an_encoder_learns_whole(network, samples):
    encoder = network.encoder("red")
    objective = EncoderObjective(encoder, "mse")
    assert objective.module is encoder
    batch = samples.batch([0, 1]).to(CPU, torch.float32)
    losses = objective.losses(batch)
    losses.sum().backward()
    with torch.no_grad():
        made = encoder(batch.images)[:, 0]
    expected = ((made - batch.target) ** 2).mean((1, 2))
    np.testing.assert_allclose(losses.detach(), expected, rtol=1e-5)  # float32
    assert all(p.grad is not None for p in encoder.network.parameters())


def test_a_decoder_learns_alone(network, samples):
    encoders = [network.encoder(name) for name in ("red", "green")]
    objective = DecoderObjective(network.decoder, encoders, "mse")
    objective.to(CPU, torch.float64)
    batch = samples.batch([0, 1]).to(CPU, torch.float64)
    objective.losses(batch).sum().backward()
    assert all(p.grad is not None for p in network.decoder.parameters())
    assert not any(p.requires_grad for e in encoders for p in e.parameters())
    with torch.no_grad():
        whole = network(batch.images)[:, 0]
        found = objective.predictions(batch)
    np.testing.assert_allclose(found, whole, rtol=1e-12)
    taps = [encoder.taps(batch.images) for encoder in encoders]
    kept = replace(batch, images=None, taps=taps)
    with torch.no_grad():
        assert torch.equal(objective.predictions(kept), found)
