"""Digests change with what predictions rest on, and with nothing else."""

import subprocess
import sys
import threading
from functools import partial

import numpy as np
import pytest

import salmetrics
from salmetrics import InputError
from salmetrics.fingerprint import data_fingerprint, fingerprint

SCALE = 2


class Model(salmetrics.SaliencyMapModel):
    def __init__(self, weights, names=("a",)):
        self.weights, self.names = weights, set(names)
        self.itself = self

    def saliency_map(self, stimulus):
        return self.weights


def closure(number):
    return lambda stimulus: number


def uses_a_global(stimulus):
    return SCALE


class Tensor:
    dtype = "torch.bfloat16"

    def __init__(self, array):
        self.array = array

    def detach(self):
        return self

    cpu = float = detach

    def numpy(self):
        return self.array


EQUAL = [
    (lambda: Model(np.ones(3), "abcdef"), lambda: Model(np.ones(3), "fedcba")),
    (lambda: {"a": 1, "b": 2}, lambda: {"b": 2, "a": 1}),
    (lambda: closure(1), lambda: closure(1)),
    (lambda: np.ones((2, 3))[:, ::2], lambda: np.ones((2, 2))),
    (lambda: Tensor(np.ones(2)), lambda: Tensor(np.ones(2))),
]
DIFFERENT = [
    (lambda: Model(np.ones(3)), lambda: Model(np.ones(4))),
    (lambda: Model(np.ones(3)), lambda: Model(np.ones(3, np.float32))),
    (lambda: Model(np.ones(3), "ab"), lambda: Model(np.ones(3), "ac")),
    (lambda: {"a": 1}, lambda: {"a": 1.0}),
    (lambda: closure(1), lambda: closure(2)),
    (lambda: partial(max, 1), lambda: partial(max, 2)),
    (lambda: lambda s: 1, lambda: lambda s: 2),
    (lambda: np.array(["a", None], object), lambda: np.array(["b", None], object)),
    (lambda: Tensor(np.ones(2)), lambda: Tensor(np.zeros(2))),
    (lambda: Model(1).saliency_map, lambda: Model(2).saliency_map),
]


@pytest.mark.parametrize("pair", EQUAL)
def test_equal(pair):
    assert fingerprint(pair[0]()) == fingerprint(pair[1]())


@pytest.mark.parametrize("pair", DIFFERENT)
def test_different(pair):
    assert fingerprint(pair[0]()) != fingerprint(pair[1]())


def test_globals_that_a_function_uses(monkeypatch):
    before = fingerprint(uses_a_global)
    monkeypatch.setitem(globals(), "SCALE", 3)
    assert fingerprint(uses_a_global) != before


def test_the_same_in_every_process():
    code = (
        "from salmetrics import *; from salmetrics.fingerprint import fingerprint\n"
        "s = Stimuli.from_sizes([(9, 8)] * 3); f = Fixations.from_arrays([1, 2], [3, 4], [0, 1])\n"
        "model = CentreBias(s[:2], f); model.words = {'x', 'y', 'z', 'äöü'}\n"
        "print(fingerprint([model, lambda s: s.size in {'a', 'b', 'c'}]))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "12"
    }
    assert len(found) == 1


def test_a_model_may_say_what_it_is():
    first, second = Model(threading.Lock()), Model(2)
    with pytest.raises(InputError, match=r"can't tell of its lock .* attribute fingerprint"):
        fingerprint(first)
    first.fingerprint = second.fingerprint = "version 7"
    assert fingerprint(first) == fingerprint(second)


def test_data(tmp_path):
    pixels = np.zeros((4, 5), np.uint8)
    fixations = salmetrics.Fixations.from_arrays([1, 2], [3, 1], [0, 0])
    base = data_fingerprint(salmetrics.Stimuli.from_arrays([pixels]), fixations)
    other_pixels = data_fingerprint(salmetrics.Stimuli.from_arrays([pixels + 1]), fixations)
    assert {k for k in base if base[k] != other_pixels[k]} == {"pixels"}
    renamed = data_fingerprint(salmetrics.Stimuli.from_arrays([pixels], ids=["x"]), fixations)
    assert {k for k in base if base[k] != renamed[k]} == {"images"}
    fewer = data_fingerprint(salmetrics.Stimuli.from_arrays([pixels]), fixations[:1])
    assert {k for k in base if base[k] != fewer[k]} == {"fixations"}
