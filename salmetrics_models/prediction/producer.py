"""Images on their way through a network: decoded ahead, in batches of one size, back in order."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from salmetrics.data.stimuli import Stimulus

__all__ = ["Array", "Launch", "Task", "batches", "decoded", "is_out_of_memory", "predicted"]

_THREADS = 2
_BATCHES_AHEAD = 4  # among which images of one size are sought

Array = NDArray[Any]


@dataclass
class Task:
    """One image to predict.

    Attributes
    ----------
    number
        Its place in the order of results.
    stimulus
        The image.
    components
        Indices of those to mix.
    pixels
        At the size of prediction, shape (h, w, 3); None if they can't be read.
    error
        Why there are none; raised when it is this image's turn.
    """

    number: int
    stimulus: Stimulus
    components: tuple[int, ...]
    pixels: NDArray[np.uint8] | None = None
    error: Exception | None = None

    @property
    def size(self) -> tuple[int, ...]:
        """(height, width) of the pixels."""
        return np.shape(self.pixels)[:2] if self.pixels is not None else ()


# starts a batch, and returns what waits for its results
Launch = Callable[[list[Task]], Callable[[], list[Array]]]


def decoded(
    tasks: Iterable[Task], decode: Callable[[Stimulus], NDArray[np.uint8]], n_ahead: int
) -> Generator[Task]:
    """Give each task its pixels, in threads, in order, at most `n_ahead` ahead."""

    def filled(task: Task) -> Task:
        if task.error is None:
            try:
                task.pixels = decode(task.stimulus)
            except Exception as error:  # raised when it is this image's turn
                task.error = _kept(error)
        return task

    waiting: deque[Future[Task]] = deque()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="salmetrics-decode") as pool:
        try:
            for task in tasks:
                waiting.append(pool.submit(filled, task))
                if len(waiting) > n_ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def batches(tasks: Iterable[Task], size: Callable[[], int]) -> Iterator[list[Task]]:
    """Group tasks whose images have one size, at most `size()` at a time, which may change.

    Groups are filled from a few batches ahead, such that none waits for long; a task with an error
    is a group of its own.
    """
    groups: dict[tuple[int, ...] | int, list[Task]] = {}

    def cut(group: list[Task]) -> Iterator[list[Task]]:
        while group:
            n = size()
            yield group[:n]
            group = group[n:]

    for task in tasks:
        key = task.number if task.pixels is None else task.size
        group = groups.setdefault(key, [])
        group.append(task)
        if len(group) >= size() or task.pixels is None:
            yield from cut(groups.pop(key))
        while groups and task.number - _first(groups).number >= _BATCHES_AHEAD * size():
            yield from cut(groups.pop(next(iter(groups))))
    for group in groups.values():
        yield from cut(group)


def _first(groups: dict[Any, list[Task]]) -> Task:
    """Return the task that waits longest: groups are in the order of their first tasks."""
    return next(iter(groups.values()))[0]


def predicted(
    groups: Iterable[list[Task]], launch: Launch, *, overlapping: bool
) -> Iterator[Array]:
    """Yield the results of all tasks in order.

    Parameters
    ----------
    groups
        As `batches` gives them.
    launch
        Starts a batch, and returns what waits for its results.
    overlapping
        Whether a batch is started before the last one is waited for, as a GPU wants it.
    """
    done: dict[int, Array | Exception] = {}
    turn = 0
    running: deque[tuple[list[Task], Callable[[], list[Array]] | Exception]] = deque()

    for batch in chain(groups, [None]):  # None: all are started
        if batch is not None:
            error = batch[0].error
            running.append((batch, _started(batch, launch) if error is None else error))
        while len(running) > (overlapping and batch is not None):
            collected, wait = running.popleft()
            results = _results(collected, wait, launch)
            done.update((task.number, r) for task, r in zip(collected, results, strict=True))
        while turn in done:
            yield _given(done.pop(turn))
            turn += 1


def _started(batch: list[Task], launch: Launch) -> Callable[[], list[Array]] | Exception:
    try:
        return launch(batch)
    except Exception as error:  # raised when it is the turn of its image
        return _kept(error)


def _results(
    batch: list[Task], wait: Callable[[], list[Array]] | Exception, launch: Launch
) -> list[Array | Exception]:
    """Wait for a batch; if that fails, predict each image alone: an error is that of its own."""
    error = wait if isinstance(wait, Exception) else None
    if not isinstance(wait, Exception):
        try:
            return [*wait()]
        except Exception as raised:  # raised when it is the turn of its image
            error = _kept(raised)
    if len(batch) == 1:
        assert error is not None
        return [error]
    del error, wait
    return [made for task in batch for made in _results([task], _started([task], launch), launch)]


def _kept(error: Exception) -> Exception:
    """Return an error that waits for its turn, without the tensors that its frames hold."""
    traceback.clear_frames(error.__traceback__)
    return error


def _given(made: Array | Exception) -> Array:
    if not isinstance(made, Exception):
        return made
    try:
        raise made
    finally:
        del made  # a frame that holds its own error would live until the next collection


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch says that memory did not suffice, on a CPU or a GPU."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    words = ("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)
