"""Options for scoring and for running that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any, get_args

from salmetrics.array_types import Kind
from salmetrics.cli.arguments.parsing import section
from salmetrics.densities.resampling import RESIZES
from salmetrics.errors import InputError, check_choice
from salmetrics.metrics.registry import METRICS
from salmetrics.models.stored_maps import MapOrder
from salmetrics.protocols import PROTOCOLS, Protocol
from salmetrics.results.layouts import LAYOUTS

__all__ = [
    "KeyChoices",
    "SplitKeys",
    "add_json",
    "add_kind",
    "add_layout",
    "add_resize",
    "add_resources",
    "add_scoring",
    "map_reading",
    "split_keys",
    "with_metrics",
]


def add_scoring(command: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options for what is computed; return the group of the common ones."""
    scoring = section(command, "models and result")
    more = section(command, "more about scoring")
    add_resize(section(command, "more about stored maps"))
    more.add_argument(
        "--fit-density",
        action="store_true",
        help="turn saliency maps into densities by maximum likelihood, which gives them LL and IG",
    )
    scoring.add_argument(
        "--metrics",
        nargs="+",
        action=SplitKeys,
        metavar="KEY",
        help="metrics to compute, see `salmetrics metrics`, or all (default: those of the "
        "protocol)",
    )
    more.add_argument(
        "--protocol",
        default="default",
        choices=sorted(PROTOCOLS),
        metavar="NAME",
        help="record of all choices behind the scores, one of "
        f"{', '.join(sorted(PROTOCOLS))} (default: default)",
    )
    scoring.add_argument(
        "--gold-standard",
        action="store_true",
        help="add inter-observer consistency, and IGE, the share of it that models reach",
    )
    more.add_argument(
        "--no-check",
        action="store_false",
        dest="check",
        help="go on if positions are certainly in other units, with a warning instead of an error",
    )
    more.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of all random draws (default: 0)"
    )
    return scoring


class SplitKeys(argparse.Action):
    """Action of an option for keys of metrics, which collects them without commas and repeats."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Add keys to those that are there already."""
        words = [values] if isinstance(values, str) else list(values or ())
        given = split_keys(words)
        if not given:
            raise argparse.ArgumentError(self, "expected at least one key")
        keys = [*(getattr(namespace, self.dest) or ()), *given]
        setattr(namespace, self.dest, list(dict.fromkeys(keys)))


class KeyChoices(tuple[str, ...]):
    """Choices of `SplitKeys`: each of several keys with commas between them must be one."""

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and all(map(super().__contains__, split_keys([text])))


def split_keys(words: Iterable[str]) -> list[str]:
    """Return keys of metrics, which may have commas between them."""
    return [key.strip() for word in words for key in word.split(",") if key.strip()]


def with_metrics(
    options: argparse.Namespace, protocol: Protocol
) -> tuple[Protocol, list[str] | None]:
    """Return the protocol and the metrics of --metrics, each of which must be possible.

    All metrics, with or without single ones, are those of the protocol: what the data do not allow
    is missing, with the reason.
    """
    for key in options.metrics or ():
        check_choice("--metrics", key, ("all", *METRICS))
    if "all" not in (options.metrics or ()):
        return protocol, options.metrics
    for key in options.metrics:
        share_of = None if key == "all" else METRICS[key].share_of
        if share_of is not None and not options.gold_standard:
            raise InputError(f"{key} needs a gold standard: give --gold-standard, too")
    keys = tuple(key for key, metric in METRICS.items() if metric.share_of is None)
    return protocol.override(metrics=keys), None


def add_json(group: argparse._ActionsContainer) -> None:
    """Add the option for results as a JSON document."""
    group.add_argument(
        "--json",
        action="store_true",
        help="print the result as one JSON document, for programs to read",
    )


def add_layout(group: argparse._ActionsContainer, more: str = "") -> None:
    """Add the option for tables in the layout of a paper; `more` is appended to its help."""
    text = "print the table in the layout of a paper"
    group.add_argument(
        "--layout",
        choices=sorted(LAYOUTS),
        metavar="NAME",
        help=f"{text}, one of {', '.join(sorted(LAYOUTS))}{f'; {more}' if more else ''}",
    )


def add_resize(group: argparse._ArgumentGroup) -> None:
    """Add the options for the sizes, names and order of stored maps."""
    group.add_argument(
        "--resize",
        choices=RESIZES,
        help="interpolation that brings predictions to the size of their image (default: another "
        "size is an error)",
    )
    group.add_argument(
        "--map-name",
        metavar="TEMPLATE",
        help="name of an image's map in folders and files, such as '{stem}_SaliencyMap' or "
        "'sal_{number:03d}'; fields: folder, index, name, number, position, stem (default: that "
        "of the image, but for what all maps have before or after it)",
    )
    group.add_argument(
        "--map-order",
        choices=get_args(MapOrder),
        help="order of images for maps without names, and for {index} and {position}: given, or "
        "numbered, img2 before img10 (default: an error where the two differ)",
    )


def map_reading(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options of `add_resize`, as arguments of `salmetrics.as_model`."""
    return {
        "resize": options.resize,
        "map_name": options.map_name,
        "map_order": options.map_order,
    }


def add_kind(group: argparse._ArgumentGroup, kinds: Sequence[Kind], usual: Kind) -> None:
    """Add the options for the kind of predictions, `usual` by default, and for their size."""
    group.add_argument(
        "--kind",
        choices=kinds,
        default=usual,
        help=f"kind of the predictions of functions and stored maps (default: {usual})",
    )
    add_resize(group)


def add_resources(command: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options for how scores are computed; return their group."""
    running = section(command, "more about running")
    running.add_argument(
        "--n-jobs",
        type=int,
        metavar="N",
        help="threads that compute metrics (default: 1; -1: all cores)",
    )
    running.add_argument(
        "--n-bootstrap",
        type=int,
        default=1000,
        metavar="N",
        help="bootstrap resamples behind intervals (default: 1000; 0: no intervals)",
    )
    return running
