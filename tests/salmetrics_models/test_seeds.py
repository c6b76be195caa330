"""Streams of torch by seed, and the caller's stream untouched."""

import numpy as np
import pytest
import torch

from salmetrics import InputError
from salmetrics_models.seeds import check_seed, seeded


def drawn(seed, *key):
    with seeded(seed, *key):
        return torch.rand(3)


def test_a_seed_is_that_of_torch():
    expected = torch.rand(3, generator=torch.Generator().manual_seed(7))
    assert torch.equal(drawn(7), expected)


def test_streams_of_one_seed_differ_and_repeat():
    assert torch.equal(drawn(7, 1, 2), drawn(7, 1, 2))
    streams = [drawn(7), drawn(7, 1), drawn(7, 2), drawn(7, 1, 2), drawn(8, 1)]
    assert len({tuple(stream.tolist()) for stream in streams}) == 5


def test_a_key_goes_through_numpys_seed_sequence():
    state = np.random.SeedSequence(7, spawn_key=(1, 2)).generate_state(1, np.uint64)[0]
    generator = torch.Generator().manual_seed(int(state >> np.uint64(1)))
    assert torch.equal(drawn(7, 1, 2), torch.rand(3, generator=generator))


def test_the_callers_stream_goes_on_as_if_nothing_was_drawn():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first = torch.rand(2)
    drawn(7)
    with pytest.raises(RuntimeError), seeded(7):
        torch.rand(1).view(2)
    assert torch.equal(torch.cat([first, torch.rand(2)]), expected)


@pytest.mark.parametrize(
    ("seed", "text"),
    [
        (-1, "seed must be a whole number >= 0; got -1"),
        (1.5, "seed must be a whole number >= 0; got 1.5"),
        (2**63, r"seed must be below 2 \*\* 63; got 9223372036854775808"),
    ],
)
def test_wrong_seeds(seed, text):
    with pytest.raises(InputError, match=text):
        check_seed(seed)
    with pytest.raises(InputError, match=text):
        drawn(seed)


def test_the_largest_seed():
    assert check_seed(2**63 - 1) == 2**63 - 1
    assert torch.equal(drawn(2**63 - 1), drawn(2**63 - 1))
