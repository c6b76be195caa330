"""The likelihood of densities: losses and scores against sums over fixations, and `evaluate`."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import salmetrics
from salmetrics_models.deepgaze.finaliser import mixing_for
from salmetrics_models.training.likelihood import LikelihoodObjective
from salmetrics_models.training.loop.objective import NotANumber
from salmetrics_models.training.readouts.objective import ReadoutObjective
from tests.salmetrics_models.training.toy_training import new_head

CPU = torch.device("cpu")
SIZE = (3, 4)


class Table(LikelihoodObjective):
    """Log densities that a batch brings along."""

    def log_densities(self, batch):
        return batch.logs


def batch_of(logs, counts):
    return SimpleNamespace(
        ids=tuple("abcdef"[: len(logs)]),
        logs=torch.from_numpy(logs),
        counts=torch.from_numpy(counts),
        weight=float(len(logs)),
        mixing=mixing_for(SIZE, SIZE, torch.float64, CPU),
    )


@pytest.fixture
def logs(rng):
    energies = rng.normal(size=(3, *SIZE))
    return energies - np.log(np.exp(energies).sum((1, 2), keepdims=True))


@pytest.fixture
def counts(rng):
    return rng.integers(0, 4, (3, *SIZE)).astype(float)


def test_losses(logs, counts):
    expected = -(logs * counts).sum((1, 2)) / counts.sum((1, 2)) / np.log(2)
    found = Table().losses(batch_of(logs, counts))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_scores_are_weighted_as_in_training(logs, counts):
    weights = np.array([0.5, 2.0, 0.5])
    baseline = [-3.0, -2.0, -4.0]  # nats
    samples = SimpleNamespace(
        weights=weights, baseline=baseline, full_counts=lambda i: torch.from_numpy(counts[i])
    )
    batches = []
    for images in ([2, 0], [1]):
        batch = batch_of(logs[images], counts[images])
        batch.weight = weights[images].sum()
        batches.append((images, batch))
    found = Table(("NSS",)).scores(samples, batches)
    values = (logs * counts).sum((1, 2)) / counts.sum((1, 2)) / np.log(2)
    expected = (values * weights).sum() / 3
    gains = values - np.array(baseline) / np.log(2)
    assert found["LL"] == pytest.approx(expected, rel=1e-12)
    assert found["IG"] == pytest.approx((gains * weights).sum() / 3, rel=1e-12)
    assert found["score"] == found["IG"]
    scaled = np.exp(logs) - np.exp(logs).mean((1, 2), keepdims=True)
    scaled /= scaled.std((1, 2), keepdims=True)
    nss = (scaled * counts).sum((1, 2)) / counts.sum((1, 2))
    assert found["NSS"] == pytest.approx((nss * weights).sum() / 3, rel=1e-9)
    assert set(found) == {"LL", "IG", "NSS", "score"}


def test_a_likelihood_that_is_no_number(logs, counts):
    logs[1] = np.nan
    samples = SimpleNamespace(weights=np.ones(3), baseline=np.zeros(3))
    with pytest.raises(NotANumber, match="likelihood of validation") as caught:
        Table().scores(samples, [([0, 1, 2], batch_of(logs, counts))])
    assert caught.value.ids == ("a", "b", "c")


def double_batch(samples, images):
    return samples.batch(images).to(torch.device("cpu"), torch.float64)


def test_metrics_of_validation_are_those_of_evaluate(parts, dataset):
    objective = ReadoutObjective(new_head().double(), ("NSS", "AUC"))
    chosen, logs = range(8, 12), {}
    with torch.no_grad():
        objective.module.readouts.weight5.mul_(5.0)  # so that densities are not the centre bias
        batches = [(images, double_batch(parts[1], images)) for images in parts[1].batches(2)]
        found = objective.scores(parts[1], batches)
        for i in chosen:
            batch = double_batch(parts[1], [i])
            full = batch.mixing.enlarged(objective.log_densities(batch))
            logs[dataset.stimuli.ids[i]] = full[0].double().numpy()
    part = dataset[chosen]
    model = salmetrics.as_model(logs, part.stimuli, kind="log_density", normalize=True)
    options = {"average": "image"}
    for key, score in (
        ("LL", salmetrics.log_likelihood),
        ("NSS", salmetrics.nss),
        ("AUC", salmetrics.auc),
    ):
        assert found[key] == pytest.approx(score(model, *part, **options), rel=1e-9), key
