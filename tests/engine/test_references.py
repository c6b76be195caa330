"""What predictions are compared with, handed to the engine as one record."""

import dataclasses

import pytest

from salmetrics.engine.references import References


def test_nothing_is_compared_with_unless_it_is_given():
    references = References()
    assert [getattr(references, field.name) for field in dataclasses.fields(references)] == (
        [None] * 6
    )


def test_references_cannot_be_changed_during_a_run():
    with pytest.raises(dataclasses.FrozenInstanceError):
        References().baseline = None


def test_references_are_given_by_name():
    with pytest.raises(TypeError):
        References(None)
