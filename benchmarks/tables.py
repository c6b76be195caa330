"""Write the speed tables of the README from the JSON that the benchmarks leave behind.

    python benchmarks/tables.py

A table stands between `<!-- benchmark NAME -->` and `<!-- end of benchmark -->` and comes from
`benchmarks/results/NAME.json`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_PLACE = re.compile(
    r"(<!-- benchmark (?P<name>\w+) -->\n).*?(<!-- end of benchmark -->)", flags=re.DOTALL
)


def main() -> None:
    """Bring the README up to date."""
    path = ROOT / "README.md"
    path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")


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
    lines = [
        "| what | images | ours, first call | ours | peer | peer / ours |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in found["rows"]:
        numbers = " | ".join(f"{row[key]:.3g}" for key in ("first_ms", "ours_ms", "peer_ms"))
        ratio = f"{row['peer_ms'] / row['ours_ms']:.3g}"
        lines.append(f"| {row['what']} | {row['images']} | {numbers} | {ratio} |")
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    lines += ["", f"`{found['command']}`, {found['date']}, {found['machine']}; {versions}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
