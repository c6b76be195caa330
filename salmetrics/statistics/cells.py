"""From one value a fixation, or an image, to one number, by way of sums over cells."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cells", "Ratio", "Sample", "Score"]

Array = NDArray[np.float64]


class Cells:
    """The pairs of an image and a subject who looked at it, by image and then subject.

    Sums over cells are all that averages, intervals and tests need, so a result that keeps only
    those gives the same numbers as one that keeps every fixation.

    Parameters
    ----------
    image, subject
        Of each fixation, shape (n,); images are indices, subjects of any type.

    Attributes
    ----------
    image, subject
        Of each cell, shape (n_cells,); subjects as codes, which index `subjects`.
    subjects
        Who looked, sorted.
    counts
        Fixations in each cell, float64.
    of_fixation
        The cell of each fixation, shape (n,); None if fixations were not kept.
    """

    def __init__(self, image: NDArray[np.int64], subject: NDArray[np.generic]) -> None:
        self.subjects: NDArray[np.generic]
        self.of_fixation: NDArray[np.int64] | None
        self.subjects, codes = np.unique(subject, return_inverse=True)
        width = max(self.subjects.size, 1)
        pairs, self.of_fixation = np.unique(image * width + codes, return_inverse=True)
        self.image, self.subject = np.divmod(pairs, width)
        self.counts = np.bincount(self.of_fixation, minlength=pairs.size).astype(np.float64)

    @classmethod
    def from_arrays(
        cls,
        *,
        image: NDArray[np.int64],
        subject: NDArray[np.int64],
        counts: Array,
        subjects: NDArray[np.generic],
        of_fixation: NDArray[np.int64] | None,
    ) -> Cells:
        """Cells as they were; `of_fixation` is None if fixations were not kept."""
        cells = cls.__new__(cls)
        cells.image, cells.subject, cells.counts = image, subject, counts
        cells.subjects, cells.of_fixation = subjects, of_fixation
        return cells

    def without_fixations(self) -> Cells:
        """Return the same cells, no longer knowing their fixations."""
        return Cells.from_arrays(
            image=self.image,
            subject=self.subject,
            counts=self.counts,
            subjects=self.subjects,
            of_fixation=None,
        )

    def __len__(self) -> int:
        return self.image.size

    def add(self, sums: Array, values: Array, rows: NDArray[np.int64]) -> None:
        """Add one value for each of some fixations to sums over cells.

        Parameters
        ----------
        sums
            Shape (n_cells,), changed in place.
        values, rows
            Scores of fixations and their indices: all fixations of some images.
        """
        assert self.of_fixation is not None
        cells = self.of_fixation[rows]
        if cells.size:
            first, last = int(cells.min()), int(cells.max()) + 1
            sums[first:last] += np.bincount(cells - first, weights=values, minlength=last - first)

    def sample(self, sums: Array, average: str) -> Sample:
        """Return the cells that have a number, as what a score is made of."""
        return Sample(self.image, self.subject, sums, self.counts, average).there()


@dataclass(frozen=True)
class Sample:
    """What a score is made of: sums and counts over cells, and how they become one number.

    Parameters
    ----------
    image, subject
        Of each cell, shape (n_cells,), codes from 0.
    sums, counts
        Sum of the score over a cell's fixations, and their number. A score with one value an
        image has one cell an image, with count 1.
    average
        "fixation": sum of all sums over sum of all counts; "image" and "subject": mean over
        images, or subjects, of the same ratio within each.
    """

    image: NDArray[np.int64]
    subject: NDArray[np.int64]
    sums: Array
    counts: Array
    average: str

    @classmethod
    def of_images(cls, values: Array) -> Sample:
        """One value an image, shape (n_images,), NaN where there is none; averaged over images."""
        image = np.arange(values.size)
        ones = np.ones(values.size)
        return cls(image, np.zeros(values.size, np.int64), values, ones, "fixation").there()

    @property
    def value(self) -> float:
        """The score; NaN without cells."""
        if self.sums.size == 0:
            return np.nan
        if self.average != "fixation":
            sums, counts = self.by(self.image if self.average == "image" else self.subject)
            return float(np.mean(sums[counts > 0] / counts[counts > 0]))
        # over images first: as good as any order, and the same whatever is kept of the cells
        sums, counts = self.by(self.image)
        return float(sums.sum() / counts.sum())

    def by(self, groups: NDArray[np.int64]) -> tuple[Array, Array]:
        """Add up sums and counts over groups of cells, by code."""
        sums = np.asarray(np.bincount(groups, weights=self.sums), np.float64)
        return sums, np.asarray(np.bincount(groups, weights=self.counts), np.float64)

    def there(self) -> Sample:
        """Only the cells that have a number."""
        return self.select(~np.isnan(self.sums))

    def select(self, cells: NDArray[np.bool_] | NDArray[np.int64]) -> Sample:
        """Only some of the cells."""
        return replace(
            self,
            image=self.image[cells],
            subject=self.subject[cells],
            sums=self.sums[cells],
            counts=self.counts[cells],
        )

    def minus(self, other: Score) -> Sample:
        """Difference of two scores, on the cells that both have."""
        mine, theirs = _shared(self, other)
        return replace(self.select(mine), sums=self.sums[mine] - other.sums[theirs])


@dataclass(frozen=True)
class Ratio:
    """One score as a share of another on the same cells, such as explained information gain.

    It behaves as a `Sample`; two of them are compared over the same denominator.
    """

    numerator: Sample
    denominator: Sample

    @classmethod
    def of(cls, numerator: Sample, denominator: Sample) -> Ratio:
        """Make one on the cells that both have."""
        mine, theirs = _shared(numerator, denominator)
        return cls(numerator.select(mine), denominator.select(theirs))

    @property
    def image(self) -> NDArray[np.int64]:
        """Of each cell."""
        return self.numerator.image

    @property
    def subject(self) -> NDArray[np.int64]:
        """Of each cell."""
        return self.numerator.subject

    @property
    def sums(self) -> Array:
        """Of the numerator."""
        return self.numerator.sums

    @property
    def counts(self) -> Array:
        """Of both."""
        return self.numerator.counts

    @property
    def value(self) -> float:
        """The ratio of the two scores; NaN unless the denominator is above 0."""
        under = self.denominator.value
        return self.numerator.value / under if under > 0 else np.nan

    def by(self, groups: NDArray[np.int64]) -> tuple[Array, Array]:
        """Add up numerator and denominator over groups of cells, by code; 0 for one below 0."""
        return self.numerator.by(groups)[0], np.maximum(self.denominator.by(groups)[0], 0.0)

    def select(self, cells: NDArray[np.bool_] | NDArray[np.int64]) -> Ratio:
        """Only some of the cells."""
        return Ratio(self.numerator.select(cells), self.denominator.select(cells))

    def minus(self, other: Score) -> Ratio:
        """Difference of two ratios, on the cells that both have."""
        assert isinstance(other, Ratio)
        return Ratio.of(self.numerator.minus(other.numerator), self.denominator)


Score = Sample | Ratio


def _shared(first: Score, second: Score) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the cells that both have are, in each."""
    width = 1 + max(first.subject.max(initial=0), second.subject.max(initial=0))
    _, mine, theirs = np.intersect1d(
        first.image * width + first.subject,
        second.image * width + second.subject,
        assume_unique=True,
        return_indices=True,
    )
    return mine, theirs
