"""Digests change with what predictions rest on, and with nothing else."""

import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
import threading
import types
import weakref
from collections import defaultdict
from contextlib import contextmanager
from functools import cached_property, lru_cache, partial, wraps

import numpy as np
import pytest
import torch
from numba import njit
from scipy import sparse

import salmetrics
from salmetrics import InputError
from salmetrics.data.dataset import data_fingerprint
from salmetrics.fingerprint import Aside, class_path, digests, fingerprint

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


FACTOR = 1.0


class UsesNames(salmetrics.SaliencyMapModel):
    """Depends on a global, a class attribute, a kept function and a nested one."""

    strength = 1

    @cached_property
    def heavy(self):
        return np.ones(5)

    def saliency_map(self, stimulus):
        inner = [(lambda z: z * FACTOR)(k) for k in range(2)]
        return stimulus.image * kept(2) * self.strength + inner[0]


@lru_cache
def kept(number):
    return number + SCALE


def twice(function):
    @wraps(function)
    def wrapper(*given):
        return 2 * function(*given)

    return wrapper


@contextmanager
def managed_by_one():
    yield 1


@contextmanager
def managed_by_two():
    yield 2


class Slots:
    __slots__ = ("a",)

    def __init__(self, a):
        self.a = a


class Fields(dict):
    pass


def fields(**attributes):
    made = Fields(a=1)
    made.__dict__.update(attributes)
    return made


def structured(last):
    """With a gap between fields, whose bytes are whatever was there."""
    dtype = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    made = np.frombuffer(os.urandom(2 * dtype.itemsize), dtype).copy()
    made["a"], made["b"] = 1, last
    return made


def values_seen(*shown):
    return np.ma.masked_array([1, 2], mask=shown)


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
    (lambda: np.array(None, object), lambda: np.array(None, object)),
    (lambda: np.random.default_rng(1), lambda: np.random.default_rng(1)),
    (lambda: memoryview(b"abc")[1:], lambda: memoryview(b"bc")),
    (lambda: weakref.WeakSet([Slots, Model]), lambda: weakref.WeakSet([Model, Slots])),
    (lambda: sparse.eye(3).tocsr(), lambda: sparse.csr_matrix(np.eye(3))),
    (lambda: np.sin, lambda: np.sin),
    (lambda: structured(1), lambda: structured(1)),
    (lambda: [torch.eye(2).to_sparse()], lambda: [torch.eye(2).to_sparse()]),
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
    (lambda: "a".upper, lambda: "b".upper),
    (lambda: lru_cache(lambda: 1), lambda: lru_cache(lambda: 2)),
    (lambda: twice(closure(1)), lambda: closure(1)),
    (lambda: managed_by_one, lambda: managed_by_two),
    (lambda: re.compile("a"), lambda: re.compile("a", re.IGNORECASE)),
    (lambda: np.sin, lambda: np.cos),
    (lambda: np.random.default_rng(1), lambda: np.random.default_rng(2)),
    (lambda: memoryview(b"a"), lambda: memoryview(b"b")),
    (lambda: weakref.ref(Model), lambda: weakref.ref(UsesNames)),
    (lambda: Slots(1), lambda: Slots(2)),
    (lambda: fields(x=1), lambda: fields(x=2)),
    (lambda: structured(1), lambda: structured(2)),
    (lambda: values_seen(0, 1), lambda: values_seen(1, 0)),
    (lambda: sparse.eye(3).tocsr(), lambda: sparse.eye(3).tocsc()),
    (lambda: sparse.eye(3).todok(), lambda: sparse.eye(4).todok()),
    (lambda: torch.eye(2).to_sparse(), lambda: 2 * torch.eye(2).to_sparse()),
    (lambda: torch.eye(2).to_sparse_csr(), lambda: 2 * torch.eye(2).to_sparse_csr()),
    (lambda: torch.ones(2, device="meta"), lambda: torch.ones(3, device="meta")),
    (lambda: torch.tensor([1j]).conj(), lambda: torch.tensor([2j]).conj()),
    (
        lambda: torch.Generator().manual_seed(1).get_state(),
        lambda: torch.Generator().manual_seed(2).get_state(),
    ),
    (lambda: njit(lambda x: x + 1), lambda: njit(lambda x: x + 2)),
    (lambda: np.array(1, object), lambda: np.array(2, object)),
]


@pytest.mark.parametrize("pair", EQUAL)
def test_equal(pair):
    assert fingerprint(pair[0]()) == fingerprint(pair[1]())


@pytest.mark.filterwarnings("ignore:Sparse CSR:UserWarning")
@pytest.mark.parametrize("pair", DIFFERENT)
def test_different(pair):
    assert fingerprint(pair[0]()) != fingerprint(pair[1]())


def test_globals_that_a_function_uses(monkeypatch):
    before = fingerprint(uses_a_global)
    monkeypatch.setitem(globals(), "SCALE", 3)
    assert fingerprint(uses_a_global) != before


@pytest.mark.parametrize("name", ["SCALE", "FACTOR"])
def test_globals_that_methods_use(monkeypatch, name):
    before = fingerprint(UsesNames())
    monkeypatch.setitem(globals(), name, 3)
    assert fingerprint(UsesNames()) != before


def test_class_attributes_and_methods(monkeypatch):
    before = fingerprint(UsesNames())
    monkeypatch.setattr(UsesNames, "strength", -1)
    after = fingerprint(UsesNames())
    assert after != before
    monkeypatch.setattr(UsesNames, "saliency_map", lambda self, stimulus: stimulus.image)
    assert fingerprint(UsesNames()) != after


def test_values_of_cached_properties_are_left_out():
    model = UsesNames()
    before = fingerprint(model)
    assert model.heavy.size == 5
    assert fingerprint(model) == before


def test_a_class_without_source():
    def make(sign):
        names = {"SaliencyMapModel": salmetrics.SaliencyMapModel, "__name__": "typed"}
        code = f"class M(SaliencyMapModel):\n def saliency_map(self, s): return {sign} * s.image"
        exec(code, names)
        return names["M"]()

    assert fingerprint(make("1")) == fingerprint(make("1"))
    assert fingerprint(make("1")) != fingerprint(make("-1"))


def test_modules_that_code_names(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    found = []
    for value in (1, 2):
        (tmp_path / "helper_of_mine.py").write_text(f"VALUE = {value}\n")
        helper = importlib.import_module("helper_of_mine")
        found.append(fingerprint(partial(max, helper)))
    assert found[0] != found[1]
    monkeypatch.delitem(sys.modules, "helper_of_mine")


def test_deeply_nested_state():
    nested = []
    for _ in range(3000):
        nested = [nested]
    with pytest.raises(InputError, match="nested too deeply for a digest; give it an attribute"):
        fingerprint(Model(nested))


def test_attributes_are_no_globals(monkeypatch):
    """A global variable may have the name of an attribute that code reads."""

    def reads_an_attribute(model):
        return [(lambda: model.SCALE)() for _ in range(model.FACTOR)]

    before = fingerprint(reads_an_attribute)
    monkeypatch.setitem(globals(), "SCALE", 3)
    monkeypatch.setitem(globals(), "FACTOR", 3)
    assert fingerprint(reads_an_attribute) == before


@pytest.mark.parametrize(
    "make",
    [
        lambda: open(os.devnull),  # noqa: SIM115
        lambda: (i for i in [1]),
        lambda: np.frompyfunc(lambda x: x, 1, 1),
        threading.local,
    ],
)
def test_what_has_no_digest_is_said_in_one_line(make):
    made = make()
    with pytest.raises(
        InputError, match=r"^a \w+ has no digest \(.*; give the model an attr"
    ) as said:
        fingerprint(Model(made))
    assert "\n" not in str(said.value)
    if hasattr(made, "close"):
        made.close()


def test_classes_of_installed_packages_count_by_version(monkeypatch):
    class Mine(torch.nn.Conv2d):
        pass

    before = [fingerprint(Mine), fingerprint(torch.nn.Conv2d), fingerprint(Model)]
    monkeypatch.setattr(torch.nn.Conv2d, "forward", None)
    assert [fingerprint(Mine), fingerprint(torch.nn.Conv2d), fingerprint(Model)] == before
    monkeypatch.setattr(digests, "owner_of", lambda m: "torch 0" if m != __name__ else None)
    assert fingerprint(Mine) != before[0]
    assert fingerprint(torch.nn.Conv2d) != before[1]


def test_locks_that_code_names_are_no_obstacle(monkeypatch):
    monkeypatch.setitem(globals(), "SCALE", threading.Lock())
    assert fingerprint(uses_a_global)


@pytest.mark.slow
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
    with pytest.raises(InputError, match=r"a lock has no digest .* attribute fingerprint"):
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
    stimuli = salmetrics.Stimuli.from_arrays([pixels], attributes={"a": [1]})
    assert {k for k in base if base[k] != data_fingerprint(stimuli, fixations)[k]} == {"attributes"}
    fewer = data_fingerprint(salmetrics.Stimuli.from_arrays([pixels]), fixations[:1])
    assert {k for k in base if base[k] != fewer[k]} == {"fixations"}


# Digests that saved files hold. Where one of these changes on purpose, the formats of what is saved
# have to rise: FORMAT in salmetrics/io/checkpoint.py, and those of the trainings.
RECORDED = {
    "data": (
        [["a", 1, 2.5, None, b"x"], {"k": (True, {"p", "q"})}, np.arange(6.0).reshape(2, 3)],
        "5e46bf587cde2c3acf9f41128fc63d5e",
    ),
    "a model of ours": (salmetrics.Uniform(), "87960f412b8fc09d7b76502715af1cd1"),
    "models in a model": (
        salmetrics.Mixture([salmetrics.Uniform(), salmetrics.GaussianCentreBias()], [0.25, 0.75]),
        "20bad789573550b2f6ea2d092be2c82c",
    ),
    "a public function": (salmetrics.auc, "de8f1b64ec8a063e21106dd30307e1cf"),
    "a method": (salmetrics.CentreBias.fit, "ca02624d1471418225de9b106d4ae396"),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_digests(name):
    obj, digest = RECORDED[name]
    assert fingerprint(obj) == digest


def moved(monkeypatch, module, *objects):
    """Pretend that objects are defined in another module."""
    home = types.ModuleType(module)
    monkeypatch.setitem(sys.modules, module, home)
    for obj in objects:
        monkeypatch.setattr(obj, "__module__", module)
        setattr(home, obj.__qualname__.split(".")[0], obj)


def subclass():
    """Return an instance of a class of the user's that derives from one of ours."""
    return Model(salmetrics.Uniform())


@pytest.mark.parametrize(
    "make",
    [salmetrics.Uniform, subclass, lambda: salmetrics.auc, lambda: [salmetrics.Uniform]],
    ids=["instance", "subclass", "function", "class"],
)
def test_digests_survive_a_move_of_our_modules(monkeypatch, make):
    before = fingerprint(make())
    moved(
        monkeypatch,
        "salmetrics.somewhere.else_",
        salmetrics.Uniform,
        salmetrics.SaliencyMapModel,
        salmetrics.DensityModel,
        salmetrics.auc,
    )
    assert fingerprint(make()) == before


def test_a_move_of_other_classes_changes_digests(monkeypatch):
    before = fingerprint(Model(1))
    moved(monkeypatch, "elsewhere", Model)
    assert fingerprint(Model(1)) != before


@pytest.mark.parametrize(
    ("cls", "path"),
    [
        (salmetrics.Mixture, "salmetrics.Mixture"),
        ("salmetrics.models.combine.Mixture", "salmetrics.Mixture"),
        ("salmetrics.models.convert._DensityFromFunction", "salmetrics._DensityFromFunction"),
        ("salmetrics_models.deepgaze.model.DeepGaze2E", "salmetrics_models.DeepGaze2E"),
        ("salmetrics.Mixture", "salmetrics.Mixture"),
        ("mine.models.Mixture", "mine.models.Mixture"),
        ("salmetrics_of_mine.Mixture", "salmetrics_of_mine.Mixture"),
        (Model, f"{__name__}.Model"),
    ],
)
def test_paths_of_classes(cls, path):
    assert class_path(cls) == path


def test_private_functions_of_ours_with_one_name_differ():
    from salmetrics.metrics import cc, nss

    assert fingerprint(cc.score) != fingerprint(nss.score)
    assert fingerprint([cc]) != fingerprint([nss])


def test_names_of_our_classes_are_unique():
    """Digests know a class of ours by its name."""
    modules = defaultdict(set)
    for package in ("salmetrics", "salmetrics_models"):
        path = importlib.import_module(package).__path__
        for found in pkgutil.walk_packages(path, f"{package}."):
            # commands and trainings are no part of a model
            if found.name.split(".")[1] in ("__main__", "cli", "training"):
                continue
            module = importlib.import_module(found.name)
            for _, cls in inspect.getmembers(module, inspect.isclass):
                if cls.__module__ == found.name:
                    modules[class_path(cls)].add(found.name)
    assert {n: m for n, m in modules.items() if len(m) > 1} == {}


def test_modules_with_methods_of_tensors(monkeypatch):
    """The module torch has functions detach and cpu."""
    module = types.ModuleType("math")
    module.detach = module.cpu = None
    monkeypatch.setitem(globals(), "SCALE", module)
    assert fingerprint(uses_a_global) == fingerprint(uses_a_global)


def test_asides_do_not_count():
    class Noted:
        notes: Aside[tuple[str, ...]] = Aside((), "What was noticed.")

    noted, other = Noted(), Noted()
    before = fingerprint(noted)
    noted.notes = ("something",)
    assert (noted.notes, other.notes) == (("something",), ())
    assert fingerprint(noted) == fingerprint(other) == before
    assert Noted.notes.__doc__ == "What was noticed."
