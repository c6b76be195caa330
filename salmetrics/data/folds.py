"""Folds: which model may predict which image, because its training did not use it."""

from __future__ import annotations

import csv
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.dataset import Dataset
from salmetrics.data.stimuli import Stimuli
from salmetrics.errors import InputError, check_choice, check_list, is_whole, some
from salmetrics.io.files import check_file, check_target, replacing
from salmetrics.io.name_parts import natural_key

__all__ = [
    "N_MIT1003",
    "SCHEMES",
    "Folds",
    "Order",
    "Scheme",
    "ids_of",
    "kfold",
    "mit1003",
    "stratified",
]

Scheme = Literal["deepgaze3", "deepgaze2"]
Order = Literal["natural", "given"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
ORDERS: tuple[Order, ...] = get_args(Order)
N_MIT1003 = 1003
_SEED = 42  # as in the public training code
_COLUMNS = ("id", "fold", "n_folds", "scheme")


class Folds(Mapping[str, int]):
    """The fold of each image, by its id; the model of fold k is tested on the images of fold k.

    Parameters
    ----------
    fold_of
        Fold of each image, counted from 0, by image id.
    n_folds
        Number of folds; the largest fold plus one by default.
    scheme
        Images on which the training of model k is stopped: "deepgaze3", those of fold k - 1 (of the
        last fold for k = 0); or "deepgaze2", those of fold k itself, which are then not quite
        unseen.

    Raises
    ------
    InputError
        If a fold is not an integer from 0 to n_folds - 1, or there are no images.

    Examples
    --------
    >>> folds = Folds({"a": 0, "b": 1, "c": 2})
    >>> folds["b"], folds.test(1), folds.validation(1), folds.train(1)
    (1, ('b',), ('a',), ('c',))
    """

    def __init__(
        self,
        fold_of: Mapping[str, int],
        n_folds: int | None = None,
        *,
        scheme: Scheme = "deepgaze3",
    ) -> None:
        check_choice("scheme", scheme, SCHEMES)
        self._fold_of = {str(name): fold for name, fold in fold_of.items()}
        if len(self._fold_of) < len(fold_of):
            raise InputError("ids must differ as text; 1 and '1' do not")
        invalid = [name for name, fold in self._fold_of.items() if not is_whole(fold) or fold < 0]
        if invalid:
            raise InputError(
                f"folds must be whole numbers from 0; that of {invalid[0]!r} is "
                f"{self._fold_of[invalid[0]]!r}"
            )
        if not self._fold_of:
            raise InputError("folds must hold at least one image")
        largest = max(self._fold_of.values())
        self.n_folds = int(largest) + 1 if n_folds is None else n_folds
        if not is_whole(self.n_folds):
            raise InputError(f"n_folds must be a whole number; got {n_folds!r}")
        if largest >= self.n_folds:
            raise InputError(f"there are {self.n_folds} folds, and one image is in fold {largest}")
        self.scheme = scheme

    def __getitem__(self, name: str) -> int:
        return self._fold_of[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fold_of)

    def __len__(self) -> int:
        return len(self._fold_of)

    def of(self, stimuli: Stimuli) -> NDArray[np.int64]:
        """Return the fold of each image.

        Parameters
        ----------
        stimuli
            Images, all of which must be in a fold.

        Returns
        -------
        folds : ndarray of int64, shape (n_images,)
            Folds, counted from 0.

        Raises
        ------
        InputError
            If an image is not in any fold.
        """
        unknown = [name for name in stimuli.ids if name not in self._fold_of]
        if unknown:
            raise InputError(
                f"{len(unknown)} of {len(stimuli)} images are in no fold: {some(unknown)}"
            )
        return np.array([self._fold_of[name] for name in stimuli.ids], dtype=np.int64)

    def test(self, k: int) -> tuple[str, ...]:
        """Return the images on which model k is tested.

        Parameters
        ----------
        k
            Fold of the model.

        Returns
        -------
        ids : tuple of str
            Ids of the images of fold k.

        Raises
        ------
        InputError
            If there is no fold k.
        """
        return self._ids_in({self._checked(k)})

    def validation(self, k: int) -> tuple[str, ...]:
        """Return the images on which the training of model k is stopped.

        Parameters
        ----------
        k
            Fold of the model.

        Returns
        -------
        ids : tuple of str
            Ids of the images of fold k - 1 or k; see the parameter `scheme`.

        Raises
        ------
        InputError
            If there is no fold k.
        """
        return self._ids_in({self._validation_fold(k)})

    def train(self, k: int) -> tuple[str, ...]:
        """Return the images on which model k is trained.

        Parameters
        ----------
        k
            Fold of the model.

        Returns
        -------
        ids : tuple of str
            Ids of all images that are neither in `test` nor in `validation`.

        Raises
        ------
        InputError
            If there is no fold k, or no fold is left to train on.
        """
        held_out = {self._checked(k), self._validation_fold(k)}
        trained = set(range(self.n_folds)) - held_out
        if not trained:
            raise InputError(
                f"{self.n_folds} folds leave nothing to train on, because one is for testing and "
                "one for stopping; use at least 3"
            )
        return self._ids_in(trained)

    def split(self, dataset: Dataset, k: int) -> tuple[Dataset, Dataset, Dataset]:
        """Return the parts of a data set that model k is trained, stopped and tested on.

        Parameters
        ----------
        dataset
            Images, all of which must be in a fold, and fixations.
        k
            Fold of the model.

        Returns
        -------
        train, validation, test : Dataset
            The images of `train`, `validation` and `test`, in the order of the data set.

        Raises
        ------
        InputError
            If an image is not in any fold, there is no fold k, or no fold is left to train on.
        """
        self.train(k)  # raises if no fold is left to train on
        folds = self.of(dataset.stimuli)
        validation = self._validation_fold(k)
        return (
            dataset[(folds != k) & (folds != validation)],
            dataset[folds == validation],
            dataset[folds == self._checked(k)],
        )

    def check(self, k: int, trained_on: Stimuli | Iterable[str]) -> None:
        """Check that the training of model k did not use its test images.

        Parameters
        ----------
        k
            Fold of the model.
        trained_on
            All images that the training used, including those it was stopped on, or their ids.

        Raises
        ------
        InputError
            If images of fold k are among them.
        """
        leaked = sorted(ids_of(trained_on) & set(self.test(k)))
        if leaked:
            raise InputError(
                f"model {k} was trained on {len(leaked)} of the images that it would be tested on: "
                f"{some(leaked)}. Its scores on them are meaningless; use the folds that it was "
                "trained with"
            )

    def together(self, *groups: Sequence[str]) -> Folds:
        """Return folds in which images that show the same are in one fold.

        Otherwise a model could be tested on a copy of an image that it was trained on.

        Parameters
        ----------
        *groups
            Ids of images that belong together; all move to the fold of the first.

        Returns
        -------
        folds : Folds
            Folds of the same images, by the same scheme.

        Raises
        ------
        InputError
            If an image is in no fold, or in several groups.

        Examples
        --------
        >>> folds = Folds({"a": 0, "b": 1, "copy of a": 1}).together(["a", "copy of a"])
        >>> folds["copy of a"]
        0
        """
        names = [str(name) for group in groups for name in check_list("groups", group)]
        unknown = [name for name in names if name not in self._fold_of]
        if unknown:
            raise InputError(f"images that belong together are in no fold: {some(unknown)}")
        if len(set(names)) < len(names):
            raise InputError("an image can be in one group only, and once")
        fold_of = dict(self._fold_of)
        for first, *others in groups:
            fold_of |= dict.fromkeys(map(str, others), fold_of[str(first)])
        return Folds(fold_of, self.n_folds, scheme=self.scheme)

    def save(self, path: str | Path) -> None:
        """Write a CSV file with the columns id, fold, n_folds and scheme.

        Parameters
        ----------
        path
            Path of the file, replaced atomically if it exists.

        Raises
        ------
        InputError
            If the folder does not exist.
        """
        with (
            replacing(check_target(path, (".csv", ".tsv", ".txt"))) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_COLUMNS)
            for name, fold in self._fold_of.items():
                writer.writerow([name, fold, self.n_folds, self.scheme])

    @classmethod
    def load(cls, path: str | Path) -> Folds:
        """Read a CSV file with the columns id and fold, and optionally n_folds and scheme.

        Parameters
        ----------
        path
            Path of the file.

        Returns
        -------
        folds : Folds
            The folds of the images in the file.

        Raises
        ------
        InputError
            If the file does not exist, or is not a CSV file of folds.
        """
        source = check_file(path)
        try:
            with source.open(
                newline="", encoding="utf-8-sig"
            ) as file:  # Excel writes a byte order mark
                rows = list(csv.DictReader(file))
        except UnicodeDecodeError as error:
            raise InputError(f"{str(source)!r} cannot be read as CSV: {error}") from error
        if not rows or not {"id", "fold"} <= set(rows[0]):
            raise InputError(f"{str(source)!r} must have the columns id and fold, and rows")
        repeated = [name for name, n in Counter(row["id"] for row in rows).items() if n > 1]
        if repeated:
            raise InputError(f"{str(source)!r} has images twice: {some(repeated)}")
        kinds = {(row.get("n_folds"), row.get("scheme") or SCHEMES[0]) for row in rows}
        if len(kinds) > 1:
            raise InputError(f"{str(source)!r} must have one n_folds and one scheme for all rows")
        ((n_folds, scheme),) = kinds
        try:
            fold_of = {row["id"]: int(row["fold"]) for row in rows}
            return cls(fold_of, int(n_folds) if n_folds else None, scheme=cast(Scheme, scheme))
        except InputError:
            raise
        except (TypeError, ValueError) as error:
            raise InputError(f"{str(source)!r}: folds must be whole numbers: {error}") from error

    def __repr__(self) -> str:
        return f"Folds({len(self)} images, {self.n_folds} folds, scheme {self.scheme!r})"

    def _ids_in(self, folds: set[int]) -> tuple[str, ...]:
        return tuple(name for name, fold in self._fold_of.items() if fold in folds)

    def _validation_fold(self, k: int) -> int:
        self._checked(k)
        return k if self.scheme == "deepgaze2" else (k - 1) % self.n_folds

    def _checked(self, k: int) -> int:
        if not is_whole(k) or not 0 <= k < self.n_folds:
            raise InputError(f"k must be a fold from 0 to {self.n_folds - 1}; got {k!r}")
        return k


def kfold(
    stimuli: Stimuli | Sequence[str],
    n_folds: int = 10,
    *,
    scheme: Scheme = "deepgaze3",
    order: Order = "natural",
) -> Folds:
    """Divide images into folds, as the public training code of the DeepGaze models does.

    Indices are shuffled by ``numpy.random.RandomState(42)`` and cut into chunks of
    ceil(n / n_folds).

    Parameters
    ----------
    stimuli
        All images of a data set, or their ids; a part of them would be divided differently. To get
        the folds of a part, use `Folds.of`.
    n_folds
        Number of folds.
    scheme
        Images on which the training is stopped; see `Folds`. "deepgaze2" warns.
    order
        Order in which images are numbered before shuffling: "natural", the natural order of their
        ids (i2 before i10), so that the order of the images does not matter; or "given", their own
        order.

    Returns
    -------
    folds : Folds
        The fold of each image.

    Raises
    ------
    InputError
        If a choice is invalid, ids are repeated, or the images do not fill n_folds chunks.

    Examples
    --------
    >>> dict(kfold(["a", "b", "c"], 3))
    {'a': 0, 'b': 1, 'c': 2}
    """
    ids = _ordered(stimuli, order)
    _check_n_folds(n_folds, len(ids))
    indices = np.arange(len(ids))
    np.random.RandomState(_SEED).shuffle(indices)  # the published rule
    if scheme == "deepgaze3" and n_folds < 3:
        raise InputError(
            f"{n_folds} folds leave nothing to train on, because one is for testing and one for "
            "stopping; use at least 3"
        )
    size = -(-len(ids) // n_folds)
    if -(-len(ids) // size) < n_folds:
        raise InputError(
            f"{len(ids)} images in chunks of {size} fill {-(-len(ids) // size)} folds, not "
            f"{n_folds}; choose another n_folds"
        )
    fold_of = {ids[i]: place // size for place, i in enumerate(indices.tolist())}
    if scheme == "deepgaze2":
        warnings.warn(
            "scheme 'deepgaze2' stops each model on its test images, so its scores are a little "
            "too good",
            stacklevel=2,
        )
    return Folds({name: fold_of[name] for name in ids}, n_folds, scheme=scheme)


def stratified(
    stimuli: Stimuli, attribute: str = "category", n_folds: int = 10, *, order: Order = "natural"
) -> Folds:
    """Divide images into folds with equal shares of each category.

    The folds are those of scikit-learn's ``StratifiedKFold(n_folds, shuffle=True,
    random_state=RandomState(42))``, which is not needed.

    Parameters
    ----------
    stimuli
        All images of a data set.
    attribute
        Name of the attribute that holds the category of each image.
    n_folds, order
        See `kfold`.

    Returns
    -------
    folds : Folds
        The fold of each image.

    Raises
    ------
    InputError
        If a choice is invalid, or a category has fewer images than there are folds.

    Examples
    --------
    >>> kinds = {"category": ["in", "out"] * 6}
    >>> folds = stratified(Stimuli.from_sizes([(3, 4)] * 12, attributes=kinds), n_folds=3)
    >>> [len(folds.test(k)) for k in range(3)]
    [4, 4, 4]
    """
    check_choice("attribute", attribute, stimuli.attributes)
    ids = _ordered(stimuli, order)
    _check_n_folds(n_folds, len(ids))
    category_of = dict(zip(stimuli.ids, stimuli.attributes[attribute].tolist(), strict=True))
    labels = [category_of[name] for name in ids]
    rarest, n_rarest = Counter(labels).most_common()[-1]
    if n_rarest < n_folds:
        raise InputError(
            f"{attribute} {rarest!r} has {n_rarest} images, fewer than {n_folds} folds; choose "
            "fewer folds"
        )
    state = np.random.RandomState(_SEED)  # the published rule
    kinds = {kind: number for number, kind in enumerate(dict.fromkeys(labels))}
    dealt = np.sort([kinds[kind] for kind in labels])  # image after image, to fold after fold
    fold_of: dict[str, int] = {}
    for kind, number in kinds.items():
        numbers = np.sort(np.flatnonzero(dealt == number) % n_folds)
        state.shuffle(numbers)
        members = [name for name, own in zip(ids, labels, strict=True) if own == kind]
        fold_of |= dict(zip(members, numbers.tolist(), strict=True))
    return Folds({name: fold_of[name] for name in ids}, n_folds)


def mit1003(stimuli: Stimuli | Sequence[str], *, scheme: Scheme = "deepgaze3") -> Folds:
    """Return the presumed ten folds of MIT1003 of the DeepGaze models (see `kfold`).

    Parameters
    ----------
    stimuli
        All 1003 images, or their ids. To get the folds of a part, use `Folds.of`.
    scheme
        Images on which the training is stopped; see `Folds`.

    Returns
    -------
    folds : Folds
        The fold of each image.

    Raises
    ------
    InputError
        If there are not 1003 images.

    Examples
    --------
    >>> folds = mit1003([f"{i}.jpeg" for i in range(1003)])
    >>> len(folds.test(0)), len(folds.train(0))
    (101, 808)
    """
    n = len(stimuli)
    if n != N_MIT1003:
        raise InputError(
            f"the folds of MIT1003 are defined on all its {N_MIT1003} images; got {n}. "
            "Compute them for all images and look up yours: folds.mit1003(all).of(stimuli)"
        )
    return kfold(stimuli, 10, scheme=scheme)


def ids_of(images: Stimuli | Iterable[str]) -> set[str]:
    """Return the ids of stimuli, or a sequence of ids, as a set.

    Parameters
    ----------
    images
        Stimuli, or ids.

    Returns
    -------
    ids : set of str
        The different ids.

    Raises
    ------
    InputError
        If `images` is a single text.

    Examples
    --------
    >>> sorted(ids_of(["a", "b", "a"]))
    ['a', 'b']
    """
    if isinstance(images, str):
        raise InputError(f"ids must be a list of texts; got {images!r} alone")
    return set(images.ids) if isinstance(images, Stimuli) else set(map(str, images))


def _ordered(stimuli: Stimuli | Sequence[str], order: Order) -> list[str]:
    check_choice("order", order, ORDERS)
    ids = list(stimuli.ids) if isinstance(stimuli, Stimuli) else [str(name) for name in stimuli]
    if len(set(ids)) < len(ids):
        raise InputError("ids must be unique")
    return sorted(ids, key=lambda name: (natural_key(name), name)) if order == "natural" else ids


def _check_n_folds(n_folds: int, n: int) -> None:
    if not is_whole(n_folds) or not 2 <= n_folds <= n:
        raise InputError(f"n_folds must be from 2 to {n}, the number of images; got {n_folds!r}")
