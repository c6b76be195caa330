"""Write the parts of docs/datasets.md that come from the registry of data sets.

python docs/make_datasets.py
"""

import re
import textwrap
from pathlib import Path

from salmetrics.datasets import info, names
from salmetrics.datasets.registry import options_of

PAGE = Path(__file__).parent / "datasets.md"
WIDTH = 100
_PLACE = re.compile(r"(<!-- data sets -->\n).*?(<!-- end of data sets -->)", flags=re.DOTALL)


def main() -> None:
    """Bring the page up to date."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def filled(text: str) -> str:
    """Replace the text between the markers."""
    return _PLACE.sub(lambda match: match[1] + described() + match[2], text)


def described() -> str:
    """Return Markdown: a table of all data sets, then a section for each."""
    heads = ["name", "variant", "images", "fixations", "as recorded", "subjects"]
    heads += ["pixels per degree", "sigma"]
    sides = ["---"] * 2 + ["---:"] * 6
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, sides)]
    for name in names():
        description = info(name)
        for variant, counts in description.expected.items():
            numbers = [
                counts.get("images"),
                counts.get("fixations"),
                counts.get("recorded"),
                description.subjects,
                description.pixels_per_degree,
                description.sigma,
            ]
            cells = ["" if n is None else f"{n:,.15g}".replace(",", " ") for n in numbers]
            lines.append(f"| {name} | {variant} | {' | '.join(cells)} |")
    for name in names():
        description = info(name)
        options = ", ".join(f"`{key}={value!r}`" for key, value in options_of(name).items())
        sources = []
        for source in description.files:
            when = " and ".join(f"{key}={_either(v)}" for key, v in source.when.items())
            file = f"[{source.name}]({source.url})" if source.url else f"{source.name}"
            digests = f" ({' or '.join(source.digests)})" if source.digests else ""
            hand = "" if source.url else f": {source.by_hand}"
            sources.append(f"{file}{f' for {when}' if when else ''}{digests}{hand}")
        items = [
            description.citation,
            f"Licence: {description.licence}. Home: <{description.homepage}>",
            *([f"Scale: {description.scale_source}"] if description.scale_source else []),
            *([f"Options: {options}"] if options else []),
            *sources,
        ]
        lines += ["", f"### {name}: {description.title}", "", *_wrapped(description.notes), ""]
        for item in items:
            lines += _wrapped(item, first="- ", rest="  ")
    return "\n".join(lines) + "\n\n"


def _wrapped(text: str, *, first: str = "", rest: str = "") -> list[str]:
    """Return the lines of a paragraph; addresses and checksums are not broken."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _either(value: object) -> str:
    return "|".join(value) if isinstance(value, list) else str(value)


if __name__ == "__main__":
    main()
