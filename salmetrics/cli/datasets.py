"""`salmetrics datasets list | info | get`: list, describe and download registered data sets."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path
from typing import Any

from salmetrics.cli import output
from salmetrics.cli.arguments.dataset_spec import option_values
from salmetrics.cli.arguments.scoring import add_json
from salmetrics.datasets import info, load, names
from salmetrics.datasets.registry import default_root, options_of
from salmetrics.errors import check_choice
from salmetrics.results.rendering import counted

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command to the subparsers of the program."""
    command = commands.add_parser(
        "datasets", examples=("salmetrics datasets list", "salmetrics datasets get mit1003")
    )
    actions = command.add_subparsers(title="actions", required=True, metavar="ACTION")
    listing = actions.add_parser(
        "list", help="list all data sets", examples=("salmetrics datasets list",)
    )
    listing.set_defaults(run=_list)
    add_json(listing.add_argument_group("output"))
    described = actions.add_parser(
        "info",
        help="describe one: licence, citation, options",
        examples=("salmetrics datasets info mit1003",),
    )
    described.add_argument("name", metavar="NAME", help=f"data set: {', '.join(names())}")
    add_json(described.add_argument_group("output"))
    described.set_defaults(run=_info)
    getting = actions.add_parser(
        "get",
        help="download, unpack and check one; resumes after an interruption",
        examples=(
            "salmetrics datasets get mit1003",
            "salmetrics datasets get salicon,part=val --root data/salicon",
        ),
    )
    getting.add_argument(
        "spec",
        metavar="NAME[,OPTION=VALUE...]",
        help="data set, such as mit1003 or salicon,part=val",
    )
    where = getting.add_argument_group("files")
    where.add_argument(
        "--root",
        type=Path,
        metavar="DIR",
        help="folder of the data set (default: see `salmetrics datasets info NAME`)",
    )
    where.add_argument(
        "--archive",
        type=Path,
        action="append",
        metavar="FILE",
        help="file downloaded before, with its name on the web; may be repeated",
    )
    where.add_argument(
        "--no-check",
        action="store_true",
        help="only warn of unexpected checksums and counts (default: an error)",
    )
    add_json(where)
    getting.set_defaults(run=_get)


def _list(options: argparse.Namespace) -> None:
    rows = [("name", "images", "subjects", "px/degree", "title")]
    documents: list[dict[str, Any]] = []
    for name in names():
        entry = info(name)
        counts = {
            expected["images"] for expected in entry.expected.values() if "images" in expected
        }
        images = sorted(counts, reverse=True)
        documents.append(
            {
                "name": name,
                "n_images": images,
                "n_subjects": entry.subjects,
                "pixels_per_degree": entry.pixels_per_degree,
                "title": entry.title,
            }
        )
        n_images = "/".join(map(str, images)) or "-"
        ppd = "-" if entry.pixels_per_degree is None else f"{entry.pixels_per_degree:g}"
        rows.append((name, n_images, str(entry.subjects or "-"), ppd, entry.title))
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        output.say("  ".join(cells).rstrip())
    output.document({"datasets": documents})


def _info(options: argparse.Namespace) -> None:
    check_choice("data set", options.name, names())
    entry = info(options.name)
    paragraphs = [entry.title, "", entry.notes, "", entry.citation, f"Licence: {entry.licence}."]
    for paragraph in paragraphs:
        output.say(textwrap.fill(paragraph, 100) if paragraph else "")
    output.say(f"Home: {entry.homepage}")
    if entry.pixels_per_degree is not None:
        output.say(f"Pixels per degree: {entry.pixels_per_degree:g}")
    if entry.sigma is not None:
        output.say(f"Sigma of empirical maps: {entry.sigma:g} pixels")
    if entry.scale_source:
        output.say(textwrap.fill(f"Scale: {entry.scale_source}", 100))
    output.say("\nFiles:" if entry.files else "\nFiles: they come with salmetrics")
    for source in entry.files:
        when = ", ".join(f"{key}={_either(value)}" for key, value in source.when.items())
        output.say(
            f"  {source.name}{f' (for {when})' if when else ''}: {source.url or source.by_hand}"
        )
    defaults = options_of(options.name)
    if defaults:
        output.say("\nOptions:")
        for key, value in defaults.items():
            output.say(f"  {key} (default: {value})")
    output.say("\nExpected:")
    for variant, counts in entry.expected.items():
        listed = ", ".join(f"{n} {what}" for what, n in counts.items())
        output.say(f"  {variant}: {listed}")
    output.say(f"\nFolder, unless --root is given: {default_root(options.name)}")
    output.document(
        {
            "name": options.name,
            "title": entry.title,
            "notes": entry.notes,
            "citation": entry.citation,
            "licence": entry.licence,
            "homepage": entry.homepage,
            "n_subjects": entry.subjects,
            "pixels_per_degree": entry.pixels_per_degree,
            "sigma": entry.sigma,
            "options": defaults,
            "expected": entry.expected,
            "folder": default_root(options.name),
        }
    )


def _either(value: Any) -> str:
    """Return the values of an option that a file is for: one, or several with bars between."""
    return "|".join(value) if isinstance(value, list) else str(value)


def _get(options: argparse.Namespace) -> None:
    name, *texts = options.spec.split(",")
    values = option_values(name, texts)
    folder = options.root or default_root(name)
    output.keeps(f"what is downloaded is in {folder}; the same command resumes")
    dataset = load(name, folder, archive=options.archive, check=not options.no_check, **values)
    output.say(
        f"{name} is in {folder}: {counted(len(dataset.stimuli), 'image')}, "
        f"{counted(len(dataset.fixations), 'fixation')}"
        f" ({dataset.info['dropped_outside']} outside their image were dropped)"
    )
    output.say(f"Licence: {dataset.info['licence']}. Please cite {dataset.info['citation']}")
    output.document(
        {
            "name": name,
            "folder": folder,
            "n_images": len(dataset.stimuli),
            "n_fixations": len(dataset.fixations),
            "dropped_outside": dataset.info["dropped_outside"],
            "licence": dataset.info["licence"],
            "citation": dataset.info["citation"],
        }
    )
