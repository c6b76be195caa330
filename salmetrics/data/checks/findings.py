"""What is found about inputs, and what follows from it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from salmetrics.errors import InputError, InputWarning

__all__ = ["Finding", "Level", "act_on"]

Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """Something about inputs that is wrong, or that may be meant otherwise.

    Parameters
    ----------
    level
        "error" for what is certainly wrong, "warning" for what may be meant.
    code
        Short name of the finding, which stays the same between versions.
    message
        One line with counts, and what to do.

    Examples
    --------
    >>> print(Finding("warning", "constant", "2 of 3 maps of mine are constant"))
    warning: 2 of 3 maps of mine are constant
    """

    level: Level
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.level}: {self.message}"


def act_on(findings: Iterable[Finding], stacklevel: int = 3) -> None:
    """Raise one `InputError` for all errors, or else warn of each finding.

    Parameters
    ----------
    findings
        What was found.
    stacklevel
        Of the warnings, see `warnings.warn`.

    Raises
    ------
    InputError
        If any finding is an error.
    """
    findings = list(findings)
    errors = [finding.message for finding in findings if finding.level == "error"]
    if errors:
        raise InputError("; ".join(errors))
    for finding in findings:
        warnings.warn(finding.message, InputWarning, stacklevel=stacklevel)
