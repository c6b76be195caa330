"""A row of units below the header of a table, as programs of eye trackers write it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from salmetrics.errors import InputError

__all__ = ["UnitRow", "unit_row"]

# words of units, and the values of units= that they may stand for
_UNITS = {
    "pixel": ("px", "pix", "pxl", "pxs", "pixel", "pixels"),
    "degree": ("deg", "degs", "degree", "degrees", "dva", "°"),
    "height": ("height",),
    "percent": ("%", "pct", "percent"),
    "normalised norm": ("norm", "normalised", "normalized", "fraction"),
    "": ("mm", "cm", "m", "in", "inch", "inches", "rad", "mrad"),  # these cannot be read
}
_MEANINGS = {word: units.split() for units, words in _UNITS.items() for word in words}
_IN_BRACKETS = re.compile(r"\((.*)\)|\[(.*)\]|<(.*)>|{(.*)}")


@dataclass(frozen=True)
class UnitRow:
    """A row of units.

    Parameters
    ----------
    cells
        Cells of the columns of positions, by name.
    where
        Place of the row, for messages.
    """

    cells: Mapping[str, str]
    where: str

    @property
    def note(self) -> str:
        """What is said about the row."""
        texts = ", ".join(map(repr, dict.fromkeys(self.cells.values())))
        return f"{self.where}, below the header, holds units ({texts}), and is left out"

    def check(self, columns: Sequence[str], units: str) -> None:
        """Raise `InputError` if the units of columns of positions are others.

        Parameters
        ----------
        columns
            Names of the columns; those without a unit do not matter.
        units
            Units of the positions, see `Fixations.from_csv`.
        """
        for name in columns:
            meant = _meant(self.cells.get(name, ""))
            if meant is None or units in meant:
                continue
            advice = (
                f"say so: units={' or '.join(map(repr, meant))}"
                if meant
                else f"convert the positions to one of the units of units=, such as {units!r}"
            )
            raise InputError(
                f"{self.where}, below the header, says that {name!r} is in {self.cells[name]!r}, "
                f"but units={units!r} is assumed; {advice}, or remove that line"
            )


def unit_row(
    cells: Mapping[str, str], wanted: Mapping[str, Sequence[str]], where: str
) -> UnitRow | None:
    """Return the units in the first row of a table; None if it is not a row of units.

    Parameters
    ----------
    cells
        Cells of the row, by name of the column.
    wanted
        Names that the columns of "x" and "y" may have.
    where
        Place of the row, for messages.
    """
    found = {
        role: {name: cells[name] for name in wanted.get(role, ()) if name in cells}
        for role in ("x", "y")
    }
    units = {name: cell for of_role in found.values() for name, cell in of_role.items()}
    if not found["x"] or not found["y"] or any(_meant(cell) is None for cell in units.values()):
        return None
    return UnitRow(units, where)


def _meant(text: str) -> Sequence[str] | None:
    """Return the values of units= that a unit may stand for; None if a text is not a unit."""
    text = text.strip().casefold()
    inside = _IN_BRACKETS.fullmatch(text)
    if inside is not None:
        text = next(part for part in inside.groups() if part is not None).strip()
    return _MEANINGS.get(text)
