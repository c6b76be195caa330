"""Models by name: the entry points of this package, and those of others."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from salmetrics import CentreBias, GaussianCentreBias, GoldStandard, InputError, Uniform
from salmetrics.datasets import generate_dataset
from salmetrics.errors import CannotFitError
from salmetrics.models import registry

DATASET = generate_dataset(8, size=(60, 80), n_subjects=4).dataset
OURS = {
    "centre-bias": CentreBias,
    "gaussian-centre-bias": GaussianCentreBias,
    "gold-standard": GoldStandard,
    "uniform": Uniform,
}


@pytest.fixture
def installed(monkeypatch):
    """Replace the installed entry points."""

    def install(**makers):
        found = EntryPoints(
            EntryPoint(name, value, "salmetrics.models") for name, value in makers.items()
        )
        monkeypatch.setattr(registry, "entry_points", lambda **params: found.select(**params))

    return install


def test_names_are_sorted_and_ours_among_them():
    found = registry.names()
    assert found == sorted(set(found))
    assert set(OURS) <= set(found)


@pytest.mark.parametrize("name", OURS)
def test_models_by_name(name):
    model = registry.named_model(name, None, DATASET)
    assert type(model) is OURS[name]


def test_uniform():
    with pytest.raises(InputError, match="model 'uniform' takes no argument; got '3'"):
        registry.uniform("3", DATASET)


def test_centre_bias():
    assert registry.centre_bias(None, DATASET).is_default(*DATASET)
    given = registry.centre_bias("0.05", DATASET)
    assert given.bandwidth == 0.05
    assert given.optimum is None
    for argument in (None, "0.05"):
        with pytest.raises(CannotFitError, match=r"there are some on 1; .* needs none"):
            registry.centre_bias(argument, DATASET[:1])
    with pytest.raises(InputError, match="model 'centre-bias' takes a number; got 'wide'"):
        registry.centre_bias("wide", DATASET)


def test_gaussian_centre_bias():
    assert registry.gaussian_centre_bias(None, DATASET).sigma == 0.25
    assert registry.gaussian_centre_bias("0.5", DATASET).sigma == 0.5
    with pytest.raises(InputError, match="model 'gaussian-centre-bias' takes a number; got ''"):
        registry.gaussian_centre_bias("", DATASET)


def test_gold_standard():
    assert registry.gold_standard(None, DATASET).hold_out == "subject"
    assert registry.gold_standard("fixation", DATASET).hold_out == "fixation"
    bound = registry.gold_standard("upper-bound", DATASET)
    assert bound.upper_bound
    assert not bound.subject_dependent
    text = "argument of gold-standard must be one of 'subject', 'fixation', 'upper-bound'; got 'x'"
    with pytest.raises(InputError, match=text):
        registry.gold_standard("x", DATASET)


def test_models_of_other_packages(installed):
    installed(flat="salmetrics.models.registry:uniform", wide="salmetrics:GaussianCentreBias")
    assert registry.names() == ["flat", "wide"]
    assert type(registry.named_model("flat", None, DATASET)) is Uniform
    with pytest.raises(InputError, match="model must be one of 'flat', 'wide'; got 'uniform'"):
        registry.named_model("uniform", None, DATASET)


def test_a_name_that_two_packages_have(monkeypatch):
    both = EntryPoints(
        EntryPoint("flat", f"salmetrics.models.registry:{maker}", "salmetrics.models")
        for maker in ("uniform", "gaussian_centre_bias")
    )
    monkeypatch.setattr(registry, "entry_points", lambda **params: both.select(**params))
    assert registry.names() == ["flat"]
    assert type(registry.named_model("flat", None, DATASET)) is Uniform


def test_modules_that_are_missing(monkeypatch):
    """Torch is optional and named; anything else that is missing is an error of the package."""

    class Entry:
        name = "deep"

        def __init__(self, missing):
            self.missing = missing

        def load(self):
            raise ModuleNotFoundError(f"No module named {self.missing!r}", name=self.missing)

    for missing in ("torch", "torchvision"):
        monkeypatch.setattr(registry, "entry_points", lambda m=missing, **params: [Entry(m)])
        with pytest.raises(InputError, match=r"'deep' needs torch: pip install 'salmetrics\["):
            registry.named_model("deep", None, DATASET)
    monkeypatch.setattr(registry, "entry_points", lambda **params: [Entry("theirs")])
    with pytest.raises(ModuleNotFoundError, match="theirs"):
        registry.named_model("deep", None, DATASET)
