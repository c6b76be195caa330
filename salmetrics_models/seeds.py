"""Random weights by seed, and nobody else's stream changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from salmetrics.errors import InputError, check_whole

__all__ = ["check_seed", "seeded"]


def check_seed(seed: int) -> int:
    """Return a seed; raise `InputError` unless it is a whole number that torch can take."""
    if check_whole("seed", seed, 0) >= 2**63:
        raise InputError(f"seed must be below 2 ** 63; got {seed}")
    return seed


@contextmanager
def seeded(seed: int, *key: int) -> Iterator[None]:
    """Let torch draw from a stream of its own on the CPU.

    Parameters
    ----------
    seed
        As of `check_seed`.
    *key
        Which of the seed's streams; without, the seed itself.
    """
    check_seed(seed)
    if key:
        entropy = np.random.SeedSequence(seed, spawn_key=key)
        seed = int(entropy.generate_state(1, np.uint64)[0] >> 1)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # not that of a GPU, which is the caller's
        yield
