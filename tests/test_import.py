import importlib
import pkgutil
import subprocess
import sys

import pytest

import salmetrics

HEAVY = ("torch", "matplotlib", "sklearn", "pandas")


def test_loads_nothing_heavy():
    code = (
        "import sys, salmetrics, salmetrics.cli\n"
        f"print(*sorted({set(HEAVY)} & set(sys.modules)), len(sys.modules) > 100)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"]


def modules():
    found = pkgutil.walk_packages(salmetrics.__path__, "salmetrics.")
    return ["salmetrics", *(module.name for module in found)]


def constants_then_classes(name):
    """The order that ruff keeps: CONSTANTS, Classes, functions."""
    return (not name.isupper(), name.islower(), name)


@pytest.mark.parametrize("name", modules())
def test_public_names(name):
    module = importlib.import_module(name)
    names = getattr(module, "__all__", [])
    assert names == sorted(names, key=constants_then_classes)
    assert [n for n in names if not hasattr(module, n)] == []


def test_what_users_import():
    assert {"Stimuli", "Fixations", "evaluate", "information_gain"} <= set(salmetrics.__all__)
