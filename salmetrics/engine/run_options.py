"""Options of a run: workers, seed, checkpoint, memory, errors, progress."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from salmetrics.errors import InputError, check_choice, check_whole

__all__ = ["SPILL_BYTES", "Keep", "OnError", "RunOptions"]

Keep = Literal["fixation", "image"]
OnError = Literal["raise", "record"]

SPILL_BYTES = 4 * 2**30


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a run is carried out.

    Parameters
    ----------
    n_jobs
        Number of workers that compute metrics, as in joblib; -1 for all cores.
    seed
        Seed of all random draws.
    checkpoint
        Folder from which an interrupted run resumes, if any.
    keep
        "fixation", or "image" to keep only sums over images and subjects.
    on_error
        "raise", or "record" which model failed on which image.
    spill_bytes
        Largest size of the temporary file of predictions, in bytes.
    progress
        Whether to show progress bars.

    Raises
    ------
    InputError
        For an option that is out of range.
    """

    n_jobs: int | None = None
    seed: int = 0
    checkpoint: str | Path | None = None
    keep: Keep = "fixation"
    on_error: OnError = "raise"
    spill_bytes: int = SPILL_BYTES
    progress: bool = False

    def __post_init__(self) -> None:
        check_choice("keep", self.keep, get_args(Keep))
        check_choice("on_error", self.on_error, get_args(OnError))
        object.__setattr__(self, "seed", check_whole("seed", self.seed, 0))
        if self.n_jobs == 0:
            raise InputError("n_jobs must be at least 1, or -1 for all cores; got 0")
