"""The facts of a data set, from the TOML file beside its reader."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Description", "SourceFile", "described"]


@dataclass(frozen=True)
class SourceFile:
    """A file that a data set is read from.

    Attributes
    ----------
    name
        What it is called where it is kept; archives end in .zip.
    holds
        A file or folder that is there once it is unpacked; its own name, if it is no archive.
    url
        Where it is; None if it can't be got by program.
    digests
        Those that it may have, such as "md5:..."; none if it may differ.
    by_hand
        What to do where there is no url.
    when
        Options with which it is needed, and their values; always, if there are none.
    inside
        Digests of files in it, by name.
    folder
        Where an archive is unpacked to, in the data set's folder; by default one whose name no data
        set has, as most archives hold a folder themselves.
    """

    name: str
    holds: str
    url: str | None = None
    digests: tuple[str, ...] = ()
    by_hand: str = ""
    when: Mapping[str, Any] = field(default_factory=dict)
    inside: Mapping[str, str] = field(default_factory=dict)
    folder: str | None = None

    @property
    def is_archive(self) -> bool:
        """Whether it is unpacked."""
        return self.name != self.holds

    def needed(self, options: Mapping[str, Any]) -> bool:
        """Whether it is needed with these options."""
        return all(
            options[key] in (values if isinstance(values, list) else [values])
            for key, values in self.when.items()
        )


@dataclass(frozen=True)
class Description:
    """What is known of a data set without its files.

    Attributes
    ----------
    name, title, homepage, licence, citation, notes
        Words for people.
    files
        That it is read from.
    expected
        Counts of ``images``, ``subjects``, ``fixations`` and ``recorded`` fixations (those off the
        image included), by variant.
    subjects
        That looked at each image, at most.
    seconds
        That an image was shown.
    size
        (height, width) of all images.
    pixels_per_degree, sigma
        As of `salmetrics.Stimuli`.
    """

    name: str
    title: str
    homepage: str
    licence: str
    citation: str
    notes: str
    files: tuple[SourceFile, ...]
    expected: Mapping[str, Mapping[str, int]]
    subjects: int | None = None
    seconds: float | None = None
    size: tuple[int, int] | None = None
    pixels_per_degree: float | None = None
    sigma: float | None = None

    def facts(self) -> dict[str, Any]:
        """Return what goes with the data."""
        told = ("title", "homepage", "licence", "citation", "notes", "subjects", "seconds")
        return {name: getattr(self, name) for name in told if getattr(self, name) is not None}


@cache
def described(name: str) -> Description:
    """Read the description of a data set."""
    text = files("salmetrics.datasets").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    found = tomllib.loads(text)
    sources = tuple(
        SourceFile(**source | {"digests": tuple(source.get("digests", ()))})
        for source in found.pop("files")
    )
    size = tuple(found.pop("size")) if "size" in found else None
    return Description(files=sources, size=size, **found)
