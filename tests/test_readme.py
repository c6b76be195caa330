"""The README and the docs: measured speeds, listed data sets, and commands that can be typed."""

import sys
from pathlib import Path

import pytest

from salmetrics.cli import parser

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import tables  # noqa: E402

sys.path.insert(0, str(ROOT / "docs"))

import make_datasets  # noqa: E402


def test_speed_tables_are_the_measured_ones():
    pages = tables.pages()
    assert {path.name for path in pages} == {"README.md", "deepgaze.md", "training.md"}
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert tables.filled(text) == text


def test_rows_where_we_lose_stay_in():
    row = {"what": "slow", "images": 3, "ours_ms": 2.0, "peer_ms": 1.0, "ratio": 0.5}
    columns = {
        "what": "what",
        "images": "n",
        "ours_ms": "ours",
        "peer_ms": "peer",
        "ratio": "faster",
    }
    facts = {"command": "c", "date": "d", "machine": "m", "versions": {"numpy": "2"}}
    text = tables.table(facts | {"columns": columns, "rows": [row]})
    assert "| what | n | ours | peer | faster |" in text
    assert "| slow | 3 | 2 | 1 | 0.5 |" in text
    assert "`c`, d, m; numpy 2." in text


def test_data_sets_are_those_of_the_registry():
    text = make_datasets.PAGE.read_text(encoding="utf-8")
    assert "### mit1003: MIT1003" in text
    assert make_datasets.filled(text) == text


def commands():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for line in text.splitlines():
            if line.startswith("    salmetrics "):
                words = line.partition("#")[0].partition(" > ")[0].partition(" | ")[0].split()
                yield pytest.param(words[1:], id=" ".join(line.split()))


@pytest.mark.parametrize("arguments", list(commands()))
def test_commands_can_be_parsed(arguments):
    assert callable(parser().parse_args(arguments).run)
