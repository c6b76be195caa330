"""Categories of images, and backbones weighed by them."""

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from salmetrics import InputError, Stimuli
from salmetrics_models.deepgaze.finaliser import Mixing
from salmetrics_models.deepgaze_acw.categories import (
    CAT2000,
    category_of,
    checked_categories,
    mixed,
    shares,
)

WHERE = torch.float64, torch.device("cpu")


def test_categories_of_cat2000():
    assert len(set(CAT2000)) == 20
    assert list(CAT2000) == sorted(CAT2000)


def test_category_of():
    stimuli = Stimuli.from_sizes([(4, 5)] * 2, attributes={"category": ["Art", "Object"]})
    assert [category_of(stimulus) for stimulus in stimuli] == ["Art", "Object"]
    (numbered,) = Stimuli.from_sizes([(4, 5)], attributes={"category": [7]})
    assert category_of(numbered) == "7"
    (other,) = Stimuli.from_sizes([(4, 5)])
    assert category_of(other) is None


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], "categories must be different names, at least one"),
        (["a", "a"], r"categories must be different names.*\['a', 'a'\]"),
        (["a", ""], "categories must be different names"),
        (["a", 1], "categories must be different names"),
        ("ab", "categories must be a list; got 'ab'"),
    ],
)
def test_wrong_categories(names, text):
    with pytest.raises(InputError, match=text):
        checked_categories(names)


def test_checked_categories():
    assert checked_categories(["b", "a"]) == ("b", "a")


def test_shares_are_a_softmax_and_their_mean_where_unknown():
    weights = torch.tensor([[0.0, 1.0], [2.0, -1.0]], dtype=torch.float64)
    rows = np.exp(weights.numpy())
    rows /= rows.sum(1, keepdims=True)
    found = shares(weights, [1, -1, 0])
    np.testing.assert_allclose(found, [rows[1], rows.mean(0), rows[0]], rtol=1e-14, atol=0)


class TestMixed:
    SIZES = (5, 6), (10, 13)

    def made(self, rng):
        mixing = Mixing(*self.SIZES, *WHERE)
        values = torch.from_numpy(rng.normal(size=(2, 3, 5, 6)))
        logs = mixing.component_densities(values).unbind(1)
        weights = torch.tensor([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]], dtype=torch.float64)
        return mixing, logs, weights

    def test_densities(self, rng):
        mixing, logs, weights = self.made(rng)
        found = mixed(logs, weights, mixing, "density")
        expected = sum(w[:, None, None] * log.exp() for w, log in zip(weights.T, logs, strict=True))
        np.testing.assert_allclose(found.exp(), expected, rtol=1e-12, atol=0)
        assert torch.equal(found[1], logs[0][1])  # one that has all of it

    def test_log_densities(self, rng):
        mixing, logs, weights = self.made(rng)
        found = mixing.enlarged(mixed(logs, weights, mixing, "log-density"))
        full = [mixing.enlarged(log) for log in logs]
        total = sum(w[:, None, None] * log for w, log in zip(weights.T, full, strict=True)).numpy()
        expected = total - logsumexp(total, axis=(1, 2), keepdims=True)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)

    def test_a_share_of_0_has_a_gradient(self, rng):
        mixing, logs, weights = self.made(rng)
        weights.requires_grad_()
        mixed(logs, weights, mixing, "density").sum().backward()
        assert torch.isfinite(weights.grad).all()
