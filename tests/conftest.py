"""Fixtures and settings of the whole suite."""

import gc
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

pytest.register_assert_rewrite("tests.datasets.published")

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


# What reads the number of threads: torch's OpenMP and the BLAS of NumPy and of SciPy.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def pytest_configure(config):
    """Give each worker of pytest-xdist its share of the cores, before it starts.

    Otherwise each would start a thread per core, and they would wait for each other.
    """
    gc.set_threshold(20_000, 20, 20)  # what is imported is millions of objects: 8 % of the time
    n_workers = getattr(config.option, "numprocesses", None)
    if n_workers and not hasattr(config, "workerinput"):
        for name in THREADS:
            os.environ.setdefault(name, str(max(1, (os.cpu_count() or 1) // n_workers)))


@pytest.hookimpl(optionalhook=True)  # asked for by pytest-xdist only
def pytest_xdist_make_scheduler(config, log):
    """Keep a file on one worker, and files of one `xdist_group`: what they share is made once."""
    if config.getoption("dist") != "loadgroup":
        return None  # another way was asked for
    from xdist.scheduler import LoadGroupScheduling

    class ByFile(LoadGroupScheduling):
        def _split_scope(self, nodeid):
            return super()._split_scope(nodeid).split("::")[0]

    return ByFile(config, log)


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
