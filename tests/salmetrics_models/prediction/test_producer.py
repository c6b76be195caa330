"""Images on their way through a network: order, batches, threads, and errors at their turn."""

import threading
import weakref

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from salmetrics import InputError, Stimuli
from salmetrics_models.prediction.producer import (
    Task,
    batches,
    decoded,
    is_out_of_memory,
    predicted,
)


def tasks(sizes):
    """A task for each size; None: one whose image cannot be read."""
    stimuli = Stimuli.from_sizes([(1, 1)] * len(sizes))
    made = [Task(n, s, (n,)) for n, s in enumerate(stimuli)]
    for task, size in zip(made, sizes, strict=True):
        if size is None:
            task.error = InputError(f"image {task.stimulus.id!r} cannot be decoded")
        else:
            task.pixels = np.zeros((size, 1, 3), np.uint8)
    return made


@given(
    st.lists(st.sampled_from([1, 2, 3]), max_size=60),
    st.integers(1, 5),
    st.booleans(),
)
def test_all_come_back_in_order_in_batches_of_one_size(sizes, size, overlapping):
    launched = []

    def launch(batch):
        assert len({task.size for task in batch}) == 1
        assert len(batch) <= size
        launched.extend(task.number for task in batch)
        return lambda: [np.array(task.number) for task in batch]

    groups = batches(tasks(sizes), lambda: size)
    found = []
    for made in predicted(groups, launch, overlapping=overlapping):
        # no image waits for more than a few batches
        assert max(launched) - int(made) <= 4 * size + (size if overlapping else 0) * 2
        found.append(int(made))
    assert found == list(range(len(sizes)))
    assert sorted(launched) == found


def test_batches_when_less_fits_into_memory():
    """Groups that were collected before are cut."""
    size = 4
    groups = batches(tasks([1, 2, 1, 2, 1, 2, 1, 2, 2]), lambda: size)
    assert [t.number for t in next(groups)] == [0, 2, 4, 6]
    size = 2
    assert [[t.number for t in g] for g in groups] == [[1, 3], [5, 7], [8]]


def test_an_error_does_not_keep_what_its_frames_held():
    class Large:
        pass

    held = []

    def launch(batch):
        large = Large()
        held.append(weakref.ref(large))
        raise InputError(f"no {batch[0].number}")

    made = predicted([tasks([1])], launch, overlapping=True)
    with pytest.raises(InputError, match="no 0"):
        next(made)
    assert held[0]() is None


def test_images_of_one_size_are_found_among_others():
    groups = list(batches(tasks([1, 2, 1, 2, 3, 1, 2, 1]), lambda: 2))
    assert [[t.number for t in g] for g in groups] == [[0, 2], [1, 3], [5, 7], [4], [6]]


def test_a_batch_is_started_before_the_last_one_is_waited_for():
    log = []

    def launch(batch):
        log.append(f"start {batch[0].number}")

        def wait():
            log.append(f"wait {batch[0].number}")
            return [np.zeros(1)] * len(batch)

        return wait

    list(predicted(batches(tasks([1, 1, 1]), lambda: 1), launch, overlapping=True))
    assert log == ["start 0", "start 1", "wait 0", "start 2", "wait 1", "wait 2"]
    log.clear()
    list(predicted(batches(tasks([1, 1]), lambda: 1), launch, overlapping=False))
    assert log == ["start 0", "wait 0", "start 1", "wait 1"]


@pytest.mark.parametrize("when", ["decoding", "starting", "waiting"])
@pytest.mark.parametrize("wrong", [0, 2, 5])
def test_an_error_is_raised_at_its_own_image(when, wrong):
    """Also if others are in the same batch, which are predicted without it."""
    given = tasks([1] * 6)
    if when == "decoding":
        given[wrong].pixels, given[wrong].error = None, InputError("broken")

    def launch(batch):
        def wait():
            if when == "waiting" and wrong in numbers:
                raise InputError("broken")
            return [np.array(n) for n in numbers]

        numbers = [task.number for task in batch]
        if when == "starting" and wrong in numbers:
            raise InputError("broken")
        return wait

    made = predicted(batches(given, lambda: 4), launch, overlapping=True)
    assert [int(next(made)) for _ in range(wrong)] == list(range(wrong))
    with pytest.raises(InputError, match="broken"):
        next(made)


def test_decoding_is_in_threads_and_a_few_ahead():
    started, here = [], threading.get_ident()

    def decode(stimulus):
        assert threading.get_ident() != here
        started.append(stimulus.id)
        return np.zeros((1, 1, 3), np.uint8)

    stimuli = Stimuli.from_sizes([(1, 1)] * 50)
    made = decoded((Task(n, s, ()) for n, s in enumerate(stimuli)), decode, 3)
    assert [next(made).number for _ in range(5)] == [0, 1, 2, 3, 4]
    made.close()
    assert len(started) <= 5 + 3 + 1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("expected scalar type Float but found Double"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_is_lack_of_memory(error, expected):
    assert is_out_of_memory(error) is expected


def test_decoding_threads_end_with_what_asks_for_them():
    """Whether all tasks were taken, or none but the first."""

    def running():
        return [t for t in threading.enumerate() if t.name.startswith("salmetrics-decode")]

    def decode(stimulus):
        return np.zeros((1, 1, 3), np.uint8)

    for n in (1, 4):
        made = decoded(iter(tasks([1] * 9)), decode, 3)
        for _ in range(n):
            next(made)
        assert running()
        made.close()
        assert not running()
