"""Texts that fit: names wrapped, shortened in the middle, and in characters that the font has.

Widths are in points, the unit of font sizes.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np

from salmetrics.plotting.style import as_written

if TYPE_CHECKING:
    from matplotlib.artist import Artist

__all__ = ["LINE", "Size", "drawable", "fitted", "fitted_all", "points_of", "text_width", "wrapped"]

LINE = 1.25  # height of a line of text, relative to the size of its font
_MARK = "…"
_BOX = "□"  # drawn for a character that the font lacks
_TOGETHER = " + "  # between the models of a mixture
_BREAKS = frozenset(" /\\_-,+:;=.|")  # a line may end after them
_HEAD = 0.4  # share of the beginning in what is left of a shortened name; names differ at the end
_ROUNDING = 1.06  # glyphs are placed on whole pixels
_WARNED: WeakSet[Any] = WeakSet()  # figures

Size = float | str | None


def points_of(size: Size = None) -> float:
    """Return the size of a font in points; None: that of matplotlib's settings."""
    from matplotlib.font_manager import FontProperties

    return float(FontProperties(size=size).get_size_in_points())


def text_width(text: str, size: Size = None) -> float:
    """Return the width of the widest line of a text, in points, rather too high than too low."""
    fonts = _fonts()
    lines = text.split("\n")
    return (
        _ROUNDING
        / 100
        * points_of(size)
        * max(sum(_advance(c, fonts) for c in line) for line in lines)
    )


def fitted(where: Artist, name: object, width: float, *, lines: int = 1, size: Size = None) -> str:
    """Return a name that fits: wrapped, and shortened in the middle if that is not enough.

    Parameters
    ----------
    where
        Figure or axes that the text is for. Characters that the font lacks are drawn as boxes, and
        one warning per figure says so.
    name
        The full name.
    width
        Width of a line, points.
    lines
        Most lines.
    size
        Size of the font, as in matplotlib.

    Returns
    -------
    text : str
        Text to draw; dollar signs are escaped.
    """
    return as_written(_fitted(drawable(where, [str(name)])[0], width, lines, size))


def fitted_all(
    where: Artist, names: Sequence[object], width: float, *, lines: int = 1, size: Size = None
) -> list[str]:
    """Return names that fit, each as from `fitted`; different names stay different.

    Parameters
    ----------
    where, width, lines, size
        See `fitted`.
    names
        The full names.

    Returns
    -------
    texts : list of str
        Texts to draw.
    """
    texts = drawable(where, [str(name) for name in names])
    return [as_written(text) for text in _all(texts, [*map(str, names)], width, lines, size)]


def _all(
    texts: Sequence[str], names: Sequence[str], width: float, lines: int, size: Size
) -> list[str]:
    """Return texts that fit; where names differ, so do they."""
    short = [_fitted(text, width, lines, size) for text in texts]
    parts = list(dict.fromkeys(part for text in texts for part in text.split(_TOGETHER)))
    if len(parts) < sum(text.count(_TOGETHER) + 1 for text in texts):
        for i, text in enumerate(texts):
            if short[i].replace("\n", " ") != text:
                short[i] = _mixture(text, parts, width, lines, size) or short[i]
    alike: dict[str, list[int]] = {}
    for i, text in enumerate(short):
        alike.setdefault(text, []).append(i)
    for places in alike.values():
        different = {names[i] for i in places}
        if len(different) == 1:
            continue
        alone = [texts[i] for i in places]
        for context in (32, 16, 8, 4, 2):  # the most that fits
            around = [wrapped(core, width, lines, size) or "" for core in _cores(alone, context)]
            if all(around):
                break
        if not all(around) or len({*around}) < len(different):  # number them
            order = {name: k for k, name in enumerate(dict.fromkeys(names), start=1)}
            around = []
            for i in places:
                number = f"{order[names[i]]}: "
                rest = width - text_width(number, size)
                around.append(number + _fitted(texts[i], rest, 1, size))
        for i, text in zip(places, around, strict=True):
            short[i] = text
    return short


@lru_cache(maxsize=8)
def _characters(path: Any) -> frozenset[int]:
    """Return the characters that a font has."""
    from matplotlib.font_manager import get_font

    return frozenset(get_font(path).get_charmap())


def _fonts() -> tuple[Any, ...]:
    """Return the files of the fonts that matplotlib draws with, in its order."""
    from matplotlib.font_manager import FontProperties, findfont

    families = FontProperties().get_family()
    return tuple(dict.fromkeys(findfont(FontProperties(family=[name])) for name in families))


@lru_cache(maxsize=4096)
def _advance(character: str, fonts: tuple[Any, ...]) -> float:
    """Return the width of a character at a font size of 100 points."""
    from matplotlib.font_manager import get_font

    known = [path for path in fonts if ord(character) in _characters(path)]
    if not known:  # it is drawn as a box, which is about as wide as an M
        return _advance("M", fonts)
    font = get_font(known[0])
    font.set_size(100, 72)
    return float(font.load_char(ord(character)).linearHoriAdvance / 65536)


def drawable(where: Artist, names: Sequence[str]) -> list[str]:
    """Return names in one line each, with boxes for characters that the font lacks."""
    known = frozenset().union(*map(_characters, _fonts()))
    lacking: dict[str, None] = {}  # a set that keeps the order
    texts = []
    for name in names:
        text = "".join(c if c.isprintable() else " " for c in name)
        lacking |= dict.fromkeys(c for c in text if ord(c) not in known)
        texts.append("".join(c if ord(c) in known else _BOX for c in text))
    figure = where.get_figure(root=True)
    if lacking and figure not in _WARNED:
        _WARNED.add(figure)
        listed = "".join(list(lacking)[:3])
        warnings.warn(
            f"the font of figures lacks {len(lacking)} characters of names, such as {listed!r}, "
            f"which are drawn as {_BOX}; choose an installed font that has them, such as "
            "matplotlib.rcParams['font.family'] = ['sans-serif', 'Noto Sans CJK JP']",
            stacklevel=2,
        )
    return texts


def _fitted(text: str, width: float, lines: int, size: Size) -> str:
    """Return a text wrapped, and shortened in the middle if that is not enough."""
    whole = wrapped(text, width, lines, size)
    if whole is not None:
        return whole
    parts = text.split(_TOGETHER)
    joined = _mixture(text, parts, width, lines, size) if len(parts) > 1 else None
    if joined is not None:
        return joined
    low, high = 1, len(text)  # kept characters: `low` fits, or is the least
    while high - low > 1:
        middle = (low + high) // 2
        if wrapped(_shortened(text, middle), width, lines, size) is None:
            high = middle
        else:
            low = middle
    short = _shortened(text, low)
    return wrapped(short, width, lines, size) or short


def _mixture(text: str, known: Sequence[str], width: float, lines: int, size: Size) -> str | None:
    """Return the name of a mixture with all its models, shortened; None if they do not fit.

    The models of `known`, which may be in it, stay different.
    """
    parts = text.split(_TOGETHER)
    between = text_width(_TOGETHER, size) * (len(parts) - 1)
    for slack in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5):
        share = (slack * lines * width - between) / len(parts)
        if share < text_width("ab…yz", size):
            break
        short = dict(zip(known, _all(known, known, share, 1, size), strict=True))
        joined = wrapped(_TOGETHER.join(short[part] for part in parts), width, lines, size)
        if joined is not None:
            return joined
    return None


def _shortened(text: str, kept: int) -> str:
    """Return the first and the last characters of a text, with an ellipsis between them."""
    head = int(_HEAD * kept)
    return text[:head].rstrip() + _MARK + text[len(text) - (kept - head) :].lstrip()


def wrapped(text: str, width: float, lines: int, size: Size) -> str | None:
    """Return a text in lines that are no wider than `width`; None if they are too many."""
    if text_width(text, size) <= width:
        return text
    fonts, scale = _fonts(), _ROUNDING / 100 * points_of(size)
    found: list[str] = []
    rest = text
    while rest:
        if len(found) == lines:
            return None
        reach = np.cumsum([_advance(c, fonts) for c in rest]) * scale
        n = int(np.searchsorted(reach, width, side="right"))
        if n < len(rest) and rest[n] != " ":
            breaks = [i + 1 for i in range(n // 2, n) if rest[i] in _BREAKS]
            breaks = [i for i in breaks if rest[i - 1] == " "] or breaks  # rather between words
            if _TOGETHER in rest[: n + 1]:
                breaks = [rest[: n + 1].rindex(_TOGETHER) + len(_TOGETHER) - 1]
            n = breaks[-1] if breaks else n
        if n == 0:
            return None
        found.append(rest[:n].strip())
        rest = rest[n:].lstrip()
    return "\n".join(found)


def _cores(names: Sequence[str], context: int) -> list[str]:
    """Return the parts in which names differ, and some of what they share around them."""
    shared = len(_common(names))
    after = min(len(_common([name[::-1] for name in names])), min(map(len, names)) - shared)
    first, left = max(0, shared - context), max(0, after - context)
    before, behind = (_MARK if n else "" for n in (first, left))
    return [before + name[first : len(name) - left] + behind for name in names]


def _common(names: Sequence[str]) -> str:
    """Return the longest beginning that all names share."""
    first, last = min(names), max(names)
    n = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:n]
