"""Columns of the tables that eye trackers and gaze software export, and their meaning."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.table_cells import NO_VALUE, as_numbers, listed
from salmetrics.data.tables import Table
from salmetrics.errors import InputError, check_choice

__all__ = ["PRESETS", "Position", "Preset", "TableLayout", "layout_of", "preset_like"]

NO_FIXATIONS = "rows that are no fixations on an image"
SAMPLES = "further samples of the same fixations"
_MANY = 100  # fixations that do not all avoid a third of the screen by chance
_REACHED = 2 / 3  # of the width and of the height


@dataclass(frozen=True)
class Position:
    """Two columns of positions.

    Parameters
    ----------
    x, y
        Names of the columns.
    units, origin
        Units of the positions and where they are 0.
    degrees_from
        Where positions are 0 if they are in degrees.
    of_screen
        What is said about positions that are those of the screen and do not fit the images, if the
        program also has those of the image.
    """

    x: str = "x"
    y: str = "y"
    units: str = "pixel"
    origin: str | None = None
    degrees_from: str | None = None
    of_screen: str | None = None

    def origin_for(self, units: str | None) -> str | None:
        """Return where positions in these units are 0, those of the program by default."""
        if units in (None, self.units):
            return self.origin
        return self.degrees_from if units == "degree" else None

    def notes(self, x: NDArray[Any], y: NDArray[Any], sizes: NDArray[Any]) -> tuple[str, ...]:
        """Return what is said about positions of the screen on images that did not fill it.

        Parameters
        ----------
        x, y
            Positions in pixels.
        sizes
            (height, width) of the image of each, shape (n, 2). Images that fill the screen have one
            size, and no position is outside, nor are all in one part.
        """
        if self.of_screen is None or len(x) == 0:
            return ()
        heights, widths = sizes.T
        fit = (
            (sizes == sizes[0]).all()
            and min(x.min(), y.min()) >= 0
            and (x < widths).all()
            and (y < heights).all()
            and (len(x) < _MANY or min((x / widths).max(), (y / heights).max()) > _REACHED)
        )
        return () if fit else (self.of_screen,)


@dataclass(frozen=True)
class Preset:
    """What the columns of a program's table are called, and which of its rows are fixations.

    Parameters
    ----------
    title
        Program and kind of the table.
    positions
        Columns of positions, the preferred ones first.
    image, subject
        Names that these columns may have; a table without subjects has one subject.
    kinds
        Columns that say what a row is, with the values of fixations in lower case; a value that
        ends in "*" stands for all that begin so. At least one must exist if `needs_kind`.
    fixation
        Columns of the number of the fixation, if a fixation has one row per sample; one must exist.
    recording
        Columns of the recording within which fixations are numbered.
    last
        Whether the last row of a fixation has its position, or the first.
    one_position
        Whether all rows of a fixation have the same position.
    missing
        What stands for a missing name, in lower case.
    samples
        Column of samples in JSON, such as jsPsych writes; one row per trial.
    of_screen
        Whether positions are those of the screen, of which the program has no others.
    """

    title: str
    positions: tuple[Position, ...]
    image: tuple[str, ...] = ("file",)
    subject: tuple[str, ...] = ()
    kinds: tuple[tuple[str, tuple[str, ...]], ...] = ()
    needs_kind: bool = False
    fixation: tuple[str, ...] = ()
    recording: tuple[str, ...] = ()
    last: bool = False
    one_position: bool = False
    missing: tuple[str, ...] = ()
    samples: str | None = None
    of_screen: bool = False


def _dacs(x: str, y: str) -> Position:
    """Return the columns of positions on the screen that Tobii's programs write."""
    said = (
        f"columns {x!r} and {y!r} hold pixels of the screen, not of the image: they are right only "
        "if the image filled the screen, pixel by pixel; else export the columns of the image, "
        "which end in MCS, or subtract the place of the image and divide by its scale"
    )
    return Position(x, y, of_screen=said)


_YES = ("1", "true")

PRESETS: dict[str, Preset] = {
    # SR Research, EyeLink Data Viewer User Manual, fixation report: screen pixels from the top-left
    # corner; "." is a missing value, and UNDEFINED a variable without value. The image's name is a
    # variable of the experiment, so experiments name its column.
    "eyelink": Preset(
        "EyeLink Data Viewer, fixation report",
        (Position("CURRENT_FIX_X", "CURRENT_FIX_Y"),),
        image=("image", "IMAGE", "image_name", "IMAGE_NAME", "file"),
        subject=("RECORDING_SESSION_LABEL",),
        missing=(".", "undefined", "undefinednull"),
        of_screen=True,
    ),
    # Gazepoint, Open Gaze API 2.0, and its article on screen coordinates: fractions of the screen
    # from the top-left corner. FPOGV is 1 for samples of a fixation, whose mean position so far
    # FPOGX and FPOGY are, so the last row of a fixation has its final position and duration.
    "gazepoint": Preset(
        "Gazepoint Analysis, all gaze or fixations",
        (Position("FPOGX", "FPOGY", "normalised"),),
        image=("MEDIA_NAME",),
        kinds=(("FPOGV", _YES),),
        needs_kind=True,
        fixation=("FPOGID",),
        last=True,
        of_screen=True,
    ),
    # Pupil Labs: fixations.csv of Pupil Cloud and Neon (pixels of the reference image, from the
    # top-left corner), and exports of Pupil Player (norm_pos: fractions, from the bottom-left
    # corner; for a surface, one row per frame of the camera). Neither names the image.
    "pupil": Preset(
        "Pupil Labs: fixations of Pupil Cloud, Neon and Pupil Player",
        (
            Position("fixation x [px]", "fixation y [px]"),
            Position("norm_pos_x", "norm_pos_y", "normalised", "bottom-left"),
        ),
        subject=("recording id",),
        kinds=(("fixation detected in reference image", _YES), ("on_surf", _YES)),
        fixation=("fixation id", "fixation_id", "id"),
        recording=("section id", "recording id"),
    ),
    # pymovements, Events: names of fixations begin with "fixation"; `unnest` splits the list
    # "location" into two columns. Pixels if the location was measured on the column "pixel";
    # degrees, of the column "position", are counted from the middle of the screen, y downwards.
    "pymovements": Preset(
        "pymovements, events with location",
        tuple(
            Position(f"location_{x}", f"location_{y}", degrees_from="centre-y-down")
            for x, y in ("xy", "01")
        ),
        image=("stimulus", "image", "file"),
        subject=("subject_id", "participant_id"),
        kinds=(("name", ("fixation*",)),),
        needs_kind=True,
    ),
    # Tobii Studio and Tobii Pro Lab, data export: one row per sample, all rows of a fixation have
    # its position. MCS is the coordinate system of the image, in pixels or fractions of its size;
    # DACS and ADCS that of the screen, in pixels.
    "tobii": Preset(
        "Tobii Studio and Tobii Pro Lab, data export",
        (
            Position("FixationPointX (MCSpx)", "FixationPointY (MCSpx)"),
            Position("Fixation point X [MCS px]", "Fixation point Y [MCS px]"),
            Position("Fixation point X [MCS norm]", "Fixation point Y [MCS norm]", "normalised"),
            Position("Fixation point X (MCSnorm)", "Fixation point Y (MCSnorm)", "normalised"),
            Position("Mapped fixation X [px]", "Mapped fixation Y [px]"),
            Position("Mapped fixation X", "Mapped fixation Y"),
            _dacs("Fixation point X [DACS px]", "Fixation point Y [DACS px]"),
            _dacs("Fixation point X", "Fixation point Y"),
        ),
        image=("Presented Stimulus name", "Presented Media name", "MediaName"),
        subject=("Participant name", "ParticipantName"),
        kinds=(("Eye movement type", ("fixation",)), ("GazeEventType", ("fixation",))),
        needs_kind=True,
        fixation=("Eye movement type index", "FixationIndex"),
        recording=("Recording name", "RecordingName"),
        one_position=True,
    ),
    # WebGazer: pixels of the browser's window. jsPsych, extension webgazer: one row per trial,
    # webgazer_data is a list of samples, and webgazer_targets the rectangles of elements, such as
    # the image. These are samples of gaze, not fixations.
    "webgazer": Preset(
        "WebGazer and the webgazer extension of jsPsych",
        (Position(),),
        image=("stimulus", "image", "file"),
        subject=("subject", "subject_id", "participant_id"),
        samples="webgazer_data",
    ),
}
_NAMED_ALIKE = ("x", "y", "file", "image", "id", "name", "stimulus", "subject")  # say nothing


@dataclass
class TableLayout:
    """Which columns of a table are read, in which units; from a preset and arguments.

    Parameters
    ----------
    name
        Name of the preset, if any.
    positions
        Columns of positions, the preferred ones first.
    image, subject
        Names that these columns may have.
    preset
        The preset, if any.
    """

    name: str | None
    positions: tuple[Position, ...]
    image: tuple[str, ...]
    subject: tuple[str, ...]
    subject_is_given: bool
    preset: Preset | None
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def wanted(self) -> dict[str, tuple[str, ...]]:
        """For each role of a column, the names that it may have."""
        nested = (
            () if self.preset is None or self.preset.samples is None else (self.preset.samples,)
        )
        wanted = {
            "image": self.image,
            "x": (*(position.x for position in self.positions), *nested),
            "y": (*(position.y for position in self.positions), *nested),
        }
        return wanted | ({"subject": self.subject} if self.subject_is_given else {})

    @property
    def no_name(self) -> tuple[str, ...]:
        """What stands for a missing name, in lower case."""
        return () if self.preset is None else self.preset.missing

    def chosen(self, names: Any) -> dict[str, str]:
        """Return the name of the column of each role; of the subject only if it exists.

        Raises
        ------
        InputError
            If no two columns of positions belong together.
        """
        position = self.position(names)
        roles = {"x": position.x, "y": position.y, "image": _first(self.image, names)}
        subject = _first(self.subject, names)
        if subject is not None:
            roles["subject"] = subject
        return {role: name for role, name in roles.items() if name is not None}

    def position(self, names: Any) -> Position:
        """Return the columns of positions of a table with these columns."""
        for position in self.positions:
            if position.x in names and position.y in names:
                return position
        raise InputError(
            "the columns of x and y do not belong together: the table has "
            + ", ".join(repr(p.x) for p in self.positions if p.x in names)
            + " without its y; give x= and y="
        )

    def keep(self, names: list[str]) -> Callable[[list[str]], bool]:
        """Return whether a row, as cells, is part of a fixation on an image."""
        preset = self.preset
        if preset is None:
            return lambda row: True
        kinds = [(names.index(name), accepted) for name, accepted in preset.kinds if name in names]
        if preset.needs_kind and not kinds:
            raise InputError(
                f"preset={self.name!r} needs the column "
                f"{' or '.join(repr(name) for name, _ in preset.kinds)}, which says what is a "
                "fixation; export it, too"
            )
        if preset.fixation and _first(preset.fixation, names) is None:
            raise InputError(
                f"preset={self.name!r} needs the column {' or '.join(map(repr, preset.fixation))}, "
                "because the samples of a fixation have one row each; export it, too"
            )
        image = names.index(_first(self.image, names) or "")
        absent = {"", *preset.missing}
        samples = None if preset.samples not in names else names.index(preset.samples)

        def is_fixation(row: list[str]) -> bool:
            if samples is not None and row[samples].casefold() in NO_VALUE:
                return False
            return row[image].casefold() not in absent and all(
                _accepts(accepted, row[k].casefold()) for k, accepted in kinds
            )

        return is_fixation

    def one_row_each(self, table: Table, *, raw: bool = False) -> Table:
        """Return the table with one row per fixation, or, for samples in JSON, per sample.

        Parameters
        ----------
        table
            The rows that `keep` accepts.
        raw
            Whether samples in JSON keep their positions in the window; by default, they become
            fractions of the image if its rectangle is known.
        """
        if table.n_refused:
            self.left_out[NO_FIXATIONS] = table.n_refused
        if self.preset is None:
            return table
        if self.preset.samples is not None and self.preset.samples in table.columns:
            table, is_relative = _spread(table, self.preset.samples, raw=raw)
            self.positions = (Position(units="normalised" if is_relative else "pixel"),)
            return table
        number = _first(self.preset.fixation, table.columns)
        if number is None:
            return table
        groups = [_first(self.image, table.columns), _first(self.subject, table.columns)]
        groups += [name for name in self.preset.recording if name in table.columns]
        keys = [table.columns[name] for name in dict.fromkeys((*groups, number)) if name]
        rows: dict[Any, int] = {}
        again: list[int] = []
        before: Any = None
        place = self.position(table.columns)
        for row, key in enumerate(zip(*keys, strict=True)):
            own = key if table.columns[number][row] else row  # without a number, a row of its own
            if own in rows and (own != before or self._moves(table, place, rows[own], row)):
                again.append(row)
            before = own
            if self.preset.last or own not in rows:
                rows[own] = row
        if again and _first(self.subject, table.columns) is None:
            examples = listed(again, table.where, lambda row: f"{table.columns[number][row][:40]}")
            raise InputError(
                f"fixations of the same number ({number!r}) on the same image come again elsewhere "
                f"in the table, in {len(again)} rows, such as those of several people: {examples}. "
                "Name the column that says whose they are with subject=, or read the table of each "
                "person by itself"
            )
        if len(rows) < len(table.lines):
            self.left_out[SAMPLES] = len(table.lines) - len(rows)
        return table.select(list(rows.values()))

    def _moves(self, table: Table, place: Position, first: int, row: int) -> bool:
        """Whether two rows of a fixation that should have one position have two."""
        if self.preset is None or not self.preset.one_position or place.x.startswith("Mapped"):
            return False
        rounding = 1e-3 if place.units == "normalised" else 1.0
        for name in (place.x, place.y):
            cells = [table.columns[name][k].replace(",", ".") for k in (first, row)]
            if cells[0] == cells[1]:
                continue
            values, _ = as_numbers(cells)
            if abs(values[0] - values[1]) > rounding:
                return True
        return False


def layout_of(
    preset: str | None, image: str | None, x: str | None, y: str | None, subject: str | None
) -> TableLayout:
    """Return the layout of a preset, or of the defaults, changed by the columns that are given.

    Raises
    ------
    InputError
        If the preset is unknown.
    """
    known: Preset | None = None
    if preset is not None:
        check_choice("preset", preset, PRESETS)
        known = PRESETS[preset]
    positions = (Position(),) if known is None else known.positions
    if x is not None or y is not None:
        alike = [p for p in positions if x in (None, p.x) and y in (None, p.y)]
        units = {(p.units, p.origin) for p in alike or positions}
        kind = units.pop() if len(units) == 1 else ("pixel", None)
        from_ = {p.degrees_from for p in positions}
        degrees_from = from_.pop() if len(from_) == 1 else None
        positions = tuple(alike) or tuple(
            Position(x or p.x, y or p.y, *kind, degrees_from) for p in positions
        )
    return TableLayout(
        preset,
        positions,
        (image,) if image is not None else ("file",) if known is None else known.image,
        (subject,)
        if subject is not None
        else (*(() if known is None else known.subject), "subject"),
        subject is not None,
        known,
    )


def preset_like(names: Sequence[str]) -> str | None:
    """Return the preset that the columns of a table look like, if there is one."""
    for name, preset in PRESETS.items():
        own = {preset.samples, *(n for p in preset.positions for n in (p.x, p.y))}
        if own.intersection(names) - {None, *_NAMED_ALIKE}:
            return name
    return None


def _first(options: Sequence[str], names: Any) -> str | None:
    return next((option for option in options if option in names), None)


def _accepts(accepted: Sequence[str], value: str) -> bool:
    return any(
        value.startswith(text[:-1]) if text.endswith("*") else value == text for text in accepted
    )


def _spread(table: Table, name: str, *, raw: bool) -> tuple[Table, bool]:
    """Return a table with one row per sample of the lists in a column of JSON.

    With the rectangle of one element, positions become fractions of it, because its size on the
    screen may differ from that of the image. The second value says whether they are.
    """
    n = len(table.lines)
    targets = [""] * n if raw else table.columns.get("webgazer_targets", [""] * n)
    parent: list[int] = []
    samples: dict[str, list[str]] = {"x": [], "y": [], "t": []}
    bad: list[int] = []
    is_relative: set[bool] = set()
    for row, (text, target) in enumerate(zip(table.columns[name], targets, strict=True)):
        try:
            rectangle = _rectangle(target)
            left, top, width, height = rectangle or (0.0, 0.0, 1.0, 1.0)
            for sample in json.loads(text):
                samples["x"].append(repr((float(sample["x"]) - left) / width))
                samples["y"].append(repr((float(sample["y"]) - top) / height))
                samples["t"].append(str(sample.get("t", "")))
                parent.append(row)
                is_relative.add(rectangle is not None)
        except (AttributeError, KeyError, TypeError, ValueError, ZeroDivisionError):
            bad.append(row)
    if bad:
        raise InputError(
            f"column {name!r} must hold lists of samples with x and y, and 'webgazer_targets' at "
            f"most one rectangle, in JSON; {len(bad)} rows do not: "
            + listed(bad, table.where, lambda row: repr(table.columns[name][row][:40]))
        )
    if len(is_relative) > 1:
        raise InputError(
            "some rows have the rectangle of the image in 'webgazer_targets', others have none; "
            "units='pixel' reads all positions as pixels of the window"
        )
    columns = {
        key: [cells[row] for row in parent]
        for key, cells in table.columns.items()
        if key not in (name, "webgazer_targets", *samples)
    }
    lines = table.lines[np.array(parent, np.int64)]
    return replace(table, columns=columns | samples, lines=lines), True in is_relative


def _rectangle(text: str) -> tuple[float, float, float, float] | None:
    """Return left, top, width and height of the only element in JSON; None without elements."""
    elements = json.loads(text) if text.casefold() not in NO_VALUE else {}
    if not elements:
        return None
    (element,) = elements.values()
    left, top, width, height = (float(element[key]) for key in ("x", "y", "width", "height"))
    return left, top, width, height
