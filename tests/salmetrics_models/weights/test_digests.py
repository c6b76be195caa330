"""Digests of weights: names and values count, changes in place are noticed."""

import torch
from torch import nn

from salmetrics_models.weights.digests import CachedDigest, digest_of_weights


def test_names_and_values_count():
    state = {"a": torch.zeros(2), "b": torch.ones(2)}
    digest = digest_of_weights(state)
    assert len(digest) == 16
    assert digest == digest_of_weights(dict(reversed(state.items())))
    assert digest != digest_of_weights({"a": torch.ones(2), "b": torch.zeros(2)})
    assert digest != digest_of_weights({"a": torch.zeros(2), "c": torch.ones(2)})


def test_it_is_the_start_of_the_sha256():
    import hashlib

    tensor = torch.arange(3.0)
    expected = hashlib.sha256(b"a" + tensor.numpy().tobytes()).hexdigest()[:16]
    assert digest_of_weights({"a": tensor}) == expected


def test_a_change_in_place_is_noticed(monkeypatch):
    network, cached = nn.Linear(2, 2), CachedDigest()
    first = cached.of(network)
    with monkeypatch.context() as patched:  # not computed again for the same values
        patched.setattr("salmetrics_models.weights.digests.digest_of_weights", None)
        assert cached.of(network) == first
    with torch.no_grad():
        network.weight.add_(1)
    assert cached.of(network) == digest_of_weights(network.state_dict()) != first
    assert cached.of(network.double()) == digest_of_weights(network.state_dict())
