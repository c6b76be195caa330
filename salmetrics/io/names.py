"""One rule for the names of images: which map, row or file belongs to which image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from salmetrics.errors import some
from salmetrics.io.common_parts import Sides, other_rules, usual_affix, without_affix
from salmetrics.io.name_parts import Name, as_name, number_at_end
from salmetrics.io.name_templates import rendered

__all__ = ["Matching", "match_maps", "match_numbers", "match_rows"]

# how well a name and an id agree: number of equal parts; case too; the suffix too; all bytes
_Rating = tuple[int, bool, bool, bool]


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
    maps = [replace(as_name(compared), raw=name) for name, compared in names.items()]
    if template is not None:
        return _maps_of(maps, _templated(images, template), images)
    ids = [as_name(image) for image in images]
    best = _maps_of(maps, ids, images)
    if not best.problems:
        return best
    for rule, sides in other_rules(Sides(ids, maps, "ids", "maps")):
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
    maps = [Name(name, (str(int(name)),), name) for name in names]
    numbers = [number_at_end(as_name(image).parts[-1]) for image in images]
    ids = [Name(i, (str(n),), str(n)) for i, n in zip(images, numbers, strict=True)]
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
    rows = [as_name(name) for name in names]
    ids = [as_name(image) for image in images] if template is None else _templated(images, template)
    best = _images_of(rows, ids)
    if template is None and best.problems:
        for rule, sides in other_rules(Sides(ids, rows, "names")):
            matching = _images_of(sides.names, sides.ids)
            if not matching.problems:
                return replace(matching, rule=rule)
        if drop and not best.found:
            best = _with_strangers(ids, rows) or best
    if drop:
        problems = {n: text for n, text in best.problems.items() if n not in best.unknown}
        return replace(best, problems=problems)
    return best


def _with_strangers(ids: Sequence[Name], rows: Sequence[Name]) -> Matching | None:
    """Find the images of rows by a common part of most, where some rows have no image."""
    candidates = [
        *other_rules(Sides(ids, rows, "ids")),
        *without_affix(Sides(ids, rows, "names"), usual_affix),
    ]
    for rule, sides in candidates:
        matching = _images_of(sides.names, sides.ids)
        if matching.found and set(matching.problems) <= matching.unknown:
            return replace(matching, rule=rule)
    return None


def _templated(images: Sequence[str], template: str) -> list[Name]:
    """Return the names that a template gives the images, with the images' ids."""
    names = rendered(template, images)
    return [replace(as_name(name), raw=image) for name, image in zip(names, images, strict=True)]


def _ratings(ids: Sequence[Name], names: Sequence[Name]) -> dict[str, dict[str, _Rating]]:
    """Return how well each name agrees with each id of which it is the end, or that is its end."""
    by_parts: dict[tuple[str, ...], list[Name]] = defaultdict(list)
    by_end: dict[tuple[str, ...], list[Name]] = defaultdict(list)
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


def _maps_of(maps: Sequence[Name], ids: Sequence[Name], images: Sequence[str]) -> Matching:
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


def _taken(image: str, ids: Sequence[Name], found: Mapping[str, str]) -> str:
    """Return, as text, the map of an image whose name differs from this one's by the suffix."""
    parts = {one.raw: one.parts for one in ids}
    for other, name in found.items():
        if parts[other] == parts[image]:
            return f" ({name} is that of {other!r}; one called {image}.png would be its own)"
    return ""


def _images_of(rows: Sequence[Name], ids: Sequence[Name]) -> Matching:
    """Find the image of each name in a table, by the end of paths alone."""
    ratings = _ratings(rows, ids)
    found: dict[str, str] = {}
    problems: dict[str, str] = {}
    unknown: set[str] = set()
    claims: dict[str, list[Name]] = defaultdict(list)
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
