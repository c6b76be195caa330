import dataclasses

import pytest

from salmetrics import InputError, Protocol, get_protocol
from salmetrics.metrics.registry import METRICS
from salmetrics.protocols import PROTOCOLS


@pytest.mark.parametrize("name", PROTOCOLS)
def test_published(name):
    protocol = get_protocol(name)
    assert (protocol.name, protocol.version, protocol.overrides) == (name, 1, {})
    assert set(protocol.metrics) <= set(METRICS)
    assert get_protocol(protocol) is protocol
    with pytest.raises(dataclasses.FrozenInstanceError):
        protocol.average = "image"


def test_overrides():
    changed = get_protocol("mit-matlab").override(average="fixation", sigma=3).override(sigma=None)
    assert changed.overrides == {"average": "fixation"}
    assert isinstance(changed, Protocol)
    assert changed != get_protocol("mit-matlab")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"colour": 1}, "protocol choice must be one of 'metrics', 'average'.*; got 'colour'"),
        ({"name": "mine"}, "protocol choice must be one of"),
        ({"average": "pixel"}, "average must be one of 'fixation', 'image', 'subject'"),
        ({"maps": "best"}, "maps must be one of 'optimal', 'density'"),
        ({"boundary": "wrap"}, "boundary must be one of"),
        ({"nonfixations": "shuffled"}, "nonfixations must be one of 'uniform', 'unfixated'"),
        ({"kldiv_method": "exact"}, "kldiv_method must be one of 'benchmark', 'matlab'"),
        ({"judd_jitter": True}, "judd_jitter must be one of 'expected', False"),
        ({"threshold_step": 0}, "threshold_step must be over 0 and at most 1; got 0"),
        ({"threshold_step": 1.1}, "threshold_step must be over 0"),
        ({"n_other": 0}, "n_other must be at least 1, or None for all; got 0"),
    ],
)
def test_errors(changes, text):
    with pytest.raises(InputError, match=text):
        get_protocol("default").override(**changes)


def test_unknown_protocol():
    with pytest.raises(
        InputError, match=r"protocol must be one of 'default', 'mit-matlab', .*; got 'x'"
    ):
        get_protocol("x")
