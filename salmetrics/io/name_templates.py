"""Templates of names: what they give each image, and which one numbered names may follow."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from pathlib import PurePosixPath

from salmetrics.errors import InputError
from salmetrics.io.images import without_image_suffix
from salmetrics.io.name_parts import as_name, number_at_end, slashed

__all__ = ["counts_images", "rendered", "shifted_numbers", "suggested_template"]

_FIELDS = ("folder", "index", "name", "number", "position", "stem")
# heads of numbered names that say nothing about which image is meant
_GENERIC = re.compile(
    r"((arr|array|fix|fixation|fixmap|heatmap|im|image|img|map|out|output|pred|prediction|res"
    r"|result|sal|saliency|saliencymap|salmap|smap)s?)?([-_. ]|$)",
    re.IGNORECASE,
)


def rendered(template: str, images: Sequence[str]) -> list[str]:
    """Return the name that a template gives each image.

    Parameters
    ----------
    template
        Text with fields in braces: ``{stem}``, the last part of the id without its suffix;
        ``{name}``, the last part with it; ``{folder}``, the parts before; ``{number}``, the number
        at the end of the stem; ``{index}`` and ``{position}``, the place of the image, from 0 and
        from 1. A format may follow, as in ``{number:03d}``. Without a slash, the name is in the
        folder of the image.
    images
        Ids of the images.

    Raises
    ------
    InputError
        If the template is invalid, names no field, or needs a number that an id does not have.

    Examples
    --------
    >>> rendered("{stem}_SaliencyMap", ["Action/001.jpg"])
    ['Action/001_SaliencyMap']
    >>> rendered("sal_{number:03d}", ["img7.png", "img12.png"])
    ['sal_007', 'sal_012']
    """
    fields = _fields(template)
    unknown = [name for name in fields if name not in _FIELDS]
    if unknown or not fields:
        allowed = ", ".join(f"{{{name}}}" for name in _FIELDS)
        said = f"{{{unknown[0]}}} is unknown" if unknown else "it has none"
        raise InputError(f"the template {template!r} must have fields among {allowed}; {said}")
    names = []
    for i, image in enumerate(images):
        path = PurePosixPath(slashed(image))
        folder = "" if str(path.parent) == "." else str(path.parent)
        stem = without_image_suffix(path.name)
        number = number_at_end(stem)
        if number is None and "number" in fields:
            raise InputError(
                f"the template {template!r} needs a number at the end of each image's name; "
                f"{image!r} has none"
            )
        values = {"folder": folder, "index": i, "name": path.name, "number": number}
        try:
            text = template.format(**values, position=i + 1, stem=stem)
        except (ValueError, TypeError) as error:
            raise InputError(f"the template {template!r} is invalid: {error}") from error
        names.append(text.lstrip("/") if "/" in template or not folder else f"{folder}/{text}")
    return names


def counts_images(template: str) -> bool:
    """Whether a template names the place of an image, so that the order of the images decides.

    Raises
    ------
    InputError
        If the template is invalid.
    """
    return bool({"index", "position"} & set(_fields(template)))


def shifted_numbers(names: Sequence[str], images: Sequence[str]) -> tuple[str, str] | None:
    """Return templates of the two readings of maps numbered from 0, if images are from 1.

    Both the map of the same number and that of the number before exist for each image then, as if
    one program counted from 0, the other from 1.

    Parameters
    ----------
    names
        Names without an image suffix.
    images
        Ids of the images.

    Examples
    --------
    >>> shifted_numbers(["0", "1", "2"], ["im1.png", "im2.png"])
    ('{number}', '{index}')
    """
    numbers = sorted(
        n for name in names if (n := number_at_end(as_name(name).parts[-1])) is not None
    )
    own = [number_at_end(as_name(image).parts[-1]) for image in images]
    given = sorted(number for number in own if number is not None)
    n = len(images)
    n_more = len(names) - n
    if (
        not 0 < n_more <= max(1, n // 10)
        or given != list(range(1, n + 1))
        or numbers != list(range(len(names)))
    ):
        return None
    form = _numbered_form(names)
    return None if form is None else (form.format("number"), form.format("index"))


def suggested_template(names: Sequence[str], images: Sequence[str]) -> tuple[str, str] | None:
    """Return a template that numbered names may follow, and the condition; None if there is none.

    Parameters
    ----------
    names
        Names without an image suffix.
    images
        Ids of the images.

    Examples
    --------
    >>> suggested_template(["arr_0", "arr_1"], ["cat.png", "dog.png"])
    ('arr_{index}', 'if they are in the order of the images')
    """
    form = _numbered_form(names)
    if form is None:
        return None
    numbers = [number_at_end(as_name(name).parts[-1]) for name in names]
    stems = [as_name(image).parts[-1] for image in images]
    own = [number_at_end(stem) for stem in stems]
    n = len(images)
    in_order = "if they are in the order of the images"
    if None not in own and len(set(own)) == n and set(own) <= set(numbers):
        if not _may_agree(_head(as_name(names[0]).parts[-1]), [_head(stem) for stem in stems]):
            return None
        return form.format("number"), "if their numbers are those of the images"
    for start, field in enumerate(("index", "position")):
        if set(numbers) == set(range(start, start + n)):
            return form.format(field), in_order
    return None


def _fields(template: str) -> list[str]:
    """Return the names of the fields of a template."""
    try:
        return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise InputError(f"the template {template!r} is invalid: {error}") from error


def _head(stem: str) -> str:
    """Return a name without the number at its end."""
    return re.sub(r"[0-9]+$", "", stem)


def _may_agree(head: str, others: Sequence[str]) -> bool:
    """Whether a number after this head may be the number after the others."""
    folded = head.casefold()
    rest = folded
    while rest and (token := _GENERIC.match(rest)) and token.end():
        rest = rest[token.end() :]
    return not rest or all(
        other.casefold() in folded or folded in other.casefold() for other in others if other
    )


def _numbered_form(names: Sequence[str]) -> str | None:
    """Return the template of names of one head and different numbers, with {} for the field."""
    stems = [as_name(name).parts[-1] for name in names]
    heads = {_head(stem) for stem in stems}
    numbers = [number for stem in stems if (number := number_at_end(stem)) is not None]
    if len(heads) != 1 or not numbers or len(set(numbers)) < len(stems):
        return None
    head = heads.pop()
    widths = {len(stem) - len(head) for stem in stems}
    is_padded = any(stem[len(head)] == "0" and len(stem) > len(head) + 1 for stem in stems)
    digits = f":0{max(widths)}d" if is_padded and len(widths) == 1 else ""
    escaped = head
    for _ in range(2):  # for the format of this form, and for that of the template
        escaped = escaped.replace("{", "{{").replace("}", "}}")
    return f"{escaped}{{{{{{}}{digits}}}}}"
