"""Digests that identify weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

__all__ = ["CachedDigest", "digest_of_weights"]


class CachedDigest:
    """`digest_of_weights` of a network, computed again only after a tensor has changed."""

    def __init__(self) -> None:
        self._known: tuple[Any, str] | None = None

    def of(self, network: nn.Module) -> str:
        """Return the digest of all tensors of a network."""
        tensors = network.state_dict()
        versions = tuple((tensor.dtype, tensor._version) for tensor in tensors.values())
        if self._known is None or self._known[0] != versions:
            self._known = versions, digest_of_weights(tensors)
        return self._known[1]


def digest_of_weights(tensors: Mapping[str, Tensor]) -> str:
    """Return the first 16 digits of the SHA-256 of a state dict."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
    return digest.hexdigest()[:16]
