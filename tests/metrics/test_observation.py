"""What an observation offers, when it makes it, and what it says when it lacks it."""

from typing import get_args

import numpy as np
import pytest

from salmetrics.metrics.observation import NEEDS, Need, Observation
from salmetrics.protocols import DEFAULT, get_protocol

X, Y = np.array([1.5, 2.5]), np.array([0.5, 3.5])


def test_each_need_is_a_part_that_is_made_by_a_function_of_its_name():
    assert get_args(Need) == NEEDS
    fields = Observation.__dataclass_fields__
    assert {f"make_{part}" for part in NEEDS} == {name for name in fields if "make_" in name}


@pytest.mark.parametrize("part", NEEDS)
def test_parts_are_made_on_request_and_once(part):
    calls = []

    def make():
        calls.append(part)
        return object()

    observation = Observation(x=X, y=Y, **{f"make_{part}": make})
    assert calls == []
    first = getattr(observation, part)
    assert getattr(observation, part) is first
    assert calls == [part]


@pytest.mark.parametrize("part", NEEDS)
def test_a_missing_part_is_an_error_that_names_it(part):
    others = {f"make_{other}": lambda: None for other in NEEDS if other != part}
    observation = Observation(x=X, y=Y, **others)
    with pytest.raises(LookupError, match=f"^this observation has no {part}$"):
        getattr(observation, part)


def test_a_part_that_fails_is_tried_again():
    results = iter([ValueError("not yet"), "uniform"])

    def make():
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return result

    observation = Observation(x=X, y=Y, make_negatives=make)
    with pytest.raises(ValueError, match="not yet"):
        _ = observation.negatives
    assert observation.negatives == "uniform"


def test_choices_are_those_of_the_default_protocol_unless_others_are_given():
    assert Observation(x=X, y=Y).protocol is DEFAULT
    matlab = get_protocol("mit-matlab")
    assert Observation(x=X, y=Y, protocol=matlab).protocol is matlab
