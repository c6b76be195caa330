"""Write the speed tables of the README and the docs from the JSON that the benchmarks leave.

    python benchmarks/tables.py

A table stands between `<!-- benchmark NAME -->` and `<!-- end of benchmark -->` and comes from
`benchmarks/results/NAME.json`.
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
    """Bring all pages up to date."""
    for path in pages():
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")


def pages() -> list[Path]:
    """Return the pages with tables."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path for path in found if _PLACE.search(path.read_text(encoding="utf-8"))]


def filled(text: str) -> str:
    """Replace every table between markers by the one made from its results."""
    return _PLACE.sub(lambda found: found[1] + table(results(found["name"])) + found[3], text)


def results(name: str) -> dict[str, Any]:
    """Read what a benchmark wrote."""
    path = ROOT / "benchmarks" / "results" / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def table(found: dict[str, Any]) -> str:
    """Markdown: one row a measurement, then where and how it was made."""
    columns = found["columns"]
    first = found["rows"][0]
    sides = ["---" if isinstance(first[key], str) else "---:" for key in columns]
    lines = ["", _line(columns.values()), _line(sides)]
    lines += [_line(_cell(row[key]) for key in columns) for row in found["rows"]]
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    facts = f"`{found['command']}`, {found['date']}, {found['machine']}; {versions}."
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
