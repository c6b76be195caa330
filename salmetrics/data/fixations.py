"""Where people looked: immutable columns, one row per fixation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salmetrics.array_types import is_array, to_numpy
from salmetrics.data.checks.positions import outside_hint
from salmetrics.data.fixation_columns import absent_in, as_subjects
from salmetrics.data.fixation_maps import MapValues, pixels_of_maps
from salmetrics.data.fixation_tables import (
    FixationRows,
    TableFormat,
    read_rows,
    rows_of_frame,
)
from salmetrics.data.positions import Origin, Units
from salmetrics.data.stimuli import Stimuli, selected_indices
from salmetrics.errors import InputError, InputWarning
from salmetrics.fingerprint import Aside

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MOVED", "OUTSIDE", "Fixations", "read_fixations"]

# reasons in `left_out`
OUTSIDE = "fixations outside their image"
MOVED = "fixations moved into their image"


class Fixations:
    """Fixations of any number of subjects on `n_images` images.

    Create them with `from_arrays`, `from_dataframe`, `from_csv` or `from_maps`, which check their
    input; the constructor does not. Columns are read-only arrays of equal length, and attributes:
    ``fixations.x``. A slice, an index array or a boolean mask selects rows.

    Parameters
    ----------
    columns
        Arrays of equal length by name, with at least ``x``, ``y``, ``image`` and ``subject``.
    n_images
        Number of images, including those without fixations.
    left_out
        Number of fixations or rows that were left out before, by reason.
    notes
        What was noticed while the fixations were read.

    Attributes
    ----------
    x, y
        Position in pixels, float64: x to the right, y down, origin at the image's top-left corner;
        the point (x, y) is in pixel row floor(y), column floor(x).
    image
        Index of the image, int64.
    subject
        Label of the subject, of any type; 0 if unknown.
    n_images
        Number of images, including those without fixations.
    columns
        All columns by name, including further ones such as ``duration``.
    left_out
        Number of fixations or rows that were left out when the data were made, by reason, such as
        "fixations outside their image"; of those that `clip_to` moved, too. Selections keep it.
    notes
        What was noticed while the fixations were read, and warned of then, one line each; results
        record it. Selections keep it.

    Examples
    --------
    >>> fixations = Fixations.from_arrays([1.5, 2, 8], [4, 5, 6], [0, 1, 1], subject=list("aba"))
    >>> fixations
    Fixations(3 fixations, 2 images, 2 subjects)
    >>> fixations[fixations.subject == "a"].x
    array([1.5, 8. ])
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    image: NDArray[np.int64]
    subject: NDArray[Any]

    def __init__(
        self,
        columns: Mapping[str, NDArray[Any]],
        n_images: int,
        left_out: Mapping[str, int] | None = None,
        notes: Iterable[str] = (),
    ) -> None:
        self.columns = dict(columns)
        self.n_images = n_images
        if left_out:
            self._left_out = dict(left_out)
        self._notes = tuple(dict.fromkeys(notes))
        self._order: NDArray[np.int64] | None = None
        self._offsets: NDArray[np.int64] | None = None
        self._freeze()

    def _freeze(self) -> None:
        for column in self.columns.values():
            column.flags.writeable = False

    # asides, because the same fixations have the same digest
    _left_out: Aside[dict[str, int]] = Aside({}, "See `left_out`.")
    _notes: Aside[tuple[str, ...]] = Aside((), "See `notes`.")

    @property
    def left_out(self) -> Mapping[str, int]:
        """Number of fixations or rows that were left out, by reason."""
        return MappingProxyType(self._left_out)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was noticed while the fixations were read."""
        return self._notes

    def _with_left_out(self, reason: str, n: int) -> Fixations:
        """Return the same fixations, with n more that were left out for a reason."""
        counts = self._left_out | ({reason: self._left_out.get(reason, 0) + n} if n else {})
        return Fixations(self.columns, self.n_images, counts, self.notes)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._freeze()  # arrays come out of a pickle writable

    @classmethod
    def from_arrays(
        cls,
        x: ArrayLike,
        y: ArrayLike,
        image: ArrayLike,
        *,
        subject: ArrayLike | None = None,
        n_images: int | None = None,
        **columns: ArrayLike,
    ) -> Fixations:
        """Create fixations from arrays of length n.

        Parameters
        ----------
        x, y
            Positions in pixels, finite, shape (n,).
        image
            Image indices, integers from 0 to n_images - 1, shape (n,).
        subject
            Labels of the subjects, shape (n,); 0 for all by default.
        n_images
            Number of images; the largest index plus one by default.
        **columns
            Further columns, such as ``duration``, shape (n,).

        Returns
        -------
        fixations : Fixations
            Fixations with copies of the arrays as columns.

        Raises
        ------
        InputError
            If columns have unequal lengths, positions are not finite, subjects are missing or image
            indices are out of range.

        Examples
        --------
        >>> fixations = Fixations.from_arrays([10.5, 3], [2, 7.25], [0, 1], n_images=3)
        >>> len(fixations), fixations.n_images
        (2, 3)
        """
        xs = _column("x", x, np.float64)
        ys = _column("y", y, np.float64)
        images = _image_column(image, n_images)
        subjects = np.zeros(len(xs), np.int64) if subject is None else _column("subject", subject)
        missing = np.flatnonzero(absent_in(subjects, frozenset()))
        if missing.size:
            raise InputError(
                f"column 'subject' has no value in {missing.size} rows, the first is row "
                f"{missing[0]}; fill them in, or leave the column out"
            )
        table = {"x": xs, "y": ys, "image": images, "subject": as_subjects(subjects)}
        table |= {name: _column(name, values) for name, values in columns.items()}
        for name, values in table.items():
            if len(values) != len(xs):
                raise InputError(
                    f"columns must have equal lengths; x has {len(xs)}, {name} has {len(values)}"
                )
        bad = np.flatnonzero(~(np.isfinite(xs) & np.isfinite(ys)))
        if bad.size:
            raise InputError(
                f"x and y must be finite; {bad.size} rows are not, the first is row {bad[0]}: "
                f"({xs[bad[0]]}, {ys[bad[0]]}). Drop them first"
            )
        if n_images is None:
            n_images = int(images.max()) + 1 if images.size else 0
        return cls(table, int(n_images))

    @classmethod
    def none(cls, stimuli: Stimuli) -> Fixations:
        """Create the fixations of a data set that has none, such as one of ground-truth maps.

        Parameters
        ----------
        stimuli
            The images.

        Returns
        -------
        fixations : Fixations
            No fixation on as many images.

        Examples
        --------
        >>> Fixations.none(Stimuli.from_sizes([(3, 4), (5, 6)]))
        Fixations(0 fixations, 2 images, 0 subjects)
        """
        return cls.from_arrays([], [], [], n_images=len(stimuli))

    @classmethod
    def from_dataframe(
        cls,
        table: pd.DataFrame,
        stimuli: Stimuli,
        *,
        image: str = "file",
        x: str = "x",
        y: str = "y",
        subject: str | None = None,
        units: Units = "pixel",
        origin: Origin | None = None,
        one_based: bool = False,
        missing: Literal["error", "drop"] = "error",
        image_name: str | None = None,
    ) -> Fixations:
        """Create fixations from a table with one row per fixation.

        Parameters
        ----------
        table
            Table with a column of image names, two of positions, and any others, which are kept; a
            column named like a parameter of `from_arrays` gets an underscore appended.
        stimuli
            Images, among whose ids the image names are looked up: the whole id, or its last part,
            with or without suffix, where that is unambiguous.
        image, x, y
            Names of these columns in the table.
        subject
            Name of the column of subjects; by default ``subject``, if the table has it. Labels of
            several types become text.
        units, origin, one_based, missing, image_name
            See `from_csv`.

        Returns
        -------
        fixations : Fixations
            One fixation per row, in the order of the rows.

        Raises
        ------
        InputError
            If columns or values are missing, positions are not numbers, or image names are not
            among the ids.

        Examples
        --------
        >>> import pandas as pd
        >>> table = pd.DataFrame({"file": ["cat", "dog.png"], "x": [1, 2], "y": [3, 4]})
        >>> stimuli = Stimuli.from_sizes([(9, 9), (9, 9)], ids=["pets/dog.png", "pets/cat.png"])
        >>> Fixations.from_dataframe(table, stimuli).image
        array([1, 0])
        """
        form = TableFormat(
            image=str(image),
            x=str(x),
            y=str(y),
            subject=None if subject is None else str(subject),
            units=units,
            origin=origin,
            one_based=one_based,
            missing=missing,
            image_name=image_name,
        )
        return _of_rows(rows_of_frame(table, stimuli, form), len(stimuli), stacklevel=3)

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        stimuli: Stimuli,
        *,
        image: str | None = None,
        x: str | None = None,
        y: str | None = None,
        subject: str | None = None,
        preset: str | None = None,
        units: Units | None = None,
        origin: Origin | None = None,
        one_based: bool = False,
        missing: Literal["error", "drop"] = "error",
        unknown_images: Literal["error", "drop"] = "error",
        image_name: str | None = None,
        separator: str | None = None,
        decimal: Literal[".", ","] | None = None,
        encoding: str | None = None,
        comment: str | None = None,
    ) -> Fixations:
        r"""Create fixations from a file with one row per fixation: CSV, TSV or other text.

        Separator, decimal mark, encoding and comments are found, or refused if they are not
        certain. Outer blanks of cells do not count. Image names and subjects are text, so "01",
        "1" and "NA" are three subjects; further columns are numbers if all their cells are. Row
        numbers as R writes them, and a row of units below the header, are left aside.

        Parameters
        ----------
        path
            Path of a file of text (it may be packed with gzip, bzip2, xz or zip), or of a .parquet
            or .feather file if pyarrow is installed.
        stimuli
            Images, among whose ids the image names are looked up; see `from_dataframe`.
        image, x, y
            Names of these columns in the file; by default those of the preset, or ``file``, ``x``
            and ``y``.
        subject
            Name of the column of subjects; by default that of the preset, or ``subject``, if the
            file has it.
        preset
            Program that wrote the file, whose columns, units and rows are known: "eyelink",
            "gazepoint", "pupil", "pymovements", "tobii" or "webgazer". Other arguments override it.
        units
            Units of positions: "pixel" (default), "normalised" (fractions of the image's width and
            height; 1.0 is outside), "percent" of them, "norm" (from -1 to 1 between opposite edges,
            from the centre), "height" (fractions of the height along both axes, from the centre) or
            "degree" (`stimuli.pixels_per_degree` pixels each). "height" is PsychoPy's default,
            "norm" another of its units.
        origin
            Where positions are (0, 0): "top-left" of the image (default), "bottom-left", y upwards,
            its "centre", y upwards, or "centre-y-down"; degrees have no default.
        one_based
            Whether pixels are counted from 1, as in MATLAB; 1 is subtracted from x and y.
        missing
            Treatment of rows without position, image or subject: "error"; or "drop", which counts
            them in `left_out`. Empty cells and ".", "-", "NA", "N/A", "NaN", "None" and "null" are
            missing positions; only empty cells are missing names.
        unknown_images
            Treatment of rows whose image is not among `stimuli`: "error"; or "drop", which counts
            them in `left_out`.
        image_name
            Template of the name of an image in the file, such as "stim{number:03d}"; for its
            fields see `salmetrics.io.name_templates.rendered`.
        separator
            What separates cells, one character, "tab" or "space".
        decimal
            Decimal mark, "." or ",".
        encoding
            Encoding of the text, such as "utf-8" or "cp1252".
        comment
            What comment lines begin with; "" for none.

        Returns
        -------
        fixations : Fixations
            One fixation per row, or per fixation if the preset's files have several rows for each,
            in the order of the file.

        Raises
        ------
        InputError
            If the file does not exist or is not a table, and for the errors of `from_dataframe`;
            messages name lines of the file.

        Examples
        --------
        >>> import tempfile
        >>> stimuli = Stimuli.from_sizes([(60, 80)], ids=["cat.png"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "excel.csv"
        ...     _ = path.write_text("file;x;y;subject\ncat.png;0,5;0,25;01\ncat.png;;;1")
        ...     fixations = Fixations.from_csv(path, stimuli, units="normalised", missing="drop")
        >>> fixations.x, fixations.y, fixations.subject, dict(fixations.left_out)
        (array([40.]), array([15.]), array(['01'], dtype=object), {'rows without values': 1})
        """
        form = TableFormat(
            image,
            x,
            y,
            subject,
            preset,
            units,
            origin,
            one_based,
            missing,
            unknown_images,
            separator,
            decimal,
            encoding,
            comment,
            image_name,
        )
        return read_fixations(path, stimuli, form)[0]

    @classmethod
    def from_maps(
        cls,
        maps: Sequence[ArrayLike],
        *,
        values: MapValues | None = None,
        names: Sequence[str] | None = None,
    ) -> Fixations:
        """Create fixations from one map per image, of counts or of marks.

        Fixations are at the centres of their pixels, and all have subject 0.

        Parameters
        ----------
        maps
            One map per image, shape (height, width), in any numeric dtype.
        values
            Meaning of the values: "counts", a pixel of value n holds n fixations; "marks", a pixel
            that is not 0 holds one. By default, marks if all maps together have one value besides
            0, which is 255, 65535 or another above 1; else counts. It is an error then if the
            values are implausible as such: blurred, filled areas, ordinal numbers, more than 50
            on a pixel. With a given meaning, that is a warning, and in `notes`.
        names
            Names of the maps, such as those of their files, for messages; numbers by default.

        Returns
        -------
        fixations : Fixations
            Fixations in the order of the images, within an image row by row.

        Raises
        ------
        InputError
            If a map is not two-dimensional, or holds counts that are not whole numbers >= 0, over a
            million fixations, or marks amid the noise of lossy compression; or if it looks like
            something else and `values` is not given.

        Examples
        --------
        >>> import numpy as np
        >>> Fixations.from_maps([np.array([[0, 2], [1, 0]])]).x
        array([1.5, 1.5, 0.5])
        >>> len(Fixations.from_maps([np.array([[0, 255], [255, 0]], np.uint8)]))
        2
        """
        maps = list(to_numpy(maps) if is_array(maps) else maps)
        (row, column, image), notes = pixels_of_maps(maps, values, names)
        found = cls.from_arrays(column + 0.5, row + 0.5, image, n_images=len(maps))
        for note in notes:
            warnings.warn(note, InputWarning, stacklevel=2)
        return cls(found.columns, found.n_images, notes=notes)

    def to_dataframe(self, stimuli: Stimuli | None = None) -> pd.DataFrame:
        """Return all columns as a table.

        Parameters
        ----------
        stimuli
            Images; if given, the table begins with a column ``file`` of image ids.

        Returns
        -------
        table : pandas.DataFrame
            One row per fixation.

        Raises
        ------
        InputError
            If the fixations do not belong to `stimuli`.
        """
        import pandas as pd

        table = pd.DataFrame(self.columns)
        if stimuli is not None:
            self.check_against(stimuli)
            table.insert(0, "file", [stimuli.ids[i] for i in self.image])
        return table

    def __len__(self) -> int:
        return len(self.columns["x"])

    def __getattr__(self, name: str) -> NDArray[Any]:
        columns = self.__dict__.get("columns", {})
        if name in columns:
            return columns[name]
        raise AttributeError(
            f"Fixations has no column or attribute {name!r}; columns: {', '.join(columns)}"
        )

    def __getitem__(self, index: Any) -> Fixations:
        """Return the selected rows; image indices do not change."""
        rows = (
            index if isinstance(index, slice) else selected_indices(index, len(self), "fixations")
        )
        columns = {name: values[rows] for name, values in self.columns.items()}
        return Fixations(columns, self.n_images, self._left_out, self.notes)

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("fixations are not iterated row by row; use the columns or of_image(i)")

    def __repr__(self) -> str:
        return (
            f"Fixations({len(self)} fixations, {self.n_images} images, "
            f"{len(np.unique(self.subject))} subjects)"
        )

    def rows_of_image(self, i: int) -> NDArray[np.int64]:
        """Return the row numbers of the fixations on image i.

        The first call sorts all fixations; later ones take constant time.

        Parameters
        ----------
        i
            Index of the image; negative indices count from the end.

        Returns
        -------
        rows : ndarray of int64, shape (n,)
            Row numbers, ascending.

        Raises
        ------
        InputError
            If the index is out of range.
        """
        if not -self.n_images <= i < self.n_images:
            raise InputError(f"image {i} is out of range for {self.n_images} images")
        if self._order is None or self._offsets is None:
            self._order = np.argsort(self.image, kind="stable")
            counts = np.bincount(self.image, minlength=self.n_images)
            self._offsets = np.concatenate([[0], np.cumsum(counts)])
        i %= self.n_images
        return self._order[self._offsets[i] : self._offsets[i + 1]]

    def of_image(self, i: int) -> Fixations:
        """Return the fixations on image i, without re-indexing the image.

        Parameters
        ----------
        i
            Index of the image; negative indices count from the end.

        Returns
        -------
        fixations : Fixations
            Fixations on the image; `image` and `n_images` do not change.

        Raises
        ------
        InputError
            If the index is out of range.
        """
        return self[self.rows_of_image(i)]

    def select_images(self, index: Any) -> Fixations:
        """Return the fixations on the selected images, whose indices become 0, 1, ... in order.

        Parameters
        ----------
        index
            Slice, boolean mask or integer indices of images.

        Returns
        -------
        fixations : Fixations
            Fixations sorted by selected image; `n_images` is the number of selected images.

        Raises
        ------
        InputError
            If the index is out of range, or not an index.
        """
        images = selected_indices(index, self.n_images, "images")
        rows = [self.rows_of_image(i) for i in images]
        all_rows = np.concatenate(rows) if rows else np.zeros(0, np.int64)
        columns = {name: values[all_rows] for name, values in self.columns.items()}
        columns["image"] = np.repeat(np.arange(len(images)), [len(r) for r in rows])
        return Fixations(columns, len(images), self._left_out, self.notes)

    def counts(self) -> NDArray[np.int64]:
        """Return the number of fixations on each image.

        Returns
        -------
        counts : ndarray of int64, shape (n_images,)
            Number of fixations, 0 for images without any.
        """
        return np.bincount(self.image, minlength=self.n_images)

    def outside(self, stimuli: Stimuli) -> NDArray[np.bool_]:
        """Return for each fixation whether it is outside its image.

        Parameters
        ----------
        stimuli
            The images.

        Returns
        -------
        outside : ndarray of bool, shape (n,)
            True for fixations off their image; x = width and y = height are outside.

        Raises
        ------
        InputError
            If the number of images differs.
        """
        self._check_length(stimuli)
        heights, widths = stimuli.sizes[self.image].T
        return (self.x < 0) | (self.y < 0) | (self.x >= widths) | (self.y >= heights)

    def drop_outside(self, stimuli: Stimuli) -> Fixations:
        """Return only the fixations inside their images.

        Parameters
        ----------
        stimuli
            The images.

        Returns
        -------
        fixations : Fixations
            The fixations inside their images, in their order; `left_out` counts the others.

        Raises
        ------
        InputError
            If the number of images differs.
        """
        outside = self.outside(stimuli)
        return self[~outside]._with_left_out(OUTSIDE, int(outside.sum()))

    def clip_to(self, stimuli: Stimuli) -> Fixations:
        """Return all fixations, with those outside moved to the centre of the nearest pixel.

        Parameters
        ----------
        stimuli
            The images.

        Returns
        -------
        fixations : Fixations
            All fixations, in their order; those inside do not change, `left_out` counts the others.

        Raises
        ------
        InputError
            If the number of images differs.
        """
        outside = self.outside(stimuli)
        heights, widths = stimuli.sizes[self.image].T
        columns = dict(self.columns)
        columns["x"] = np.where(outside, np.clip(self.x, 0.5, widths - 0.5), self.x)
        columns["y"] = np.where(outside, np.clip(self.y, 0.5, heights - 0.5), self.y)
        moved = Fixations(columns, self.n_images, self._left_out, self.notes)
        return moved._with_left_out(MOVED, int(outside.sum()))

    def check_against(
        self,
        stimuli: Stimuli,
        what: str = "fixations",
        *,
        where: Callable[[int], str] = "row {}".format,
        advice: str | None = None,
    ) -> None:
        """Check that all fixations are inside their images.

        Parameters
        ----------
        stimuli
            The images.
        what
            Name of the fixations in the error message.
        where
            Function that returns the place of a row for the message, such as a line of a file.
        advice
            What the message says to do.

        Raises
        ------
        InputError
            If the number of images differs, or fixations are outside their images.
        """
        outside = np.flatnonzero(self.outside(stimuli))
        if outside.size:
            row = outside[0]
            name = stimuli.ids[self.image[row]]
            height, width = stimuli.sizes[self.image[row]]
            heights, widths = stimuli.sizes[self.image].T
            hint = outside_hint(self.x, self.y, widths, heights)
            advice = advice or f"use {what}.drop_outside(stimuli) or {what}.clip_to(stimuli)"
            raise InputError(
                f"{outside.size} of {len(self)} {what} are outside their image; the first is "
                f"{where(int(row))}: x={self.x[row]:g}, y={self.y[row]:g} on {name!r} (width "
                f"{width}, height {height}). {hint + '; or' if hint else 'To go on without them,'} "
                f"{advice}"
            )

    def _check_length(self, stimuli: Stimuli) -> None:
        if self.n_images != len(stimuli):
            raise InputError(
                f"fixations are on {self.n_images} images, but there are {len(stimuli)} stimuli; "
                "give Fixations.from_arrays n_images=len(stimuli)"
            )


def read_fixations(
    path: str | Path, stimuli: Stimuli, form: TableFormat
) -> tuple[Fixations, Callable[[int], str]]:
    """Read fixations from a file, and return them with the line of each, for messages.

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
    rows = read_rows(path, stimuli, form)
    return _of_rows(rows, len(stimuli), stacklevel=4), rows.where


def _of_rows(rows: FixationRows, n_images: int, *, stacklevel: int) -> Fixations:
    """Return the fixations of a table, and warn of what was noticed while it was read."""
    found = Fixations.from_arrays(
        rows.x, rows.y, rows.image, subject=rows.subject, n_images=n_images, **rows.others
    )
    for note in rows.notes:
        warnings.warn(note, InputWarning, stacklevel=stacklevel)
    return Fixations(found.columns, n_images, rows.left_out, rows.notes)


def _column(name: str, values: ArrayLike, dtype: Any = None) -> NDArray[Any]:
    try:
        column = np.array(to_numpy(values) if is_array(values) else values, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise InputError(f"column {name!r} cannot be read as numbers: {error}") from error
    if column.ndim != 1:
        raise InputError(f"column {name!r} must be one-dimensional; got shape {column.shape}")
    return column


def _image_column(image: ArrayLike, n_images: int | None) -> NDArray[np.int64]:
    column = _column("image", image)
    if column.size == 0:
        return np.zeros(0, np.int64)
    if column.dtype.kind not in "iu":
        raise InputError(
            f"column 'image' must hold integer indices; got {column.dtype}. For image names use "
            "Fixations.from_dataframe"
        )
    bad = np.flatnonzero((column < 0) | (column >= (np.inf if n_images is None else n_images)))
    if bad.size:
        limit = "" if n_images is None else f" and below n_images = {n_images}"
        raise InputError(
            f"image indices must be at least 0{limit}; {bad.size} rows are not, the first is row "
            f"{bad[0]}: {column[bad[0]]}"
        )
    return column.astype(np.int64)
