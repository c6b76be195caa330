"""Errors stop, and warnings are said."""

import pytest

from salmetrics import InputError
from salmetrics.data.checks.findings import Finding, act_on
from salmetrics.errors import InputWarning


def test_findings_are_acted_on():
    warning = Finding("warning", "a", "this is odd")
    with pytest.warns(InputWarning, match="this is odd"):
        act_on([warning])
    with pytest.raises(InputError, match=r"^this is wrong; and this$"):
        act_on([warning, Finding("error", "b", "this is wrong"), Finding("error", "c", "and this")])
    act_on([])
    assert str(warning) == "warning: this is odd"
