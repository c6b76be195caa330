"""Write the speed tables of the README and the docs from the JSON files of the benchmarks.

    python benchmarks/tables.py

A table stands between `<!-- benchmark NAME -->` and `<!-- end of benchmark -->`; its numbers come
from `benchmarks/results/NAME.json`.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_PLACE = re.compile(
    r"(<!-- benchmark (?P<name>\w+) -->\n).*?(<!-- end of benchmark -->)", flags=re.DOTALL
)


def main() -> None:
    """Update all pages."""
    for path in pages():
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")


def pages() -> list[Path]:
    """Return the pages with tables."""
    candidates = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path for path in candidates if _PLACE.search(path.read_text(encoding="utf-8"))]


def filled(text: str) -> str:
    """Replace every table between markers by the table of its results."""
    return _PLACE.sub(lambda place: place[1] + table(results(place["name"])) + place[3], text)


def results(name: str) -> dict[str, Any]:
    """Read the JSON file of a benchmark."""
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def table(content: dict[str, Any]) -> str:
    """Return a Markdown table with one row per measurement, then command, date and machine."""
    columns = content["columns"]
    first = content["rows"][0]
    sides = ["---" if isinstance(first[key], str) else "---:" for key in columns]
    lines = ["", _line(columns.values()), _line(sides)]
    lines += [_line(_cell(row[key]) for key in columns) for row in content["rows"]]
    versions = ", ".join(f"{name} {number}" for name, number in content["versions"].items())
    facts = f"`{content['command']}`, {content['date']}, {content['machine']}; {versions}."
    lines += ["", *textwrap.wrap(facts, 100, break_on_hyphens=False), ""]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


if __name__ == "__main__":
    main()
