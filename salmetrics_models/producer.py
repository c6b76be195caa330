"""Images for a network: decoded ahead in threads, grouped by size."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from salmetrics.stimuli import Stimuli, Stimulus

__all__ = ["batches", "decoded"]

_THREADS = 2

Made = TypeVar("Made")


def decoded(
    stimuli: Stimuli, decode: Callable[[Stimulus], Made], n_ahead: int
) -> Iterator[tuple[Stimulus, Made]]:
    """Yield each stimulus and what `decode` makes of it, in order, at most `n_ahead` ahead."""
    waiting: deque[tuple[Stimulus, Future[Made]]] = deque()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="salmetrics-decode") as pool:
        try:
            for stimulus in stimuli:
                waiting.append((stimulus, pool.submit(decode, stimulus)))
                if len(waiting) > n_ahead:
                    first, made = waiting.popleft()
                    yield first, made.result()
            while waiting:
                first, made = waiting.popleft()
                yield first, made.result()
        finally:
            for _, made in waiting:
                made.cancel()


def batches(
    items: Iterator[tuple[Stimulus, Made]],
    key: Callable[[Made], object],
    size: Callable[[], int],
) -> Iterator[list[tuple[Stimulus, Made]]]:
    """Group neighbours that have one key, at most `size()` at a time, which may change."""
    group: list[tuple[Stimulus, Made]] = []
    for item in items:
        if group and (len(group) >= size() or key(item[1]) != key(group[0][1])):
            yield group
            group = []
        group.append(item)
    if group:
        yield group
