"""What the README says of speed is what was measured."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import tables  # noqa: E402


def test_speed_table_is_the_measured_one():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "<!-- benchmark metrics -->" in text
    assert tables.filled(text) == text


def test_rows_where_we_lose_stay_in():
    row = {"what": "slow", "images": 3, "first_ms": 9.0, "ours_ms": 2.0, "peer_ms": 1.0}
    facts = {"command": "c", "date": "d", "machine": "m", "versions": {"numpy": "2"}}
    text = tables.table(facts | {"rows": [row]})
    assert "| slow | 3 | 9 | 2 | 1 | 0.5 |" in text
    assert "`c`, d, m; numpy 2." in text
