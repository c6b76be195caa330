"""Images on their way through a network: decoded in advance, batched by size, back in order."""

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

from salmetrics.array_types import AnyArray
from salmetrics.data.stimuli import Stimulus

__all__ = ["Launch", "Task", "batches", "decoded", "is_out_of_memory", "predicted"]

_THREADS = 2
_BATCHES_AHEAD = 4  # number of batches among which images of one size are collected


@dataclass
class Task:
    """One image to predict.

    Attributes
    ----------
    number
        Position in the order of results, from 0.
    stimulus
        The image.
    components
        Indices of the components to mix.
    pixels
        Pixels at the size of prediction, shape (h, w, 3), uint8; None until they are decoded.
    error
        Error of this image, raised when it is the image's turn.
    """

    number: int
    stimulus: Stimulus
    components: tuple[int, ...]
    pixels: NDArray[np.uint8] | None = None
    error: Exception | None = None

    @property
    def size(self) -> tuple[int, ...]:
        """(height, width) of the pixels; empty before they are decoded."""
        return np.shape(self.pixels)[:2] if self.pixels is not None else ()


# starts a batch, and returns a function that waits for its results
Launch = Callable[[list[Task]], Callable[[], list[AnyArray]]]


def decoded(
    tasks: Iterable[Task], decode: Callable[[Stimulus], NDArray[np.uint8]], n_ahead: int
) -> Generator[Task]:
    """Yield tasks in order with their pixels, which threads decode at most `n_ahead` tasks ahead.

    Parameters
    ----------
    tasks
        Tasks without pixels.
    decode
        Function from an image to its pixels, shape (h, w, 3). An error of it is kept in the task.
    n_ahead
        Number of tasks that are decoded in advance.
    """

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
    """Yield groups of tasks whose images have the same size.

    Groups are filled from a few batches in advance, so no task waits for long; a task with an error
    is a group of its own.

    Parameters
    ----------
    tasks
        Decoded tasks.
    size
        Function that returns the largest number of tasks per group, which may change.
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
    """Return the task that has waited longest: groups are in the order of their first tasks."""
    return next(iter(groups.values()))[0]


def predicted(
    groups: Iterable[list[Task]], launch: Launch, *, overlapping: bool
) -> Iterator[AnyArray]:
    """Yield the results of all tasks in order.

    Parameters
    ----------
    groups
        Groups of tasks from `batches`.
    launch
        Function that starts a batch, and returns a function that waits for its results.
    overlapping
        Whether a batch is started before the previous one is waited for, which keeps a GPU busy.
    """
    done: dict[int, AnyArray | Exception] = {}
    turn = 0
    running: deque[tuple[list[Task], Callable[[], list[AnyArray]] | Exception]] = deque()

    for batch in chain(groups, [None]):  # None after the last batch is started
        if batch is not None:
            error = batch[0].error
            running.append((batch, _started(batch, launch) if error is None else error))
        while len(running) > (overlapping and batch is not None):
            collected, wait = running.popleft()
            results = _results(collected, wait, launch)
            done.update((task.number, r) for task, r in zip(collected, results, strict=True))
        while turn in done:
            yield _returned(done.pop(turn))
            turn += 1


def _started(batch: list[Task], launch: Launch) -> Callable[[], list[AnyArray]] | Exception:
    try:
        return launch(batch)
    except Exception as error:  # raised when it is the turn of its image
        return _kept(error)


def _results(
    batch: list[Task], wait: Callable[[], list[AnyArray]] | Exception, launch: Launch
) -> list[AnyArray | Exception]:
    """Wait for a batch; if that fails, predict each image alone, so others are not affected."""
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
    return [r for task in batch for r in _results([task], _started([task], launch), launch)]


def _kept(error: Exception) -> Exception:
    """Return an error that is raised later, without the tensors that its frames hold."""
    traceback.clear_frames(error.__traceback__)
    return error


def _returned(result: AnyArray | Exception) -> AnyArray:
    if not isinstance(result, Exception):
        return result
    try:
        raise result
    finally:
        del result  # a frame that holds its own error would live until the next collection


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that the memory of the CPU or the GPU is exhausted."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    words = ("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED")
    return isinstance(error, RuntimeError) and any(word in str(error) for word in words)
