"""Data sets derived from data sets: resized, subsampled, split and concatenated."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from salmetrics.array_types import Rows, Size
from salmetrics.data.dataset import Dataset
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.errors import InputError, check_choice, check_whole, is_number, is_whole

__all__ = ["concatenate", "rescale", "resize", "split", "subsample"]

Unit = Literal["images", "subjects", "fixations"]
UNITS: tuple[Unit, ...] = get_args(Unit)
_SAME_SCALE = 0.01  # largest relative difference of scales that count as equal


def resize(dataset: Dataset, size: Size | Callable[[Size], Size]) -> Dataset:
    """Resize images, and move the fixations on them accordingly.

    Pixels are interpolated on demand, bilinearly, with antialiasing where images shrink.

    Parameters
    ----------
    dataset
        Images and fixations.
    size
        (height, width) of all images in pixels, or a function that returns it for an image's own
        size, such as ``lambda size: (768, 1024) if size[1] >= size[0] else (1024, 768)``.

    Returns
    -------
    dataset : Dataset
        Resized images with the same ids. `pixels_per_degree` and `sigma` are scaled if all images
        are scaled by the same factor in height and width (within 1 %), and unknown otherwise.

    Raises
    ------
    InputError
        If a size is not two integers of at least 1.

    Examples
    --------
    >>> stimuli = Stimuli.from_sizes([(30, 40)], sigma=6)
    >>> dataset = Dataset("mine", stimuli, Fixations.from_arrays([10], [20], [0]))
    >>> smaller = resize(dataset, (15, 20))
    >>> smaller.fixations.x, smaller.fixations.y, smaller.stimuli.sigma
    (array([5.]), array([10.]), 3.0)
    """
    stimuli = dataset.stimuli
    original_sizes = [(h, w) for h, w in stimuli.sizes.tolist()]
    sizes = [_checked_size(size(each) if callable(size) else size) for each in original_sizes]
    ratios = np.array(sizes, dtype=float).reshape(-1, 2) / stimuli.sizes
    factors = np.sqrt(ratios.prod(1))
    is_one_scale = ratios.size > 0 and np.ptp(ratios) <= _SAME_SCALE * factors[0]
    resized = Stimuli(
        [
            partial(_resized_pixels, stimulus, size) if stimulus.has_pixels else None
            for stimulus, size in zip(stimuli, sizes, strict=True)
        ],
        sizes,
        stimuli.ids,
        attributes=stimuli.attributes,
        pixels_per_degree=_scaled(stimuli.pixels_per_degree, factors[0] if is_one_scale else None),
        sigma=_scaled(stimuli.sigma, factors[0] if is_one_scale else None),
    )
    columns = dict(dataset.fixations.columns)
    image = dataset.fixations.image
    for name, axis in (("x", 1), ("y", 0)):
        ends = resized.sizes[image, axis].astype(float)
        scaled = columns[name] * ratios[image, axis]
        # rounding must not move a fixation off its image
        columns[name] = np.minimum(scaled, np.nextafter(ends, 0))
    old = dataset.fixations
    fixations = Fixations(columns, old.n_images, old.left_out, old.notes)
    return Dataset(dataset.name, resized, fixations, dataset.info)


def rescale(dataset: Dataset, pixels_per_degree: float) -> Dataset:
    """Resize images, and move the fixations, to another number of pixels per degree.

    Parameters
    ----------
    dataset
        Images whose `pixels_per_degree` is known, and fixations.
    pixels_per_degree
        New number of pixels in one degree of visual angle; sizes are rounded to whole pixels.

    Returns
    -------
    dataset : Dataset
        Resized images with the same ids, and `sigma` scaled by the same factor.

    Raises
    ------
    InputError
        If `pixels_per_degree` of the data set is unknown, or the new one is not positive.

    Examples
    --------
    >>> stimuli = Stimuli.from_sizes([(30, 40)], pixels_per_degree=10)
    >>> dataset = Dataset("mine", stimuli, Fixations.from_arrays([10], [20], [0]))
    >>> rescale(dataset, 15).stimuli
    Stimuli(1 images, 60x45)
    """
    original = dataset.stimuli.pixels_per_degree
    if original is None:
        raise InputError(
            f"pixels_per_degree of {dataset.name!r} is unknown; set it with stimuli.with_scale, or "
            "use resize with a size"
        )
    if not is_number(pixels_per_degree) or not 0 < pixels_per_degree < math.inf:
        raise InputError(f"pixels_per_degree must be a positive number; got {pixels_per_degree!r}")
    factor = pixels_per_degree / original

    def scaled(size: Size) -> Size:
        return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))

    resized = resize(dataset, scaled)
    stimuli = resized.stimuli.with_scale(
        pixels_per_degree=pixels_per_degree, sigma=_scaled(dataset.stimuli.sigma, factor)
    )
    return Dataset(resized.name, stimuli, resized.fixations, resized.info)


def subsample(dataset: Dataset, n: int, *, of: Unit = "images", seed: int = 0) -> Dataset:
    """Draw n images, subjects or fixations at random, without changing their order.

    Parameters
    ----------
    dataset
        Images and fixations.
    n
        Number of units to draw, at most all.
    of
        Unit that is drawn: "images", with their fixations; "subjects", on all images; or
        "fixations".
    seed
        Seed of the random draw.

    Returns
    -------
    dataset : Dataset
        The drawn part.

    Raises
    ------
    InputError
        If `n` is not from 1 to the number of units, or `of` or `seed` is invalid.

    Examples
    --------
    >>> stimuli = Stimuli.from_sizes([(30, 40)] * 5)
    >>> dataset = Dataset("mine", stimuli, Fixations.from_arrays([1] * 5, [2] * 5, range(5)))
    >>> subsample(dataset, 3, seed=1).stimuli.ids
    ('1', '2', '3')
    """
    check_choice("of", of, UNITS)
    fixations = dataset.fixations
    subjects = np.unique(fixations.subject)
    total = {"images": len(dataset), "subjects": len(subjects), "fixations": len(fixations)}[of]
    if not is_whole(n) or not 1 <= n <= total:
        raise InputError(f"n must be from 1 to {total}, the number of {of}; got {n!r}")
    drawn = np.sort(_stream(seed).choice(total, n, replace=False))
    if of == "images":
        return dataset[drawn]
    kept = fixations[drawn if of == "fixations" else np.isin(fixations.subject, subjects[drawn])]
    return Dataset(dataset.name, dataset.stimuli, kept, dataset.info)


def split(
    dataset: Dataset, shares: Sequence[float], *, by: str | None = None, seed: int = 0
) -> list[Dataset]:
    """Split the images at random into parts, each in the order of the images.

    For cross-validation, see `salmetrics.data.folds`.

    Parameters
    ----------
    dataset
        Images and fixations.
    shares
        Share of the images in each part, at least 0, sum 1.
    by
        Attribute of the images, such as "category": each part has its share of the images of each
        of its values, up to rounding. None: of all images together.
    seed
        Seed of the random draw.

    Returns
    -------
    parts : list of Dataset
        One data set per share; each image is in exactly one of them.

    Raises
    ------
    InputError
        If the shares are negative or do not add up to 1, there is no such attribute, or the seed
        is invalid.

    Examples
    --------
    >>> stimuli = Stimuli.from_sizes([(30, 40)] * 5)
    >>> dataset = Dataset("mine", stimuli, Fixations.from_arrays([1] * 5, [2] * 5, range(5)))
    >>> [part.stimuli.ids for part in split(dataset, [0.6, 0.4])]
    [('2', '3', '4'), ('0', '1')]
    """
    try:
        fractions = np.array(shares, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"shares must be numbers; got {shares!r}") from error
    if fractions.ndim != 1 or not (fractions >= 0).all() or abs(fractions.sum() - 1) > 1e-6:
        raise InputError(f"shares must be at least 0 and add up to 1; got {list(shares)!r}")
    groups = [np.arange(len(dataset))]
    if by is not None:
        check_choice("by", by, dataset.stimuli.attributes)
        values = [str(value) for value in dataset.stimuli.attributes[by]]
        groups = [np.flatnonzero([v == value for v in values]) for value in sorted({*values})]
    stream = _stream(seed)
    parts: list[list[Rows]] = [[] for _ in fractions]
    for group in groups:
        order = group[stream.permutation(len(group))]
        ends = np.rint(np.cumsum(fractions) * len(group)).astype(int)
        for part, chosen in zip(parts, np.split(order, ends[:-1]), strict=True):
            part.append(chosen)
    return [dataset[np.sort(np.concatenate(part))] for part in parts]


def concatenate(datasets: Sequence[Dataset], *, name: str | None = None) -> Dataset:
    """Concatenate data sets, in order.

    Parameters
    ----------
    datasets
        At least one data set. Parts of one data set have one name: their ids must differ, and
        subjects with the same label are the same person. If the names differ, ids and subjects are
        prefixed with the name: ``"osie/1001"``.
    name
        Name of the result; by default the common name, or all names joined by "+".

    Returns
    -------
    dataset : Dataset
        All images and fixations. Attributes and columns that only some data sets have are NaN or ""
        in the others; the attribute ``dataset`` is the name of the original data set.
        `pixels_per_degree`, `sigma` and facts are kept if they are equal in all.

    Raises
    ------
    InputError
        If there is no data set, ids are repeated, or some but not all of the names are equal.

    Examples
    --------
    >>> fixations = Fixations.from_arrays([1], [2], [0])
    >>> one, two = (Dataset(name, Stimuli.from_sizes([(30, 40)]), fixations) for name in "ab")
    >>> both = concatenate([one, two])
    >>> both.name, both.stimuli.ids
    ('a+b', ('a/0', 'b/0'))
    """
    if not datasets:
        raise InputError("concatenate needs at least one data set")
    names = [dataset.name for dataset in datasets]
    is_several = len(set(names)) > 1
    if is_several and len(set(names)) < len(names):
        raise InputError(
            f"concatenate the parts of one data set first; names are {', '.join(map(repr, names))}"
        )
    prefixes = [f"{each}/" if is_several else "" for each in names]
    counts = [len(dataset) for dataset in datasets]
    attributes = [
        {"dataset": np.full(len(dataset), dataset.name), **dataset.stimuli.attributes}
        for dataset in datasets
    ]
    stimuli = Stimuli(
        [stimulus.load for dataset in datasets for stimulus in dataset.stimuli],
        np.concatenate([dataset.stimuli.sizes for dataset in datasets]),
        [
            prefix + image
            for prefix, dataset in zip(prefixes, datasets, strict=True)
            for image in dataset.stimuli.ids
        ],
        attributes=_joined(attributes, counts),
        pixels_per_degree=_common([d.stimuli.pixels_per_degree for d in datasets]),
        sigma=_common([d.stimuli.sigma for d in datasets]),
    )
    columns = []
    offsets = np.cumsum([0, *counts[:-1]])
    for prefix, offset, dataset in zip(prefixes, offsets, datasets, strict=True):
        table = dict(dataset.fixations.columns)
        table["image"] = table["image"] + offset
        if is_several:
            labels = [f"{prefix}{label}" for label in table["subject"].tolist()]
            table["subject"] = np.array(labels, dtype=str)
        columns.append(table)
    fixations = Fixations.from_arrays(
        n_images=sum(counts), **_joined(columns, [len(d.fixations) for d in datasets])
    )
    left_out: Counter[str] = Counter()
    notes = []
    for prefix, dataset in zip(names, datasets, strict=True):
        left_out.update(dataset.fixations.left_out)
        of_one = f"{prefix}: " if is_several else ""
        notes += [f"{of_one}{note}" for note in dataset.fixations.notes]
    fixations = Fixations(fixations.columns, fixations.n_images, left_out, notes)
    joined_name = "+".join(dict.fromkeys(names)) if name is None else name
    shared = {
        key: value
        for key, value in datasets[0].info.items()
        if all(key in each.info and each.info[key] == value for each in datasets)
    }
    return Dataset(joined_name, stimuli, fixations, shared)


def _joined(
    tables: Sequence[dict[str, NDArray[Any]]], counts: Sequence[int]
) -> dict[str, NDArray[Any]]:
    """Concatenate columns; a table without a column is filled with NaN or ""."""
    joined = {}
    for name in dict.fromkeys(name for table in tables for name in table):
        is_text = any(table[name].dtype.kind in "UO" for table in tables if name in table)
        parts = []
        for table, n in zip(tables, counts, strict=True):
            filler = np.full(n, "" if is_text else np.nan)
            part = table.get(name, filler)
            parts.append(_as_text(part) if is_text and part.dtype.kind != "U" else part)
        joined[name] = np.concatenate(parts)
    return joined


def _as_text(values: NDArray[Any]) -> NDArray[np.str_]:
    return np.array(["" if value != value else str(value) for value in values.tolist()], dtype=str)


def _common(values: Sequence[float | None]) -> float | None:
    return values[0] if len(set(values)) == 1 else None


def _scaled(value: float | None, factor: float | None) -> float | None:
    return None if value is None or factor is None else float(value * factor)


def _checked_size(size: Any) -> Size:
    pair = tuple(size) if hasattr(size, "__iter__") else (size,)
    if len(pair) != 2 or not all(is_whole(side) and side >= 1 for side in pair):
        raise InputError(f"size must be two whole numbers (height, width); got {size!r}")
    return int(pair[0]), int(pair[1])


def _resized_pixels(stimulus: Stimulus, size: Size) -> NDArray[np.uint8]:
    from PIL import Image

    image = Image.fromarray(stimulus.image)
    return np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR))


def _stream(seed: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(check_whole("seed", seed, 0)))
