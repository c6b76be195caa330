"""Rows of tables of fixations: positions in pixels, images, subjects, and what is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.fixation_columns import MISSING, FixationColumns, chosen, fixation_columns
from salmetrics.data.positions import check_units, to_pixels
from salmetrics.data.presets import layout_of, preset_like
from salmetrics.data.stimuli import Stimuli
from salmetrics.data.subject_columns import like_subjects, unused_subjects
from salmetrics.data.table_cells import DECIMALS, as_column, decimal_mark
from salmetrics.data.table_header import ColumnsError, check_columns
from salmetrics.data.tables import read_table
from salmetrics.data.unit_rows import unit_row
from salmetrics.errors import InputError, check_choice, some
from salmetrics.io.name_parts import two_orders
from salmetrics.io.name_templates import counts_images
from salmetrics.io.names import match_rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FixationRows", "TableFormat", "read_rows", "rows_of_frame"]

_RESERVED = ("cls", "image", "n_images", "subject", "x", "y")


@dataclass(frozen=True)
class TableFormat:
    """How a table of fixations is to be read; for the parameters see `Fixations.from_csv`."""

    image: str | None = None
    x: str | None = None
    y: str | None = None
    subject: str | None = None
    preset: str | None = None
    units: str | None = None
    origin: str | None = None
    one_based: bool = False
    missing: str = "error"
    unknown_images: str = "error"
    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    comment: str | None = None
    image_name: str | None = None

    def given(self) -> list[str]:
        """Return the names of the parameters that are not left at their defaults."""
        return [f.name for f in fields(self) if getattr(self, f.name) != f.default]


@dataclass(frozen=True)
class FixationRows:
    """The fixations in the rows of a table.

    Parameters
    ----------
    x, y
        Positions in pixels.
    image
        Indices of the images.
    subject
        Labels of the subjects, if the table has them.
    others
        Further columns; those named like a parameter of `Fixations.from_arrays` end in "_".
    left_out
        Number of rows that are left out, by reason.
    notes
        What was noticed while the table was read.
    where
        Function that returns the place of a fixation in the table, for messages.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    image: NDArray[np.int64]
    subject: NDArray[Any] | None
    others: Mapping[str, NDArray[Any]]
    left_out: Mapping[str, int]
    notes: tuple[str, ...]
    where: Callable[[int], str]


@dataclass(frozen=True)
class _Names:
    """The image of each name in a table, and the rule by which it was found."""

    image_of: Mapping[str, int]
    notes: tuple[str, ...]


def rows_of_frame(table: pd.DataFrame, stimuli: Stimuli, form: TableFormat) -> FixationRows:
    """Return the fixations in the rows of a table of pandas.

    Parameters
    ----------
    table
        The table.
    stimuli
        Images.
    form
        How to read it; it names the columns of x, y and image.

    Raises
    ------
    InputError
        As `Fixations.from_dataframe`.
    """
    if not hasattr(table, "iloc") or not hasattr(table, "columns"):
        raise InputError(
            f"table must be a DataFrame of pandas; got {type(table).__name__}: give "
            "pandas.DataFrame(table)"
        )
    names = [str(name) for name in table.columns]
    roles = {"image": str(form.image), "x": str(form.x), "y": str(form.y)}
    if form.subject is not None or "subject" in names:
        roles["subject"] = form.subject or "subject"
    wanted = {role: (name,) for role, name in roles.items()}
    try:
        check_columns(names, wanted)
    except ColumnsError as error:
        raise InputError(f"{error}{_subject_hint(error, form, ())}") from error
    units = form.units or "pixel"
    check_units(units, form.origin, form.one_based, stimuli.pixels_per_degree)
    first = dict(zip(names, map(str, table.iloc[0]), strict=True)) if len(table) else {}
    of_units = unit_row(first, wanted, "row 0")
    start = 0
    if of_units is not None:
        of_units.check((roles["x"], roles["y"]), units)
        start = 1
    cells = {role: table.iloc[start:, names.index(name)].to_numpy() for role, name in roles.items()}

    def where(row: int) -> str:
        return f"row {row + start}"

    columns = fixation_columns(cells, roles, where=where, missing=form.missing)
    others = {
        name: table.iloc[start:, k].to_numpy()[columns.rows]
        for k, name in enumerate(names)
        if name not in roles.values()
    }
    if of_units is not None:  # below text, numbers are text
        others = {
            name: as_column(list(values)) if all(isinstance(v, str) for v in values) else values
            for name, values in others.items()
        }
    places = _places(columns.rows, where)
    known = _matched(columns.names, stimuli, places, form.image_name)
    notes: tuple[str, ...] = () if of_units is None else (of_units.note,)
    if "subject" not in roles:
        notes += unused_subjects(list(others), others.__getitem__)
    return _assembled(columns, others, stimuli, known, form, (units, form.origin), notes, places)


def read_rows(path: str | Path, stimuli: Stimuli, form: TableFormat) -> FixationRows:
    """Read the fixations in the rows of a file.

    Parameters
    ----------
    path
        Path of the file.
    stimuli
        Images.
    form
        How to read it.

    Raises
    ------
    InputError
        As `Fixations.from_csv`.
    """
    if Path(path).is_dir():
        raise InputError(f"{str(path)!r} is a folder; expected a file, a table of fixations")
    if not Path(path).is_file():
        raise InputError(f"fixation file {str(path)!r} does not exist")
    try:
        return _read(path, stimuli, form)
    except InputError as error:
        names = error.names if isinstance(error, ColumnsError) else ()
        known = None if form.preset is not None else preset_like(names)
        hint = "" if known is None else f". It looks like a table of preset={known!r}"
        if isinstance(error, ColumnsError):
            own = layout_of(form.preset, form.image, form.x, form.y, form.subject).subject
            hint = f"{_subject_hint(error, form, own)}{hint}"
        raise InputError(f"{str(path)!r}: {error}{hint}") from error


def _subject_hint(error: ColumnsError, form: TableFormat, own: Sequence[str]) -> str:
    """Return which column looks like that of the subjects, if it is not among those that are read.

    Parameters
    ----------
    error
        The error for other columns.
    form
        How the table is to be read.
    own
        Names that the column of subjects may have.
    """
    if form.subject is not None or set(own or ("subject",)) & set(error.names):
        return ""
    like = like_subjects(error.names)
    return f"; subjects seem to be in another, too: subject={like[0]!r}" if like else ""


def _read(path: str | Path, stimuli: Stimuli, form: TableFormat) -> FixationRows:
    layout = layout_of(form.preset, form.image, form.x, form.y, form.subject)
    check_choice("decimal", form.decimal, (None, *DECIMALS))
    table = read_table(
        path,
        layout.wanted,
        separator=form.separator,
        encoding=form.encoding,
        comment=form.comment,
        keep=None if layout.preset is None else layout.keep,
    )
    table = layout.one_row_each(table, raw=form.units is not None)
    roles = layout.chosen(table.columns)
    position = layout.position(table.columns)
    units = form.units or position.units
    origin = form.origin or position.origin_for(form.units)
    check_units(units, origin, form.one_based, stimuli.pixels_per_degree)
    if table.units is not None:
        table.units.check((position.x, position.y), units)
    cells = {role: table.columns[name] for role, name in roles.items()}
    decimal = form.decimal or decimal_mark(
        [(roles[role], cells[role]) for role in ("x", "y")], table.separator, table.where
    )
    columns = fixation_columns(
        cells,
        roles,
        where=table.where,
        missing=form.missing,
        decimal=decimal,
        no_name=frozenset({"", *layout.no_name}),
    )
    columns.left_out.update(layout.left_out)
    check_choice("unknown_images", form.unknown_images, MISSING)
    try:
        known = _matched(
            columns.names,
            stimuli,
            _places(columns.rows, table.where),
            form.image_name,
            drop=form.unknown_images == "drop",
        )
    except InputError as error:
        if table.guessed is None:
            raise
        raise InputError(f"{error}; {table.guessed}") from error
    columns = columns.on_images(lambda name: name in known.image_of)
    others = {
        name: as_column(chosen(values, columns.rows), decimal)
        for name, values in table.columns.items()
        if name not in roles.values()
    }
    notes = table.notes
    if "subject" not in roles:
        notes += unused_subjects(list(others), others.__getitem__)
    places = _places(columns.rows, table.where)
    rows = _assembled(columns, others, stimuli, known, form, (units, origin), notes, places)
    of_screen = position.notes(rows.x, rows.y, stimuli.sizes[rows.image])
    return replace(rows, notes=(*rows.notes, *of_screen))


def _places(rows: NDArray[np.int64], where: Callable[[int], str]) -> Callable[[int], str]:
    """Return a function from the place of a kept row to that of the row in the table."""
    return lambda row: where(int(rows[row]))


def _assembled(
    columns: FixationColumns,
    others: Mapping[str, NDArray[Any]],
    stimuli: Stimuli,
    known: _Names,
    form: TableFormat,
    scale: tuple[str, str | None],
    notes: Sequence[str],
    where: Callable[[int], str],
) -> FixationRows:
    """Return fixations with positions in pixels, on the images that have the names."""
    image = np.array(list(map(known.image_of.__getitem__, columns.names)), dtype=np.int64)
    units, origin = scale
    x, y = to_pixels(
        columns.x,
        columns.y,
        stimuli.sizes[image],
        units=units,
        origin=origin,
        one_based=form.one_based,
        pixels_per_degree=stimuli.pixels_per_degree,
    )
    return FixationRows(
        x,
        y,
        image,
        columns.subject,
        {f"{name}_" if name in _RESERVED else name: others[name] for name in others},
        columns.left_out,
        (*notes, *known.notes),
        where,
    )


def _matched(
    names: Sequence[str],
    stimuli: Stimuli,
    where: Callable[[int], str],
    template: str | None = None,
    *,
    drop: bool = False,
) -> _Names:
    """Return the index of the image of each name, by the rule of `salmetrics.io.names`.

    With `drop`, names without an image are left out.
    """
    unique = list(dict.fromkeys(names))
    orders = two_orders(stimuli.ids)
    if template is not None and orders is not None and counts_images(template):
        raise InputError(
            f"image_name={template!r} may be meant for the order {orders[0]} or {orders[1]}; use "
            "{number} for the number in the name of an image, or give the images in one order"
        )
    matching = match_rows(unique, stimuli.ids, template, drop=drop)
    if matching.problems:
        listed = [
            f"{text} in {where(names.index(name))}"
            for name, text in list(matching.problems.items())[:3]
        ]
        raise InputError(
            f"{len(matching.problems)} image names are not among the stimuli: {', '.join(listed)}; "
            f"ids look like {some(stimuli.ids, 3)}; image_name= says how names follow from ids"
            + ("; unknown_images='drop' leaves such rows out" if matching.unknown else "")
        )
    notes = () if matching.rule is None else (f"image names: {matching.rule}",)
    place = {name: i for i, name in enumerate(stimuli.ids)}
    return _Names({name: place[image] for name, image in matching.found.items()}, notes)
