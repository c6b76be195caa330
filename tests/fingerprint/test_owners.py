"""Modules belong to Python, to the distribution that holds their file, or to the user."""

import importlib
import sys
from importlib.metadata import version

import numpy as np
import pytest

from salmetrics.fingerprint import fingerprint
from salmetrics.fingerprint.owners import PYTHON, owner_of


@pytest.mark.parametrize("module", ["json.decoder", "builtins", "math", "_thread", "os.path"])
def test_python(module):
    assert owner_of(module) == PYTHON


@pytest.mark.parametrize("module", [None, 3, "", "__main__", "of_nobody.at_all", __name__])
def test_the_user(module):
    assert owner_of(module) is None


@pytest.mark.parametrize("module", ["numpy", "numpy.linalg", "numpy.without_a_file"])
def test_an_installed_distribution(module):
    assert owner_of(module) == f"numpy {np.__version__}"
    assert owner_of("_pytest.python") == f"pytest {version('pytest')}"  # of another name


KINDS = {  # metadata folder, its other files, and whether it is an installation
    "target": ("mine-1.0.dist-info", {"RECORD": "{name}/__init__.py,sha256=x,1\n"}, True),
    "not held": ("mine-1.0.dist-info", {"RECORD": "other.py,,\n"}, False),
    "debian": ("mine-1.0.egg-info", {"top_level.txt": "{name}\n"}, True),
    "another's": ("mine-1.0.egg-info", {"top_level.txt": "other\n"}, False),
    "editable": ("mine.egg-info", {"top_level.txt": "{name}\n"}, False),
    "interrupted removal": ("~ine-1.0.dist-info", {"RECORD": "{name}/__init__.py,,\n"}, None),
}


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_folders_on_the_path(kind, linked, tmp_path, monkeypatch):
    """As of pip's --target, of Debian, of an environment behind a link, and of source code."""
    metadata, files, held = KINDS[kind]
    name = f"owned_{len(kind)}_{linked}"
    folder = tmp_path / "real"
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text("def f(x):\n    return x + 1\n")
    (folder / metadata).mkdir()
    for file, text in files.items():
        (folder / metadata / file).write_text(text.format(name=name))
    if held is not None:
        described = "METADATA" if metadata.endswith("dist-info") else "PKG-INFO"
        (folder / metadata / described).write_text("Name: mine\nVersion: 1.0\n")
    if linked:
        (tmp_path / "link").symlink_to(folder)
        folder = tmp_path / "link"
    monkeypatch.syspath_prepend(folder)
    module = importlib.import_module(name)
    assert owner_of(name) == ("mine 1.0" if held else None)
    before = fingerprint(module.f)
    module.f.__code__ = (lambda x: x + 2).__code__
    assert (fingerprint(module.f) == before) is bool(held)
    del sys.modules[name]


def test_a_module_of_the_user_named_like_one_of_python(tmp_path, monkeypatch):
    (tmp_path / "this.py").write_text("X = 1\n")
    monkeypatch.delitem(sys.modules, "this", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("this")
    assert owner_of("this") is None
    monkeypatch.delitem(sys.modules, "this")
