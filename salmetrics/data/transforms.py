"""Data sets made from data sets: other sizes, smaller ones, larger ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salmetrics.data.dataset import Dataset
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli, Stimulus
from salmetrics.errors import InputError, check_choice, check_whole, is_number, is_whole

__all__ = ["concatenate", "rescale", "resize", "split", "subsample"]

Size = tuple[int, int]
_SAME_SCALE = 0.01  # relative difference up to which images are scaled alike


def resize(dataset: Dataset, size: Size | Callable[[Size], Size]) -> Dataset:
    """Bring images, and the fixations on them, to another size.

    Pixels are interpolated when asked for, bilinearly, averaging where images shrink.

    Parameters
    ----------
    dataset
        Images and fixations.
    size
        (height, width) of all images, or a function that gives it from an image's own, such as
        ``lambda size: (768, 1024) if size[1] >= size[0] else (1024, 768)``.

    Returns
    -------
    A data set with the same ids. `pixels_per_degree` and `sigma` are scaled where all images are
    scaled alike, in height and width (within 1 %), and unknown otherwise.

    Raises
    ------
    InputError
        For sizes that are no two whole numbers of at least 1.
    """
    stimuli = dataset.stimuli
    own = [(h, w) for h, w in stimuli.sizes.tolist()]
    sizes = [_checked_size(size(each) if callable(size) else size) for each in own]
    ratios = np.array(sizes, dtype=float).reshape(-1, 2) / stimuli.sizes
    factors = np.sqrt(ratios.prod(1))
    alike = ratios.size > 0 and np.ptp(ratios) <= _SAME_SCALE * factors[0]
    resized = Stimuli(
        [
            partial(_resized_pixels, stimulus, size) if stimulus.has_pixels else None
            for stimulus, size in zip(stimuli, sizes, strict=True)
        ],
        sizes,
        stimuli.ids,
        attributes=stimuli.attributes,
        pixels_per_degree=_scaled(stimuli.pixels_per_degree, factors[0] if alike else None),
        sigma=_scaled(stimuli.sigma, factors[0] if alike else None),
    )
    columns = dict(dataset.fixations.columns)
    of_image = dataset.fixations.image
    for name, axis in (("x", 1), ("y", 0)):
        ends = resized.sizes[of_image, axis].astype(float)
        scaled = columns[name] * ratios[of_image, axis]
        columns[name] = np.minimum(scaled, np.nextafter(ends, 0))  # rounding must not move it out
    fixations = Fixations(columns, dataset.fixations.n_images)
    return Dataset(dataset.name, resized, fixations, dataset.info)


def rescale(dataset: Dataset, pixels_per_degree: float) -> Dataset:
    """Bring images, and the fixations on them, to another number of pixels per degree.

    Parameters
    ----------
    dataset
        Images whose `pixels_per_degree` is known, and fixations.
    pixels_per_degree
        The new one; sizes are rounded to whole pixels.
    """
    own = dataset.stimuli.pixels_per_degree
    if own is None:
        raise InputError(
            f"pixels_per_degree of {dataset.name!r} is not known; give its stimuli one, or use "
            "resize with a size"
        )
    if not is_number(pixels_per_degree) or not 0 < pixels_per_degree < math.inf:
        raise InputError(f"pixels_per_degree must be a positive number; got {pixels_per_degree!r}")
    factor = pixels_per_degree / own

    def scaled(size: Size) -> Size:
        return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))

    made = resize(dataset, scaled)
    stimuli = made.stimuli.with_scale(
        pixels_per_degree=pixels_per_degree, sigma=_scaled(dataset.stimuli.sigma, factor)
    )
    return Dataset(made.name, stimuli, made.fixations, made.info)


def subsample(dataset: Dataset, n: int, *, of: str = "images", seed: int = 0) -> Dataset:
    """Draw n images, subjects or fixations; what is drawn keeps its order.

    Parameters
    ----------
    dataset
        Images and fixations.
    n
        How many; at most as many as there are.
    of
        "images", with their fixations; "subjects", on all images; or "fixations".
    seed
        The same seed draws the same.
    """
    check_choice("of", of, ("images", "subjects", "fixations"))
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


def split(dataset: Dataset, shares: Sequence[float], *, seed: int = 0) -> list[Dataset]:
    """Cut the images at random into parts; each keeps the order of the images.

    Parameters
    ----------
    dataset
        Images and fixations.
    shares
        Of each part, at least 0, sum 1; each image is in exactly one part.
    seed
        The same seed makes the same parts. For cross-validation see `salmetrics.data.folds`.
    """
    try:
        wanted = np.array(shares, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"shares must be numbers; got {shares!r}") from error
    if wanted.ndim != 1 or not (wanted >= 0).all() or abs(wanted.sum() - 1) > 1e-6:
        raise InputError(f"shares must be at least 0 and add up to 1; got {list(shares)!r}")
    order = _stream(seed).permutation(len(dataset))
    ends = np.rint(np.cumsum(wanted) * len(dataset)).astype(int)
    return [dataset[np.sort(part)] for part in np.split(order, ends[:-1])]


def concatenate(datasets: Sequence[Dataset], *, name: str | None = None) -> Dataset:
    """Put data sets together, in order.

    Parameters
    ----------
    datasets
        At least one. Parts of one data set have one name: their ids must differ, and a subject of
        the same name is the same person. Of data sets with different names, ids and subjects get
        the name in front, ``"osie/1001"``.
    name
        Of the result; by default their common name, or all names joined by "+".

    Returns
    -------
    A data set. Attributes and columns that only some have are NaN, or "", in the others; attribute
    ``dataset`` says where an image is from. `pixels_per_degree`, `sigma` and facts are kept where
    all agree.
    """
    if not datasets:
        raise InputError("concatenate needs at least one data set")
    names = [dataset.name for dataset in datasets]
    apart = len(set(names)) > 1
    if apart and len(set(names)) < len(names):
        raise InputError(
            f"put parts of one data set together first; names are {', '.join(map(repr, names))}"
        )
    prefixes = [f"{each}/" if apart else "" for each in names]
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
        pixels_per_degree=_agreed([d.stimuli.pixels_per_degree for d in datasets]),
        sigma=_agreed([d.stimuli.sigma for d in datasets]),
    )
    columns = []
    offsets = np.cumsum([0, *counts[:-1]])
    for prefix, offset, dataset in zip(prefixes, offsets, datasets, strict=True):
        own = dict(dataset.fixations.columns)
        own["image"] = own["image"] + offset
        if apart:
            own["subject"] = np.array([f"{prefix}{s}" for s in own["subject"].tolist()], dtype=str)
        columns.append(own)
    fixations = Fixations.from_arrays(
        n_images=sum(counts), **_joined(columns, [len(d.fixations) for d in datasets])
    )
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
    """Columns one below the other; those that a table lacks are filled."""
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


def _agreed(values: Sequence[float | None]) -> float | None:
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
