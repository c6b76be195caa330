"""`salmetrics datasets list | info | get`: list, describe and download registered data sets."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path
from typing import Any

from salmetrics.cli.arguments.dataset import option_values
from salmetrics.datasets import info, load, names
from salmetrics.datasets.registry import default_root, options_of

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "datasets", help="list, describe and download registered data sets"
    )
    actions = command.add_subparsers(title="actions", required=True, metavar="ACTION")
    actions.add_parser("list", help="list all data sets").set_defaults(run=_list)
    described = actions.add_parser("info", help="describe one: licence, citation, options")
    described.add_argument("name", choices=names(), metavar="NAME")
    described.set_defaults(run=_info)
    getting = actions.add_parser(
        "get", help="download, unpack and check one; resumes after an interruption"
    )
    getting.add_argument(
        "spec",
        metavar="NAME[,OPTION=VALUE...]",
        help="data set, such as mit1003 or salicon,part=val",
    )
    getting.add_argument("--root", type=Path, help="folder of the data set (default: see info)")
    getting.add_argument(
        "--archive",
        type=Path,
        action="append",
        metavar="FILE",
        help="file downloaded before, with its name on the web; may be repeated",
    )
    getting.add_argument(
        "--no-check",
        action="store_true",
        help="only warn of unexpected checksums and counts (default: an error)",
    )
    getting.set_defaults(run=_get)


def _list(options: argparse.Namespace) -> None:
    rows = [("name", "images", "subjects", "px/degree", "title")]
    for name in names():
        entry = info(name)
        counts = {
            expected["images"] for expected in entry.expected.values() if "images" in expected
        }
        n_images = "/".join(str(n) for n in sorted(counts, reverse=True)) or "-"
        ppd = "-" if entry.pixels_per_degree is None else f"{entry.pixels_per_degree:g}"
        rows.append((name, n_images, str(entry.subjects or "-"), ppd, entry.title))
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())


def _info(options: argparse.Namespace) -> None:
    entry = info(options.name)
    paragraphs = [entry.title, "", entry.notes, "", entry.citation, f"Licence: {entry.licence}."]
    for paragraph in paragraphs:
        print(textwrap.fill(paragraph, 100) if paragraph else "")
    print(f"Home: {entry.homepage}")
    if entry.pixels_per_degree is not None:
        print(f"Pixels per degree: {entry.pixels_per_degree:g}")
    if entry.sigma is not None:
        print(f"Sigma of empirical maps: {entry.sigma:g} pixels")
    print("\nFiles:")
    for source in entry.files:
        when = ", ".join(f"{key}={_either(value)}" for key, value in source.when.items())
        print(f"  {source.name}{f' (for {when})' if when else ''}: {source.url or source.by_hand}")
    defaults = options_of(options.name)
    if defaults:
        print("\nOptions:")
        for key, value in defaults.items():
            print(f"  {key} (default: {value})")
    print("\nExpected:")
    for variant, counts in entry.expected.items():
        listed = ", ".join(f"{n} {what}" for what, n in counts.items())
        print(f"  {variant}: {listed}")
    print(f"\nFolder, unless --root is given: {default_root(options.name)}")


def _either(value: Any) -> str:
    """Return the values of an option that a file is for: one, or several with bars between."""
    return "|".join(value) if isinstance(value, list) else str(value)


def _get(options: argparse.Namespace) -> None:
    name, *texts = options.spec.split(",")
    values = option_values(name, texts)
    folder = options.root or default_root(name)
    dataset = load(name, folder, archive=options.archive, check=not options.no_check, **values)
    print(
        f"{name} is in {folder}: {len(dataset.stimuli)} images, {len(dataset.fixations)} fixations"
        f" ({dataset.info['dropped_outside']} outside their image were dropped)"
    )
    print(f"Licence: {dataset.info['licence']}. Please cite {dataset.info['citation']}")
