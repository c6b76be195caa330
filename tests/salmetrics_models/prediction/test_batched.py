"""Prediction in batches, as all models do it: memory, errors, threads, types."""

import gc
import threading
from unittest.mock import Mock

import numpy as np
import pytest
import torch

import salmetrics
from salmetrics import Fixations, InputError, Stimuli
from salmetrics_models.prediction.batched import Batched, moved
from salmetrics_models.prediction.producer import Task
from tests.salmetrics_models.toy_models import OPTIONS, ToyDeepGazeI


class Mean(Batched):
    """Predicts the mean over colours of the pixels, and notes the batches."""

    name = "mean"

    def __init__(self, **options):
        defaults = {"device": "cpu", "dtype": "float64", "batch_size": 2, "n_threads": None}
        super().__init__(**(defaults | options))
        self.batches = []

    def _decoded(self, stimulus):
        return stimulus.rgb

    def _computed(self, images, batch):
        self.batches.append([task.number for task in batch])
        return images.mean(1)

    def _finished(self, made, task):
        return made[: task.stimulus.size[0]]


@pytest.fixture
def stimuli(photo):
    images = [photo, photo[:, ::-1].copy(), photo[:100], photo[:100, :, 0].copy(), photo]
    return Stimuli.from_arrays(images, ids=["a", "b", "c", "grey", "e"])


def tasks(stimuli):
    return [Task(number, stimulus, ()) for number, stimulus in enumerate(stimuli)]


def test_images_of_one_size_are_predicted_together(stimuli):
    model = Mean()
    found = list(model._in_batches(tasks(stimuli)))
    assert model.batches == [[0, 1], [2, 3], [4]]
    for stimulus, mean in zip(stimuli, found, strict=True):
        # three whole numbers, added in float64
        np.testing.assert_allclose(mean, stimulus.rgb.mean(2), rtol=1e-15, atol=0)
    np.testing.assert_array_equal(model._alone(tasks(stimuli)[0]), found[0])


def test_place():
    assert Mean(dtype="float32").place == (torch.float32, torch.device("cpu"))
    assert Mean().place == (torch.float64, torch.device("cpu"))


@pytest.mark.parametrize("order", ["C", "F"])
def test_moved(rng, order):
    """Also arrays that are read-only or of another order."""
    array = np.asarray(rng.normal(size=(3, 4)), order=order)
    array.setflags(write=False)
    found = moved(array, torch.float32, torch.device("cpu"))
    assert found.dtype == torch.float32
    np.testing.assert_array_equal(found, array.astype(np.float32))


def test_out_of_memory_resumes_in_smaller_batches(stimuli, monkeypatch):
    model = Mean(batch_size=4)
    expected = [model._alone(task) for task in tasks(stimuli)]
    start = model._started

    def limited(batch):
        if len(batch) > 1:
            raise torch.OutOfMemoryError("too much")
        return start(batch)

    monkeypatch.setattr(model, "_started", limited)
    with pytest.warns(UserWarning, match=r"mean .* batches of ") as caught:
        found = list(model._in_batches(tasks(stimuli)))
    assert "3 images of (130, 172) pixels do not fit" in str(caught[0].message)
    assert model.batch_size == 1
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ],
    ids=["Python", "torch", "cuDNN"],
)
def test_an_image_that_does_not_fit(stimuli, monkeypatch, error):
    model = Mean()
    monkeypatch.setattr(model, "_started", Mock(side_effect=error))
    text = r"image 'a' of \(130, 172\) pixels \(height, width\) does not fit into the memory"
    with pytest.raises(InputError, match=text):
        model._alone(tasks(stimuli)[0])


def test_other_errors_of_torch_are_no_lack_of_memory(stimuli, monkeypatch):
    model = Mean()
    monkeypatch.setattr(model, "_started", Mock(side_effect=RuntimeError("no kernel")))
    with pytest.raises(RuntimeError, match="no kernel"):
        model._alone(tasks(stimuli)[0])


def test_no_threads_are_left_after_an_error():
    """Nor anything else, though nothing is collected."""

    def there():
        return [t for t in threading.enumerate() if t.name.startswith("salmetrics-decode")]

    model = ToyDeepGazeI(None, **OPTIONS)
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


def test_a_broken_image_fails_alone(photo, tmp_path):
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
    model = ToyDeepGazeI(None, batch_size=4, **OPTIONS)
    result = salmetrics.evaluate(
        model, stimuli, fixations, metrics=["LL"], n_bootstrap=0, on_error="record"
    )
    assert list(result.errors["image"]) == ["2.png"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"device": "toaster"}, "device must be"),
        ({"dtype": "float16"}, "dtype must be one of 'float32', 'float64'; got 'float16'"),
        ({"batch_size": 0}, "batch_size must be a whole number >= 1; got 0"),
        ({"n_threads": 0}, "n_threads must be a whole number >= 1; got 0"),
    ],
)
def test_wrong_options(options, text):
    with pytest.raises(InputError, match=text):
        Mean(**options)
