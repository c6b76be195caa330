"""Losses against the metrics of arrays, their gradients, and what padding does to them."""

import math

import numpy as np
import pytest
import torch

from salmetrics import InputError
from salmetrics.metrics import cc, kldiv, nss, sim
from salmetrics_models import losses

RNG = np.random.default_rng(4)
SHAPE = (3, 7, 9)
PREDICTION = RNG.gamma(1.0, size=SHAPE)
TARGET = RNG.gamma(0.5, size=SHAPE)
FIXATIONS = np.where(RNG.random(SHAPE) < 0.15, 1.0, 0.0)
LOG_DENSITY = np.log(PREDICTION / PREDICTION.sum((1, 2), keepdims=True))
MASK = np.ones(SHAPE, bool)
MASK[1, 5:] = MASK[2, :, 6:] = False


def at(fixations):
    """x and y of the pixels with fixations."""
    y, x = np.nonzero(fixations)
    return x + 0.5, y + 0.5


def standardised(values, ddof):
    return (values - values.mean()) / values.std(ddof=ddof)


# name: loss of tensors, and the same of one image's arrays
CASES = {
    "cc": (
        lambda p, q, f, **o: losses.cc_loss(p, q, **o),
        lambda p, q, f: 1 - cc.score(p, q),
    ),
    "kld, the metric's eps": (
        lambda p, q, f, **o: losses.kld_loss(p, q, eps=2.2204e-16, **o),
        lambda p, q, f: kldiv.score(p, q),
    ),
    "kld": (
        lambda p, q, f, **o: losses.kld_loss(p, q, **o),
        lambda p, q, f: np.sum(q / q.sum() * np.log(q / q.sum() / (p / p.sum() + 1e-6) + 1e-6)),
    ),
    "sim": (
        lambda p, q, f, **o: losses.sim_loss(p, q, **o),
        lambda p, q, f: 1 - sim.score(p, q),
    ),
    "nss": (
        lambda p, q, f, **o: losses.nss_loss(p, f, **o),
        lambda p, q, f: -nss.score(p, *at(f), ddof=0).mean(),
    ),
    "nss, ddof 1": (
        lambda p, q, f, **o: losses.nss_loss(p, f, ddof=1, **o),
        lambda p, q, f: -nss.score(p, *at(f), ddof=1).mean(),
    ),
    "nss difference": (
        lambda p, q, f, **o: losses.nss_difference(p, f, **o),
        lambda p, q, f: ((standardised(f, 1) - standardised(p, 1)) * f).sum() / f.sum(),
    ),
    "log likelihood": (
        lambda p, q, f, **o: losses.negative_log_likelihood(p, f, **o),
        lambda p, q, f: -p[f > 0].mean() / math.log(2),
    ),
    "EML-NET": (
        lambda p, q, f, **o: losses.eml_net_loss(p, q, f, **o),
        lambda p, q, f: sum(CASES[name][1](p, q, f) for name in ("kld", "cc", "nss difference")),
    ),
}
each = pytest.mark.parametrize("name", CASES)


def tensors(*arrays):
    return [torch.tensor(array) for array in arrays]


@each
def test_equal_to_the_metric(name):
    loss, metric = CASES[name]
    found = loss(*tensors(PREDICTION, TARGET, FIXATIONS), reduction="none")
    images = zip(PREDICTION, TARGET, FIXATIONS, strict=True)
    expected = [metric(*maps) for maps in images]
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    mean = loss(*tensors(PREDICTION, TARGET, FIXATIONS))
    assert mean.item() == pytest.approx(np.mean(expected), rel=1e-10)


@each
def test_padding_counts_for_nothing(name):
    """As if the image ended there; whatever stands in the padding."""
    loss, metric = CASES[name]
    padded = [
        np.where(MASK, array, wrong)
        for array, wrong in ((PREDICTION, np.nan), (TARGET, -50.0), (FIXATIONS, 3.0))
    ]
    found = loss(*tensors(*padded), mask=torch.tensor(MASK), reduction="none")
    ends = [(7, 9), (5, 9), (7, 6)]
    expected = [
        metric(PREDICTION[i, :h, :w], TARGET[i, :h, :w], FIXATIONS[i, :h, :w])
        for i, (h, w) in enumerate(ends)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@each
@pytest.mark.parametrize("masked", [False, True])
def test_gradients(name, masked):
    loss, _ = CASES[name]
    prediction, target, fixations = tensors(PREDICTION, TARGET, FIXATIONS)
    prediction.requires_grad_()
    options = {"mask": torch.tensor(MASK)} if masked else {}
    assert torch.autograd.gradcheck(
        lambda p: loss(p, target, fixations, reduction="none", **options), (prediction,)
    )
    loss(prediction, target, fixations, **options).backward()
    assert (prediction.grad != 0).any()
    if masked:
        assert (prediction.grad[~torch.tensor(MASK)] == 0).all()


@each
def test_gradients_are_finite_where_values_repeat(name):
    """Constant predictions, zeros, and values outside the mask that are no numbers."""
    loss, _ = CASES[name]
    _, target, fixations = tensors(PREDICTION, TARGET, FIXATIONS)
    for value in (0.0, 1.0, -2.0):
        prediction = torch.full(SHAPE, value, dtype=torch.float64)
        prediction[~torch.tensor(MASK)] = torch.nan
        prediction.requires_grad_()
        found = loss(prediction, target, fixations, mask=torch.tensor(MASK))
        found.backward()
        assert torch.isfinite(found)
        assert torch.isfinite(prediction.grad[torch.tensor(MASK)]).all()


def test_constant_predictions():
    constant, target, fixations = tensors(np.ones(SHAPE), TARGET, FIXATIONS)
    assert losses.nss_loss(constant, fixations).item() == 0
    assert losses.cc_loss(constant, target).item() == 1
    uniform = losses.sim_loss(constant, target, reduction="none")
    expected = [1 - sim.score(np.ones(SHAPE[1:]), q) for q in TARGET]
    np.testing.assert_allclose(uniform, expected, rtol=1e-12)
    zero = losses.sim_loss(0 * constant, target, reduction="none")
    np.testing.assert_allclose(zero, expected, rtol=1e-12)


def test_maps_with_negative_values():
    """Are shifted up, as the metric has it."""
    shifted = PREDICTION - 1
    found = losses.kld_loss(*tensors(shifted, TARGET), eps=2.2204e-16, reduction="none")
    expected = [kldiv.score(p, q) for p, q in zip(shifted, TARGET, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_repeated_fixations_count_as_often():
    counts = FIXATIONS * RNG.integers(1, 4, SHAPE)
    found = losses.nss_loss(*tensors(PREDICTION, counts), reduction="none")
    for value, p, n in zip(found, PREDICTION, counts, strict=True):
        expected = (standardised(p, 0) * n).sum() / n.sum()
        assert value.item() == pytest.approx(-expected, rel=1e-12)


def test_impossible_pixels_without_fixations():
    """Minus infinity there costs nothing, and has no gradient."""
    log = torch.tensor(np.where(FIXATIONS > 0, LOG_DENSITY, -np.inf)).requires_grad_()
    found = losses.negative_log_likelihood(log, torch.tensor(FIXATIONS))
    found.backward()
    assert torch.isfinite(found)
    assert torch.isfinite(log.grad).all()


def test_perfect_predictions():
    target, fixations = tensors(TARGET, FIXATIONS)
    assert losses.cc_loss(3 * target + 1, target).item() == pytest.approx(0, abs=1e-12)
    assert losses.sim_loss(2 * target, target).item() == pytest.approx(0, abs=1e-12)
    assert losses.kld_loss(target, target).item() == pytest.approx(0, abs=1e-4)
    assert losses.nss_difference(5 * fixations, fixations).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        (
            (torch.zeros(4, 5), torch.zeros(4, 5)),
            {},
            r"shape \(n, h, w\) and at least one pixel; got \(4, 5\)",
        ),
        ((torch.zeros(0, 4, 5), torch.zeros(0, 4, 5)), {}, r"at least one pixel; got \(0, 4, 5\)"),
        ((torch.zeros(1, 4, 5), torch.zeros(1, 5, 4)), {}, r"\(1, 4, 5\); got \(1, 5, 4\)"),
        (
            (torch.zeros(1, 4, 5), torch.ones(1, 4, 5)),
            {"mask": torch.ones(1, 4, 5)},
            "mask must be bool; got torch.float32",
        ),
        (
            (torch.zeros(1, 4, 5), torch.ones(1, 4, 5)),
            {"mask": torch.ones(1, 4, 4, dtype=bool)},
            "mask must have the prediction's shape",
        ),
        (
            (torch.zeros(2, 4, 5), torch.ones(2, 4, 5) * torch.tensor([1, 0])[:, None, None]),
            {},
            r"images \[1\] of the batch have no fixations",
        ),
        (
            (torch.zeros(1, 4, 5), torch.ones(1, 4, 5)),
            {"reduction": "sum"},
            "reduction must be one of 'mean', 'none'",
        ),
    ],
)
def test_wrong_input(arguments, options, text):
    with pytest.raises(InputError, match=text):
        losses.nss_loss(*arguments, **options)
