"""What all names have, and ids do not: folders and affixes that may be taken off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from salmetrics.io.name_parts import Name

__all__ = ["Sides", "other_rules", "usual_affix", "without_affix"]

_SEEN = 50  # names that an affix is looked for in; all are checked afterwards
_CERTAIN = 3  # names from which on an affix may end in a letter beside the name
_SIDES: tuple[Literal["names", "ids"], ...] = ("names", "ids")


@dataclass(frozen=True)
class Sides:
    """Ids and names; those of `must` all need a partner: ids need a map, rows an image."""

    ids: Sequence[Name]
    names: Sequence[Name]
    must: Literal["ids", "names"]
    called: str = "names"

    def changed(self, side: Literal["ids", "names"], changed: Sequence[Name]) -> Sides:
        """Return both sides, one of them changed."""
        return replace(self, ids=changed) if side == "ids" else replace(self, names=changed)

    def of(self, side: Literal["ids", "names"]) -> Sequence[Name]:
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


def other_rules(sides: Sides) -> Iterator[tuple[str, Sides]]:
    """Yield rules in words, and both sides changed by them, from the simplest rule on."""
    if not sides.ids or not sides.names:
        return
    yield from _without_folder(sides)
    for rule, stripped in without_affix(sides, _affix):
        yield rule, stripped
        for folder_rule, cut in _without_folder(stripped):
            yield f"{rule}, and {folder_rule}", cut


def _without_folder(sides: Sides) -> Iterator[tuple[str, Sides]]:
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


def _common_folders(names: Sequence[Name]) -> list[tuple[int, int]]:
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


def without_affix(
    sides: Sides, affix_of: Callable[[Sides, Literal["ids", "names"]], tuple[str, str] | None]
) -> Iterator[tuple[str, Sides]]:
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


def _affix(sides: Sides, side: Literal["ids", "names"]) -> tuple[str, str] | None:
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


def usual_affix(sides: Sides, side: Literal["ids", "names"]) -> tuple[str, str] | None:
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
