"""Random draws of torch from a seed, which leave the caller's stream unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from salmetrics.errors import InputError, check_whole

__all__ = ["check_seed", "seeded"]


def check_seed(seed: int) -> int:
    """Return a seed; raise `InputError` unless it is a whole number from 0 to 2 ** 63 - 1."""
    if check_whole("seed", seed, 0) >= 2**63:
        raise InputError(f"seed must be below 2 ** 63; got {seed}")
    return seed


@contextmanager
def seeded(seed: int, *key: int) -> Iterator[None]:
    """Let torch draw from a separate stream on the CPU.

    Parameters
    ----------
    seed
        Seed of the stream, from 0 to 2 ** 63 - 1.
    *key
        Numbers that select one of many independent streams of the seed; by default the seed is
        torch's own.
    """
    check_seed(seed)
    if key:
        entropy = np.random.SeedSequence(seed, spawn_key=key)
        seed = int(entropy.generate_state(1, np.uint64)[0] >> 1)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # streams of GPUs stay as they are
        yield
