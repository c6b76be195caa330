"""Write the parts of docs/datasets.md that come from the registry of data sets.

python docs/make_datasets.py
"""

import re
from pathlib import Path

from salmetrics.datasets import info, names
from salmetrics.datasets.registry import options_of

PAGE = Path(__file__).parent / "datasets.md"
_PLACE = re.compile(r"(<!-- data sets -->\n).*?(<!-- end of data sets -->)", flags=re.DOTALL)


def main() -> None:
    """Bring the page up to date."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def filled(text: str) -> str:
    """Replace what stands between the markers."""
    return _PLACE.sub(lambda found: found[1] + described() + found[2], text)


def described() -> str:
    """Markdown: a table of all data sets, then a paragraph for each."""
    heads = ["name", "variant", "images", "fixations", "as recorded", "subjects"]
    heads += ["pixels per degree", "sigma"]
    sides = ["---"] * 2 + ["---:"] * 6
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, sides)]
    for name in names():
        found = info(name)
        for variant, counts in found.expected.items():
            numbers = [
                counts.get("images"),
                counts.get("fixations"),
                counts.get("recorded"),
                found.subjects,
                found.pixels_per_degree,
                found.sigma,
            ]
            cells = ["" if n is None else f"{n:,.15g}".replace(",", " ") for n in numbers]
            lines.append(f"| {name} | {variant} | {' | '.join(cells)} |")
    for name in names():
        found = info(name)
        options = ", ".join(f"`{key}={value!r}`" for key, value in options_of(name).items())
        sources = []
        for source in found.files:
            when = " and ".join(f"{key}={_either(v)}" for key, v in source.when.items())
            where = f"[{source.name}]({source.url})" if source.url else f"{source.name}"
            digests = f" ({' or '.join(source.digests)})" if source.digests else ""
            hand = "" if source.url else f": {source.by_hand}"
            sources.append(f"{where}{f' for {when}' if when else ''}{digests}{hand}")
        lines += ["", f"### {name}: {found.title}", "", found.notes, ""]
        lines += [f"- {found.citation}", f"- Licence: {found.licence}. Home: <{found.homepage}>"]
        lines += [f"- Options: {options}"] if options else []
        lines += [f"- {source}" for source in sources]
    return "\n".join(lines) + "\n"


def _either(value: object) -> str:
    return "|".join(value) if isinstance(value, list) else str(value)


if __name__ == "__main__":
    main()
