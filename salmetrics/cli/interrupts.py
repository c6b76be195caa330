"""Ctrl-C and termination: clean-up runs, and one line says what is kept."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

__all__ = ["INTERRUPTED", "Interrupts"]

_CLEANING = (
    "salmetrics: cleaning up as soon as the current image is predicted; Ctrl-C once more ends at "
    "once, and may leave temporary files"
)
INTERRUPTED = 128 + signal.SIGINT  # exit code, as that of a program that the signal ends


class Interrupts:
    """Signals while a command runs: the first Ctrl-C interrupts it, the third ends the process.

    The second falls into the clean-up, which removes temporary files and waits for threads.

    Parameters
    ----------
    last
        Whether the process ends with the command, so that Ctrl-C is ignored after an interruption.
    """

    def __init__(self, *, last: bool = False) -> None:
        self.number = 0  # of times that Ctrl-C was pressed
        self._last = last

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        """Handle signals while this lasts."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)
        if before is not signal.SIG_IGN:  # as under nohup
            signal.signal(signal.SIGINT, self._interrupt)
        signal.signal(signal.SIGTERM, _stop)
        try:
            yield
        finally:
            over = self._last and self.number > 0
            signal.signal(signal.SIGINT, signal.SIG_IGN if over else before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.number += 1
        if self.number == 1:
            raise KeyboardInterrupt
        if self.number == 2:
            with contextlib.suppress(OSError, RuntimeError):  # also from within a print
                print(_CLEANING, file=sys.stderr)
        else:
            os._exit(INTERRUPTED)


def _stop(number: int, frame: FrameType | None) -> None:
    """Exit on a signal as on an exception, so that clean-up runs."""
    raise SystemExit(128 + number)
