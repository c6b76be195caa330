"""How a run is carried out: options and what is wrong with them."""

import dataclasses

import numpy as np
import pytest

from salmetrics import InputError
from salmetrics.engine.run_options import SPILL_BYTES, RunOptions


def test_by_default_a_run_keeps_everything_and_shows_nothing():
    options = RunOptions()
    assert dataclasses.asdict(options) == {
        "n_jobs": None,
        "seed": 0,
        "checkpoint": None,
        "keep": "fixation",
        "on_error": "raise",
        "spill_bytes": SPILL_BYTES,
        "progress": False,
    }
    assert SPILL_BYTES == 4 * 2**30


def test_seeds_become_plain_whole_numbers():
    seed = RunOptions(seed=np.int32(7)).seed
    assert seed == 7
    assert type(seed) is int


def test_options_cannot_be_changed_during_a_run():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RunOptions().seed = 1


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"keep": "all"}, "keep must be one of 'fixation', 'image'; got 'all'"),
        ({"on_error": "ask"}, "on_error must be one of 'raise', 'record'; got 'ask'"),
        ({"seed": -1}, "seed must be a whole number >= 0; got -1"),
        ({"seed": 1.5}, "seed must be a whole number >= 0; got 1.5"),
        ({"n_jobs": 0}, "n_jobs must be at least 1, or -1 for all cores; got 0"),
    ],
)
def test_wrong_options(options, text):
    with pytest.raises(InputError, match=text):
        RunOptions(**options)
