"""One rule for the names of images: which map, row or file belongs to which image."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath
from typing import Literal

from salmetrics.errors import InputError, some
from salmetrics.io.images import without_image_suffix

__all__ = [
    "Matching",
    "counts_images",
    "is_junk",
    "match_maps",
    "match_numbers",
    "match_rows",
    "natural_key",
    "number_at_end",
    "rendered",
    "shifted_numbers",
    "suggested_template",
    "two_orders",
]

_JUNK = frozenset(
    {"#recycle", "$recycle.bin", "@eadir", "__macosx", "lost+found", "system volume information"}
)
_FIELDS = ("folder", "index", "name", "number", "position", "stem")
_SEEN = 50  # names that an affix is looked for in; all are checked afterwards
_CERTAIN = 3  # names from which on an affix may end in a letter beside the name
# heads of numbered names that say nothing about which image is meant
_GENERIC = re.compile(
    r"((arr|array|fix|fixation|fixmap|heatmap|im|image|img|map|out|output|pred|prediction|res"
    r"|result|sal|saliency|saliencymap|salmap|smap)s?)?([-_. ]|$)",
    re.IGNORECASE,
)
_SIDES: tuple[Literal["names", "ids"], ...] = ("names", "ids")


@dataclass(frozen=True)
class Matching:
    """What belongs to which image.

    Attributes
    ----------
    found
        Name of the map by id of the image, or id of the image by name in a table.
    problems
        One phrase for each image without exactly one map, or for each name without an image.
    rule
        How names and ids differ, if they agree only after a common part is taken off; else None.
    unknown
        Those among `problems` that agree with nothing, rather than with several.
    """

    found: dict[str, str]
    problems: dict[str, str]
    rule: str | None = None
    unknown: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Name:
    """A name, and its parts as they are compared: folders, and the last part without suffix."""

    raw: str
    parts: tuple[str, ...]  # in composed Unicode
    last: str  # with its suffix

    @cached_property
    def folded(self) -> tuple[str, ...]:
        """The parts without case."""
        return tuple(part.casefold() for part in self.parts)


# how well a name and an id agree: number of equal parts; case too; the suffix too; all bytes
_Rating = tuple[int, bool, bool, bool]


def match_maps(
    names: Mapping[str, str], images: Sequence[str], template: str | None = None
) -> Matching:
    """Find the map of each image.

    A map belongs to an image if one of their paths is the end of the other, in whole parts:
    "b/001.png" goes with image "b/001.jpg", and so do "maps/b/001.png" and "001.png", but not
    "c/001.png". Slashes and backslashes, composed and decomposed Unicode and image suffixes do not
    matter, nor does case unless names differ by nothing else. Of several maps, the one that agrees
    in more parts is taken. If this leaves images without a map, a folder that all maps have in the
    midst of their paths, and text before or after all names, are taken off, provided that every
    image then has exactly one map; `Matching.rule` says so.

    Parameters
    ----------
    names
        What is compared with the ids of images, such as a path without suffix, by name of the map.
    images
        Ids of the images, unique.
    template
        Name of the map of an image, see `rendered`; then nothing else is tried.

    Raises
    ------
    InputError
        If the template is invalid.
    """
    maps = [replace(_name(compared), raw=name) for name, compared in names.items()]
    if template is not None:
        return _maps_of(maps, _templated(images, template), images)
    ids = [_name(image) for image in images]
    best = _maps_of(maps, ids, images)
    if not best.problems:
        return best
    for rule, sides in _other_rules(_Sides(ids, maps, "ids", "maps")):
        matching = _maps_of(sides.names, sides.ids, images)
        if not matching.problems:
            return Matching(matching.found, {}, rule)
    return best


def match_numbers(names: Sequence[str], images: Sequence[str]) -> Matching:
    """Find the map of each image by the number at the end of the image's name.

    Parameters
    ----------
    names
        Numbers of the maps, as text.
    images
        Ids of the images; one without a number has no map.
    """
    maps = [_Name(name, (str(int(name)),), name) for name in names]
    numbers = [number_at_end(_name(image).parts[-1]) for image in images]
    ids = [_Name(i, (str(n),), str(n)) for i, n in zip(images, numbers, strict=True)]
    return _maps_of(maps, ids, images)


def match_rows(
    names: Sequence[str],
    images: Sequence[str],
    template: str | None = None,
    *,
    drop: bool = False,
) -> Matching:
    """Find the image of each name in a table, by the rule of `match_maps`.

    Several names may belong to one image if one is the end of the other; if not, they are names of
    different images, of which one is missing, and that is a problem.

    Parameters
    ----------
    names
        Names of images in a table, unique.
    images
        Ids of the images, unique.
    template
        Name in the table of an image, see `rendered`.
    drop
        Whether names that agree with no image are no problem; a common part may be taken off then
        if every image has a name without it, or most of the names that share one.

    Raises
    ------
    InputError
        If the template is invalid.
    """
    rows = [_name(name) for name in names]
    ids = [_name(image) for image in images] if template is None else _templated(images, template)
    best = _images_of(rows, ids)
    if template is None and best.problems:
        for rule, sides in _other_rules(_Sides(ids, rows, "names")):
            matching = _images_of(sides.names, sides.ids)
            if not matching.problems:
                return replace(matching, rule=rule)
        if drop and not best.found:
            best = _with_strangers(ids, rows) or best
    if drop:
        problems = {n: text for n, text in best.problems.items() if n not in best.unknown}
        return replace(best, problems=problems)
    return best


def _with_strangers(ids: Sequence[_Name], rows: Sequence[_Name]) -> Matching | None:
    """Find the images of rows by a common part of most, where some rows have no image."""
    candidates = [
        *_other_rules(_Sides(ids, rows, "ids")),
        *_without_affix(_Sides(ids, rows, "names"), _usual_affix),
    ]
    for rule, sides in candidates:
        matching = _images_of(sides.names, sides.ids)
        if matching.found and set(matching.problems) <= matching.unknown:
            return replace(matching, rule=rule)
    return None


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
        path = PurePosixPath(_slashed(image))
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
    numbers = sorted(n for name in names if (n := number_at_end(_name(name).parts[-1])) is not None)
    own = [number_at_end(_name(image).parts[-1]) for image in images]
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
    numbers = [number_at_end(_name(name).parts[-1]) for name in names]
    stems = [_name(image).parts[-1] for image in images]
    own = [number_at_end(stem) for stem in stems]
    n = len(images)
    in_order = "if they are in the order of the images"
    if None not in own and len(set(own)) == n and set(own) <= set(numbers):
        if not _may_agree(_head(_name(names[0]).parts[-1]), [_head(stem) for stem in stems]):
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
    stems = [_name(name).parts[-1] for name in names]
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


def number_at_end(name: str) -> int | None:
    """Return the number at the end of a name, or None."""
    digits = re.search(r"[0-9]+$", name)
    return int(digits.group()) if digits else None


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """Return a sort key that compares runs of digits as numbers: i2 before i10."""
    parts = re.split(r"([0-9]+)", name)  # text and digits alternate
    key: list[tuple[int, int | str]] = []
    for i, part in enumerate(parts):
        if part:
            key.append((0, int(part)) if i % 2 else (1, part))
    return key


def two_orders(ids: Sequence[str]) -> tuple[str, str] | None:
    """Return the start of two orders that may be meant where images are sorted by name, or None.

    Parameters
    ----------
    ids
        Ids of the images, in their order.

    Examples
    --------
    >>> two_orders(["i1.png", "i10.png", "i2.png"])
    ('i1.png, i10.png, i2.png ...', 'i1.png, i2.png, i10.png ...')
    """
    numbered = sorted(ids, key=natural_key)
    if list(ids) == numbered or list(ids) != sorted(ids):
        return None
    first = next(i for i, name in enumerate(ids) if name != numbered[i])
    start = max(0, min(first - 1, len(ids) - 3))
    given, other = (", ".join(names[start : start + 3]) for names in (list(ids), numbered))
    dots = "... " if start else ""
    return f"{dots}{given} ...", f"{dots}{other} ..."


def is_junk(name: str) -> bool:
    """Whether a path is hidden, or in a folder that systems add for themselves."""
    parts = PurePosixPath(_slashed(name)).parts
    return any(part.startswith(".") or part.casefold() in _JUNK for part in parts)


def _slashed(name: str) -> str:
    """Return a path with slashes."""
    return name.replace("\\", "/")


def _name(raw: str) -> _Name:
    path = PurePosixPath(unicodedata.normalize("NFC", _slashed(raw)))
    parts = [part for part in path.parts if part not in ("/", ".")]
    if parts and re.fullmatch("[A-Za-z]:", parts[0]):
        del parts[0]  # a drive of Windows
    last = parts.pop() if parts else ""
    return _Name(raw, (*parts, without_image_suffix(last)), last)


def _templated(images: Sequence[str], template: str) -> list[_Name]:
    """Return the names that a template gives the images, with the images' ids."""
    names = rendered(template, images)
    return [replace(_name(name), raw=image) for name, image in zip(names, images, strict=True)]


def _ratings(ids: Sequence[_Name], names: Sequence[_Name]) -> dict[str, dict[str, _Rating]]:
    """Return how well each name agrees with each id of which it is the end, or that is its end."""
    by_parts: dict[tuple[str, ...], list[_Name]] = defaultdict(list)
    by_end: dict[tuple[str, ...], list[_Name]] = defaultdict(list)
    for one in names:
        by_parts[one.folded].append(one)
        for k in range(1, len(one.folded)):
            by_end[one.folded[k:]].append(one)
    ratings: dict[str, dict[str, _Rating]] = {one.raw: {} for one in ids}
    for one in ids:
        shorter = [other for k in range(len(one.folded)) for other in by_parts[one.folded[k:]]]
        for other in (*shorter, *by_end[one.folded]):
            n = min(len(one.parts), len(other.parts))
            ratings[one.raw][other.raw] = (
                n,
                one.parts[-n:] == other.parts[-n:],
                one.last == other.last,
                one.raw == other.raw,
            )
    return ratings


def _best(rated: Mapping[str, _Rating]) -> list[str]:
    """Return the names with the best rating."""
    best = max(rated.values(), default=None)
    return sorted(name for name, rating in rated.items() if rating == best)


def _maps_of(maps: Sequence[_Name], ids: Sequence[_Name], images: Sequence[str]) -> Matching:
    """Find the map of each image, by the end of paths alone."""
    ratings = _ratings(ids, maps)
    best_of_map: dict[str, _Rating] = {}
    for rated in ratings.values():
        for name, rating in rated.items():
            best_of_map[name] = max(rating, best_of_map.get(name, rating))
    # a map that agrees better with another image is not this image's
    candidates = {
        image: _best({m: r for m, r in ratings[image].items() if r == best_of_map[m]})
        for image in images
    }
    claims = defaultdict(list)
    for image, names in candidates.items():
        for name in names:
            claims[name].append(image)
    found, problems = {}, {}
    for image, names in candidates.items():
        rivals = [other for name in names for other in claims[name] if other != image]
        if len(names) == 1 and not rivals:
            found[image] = names[0]
        elif not names:
            problems[image] = f"no map for {image!r}"
        elif len(names) > 1:
            problems[image] = f"{len(names)} maps for {image!r} ({', '.join(names)})"
        else:
            problems[image] = f"one map, {names[0]}, for {image!r} and {some(rivals, 3)}"
    for image, problem in problems.items():
        if not candidates[image]:
            problems[image] = problem + _taken(image, ids, found)
    return Matching(found, problems)


def _taken(image: str, ids: Sequence[_Name], found: Mapping[str, str]) -> str:
    """Return, as text, the map of an image whose name differs from this one's by the suffix."""
    parts = {one.raw: one.parts for one in ids}
    for other, name in found.items():
        if parts[other] == parts[image]:
            return f" ({name} is that of {other!r}; one called {image}.png would be its own)"
    return ""


def _images_of(rows: Sequence[_Name], ids: Sequence[_Name]) -> Matching:
    """Find the image of each name in a table, by the end of paths alone."""
    ratings = _ratings(rows, ids)
    found: dict[str, str] = {}
    problems: dict[str, str] = {}
    unknown: set[str] = set()
    claims: dict[str, list[_Name]] = defaultdict(list)
    for row in rows:
        candidates = _best(ratings[row.raw])
        if len(candidates) == 1:
            found[row.raw] = candidates[0]
            claims[candidates[0]].append(row)
        elif candidates:
            problems[row.raw] = f"{row.raw!r} (may be {some(candidates, 3)})"
        else:
            unknown.add(row.raw)
            problems[row.raw] = repr(row.raw)
    for image, claimants in claims.items():
        longest = max(claimants, key=lambda one: len(one.parts))
        for one in claimants:
            if longest.folded[-len(one.folded) :] != one.folded:
                del found[one.raw]
                problems[one.raw] = f"{one.raw!r} ({longest.raw!r} is {image!r} already)"
    return Matching(found, problems, unknown=frozenset(unknown))


# ---- other rules: what all names have, and ids do not


@dataclass(frozen=True)
class _Sides:
    """Ids and names; those of `must` all need a partner: ids need a map, rows an image."""

    ids: Sequence[_Name]
    names: Sequence[_Name]
    must: Literal["ids", "names"]
    called: str = "names"

    def changed(self, side: Literal["ids", "names"], changed: Sequence[_Name]) -> _Sides:
        """Return both sides, one of them changed."""
        return replace(self, ids=changed) if side == "ids" else replace(self, names=changed)

    def of(self, side: Literal["ids", "names"]) -> Sequence[_Name]:
        """Return one side."""
        return self.ids if side == "ids" else self.names

    def label(self, side: Literal["ids", "names"]) -> str:
        """Return what a side is in a message."""
        return "images" if side == "ids" else self.called

    def agree_in(self, n: int) -> bool:
        """Whether all that must have a partner agree with one in the last n parts."""
        ours, theirs = self.of(self.must), self.of("names" if self.must == "ids" else "ids")
        ends = {one.folded[-n:] for one in theirs}
        return all(len(one.parts) >= n and one.folded[-n:] in ends for one in ours)


def _other_rules(sides: _Sides) -> Iterator[tuple[str, _Sides]]:
    """Yield rules in words, and both sides changed by them, from the simplest rule on."""
    if not sides.ids or not sides.names:
        return
    yield from _without_folder(sides)
    for rule, stripped in _without_affix(sides, _affix):
        yield rule, stripped
        for folder_rule, cut in _without_folder(stripped):
            yield f"{rule}, and {folder_rule}", cut


def _without_folder(sides: _Sides) -> Iterator[tuple[str, _Sides]]:
    """Yield the sides without folders that all of one have in the midst of their paths."""
    for side in _SIDES:
        names = sides.of(side)
        for first, last in _common_folders(names):
            cut = [replace(one, parts=one.parts[:-last] + one.parts[-first + 1 :]) for one in names]
            changed = sides.changed(side, cut)
            # something beyond the folders taken off must agree, or "c/x/1" would be "b/1"
            if changed.agree_in(first):
                common = "/".join(names[0].parts[-last : len(names[0].parts) - first + 1])
                yield f"the {sides.label(side)} are in folders {common!r}", changed


def _common_folders(names: Sequence[_Name]) -> list[tuple[int, int]]:
    """Return runs of folders that all names share, as places from the end (the last part is 1)."""
    depth = min(len(one.parts) for one in names)
    common = [
        place
        for place in range(2, depth)  # not the outermost: something must agree beyond it
        if len({one.folded[-place] for one in names}) == 1
    ]
    return [
        (first, last)
        for first in common
        for last in common
        if first <= last and set(range(first, last + 1)) <= set(common)
    ]


def _without_affix(
    sides: _Sides, affix_of: Callable[[_Sides, Literal["ids", "names"]], tuple[str, str] | None]
) -> Iterator[tuple[str, _Sides]]:
    """Yield the sides without the text that all names of one have before or after."""
    for side in _SIDES:
        affix = affix_of(sides, side)
        if affix is None:
            continue
        before, after = affix
        stripped = [
            replace(one, parts=(*one.parts[:-1], stem), last=stem)
            for one in sides.of(side)
            for stem in [_strip(one.parts[-1], before, after)]
        ]
        texts = [f"{before!r} before"] * bool(before) + [f"{after!r} after"] * bool(after)
        rule = f"the {sides.label(side)} have {' and '.join(texts)} the name"
        yield rule, sides.changed(side, stripped)


def _strip(stem: str, before: str, after: str) -> str:
    """Return a stem without its affixes; a stem that lacks them stays whole."""
    if len(stem) > len(before + after) and stem.startswith(before) and stem.endswith(after):
        return stem[len(before) : len(stem) - len(after)]
    return stem


def _affix(sides: _Sides, side: Literal["ids", "names"]) -> tuple[str, str] | None:
    """Return the one text before and after by which a side's stems differ from the other's."""
    longer = sorted({one.parts[-1] for one in sides.of(side)})
    shorter = sorted({one.parts[-1] for one in sides.of("names" if side == "ids" else "ids")})
    ours, theirs = (longer, shorter) if side == sides.must else (shorter, longer)
    shared: set[tuple[str, str]] | None = None
    for stem in ours[:_SEEN]:
        pairs = {
            pair
            for other in theirs
            for pair in (_around(stem, other) if side == sides.must else _around(other, stem))
        }
        shared = pairs if shared is None else shared & pairs
        if not shared:
            return None
    if shared is not None and len(ours) < _CERTAIN:
        shared = {pair for pair in shared if not _is_word(pair, shorter)}
    return shared.pop() if shared is not None and len(shared) == 1 else None


def _usual_affix(sides: _Sides, side: Literal["ids", "names"]) -> tuple[str, str] | None:
    """Return the text before and after that more names than any other have, three at least."""
    names = sorted({one.parts[-1] for one in sides.names})
    stems = sorted({one.parts[-1] for one in sides.ids})
    counts: Counter[tuple[str, str]] = Counter()
    for name in names[:: max(1, len(names) // _SEEN)]:
        around = (_around(name, s) if side == "names" else _around(s, name) for s in stems)
        counts.update({pair for pairs in around for pair in pairs})
    most = counts.most_common(2)
    if not most or most[0][1] < _CERTAIN or [n for _, n in most].count(most[0][1]) > 1:
        return None
    return most[0][0]


def _is_word(affix: tuple[str, str], stems: Sequence[str]) -> bool:
    """Whether an affix and stems may be one word: letters meet, and the second is no capital."""
    before, after = affix
    return any(
        left.isalpha() and right.isalpha() and not (left.islower() and right.isupper())
        for stem in stems
        for left, right in ((before[-1:], stem[:1]), (stem[-1:], after[:1]))
    )


def _around(longer: str, shorter: str) -> Iterator[tuple[str, str]]:
    """Yield the texts before and after each place of one text in another, numbers kept whole."""
    start = longer.find(shorter) if shorter else -1
    while start >= 0:
        before, after = longer[:start], longer[start + len(shorter) :]
        inside = (before[-1:] + shorter[0]).isdigit() and bool(before)
        inside |= (shorter[-1] + after[:1]).isdigit() and bool(after)
        if (before or after) and not inside:
            yield before, after
        start = longer.find(shorter, start + 1)
