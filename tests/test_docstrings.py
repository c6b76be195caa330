"""Docstrings of everything public are complete: numpydoc's checks, and a few of our own."""

import importlib
import inspect

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate

from salmetrics.evaluation import explained, metric_functions

PACKAGES = (
    "salmetrics",
    "salmetrics.data.folds",
    "salmetrics.data.transforms",
    "salmetrics.datasets",
    "salmetrics.plotting",
    "salmetrics.protocols",
    "salmetrics.results.image_selection",
    "salmetrics.results.layouts",
    "salmetrics.results.mixtures",
    "salmetrics_models",
    "salmetrics_models.accumulators",
    "salmetrics_models.losses",
    "salmetrics_models.training",
)
# parameters all described and none invented, what is returned named and described
EVERYWHERE = {"GL08", "PR01", "PR02", "PR03", "RT01", "RT03"}
WITH_EXAMPLE = EVERYWHERE | {"EX01"}


def public():
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            found = getattr(module, name)
            if inspect.isclass(found) or inspect.isfunction(found):
                yield f"{package}.{name}"


def methods():
    for path in public():
        found = located(path)
        if not inspect.isclass(found) or issubclass(found, Exception):
            continue
        for name, member in vars(found).items():
            is_method = inspect.isfunction(member) or isinstance(member, (classmethod, property))
            if is_method and not name.startswith("_"):
                yield f"{path}.{name}"


def located(path):
    package = max((p for p in PACKAGES if path.startswith(p + ".")), key=len)
    found = importlib.import_module(package)
    for name in path.removeprefix(package + ".").split("."):
        found = getattr(found, name)
    return found


def problems(path, wanted):
    return [f"{code}: {text}" for code, text in validate(path)["errors"] if code in wanted]


@pytest.mark.parametrize("path", list(public()))
def test_functions_and_classes(path):
    wanted = EVERYWHERE if path.endswith("Error") else WITH_EXAMPLE
    assert problems(path, wanted) == []


@pytest.mark.parametrize("path", list(methods()))
def test_methods(path):
    assert problems(path, EVERYWHERE) == []


@pytest.mark.parametrize("path", [p for p in public() if inspect.isfunction(located(p))])
def test_functions_say_which_errors_they_raise(path):
    assert get_doc_object(located(path))["Raises"], f"{path} has no section Raises"


METRIC_FUNCTIONS = [
    *(f"salmetrics.{name}" for name in metric_functions.__all__),
    *(f"salmetrics.{name}" for name in explained.__all__),
]


@pytest.mark.parametrize("path", METRIC_FUNCTIONS)
def test_metrics_give_their_source(path):
    doc = inspect.getdoc(located(path))
    assert "References\n----------" in doc
    assert "doi:" in doc
