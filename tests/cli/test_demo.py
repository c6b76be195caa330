"""`salmetrics demo`."""

import re

import pandas as pd
import pytest
from PIL import Image

from salmetrics.cli import main


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
