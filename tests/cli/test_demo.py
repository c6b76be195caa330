"""`salmetrics demo`."""

import re
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from salmetrics import Stimuli, Uniform, information_gain
from salmetrics.cli import main
from salmetrics.cli.demo import LocalContrast
from salmetrics.datasets import generate_dataset
from tests.cli.command_line import error_of


def test_small(tmp_path, monkeypatch, capsys):
    """The report of the demo on fewer and smaller images."""
    small = partial(generate_dataset, 4, size=(30, 40), n_subjects=3)
    monkeypatch.setattr("salmetrics.cli.demo.generate_dataset", small)
    assert main(["demo", "--out", str(tmp_path / "demo"), "--seed", "2"]) == 0
    report = capsys.readouterr().out.rstrip()
    generated = small(seed=2)
    assert report.startswith(f"4 generated images, {len(generated.dataset.fixations)} fixations")
    assert f"measured, {generated.expected_gains.mean():.4f} by theory" in report
    table = pd.read_csv(tmp_path / "demo/table.csv", index_col=["model", "metric"])["value"]
    expected = information_gain(generated.truth, *generated.dataset, baseline=Uniform())
    assert table["truth", "IG"] == pytest.approx(expected, rel=1e-12)
    assert f"uniform: {expected:.4f} +- " in report
    assert report.endswith(f"{tmp_path / 'demo' / 'figure.png'}")


def test_local_contrast():
    flat = Stimuli.from_arrays([np.full((20, 30), 90, np.uint8)])[0]
    np.testing.assert_allclose(LocalContrast().saliency_map(flat), 0, atol=1e-12)
    dot = np.zeros((41, 41), np.uint8)
    dot[20, 20] = 200
    contrast = LocalContrast().saliency_map(Stimuli.from_arrays([dot])[0])
    assert np.unravel_index(contrast.argmax(), contrast.shape) == (20, 20)
    np.testing.assert_allclose(contrast, contrast.T, rtol=1e-9)


def test_without_matplotlib(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    error = error_of(capsys, ["demo", "--out", tmp_path / "demo"])
    assert "the demo draws a figure: pip install 'salmetrics[report]'" in error
    assert not (tmp_path / "demo").exists()


@pytest.mark.slow
def test_demo(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path / "new" / "demo"), "--seed", "1"]) == 0
    out = capsys.readouterr().out
    gain = re.search(
        r"truth over uniform: ([\d.]+) \+- ([\d.]+) .* measured, ([\d.]+) by theory "
        r"\(([+-][\d.]+) standard errors\)",
        out,
    )
    measured, error, expected, z = map(float, gain.groups())
    assert abs(z) < 4
    assert z == pytest.approx(
        (measured - expected) / error, abs=0.1
    )  # z is printed with one decimal
    table = pd.read_csv(tmp_path / "new/demo/table.csv", index_col=["model", "metric"])["value"]
    assert table["truth", "IG"] == pytest.approx(measured, abs=6e-5)  # printed with four decimals
    assert table["uniform", "IG"] == 0
    others = ["uniform", "centre bias"]
    for key in ("LL", "IG", "AUC", "NSS", "CC"):
        assert table["truth", key] > max(table[name, key] for name in others)
    with Image.open(tmp_path / "new/demo/figure.png") as figure:
        assert figure.size == (1200, 720)
