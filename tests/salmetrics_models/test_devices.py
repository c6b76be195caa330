"""Devices by name, and the settings of torch while a model predicts."""

import threading

import pytest
import torch

from salmetrics import InputError
from salmetrics_models.deepgaze import finaliser
from salmetrics_models.devices import device_of, kept_tensors, sent, settings_of_torch

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def gpus(monkeypatch):
    """Let torch believe in a number of GPUs."""

    def pretend(n):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: n > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: n)

    return pretend


class TestDeviceOf:
    def test_auto_is_a_gpu_if_there_is_one(self, gpus):
        gpus(0)
        assert device_of("auto") == CPU
        gpus(1)
        assert device_of("auto") == CUDA

    def test_by_name(self, gpus):
        gpus(2)
        assert device_of("cpu") == CPU
        assert device_of("cuda:1") == torch.device("cuda", 1)

    @pytest.mark.parametrize(
        ("name", "n", "text"),
        [
            ("toaster", 0, "device must be 'auto', 'cpu' or 'cuda'; got 'toaster'"),
            ("mps", 0, "device must be 'auto', 'cpu' or 'cuda'; got 'mps'"),
            (None, 0, "device must be 'auto', 'cpu' or 'cuda'; got None"),
            ("cuda", 0, "device 'cuda' was asked for, but torch finds no GPU; use 'auto'"),
            ("cuda:2", 2, "device 'cuda:2' was asked for, but torch finds 2 GPUs, numbered from 0"),
        ],
    )
    def test_wrong(self, gpus, name, n, text):
        gpus(n)
        with pytest.raises(InputError, match=text):
            device_of(name)


def test_sent_to_a_type():
    tensor = torch.arange(4)
    found = sent(tensor, CPU, torch.float64)
    assert found.dtype == torch.float64
    assert found.tolist() == [0, 1, 2, 3]


class TestSettings:
    def test_threads_of_a_cpu_until_the_end(self):
        before = torch.get_num_threads()
        with settings_of_torch(CPU, 2):
            assert torch.get_num_threads() == 2
        assert torch.get_num_threads() == before
        with pytest.raises(ZeroDivisionError), settings_of_torch(CPU, 2):
            raise ZeroDivisionError
        assert torch.get_num_threads() == before

    def test_none_changes_nothing(self):
        before = torch.get_num_threads(), torch.backends.cuda.matmul.allow_tf32
        with settings_of_torch(CPU, None):
            assert (torch.get_num_threads(), torch.backends.cuda.matmul.allow_tf32) == before

    def test_a_gpu_computes_with_all_digits(self):
        convolutions, products = torch.backends.cudnn, torch.backends.cuda.matmul
        before = convolutions.allow_tf32, products.allow_tf32
        convolutions.allow_tf32 = products.allow_tf32 = True
        try:
            with settings_of_torch(CUDA, None):
                assert (convolutions.allow_tf32, products.allow_tf32) == (False, False)
            assert (convolutions.allow_tf32, products.allow_tf32) == (True, True)
        finally:
            convolutions.allow_tf32, products.allow_tf32 = before

    def test_another_thread_waits(self):
        """Settings belong to the process, so one call at a time changes them."""
        inside = threading.Event()

        def other():
            with settings_of_torch(CPU, 1):
                inside.set()

        with settings_of_torch(CPU, 2):
            thread = threading.Thread(target=other)
            thread.start()
            assert not inside.wait(0.05)
        thread.join()
        assert inside.is_set()

    def test_without_waiting(self):
        inside = threading.Event()

        def other():
            with settings_of_torch(CPU, 2, alone=False):
                inside.set()

        with settings_of_torch(CPU, 2):
            thread = threading.Thread(target=other)
            thread.start()
            assert inside.wait(10)
            thread.join()

    def test_wrong(self):
        with (
            pytest.raises(InputError, match="n_threads must be a whole number >= 1; got 0"),
            settings_of_torch(CPU, 0),
        ):
            pass


class OnGpu(torch.Tensor):
    """A tensor that says it is on a GPU, and keeps the streams that use it."""

    is_cuda = True

    def record_stream(self, stream):
        self.users = [*getattr(self, "users", []), stream]


class Stream:
    def __init__(self):
        self.waits_for = []

    def wait_event(self, event):
        self.waits_for.append(event)


class Event:
    def record(self, stream):
        self.recorded_in = stream


@pytest.fixture
def streams(monkeypatch):
    """Return two streams, and a function that makes one the current one."""
    current = []
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: current[-1])
    monkeypatch.setattr(torch.cuda, "Event", Event)
    return Stream(), Stream(), current.append


class Holder:
    def __init__(self):
        self.name = "a value with tensors"
        self.tensor = torch.ones(2).as_subclass(OnGpu)
        self.others = [torch.ones(3).as_subclass(OnGpu), torch.ones(1)]


def test_streams_wait_for_what_another_one_makes(streams):
    first, second, enter = streams
    made = []

    @kept_tensors(maxsize=2)
    def make(n):
        made.append(n)
        return Holder()

    enter(first)
    value = make(1)
    assert make(1) is value
    assert first.waits_for == []  # its work is in order
    enter(second)
    assert make(1) is value
    assert [event.recorded_in for event in second.waits_for] == [first]
    assert value.tensor.users == value.others[0].users == [second]
    assert made == [1]
    make(2)
    make(3)
    make(1)
    assert made == [1, 2, 3, 1]


def test_cached_tensors_may_be_used_with_gradients():
    @kept_tensors(maxsize=1)
    def make():
        """Return a tensor."""
        return torch.ones(2)

    with torch.inference_mode():
        assert not make().is_inference()
    assert make.__doc__ == "Return a tensor."


def test_caches_of_the_network_are_for_all_streams(streams, monkeypatch):
    """The matrices of one backbone's stream are read in those of the others."""
    first, second, enter = streams
    monkeypatch.setattr(
        finaliser.nn.functional, "one_hot", lambda *given: torch.eye(3, 2).as_subclass(OnGpu)
    )
    enter(first)
    matrix = finaliser.nearest_enlargement(2, 3, torch.float16, CPU)
    enter(second)
    assert finaliser.nearest_enlargement(2, 3, torch.float16, CPU) is matrix
    assert len(second.waits_for) == 1
