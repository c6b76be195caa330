"""Fixtures and settings of the whole suite."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

# The same examples in every run, none of them timed: a slow machine must not fail the suite.
settings.register_profile(
    "suite",
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("suite")


@pytest.fixture
def rng():
    return np.random.default_rng(20130413)


@pytest.fixture(scope="session")
def shared():
    """Folder of the recorded numbers that are too large for the repository."""
    folder = (ROOT / os.environ.get("SALMETRICS_SHARED", "../shared")).resolve()
    if not (folder / "golden" / "mit_metrics_dev.npz").is_file():
        pytest.skip(f"reference numbers not found at {folder}; set SALMETRICS_SHARED")
    return folder
