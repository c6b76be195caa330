"""Images through a network: order, batches, errors, and what a GPU would be asked to do."""

import gc
import threading
import weakref

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import salmetrics
from salmetrics import Fixations, Folds, InputError, Stimuli
from salmetrics_models import DeepGazeI, DeepGazeII
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
from salmetrics_models.deepgaze.network import DeepGazeNetwork
from salmetrics_models.prediction.producer import (
    Task,
    batches,
    decoded,
    is_out_of_memory,
    predicted,
)


def tasks(sizes):
    """A task for each size; None: one whose image can't be read."""
    stimuli = Stimuli.from_sizes([(1, 1)] * len(sizes))
    made = [Task(n, s, (n,)) for n, s in enumerate(stimuli)]
    for task, size in zip(made, sizes, strict=True):
        if size is None:
            task.error = InputError(f"image {task.stimulus.id!r} can't be decoded")
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


def test_no_threads_are_left_after_an_error():
    """Nor anything else, though nothing is collected."""

    def there():
        return [t for t in threading.enumerate() if t.name.startswith("salmetrics-decode")]

    model = DeepGazeI(None, centre_bias="uniform", device="cpu")
    stimuli = Stimuli.from_arrays([np.zeros((64, 64), np.uint8)] * 20)

    def components_for(stimulus):
        if stimulus.id == stimuli.ids[3]:
            raise InputError("in no fold")
        return (0,)

    gc.disable()
    try:
        made = model.log_densities_by(stimuli, components_for)
        for _ in range(3):
            next(made)
        assert there()
        with pytest.raises(InputError, match="in no fold"):
            next(made)
        assert not there()
        made = model.log_densities(stimuli)
        next(made)
        made.close()
        assert not there()
    finally:
        gc.enable()


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


def test_a_broken_image_fails_alone(file_1, photo, tmp_path):
    """In a batch with others, when failures are recorded."""
    from PIL import Image

    paths = [tmp_path / f"{i}.png" for i in range(4)]
    for i, path in enumerate(paths):
        Image.fromarray(np.roll(photo, i, 0)).save(path)
    stimuli = Stimuli.from_files(paths)
    assert stimuli.sizes.shape == (4, 2)
    whole = paths[2].read_bytes()
    paths[2].write_bytes(whole[: len(whole) // 2])
    fixations = Fixations.from_arrays([30] * 4, [30] * 4, range(4))
    model = DeepGazeI(file_1, centre_bias="uniform", device="cpu", batch_size=4)
    result = salmetrics.evaluate(
        model, stimuli, fixations, metrics=["LL"], n_bootstrap=0, on_error="record"
    )
    assert list(result.errors["image"]) == ["2.png"]


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


# ---- folds


def test_folds_share_batches(photo, monkeypatch):
    """Images of several folds go through the backbone together, and get readouts of their own."""
    options = {"centre_bias": "uniform", "device": "cpu", "dtype": "float64"}
    model = DeepGazeII(None, n_components=4, batch_size=3, **options)
    stimuli = Stimuli.from_arrays([np.roll(photo[:80, :90], 7 * i, 0) for i in range(7)])
    folds = Folds({name: (3 * i) % 4 for i, name in enumerate(stimuli.ids[:6])})
    crossed = model.cross_validated(folds, unknown="mixture")
    singly = [crossed.log_density(stimulus) for stimulus in stimuli]
    seen = []
    forward = DeepGazeNetwork.forward

    def watched(self, images, centre, components):
        seen.append(list(components))
        return forward(self, images, centre, components)

    monkeypatch.setattr(DeepGazeNetwork, "forward", watched)
    together = list(crossed.log_densities(stimuli))
    assert seen == [[(0,), (3,), (2,)], [(1,), (0,), (3,)], [(0, 1, 2, 3)]]
    for one, other in zip(together, singly, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)
    with pytest.raises(InputError, match="there are 2 lists of components for 3 images"):
        model.network(
            torch.zeros(3, 3, 70, 70).double(), torch.zeros(1, 70, 70).double(), [[0], [1]]
        )
    model.centre_bias = salmetrics.GaussianCentreBias()  # what was made keeps its own
    np.testing.assert_array_equal(crossed.log_density(stimuli[0]), singly[0])
    np.testing.assert_allclose(next(crossed.log_densities(stimuli)), singly[0], atol=1e-9)
    spread = abs(singly[0] - model.log_density(stimuli[0])).max()
    assert spread > 1e-5  # the mixture is another


# ---- what a GPU is asked to do


class FakeStream:
    """Notes what waits for what."""

    log: list

    def __init__(self, name):
        self.name = str(name)

    def wait_stream(self, other):
        self.log.append((self.name, "waits for", other.name))


def test_each_backbone_has_a_stream_of_its_own_on_a_gpu(monkeypatch):
    FakeStream.log = log = []
    now, made = FakeStream("now"), iter("abcd")

    class Inside:
        def __init__(self, stream):
            self.stream = stream

        def __enter__(self):
            log.append(("enter", self.stream.name))

        def __exit__(self, *_):
            log.append(("leave", self.stream.name))

    monkeypatch.setattr(torch.cuda, "Stream", lambda device: FakeStream(next(made)))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: now)
    monkeypatch.setattr(torch.cuda, "stream", Inside)

    class Part:
        def __init__(self, n):
            self.n = n

        def record_stream(self, stream):
            log.append(("kept for", stream.name, self.n))

    with torch.device("meta"):
        network = DeepGazeNetwork(DEEPGAZE_2E)
    order = list(network.branches)
    for _ in range(2):  # streams are made once
        log.clear()
        parts = network._of_branches(lambda b: Part(order.index(b)), torch.device("cuda"))
        assert [part.n for part in parts] == [0, 1, 2, 3]
        for n, name in enumerate("abcd"):
            assert log[3 * n : 3 * n + 3] == [
                (name, "waits for", "now"),
                ("enter", name),
                ("leave", name),
            ]
            assert log[12 + n] == ("now", "waits for", name)
            assert log[16 + n] == ("kept for", "now", n)
    log.clear()
    with pytest.raises(ZeroDivisionError):  # those that were started are waited for
        network._of_branches(lambda branch: 1 // 0, torch.device("cuda"))
    assert [entry for entry in log if entry[0] == "now"] == [
        ("now", "waits for", name) for name in "abcd"
    ]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same(file_2e, photo):
    from salmetrics_models import DeepGazeIIE

    stimuli = Stimuli.from_arrays([photo, photo[:, ::-1].copy(), photo[:100]])
    options = {"centre_bias": "uniform", "dtype": "float64", "batch_size": 2}
    expected = DeepGazeIIE(file_2e, device="cpu", **options).log_densities(stimuli)
    found = DeepGazeIIE(file_2e, device="cuda", **options).log_densities(stimuli)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)
