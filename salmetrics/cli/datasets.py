"""`salmetrics datasets list | info | get`: which data sets there are, and how to come by them."""

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
    """Add the command."""
    command = commands.add_parser("datasets", help="list, describe and get registered data sets")
    actions = command.add_subparsers(title="actions", required=True, metavar="ACTION")
    actions.add_parser("list", help="all of them").set_defaults(run=_list)
    described = actions.add_parser("info", help="what one is, its licence, citation and options")
    described.add_argument("name", choices=names(), metavar="NAME")
    described.set_defaults(run=_info)
    getting = actions.add_parser("get", help="download, unpack and check one; goes on where it was")
    getting.add_argument(
        "spec", metavar="NAME[,OPTION=VALUE...]", help="such as mit1003 or salicon,part=val"
    )
    getting.add_argument("--root", type=Path, help="its folder (default: see info)")
    getting.add_argument(
        "--archive",
        type=Path,
        action="append",
        metavar="FILE",
        help="a file that is got already, called as on the web; may be repeated",
    )
    getting.add_argument(
        "--no-check", action="store_true", help="other checksums and counts only warn"
    )
    getting.set_defaults(run=_get)


def _list(options: argparse.Namespace) -> None:
    rows = [("name", "images", "subjects", "px/degree", "title")]
    for name in names():
        found = info(name)
        images = {counts["images"] for counts in found.expected.values() if "images" in counts}
        shown = "/".join(str(n) for n in sorted(images, reverse=True)) or "-"
        ppd = "-" if found.pixels_per_degree is None else f"{found.pixels_per_degree:g}"
        rows.append((name, shown, str(found.subjects or "-"), ppd, found.title))
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())


def _info(options: argparse.Namespace) -> None:
    found = info(options.name)
    words = [found.title, "", found.notes, "", found.citation, f"Licence: {found.licence}."]
    for line in words:
        print(textwrap.fill(line, 100) if line else "")
    print(f"Home: {found.homepage}")
    if found.pixels_per_degree is not None:
        print(f"Pixels per degree: {found.pixels_per_degree:g}")
    if found.sigma is not None:
        print(f"Width of empirical maps: {found.sigma:g} pixels")
    print("\nFiles:")
    for source in found.files:
        when = ", ".join(f"{key}={_either(value)}" for key, value in source.when.items())
        print(f"  {source.name}{f' (for {when})' if when else ''}: {source.url or source.by_hand}")
    usual = options_of(options.name)
    if usual:
        print("\nOptions:")
        for key, value in usual.items():
            print(f"  {key} (default: {value})")
    print("\nExpected:")
    for variant, counts in found.expected.items():
        told = ", ".join(f"{n} {what}" for what, n in counts.items())
        print(f"  {variant}: {told}")
    print(f"\nFolder, unless --root is given: {default_root(options.name)}")


def _either(value: Any) -> str:
    return "|".join(value) if isinstance(value, list) else str(value)


def _get(options: argparse.Namespace) -> None:
    name, *given = options.spec.split(",")
    chosen = option_values(name, given)
    folder = options.root or default_root(name)
    dataset = load(name, folder, archive=options.archive, check=not options.no_check, **chosen)
    print(
        f"{name} is in {folder}: {len(dataset.stimuli)} images, {len(dataset.fixations)} fixations"
        f" ({dataset.info['dropped_outside']} off their image were dropped)"
    )
    print(f"Licence: {dataset.info['licence']}. Please cite {dataset.info['citation']}")
