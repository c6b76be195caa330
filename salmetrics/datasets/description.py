"""Facts about a data set, from the TOML file beside its reader."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from salmetrics.array_types import Size

__all__ = ["Description", "SourceFile", "described"]


@dataclass(frozen=True)
class SourceFile:
    """A published file that a data set is read from.

    Parameters
    ----------
    name
        Name of the file in the folder of the data set; archives end in .zip.
    holds
        A file or folder that exists once the archive is unpacked; equal to `name` for other files.
    url
        Address of the file; None if it can only be downloaded by hand.
    digests
        Accepted digests, such as "md5:..."; any file is accepted if there are none.
    by_hand
        Instructions for a file without `url`.
    when
        Values by option, or lists of values, for which the file is needed; always if empty.
    inside
        Digests of files in the archive, by name.
    folder
        Name of the folder that the archive is unpacked to; by default the name of the archive with
        "-" for ".", which no data set uses itself.
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
        """Whether the file is an archive, which is unpacked."""
        return self.name != self.holds

    def needed(self, options: Mapping[str, Any]) -> bool:
        """Whether the file is needed for these options."""
        return all(
            options[key] in (values if isinstance(values, list) else [values])
            for key, values in self.when.items()
        )


@dataclass(frozen=True)
class Description:
    """Facts about a data set that are known without its files.

    Parameters
    ----------
    name
        Name of the data set in `load`.
    title
        Name in the literature.
    homepage
        Address of its page.
    licence
        Licence of images and fixations.
    citation
        Publication to cite.
    notes
        Description for readers: task, variants, peculiarities.
    files
        Published files that it is read from.
    expected
        Numbers of ``images``, ``subjects``, ``fixations`` and ``recorded`` fixations (including
        those off the image) by variant.
    subjects
        Largest number of subjects per image; None if unknown.
    seconds
        Presentation time of an image in seconds; None if unknown.
    size
        (height, width) of all images in pixels; None if they differ.
    pixels_per_degree
        Pixels in one degree of visual angle; None if unknown.
    sigma
        Standard deviation, in pixels, of the Gaussian that blurs empirical maps; None if unknown.
    scale_source
        Where `pixels_per_degree` and `sigma` come from, or what to give if they are unknown.

    Examples
    --------
    >>> from salmetrics.datasets import info
    >>> description = info("osie")
    >>> description.size, description.expected["all"]["fixations"]
    ((600, 800), 98321)
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
    size: Size | None = None
    pixels_per_degree: float | None = None
    sigma: float | None = None
    scale_source: str = ""

    def facts(self) -> dict[str, Any]:
        """Return the facts that `load` stores in ``dataset.info``.

        Returns
        -------
        facts : dict
            Title, homepage, licence, citation, notes, number of subjects and seconds, if known.
        """
        names = ("title", "homepage", "licence", "citation", "notes", "subjects", "seconds")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


@cache
def described(name: str) -> Description:
    """Read the description of a data set."""
    text = files("salmetrics.datasets").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    sources = tuple(
        SourceFile(**source | {"digests": tuple(source.get("digests", ()))})
        for source in table.pop("files")
    )
    size = tuple(table.pop("size")) if "size" in table else None
    return Description(files=sources, size=size, **table)
