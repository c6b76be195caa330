"""From one value per fixation, or per image, to one score, by way of sums over cells."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from salmetrics.array_types import Array, Rows
from salmetrics.protocols import Average

__all__ = ["Cells", "Ratio", "Sample", "Score"]


class Cells:
    """The pairs of an image and a subject who looked at it, sorted by image and then subject.

    Averages, intervals and tests need only sums over cells, so a result that keeps only the sums
    gives the same numbers as one that keeps every fixation.

    Parameters
    ----------
    image
        Index of each fixation's image, int64, shape (n,).
    subject
        Subject of each fixation, of any type, shape (n,).

    Attributes
    ----------
    image
        Index of each cell's image, int64, shape (n_cells,).
    subject
        Index of each cell's subject in `subjects`, int64, shape (n_cells,).
    subjects
        The distinct subjects, sorted.
    counts
        Number of fixations in each cell, float64, shape (n_cells,).
    of_fixation
        Index of each fixation's cell, int64, shape (n,); None if fixations were not kept.
    """

    def __init__(self, image: Rows, subject: NDArray[np.generic]) -> None:
        self.subjects: NDArray[np.generic]
        self.of_fixation: Rows | None
        self.subjects, codes = np.unique(subject, return_inverse=True)
        width = max(self.subjects.size, 1)
        pairs, self.of_fixation = np.unique(image * width + codes, return_inverse=True)
        self.image, self.subject = np.divmod(pairs, width)
        self.counts = np.bincount(self.of_fixation, minlength=pairs.size).astype(np.float64)

    @classmethod
    def from_arrays(
        cls,
        *,
        image: Rows,
        subject: Rows,
        counts: Array,
        subjects: NDArray[np.generic],
        of_fixation: Rows | None,
    ) -> Cells:
        """Return cells from their attributes, such as a file holds them."""
        cells = cls.__new__(cls)
        cells.image, cells.subject, cells.counts = image, subject, counts
        cells.subjects, cells.of_fixation = subjects, of_fixation
        return cells

    def without_fixations(self) -> Cells:
        """Return the same cells without the cell of each fixation."""
        return Cells.from_arrays(
            image=self.image,
            subject=self.subject,
            counts=self.counts,
            subjects=self.subjects,
            of_fixation=None,
        )

    def __len__(self) -> int:
        return self.image.size

    def add(self, sums: Array, values: Array, rows: Rows) -> None:
        """Add one value per fixation of some images to sums over cells.

        Parameters
        ----------
        sums
            Sums over cells, shape (n_cells,), changed in place.
        values
            Score of each fixation, shape (m,).
        rows
            Indices of these fixations, all those of some images, shape (m,).
        """
        assert self.of_fixation is not None
        cells = self.of_fixation[rows]
        if cells.size:
            first, last = int(cells.min()), int(cells.max()) + 1
            sums[first:last] += np.bincount(cells - first, weights=values, minlength=last - first)

    def sample(self, sums: Array, average: Average) -> Sample:
        """Return what a score is computed from: the cells that have a value."""
        return Sample(self.image, self.subject, sums, self.counts, average).valid()


@dataclass(frozen=True)
class Sample:
    """What a score is computed from: sums and counts over cells, and how they are averaged.

    Parameters
    ----------
    image, subject
        Image and subject of each cell as codes from 0, int64, shape (n_cells,).
    sums
        Sum of the score over the fixations of each cell, shape (n_cells,).
    counts
        Number of these fixations, float64, shape (n_cells,). A score with one value per image
        has one cell per image, with count 1.
    average
        "fixation": sum of all sums divided by the sum of all counts; "image" and "subject": mean
        over images, or subjects, of this ratio within each.
    """

    image: Rows
    subject: Rows
    sums: Array
    counts: Array
    average: Average

    @classmethod
    def of_images(cls, values: Array) -> Sample:
        """Return the sample of one value per image, shape (n_images,), NaN where it is missing."""
        image = np.arange(values.size)
        ones = np.ones(values.size)
        return cls(image, np.zeros(values.size, np.int64), values, ones, "fixation").valid()

    @property
    def value(self) -> float:
        """The score; NaN if there are no cells."""
        if self.sums.size == 0:
            return np.nan
        if self.average != "fixation":
            sums, counts = self.by(self.image if self.average == "image" else self.subject)
            return float(np.mean(sums[counts > 0] / counts[counts > 0]))
        # over images first, so that the last digits do not depend on whether cells were kept
        sums, counts = self.by(self.image)
        return float(sums.sum() / counts.sum())

    def by(self, groups: Rows) -> tuple[Array, Array]:
        """Add up sums and counts over groups of cells; `groups` has the code of each cell."""
        sums = np.asarray(np.bincount(groups, weights=self.sums), np.float64)
        return sums, np.asarray(np.bincount(groups, weights=self.counts), np.float64)

    def valid(self) -> Sample:
        """Return only the cells that have a value."""
        return self.select(~np.isnan(self.sums))

    def select(self, cells: NDArray[np.bool_] | Rows) -> Sample:
        """Return only some of the cells, by mask or by index."""
        return replace(
            self,
            image=self.image[cells],
            subject=self.subject[cells],
            sums=self.sums[cells],
            counts=self.counts[cells],
        )

    def minus(self, other: Score) -> Sample:
        """Return the difference of two scores, on the cells that both have."""
        mine, theirs = _shared(self, other)
        return replace(self.select(mine), sums=self.sums[mine] - other.sums[theirs])


@dataclass(frozen=True)
class Ratio:
    """One score as a share of another on the same cells, such as explained information gain.

    It behaves like a `Sample`; two of them are compared over the same denominator.

    Parameters
    ----------
    numerator, denominator
        Samples on the same cells.
    """

    numerator: Sample
    denominator: Sample

    @classmethod
    def of(cls, numerator: Sample, denominator: Sample) -> Ratio:
        """Return the ratio of two samples on the cells that both have."""
        mine, theirs = _shared(numerator, denominator)
        return cls(numerator.select(mine), denominator.select(theirs))

    @property
    def image(self) -> Rows:
        """Code of each cell's image."""
        return self.numerator.image

    @property
    def subject(self) -> Rows:
        """Code of each cell's subject."""
        return self.numerator.subject

    @property
    def sums(self) -> Array:
        """Sums of the numerator."""
        return self.numerator.sums

    @property
    def counts(self) -> Array:
        """Counts of the numerator; the denominator has the same."""
        return self.numerator.counts

    @property
    def value(self) -> float:
        """The ratio of the two scores; NaN unless the denominator is above 0."""
        denominator = self.denominator.value
        return self.numerator.value / denominator if denominator > 0 else np.nan

    def by(self, groups: Rows) -> tuple[Array, Array]:
        """Add up numerator and denominator over groups of cells; a denominator below 0 is 0."""
        return self.numerator.by(groups)[0], np.maximum(self.denominator.by(groups)[0], 0.0)

    def select(self, cells: NDArray[np.bool_] | Rows) -> Ratio:
        """Return only some of the cells, by mask or by index."""
        return Ratio(self.numerator.select(cells), self.denominator.select(cells))

    def minus(self, other: Score) -> Ratio:
        """Return the difference of two ratios, on the cells that both have."""
        assert isinstance(other, Ratio)
        return Ratio.of(self.numerator.minus(other.numerator), self.denominator)


Score = Sample | Ratio


def _shared(first: Score, second: Score) -> tuple[Rows, Rows]:
    """Return the indices of the cells that both have, in each."""
    width = 1 + max(first.subject.max(initial=0), second.subject.max(initial=0))
    _, mine, theirs = np.intersect1d(
        first.image * width + first.subject,
        second.image * width + second.subject,
        assume_unique=True,
        return_indices=True,
    )
    return mine, theirs
