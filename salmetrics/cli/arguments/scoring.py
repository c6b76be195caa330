"""Options that commands share: how to score, and how to run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from salmetrics.protocols import PROTOCOLS
from salmetrics.results.layouts import LAYOUTS

__all__ = ["add_kind", "add_layout", "add_resize", "add_resources", "add_scoring"]


def add_scoring(command: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add options that say what is computed; return their group."""
    scoring = command.add_argument_group("scoring")
    add_resize(scoring)
    scoring.add_argument(
        "--fit-density",
        action="store_true",
        help="turn saliency maps into densities by maximum likelihood, so that they have LL and IG",
    )
    scoring.add_argument(
        "--metrics", nargs="+", metavar="KEY", help="default: those of the protocol"
    )
    scoring.add_argument("--protocol", default="default", choices=sorted(PROTOCOLS))
    scoring.add_argument(
        "--gold-standard",
        action="store_true",
        help="add how well people predict each other, and IGE, the share of it that models reach",
    )
    scoring.add_argument("--seed", type=int, default=0)
    return scoring


def add_layout(group: argparse._ActionsContainer, more: str = "") -> None:
    """Add the option for tables as papers print them."""
    text = "print the table as a paper does, instead of the usual one"
    group.add_argument(
        "--layout", choices=sorted(LAYOUTS), help=f"{text}; {more}" if more else text
    )


def add_resize(group: argparse._ArgumentGroup) -> None:
    """Add the option for predictions of other sizes."""
    group.add_argument(
        "--resize",
        choices=("nearest", "bilinear", "bicubic"),
        help="bring predictions of another size to the image's (default: an error)",
    )


def add_kind(group: argparse._ArgumentGroup, kinds: Sequence[str], usual: str) -> None:
    """Add the options that say what predictions hold, and what of those of other sizes."""
    group.add_argument(
        "--kind",
        choices=kinds,
        default=usual,
        help=f"what functions and stored maps hold (default: {usual})",
    )
    add_resize(group)


def add_resources(command: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add options that say how it is computed; return their group."""
    running = command.add_argument_group("running")
    running.add_argument("--n-jobs", type=int, help="threads that compute metrics; -1: all cores")
    running.add_argument("--n-bootstrap", type=int, default=1000, help="default: 1000; 0: none")
    return running
