"""Images on their way through a network: decoded ahead, in batches of one size, back in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from salmetrics.stimuli import Stimulus

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
) -> Iterator[Task]:
    """Give each task its pixels, in threads, in order, at most `n_ahead` ahead."""

    def filled(task: Task) -> Task:
        try:
            task.pixels = decode(task.stimulus)
        except Exception as error:  # raised when it is this image's turn
            task.error = error
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
    for task in tasks:
        key = task.number if task.pixels is None else task.size
        group = groups.setdefault(key, [])
        group.append(task)
        if len(group) >= size() or task.pixels is None:
            yield groups.pop(key)
        while groups and task.number - _first(groups).number >= _BATCHES_AHEAD * size():
            yield groups.pop(next(iter(groups)))
    yield from groups.values()


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
    running: deque[tuple[list[Task], Callable[[], list[Array]]]] = deque()

    def collect() -> None:
        batch, wait = running.popleft()
        try:
            results: list[Array | Exception] = [*wait()]
        except Exception as error:
            results = [error] if len(batch) == 1 else _one_by_one(batch, launch)
        done.update((task.number, made) for task, made in zip(batch, results, strict=True))

    for batch in groups:
        first = batch[0]
        if first.error is not None:
            done[first.number] = first.error
        else:
            running.append((batch, _started(batch, launch)))
        while len(running) > int(overlapping):
            collect()
        while turn in done:
            yield _given(done.pop(turn))
            turn += 1
    while running:
        collect()
    while turn in done:
        yield _given(done.pop(turn))
        turn += 1


def _started(batch: list[Task], launch: Launch) -> Callable[[], list[Array]]:
    """Start a batch; what its start raises, waiting for it raises."""
    try:
        return launch(batch)
    except Exception as error:
        kept = error

        def fail() -> list[Array]:
            raise kept

        return fail


def _one_by_one(batch: list[Task], launch: Launch) -> list[Array | Exception]:
    """Predict each image of a batch that failed, so that an error is that of its own image."""
    results: list[Array | Exception] = []
    for task in batch:
        try:
            results += launch([task])()
        except Exception as error:
            results.append(error)
    return results


def _given(made: Array | Exception) -> Array:
    if isinstance(made, Exception):
        raise made
    return made


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch says that memory did not suffice, on a CPU or a GPU."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    words = ("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)
