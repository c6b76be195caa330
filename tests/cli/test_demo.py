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
from salmetrics.datasets import generate_dataset, load
from tests.cli.command_line import error_of


def test_small(tmp_path, monkeypatch, capsys):
    """The report of the demo on fewer and smaller images."""
    small = partial(generate_dataset, 4, size=(30, 40), n_subjects=3)
    monkeypatch.setattr("salmetrics.cli.demo.generate_dataset", small)
    assert main(["demo", "--generated", "--out", str(tmp_path / "demo"), "--seed", "2"]) == 0
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


def test_seed_is_for_generated_images(tmp_path, capsys):
    error = error_of(capsys, ["demo", "--out", tmp_path / "demo", "--seed", 1])
    assert "--seed is for --generated" in error
    assert not (tmp_path / "demo").exists()


@pytest.mark.slow
def test_some_of_the_sample(tmp_path, monkeypatch, capsys):
    """A real model beats the centre bias and local contrast, on four of the photographs."""
    some = load("sample")[::6]
    monkeypatch.setattr("salmetrics.cli.demo.load", lambda name: some)
    assert main(["demo", "--out", str(tmp_path / "new" / "demo")]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"4 photographs, {len(some.fixations)} fixations of 15 people\n")
    people, litegaze, share = map(
        float,
        re.search(
            r"fixations tell ([\d.]+) bit .*\nlitegaze tells ([\d.]+) from .*: (\d+) %", out
        ).groups(),
    )
    table = pd.read_csv(tmp_path / "new/demo/table.csv", index_col=["model", "metric"])
    value = table["value"].unstack()
    assert value.loc["litegaze", "IG"] == pytest.approx(litegaze, abs=0.006)  # two decimals
    assert value.loc["gold-standard", "IG"] == pytest.approx(people, abs=0.006)
    assert value.loc["litegaze", "IGE"] == pytest.approx(share / 100, abs=0.006)
    assert table.loc[("litegaze", "IG"), "low"] > 0.5
    assert value.loc["centre bias", "IG"] == 0
    for key in ("AUC", "NSS", "CC"):
        assert value.loc["litegaze", key] > value.loc[["centre bias", "local-contrast"], key].max()
    with Image.open(tmp_path / "new/demo/figure.png") as figure:
        assert figure.width == 1540
