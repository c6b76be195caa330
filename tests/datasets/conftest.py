"""Small archives of every published data set, and descriptions that accept them."""

import numpy as np
import pytest

from salmetrics.datasets import registry
from tests.datasets.published import PUBLISHED, small


@pytest.fixture
def tiny(monkeypatch):
    """Make `load` use the description of a data set without checksums and counts."""

    def use(name, **counts):
        description = small(name, **counts)
        monkeypatch.setattr(registry, "described", lambda _: description)
        return description

    return use


@pytest.fixture(scope="session")
def archives(tmp_path_factory):
    """Return the paths of the small archives of a data set."""
    folders = {}

    def paths_of(name):
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp(name)
            PUBLISHED[name](folders[name], np.random.default_rng(3))
        return sorted(folders[name].iterdir())

    return paths_of
