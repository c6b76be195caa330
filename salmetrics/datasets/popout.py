"""Search arrays: one item differs from all others, and a mask marks it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from salmetrics.array_types import Array, Size
from salmetrics.data.stimuli import Stimuli
from salmetrics.errors import InputError, check_choice, check_list, check_whole, is_number

__all__ = ["POPOUT_FEATURES", "PopOut", "PopOutFeature", "generate_popout"]

PopOutFeature = Literal["colour", "curvature", "density", "orientation", "shape", "size"]
POPOUT_FEATURES: tuple[PopOutFeature, ...] = get_args(PopOutFeature)

_BACKGROUND = 128.0
_COLOURS = ((220, 40, 40), (40, 170, 60), (50, 90, 220), (230, 190, 40))
_DARK = (20, 20, 20)
_ITEM_RADIUS = 0.36  # as a share of the cell
_MIN_CELL = 16  # pixels

Shape = Callable[[Array, Array], Array]  # signed distance of points to an item, in pixels


@dataclass(frozen=True)
class PopOut:
    """Search arrays and the masks of their targets.

    Parameters
    ----------
    stimuli
        RGB images, with attributes ``feature``, ``set_size``, ``target_x`` and ``target_y`` (centre
        of the target in pixels).
    masks
        Disc around each target that contains the item, bool, shape (n_images, height, width).

    Examples
    --------
    >>> arrays = generate_popout(2, features=["size"], set_size=4, size=(60, 80))
    >>> arrays.stimuli, arrays.masks.shape
    (Stimuli(2 images, 80x60), (2, 60, 80))
    """

    stimuli: Stimuli
    masks: NDArray[np.bool_]


def generate_popout(
    n_images: int = 60,
    *,
    features: Sequence[PopOutFeature] = POPOUT_FEATURES,
    set_size: int = 36,
    jitter: float = 0.5,
    size: Size = (480, 640),
    seed: int = 0,
) -> PopOut:
    """Generate search arrays: equal items on a grid, except for one, the target.

    Parameters
    ----------
    n_images
        Number of images; the features alternate.
    features
        Features in which the target differs: "colour", "curvature", "density" (of dots),
        "orientation", "shape" or "size".
    set_size
        Number of items per image, including the target.
    jitter
        Random displacement of the items from the centres of their cells, from 0 to 1, the largest
        within the cell.
    size
        (height, width) of the images in pixels.
    seed
        Seed of all random draws. Each image has its own stream, so the first images do not depend
        on `n_images`.

    Returns
    -------
    arrays : PopOut
        The images as ``stimuli`` and the ``masks`` of their targets.

    Raises
    ------
    InputError
        If an option is invalid, or the images are too small for the items.

    Examples
    --------
    >>> arrays = generate_popout(2, features=["colour", "size"], set_size=16)
    >>> arrays.stimuli.attributes["feature"].tolist(), arrays.masks.shape
    (['colour', 'size'], (2, 480, 640))
    """
    check_whole("n_images", n_images, 1)
    check_whole("set_size", set_size, 2)
    feature_list = check_list("features", features)
    if not feature_list:
        raise InputError("features must name at least one")
    for feature in feature_list:
        check_choice("feature", feature, POPOUT_FEATURES)
    if not (is_number(jitter) and 0 <= jitter <= 1):
        raise InputError(f"jitter must be from 0 to 1; got {jitter!r}")
    height, width = (check_whole("size", side, 1) for side in size)
    n_rows, n_columns = _grid(set_size, height, width)
    cell = min(height / n_rows, width / n_columns)
    if cell < _MIN_CELL:
        raise InputError(
            f"{set_size} items leave {cell:.1f} pixels per item in images of {height} x {width}; "
            f"at least {_MIN_CELL} are needed"
        )
    images, masks, targets = [], [], []
    for i in range(n_images):
        stream = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(i,)))
        centres = _centres(stream, set_size, n_rows, n_columns, (height, width), cell, jitter)
        feature = feature_list[i % len(feature_list)]
        image, mask = _drawn(stream, feature, centres, (height, width), cell)
        images.append(image)
        masks.append(mask)
        targets.append(centres[0])
    attributes: dict[str, Any] = {
        "feature": [feature_list[i % len(feature_list)] for i in range(n_images)],
        "set_size": np.full(n_images, set_size),
        "target_x": np.array([x for _, x in targets]),
        "target_y": np.array([y for y, _ in targets]),
    }
    return PopOut(Stimuli.from_arrays(images, attributes=attributes), np.stack(masks))


def _grid(n: int, height: int, width: int) -> tuple[int, int]:
    """Return rows and columns of a grid with at least n cells, as square as possible."""
    sizes = [(rows, -(-n // rows)) for rows in range(1, n + 1)]
    return max(sizes, key=lambda grid: min(height / grid[0], width / grid[1]))


def _centres(
    stream: np.random.Generator,
    n: int,
    n_rows: int,
    n_columns: int,
    size: Size,
    cell: float,
    jitter: float,
) -> Array:
    """Return the centres (y, x) of n items in different cells, the target first, shape (n, 2)."""
    cells = stream.permutation(n_rows * n_columns)[:n]
    rows, columns = np.divmod(cells, n_columns)
    steps = np.array([size[0] / n_rows, size[1] / n_columns])
    cell_centres = (np.stack([rows, columns], 1) + 0.5) * steps
    room = steps / 2 - _ITEM_RADIUS * cell
    return np.asarray(cell_centres + jitter * stream.uniform(-1, 1, (n, 2)) * room)


def _drawn(
    stream: np.random.Generator, feature: str, centres: Array, size: Size, cell: float
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return one image and the mask of its target."""
    height, width = size
    radius = _ITEM_RADIUS * cell
    pixels = np.full((height, width, 3), _BACKGROUND)
    colours = [np.array(_COLOURS[k], float) for k in stream.permutation(len(_COLOURS))[:2]]
    dark = np.array(_DARK, float)
    shapes = _pair(stream, feature, radius)
    for k, (y, x) in enumerate(centres):
        target = k == 0
        colour = colours[0 if target else 1] if feature == "colour" else dark
        top, left = max(0, int(y - radius) - 1), max(0, int(x - radius) - 1)
        rows = np.arange(top, min(height, int(y + radius) + 3))
        columns = np.arange(left, min(width, int(x + radius) + 3))
        v, u = rows[:, None] + 0.5 - y, columns[None] + 0.5 - x
        distance = shapes[0 if target else 1](u + 0 * v, v + 0 * u)
        cover = np.clip(0.5 - distance, 0, 1)[..., None]  # approximate coverage of each pixel
        window = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        window += cover * (colour - window)
    y, x = centres[0]
    squared = (np.arange(height)[:, None] + 0.5 - y) ** 2 + (np.arange(width) + 0.5 - x) ** 2
    return np.round(pixels).astype(np.uint8), squared <= radius**2


def _pair(stream: np.random.Generator, feature: str, radius: float) -> tuple[Shape, Shape]:
    """Return the shapes of the target and of the other items, assigned at random if they differ."""
    angle = stream.uniform(0, math.pi)
    thickness = 0.45 * radius
    bar = _turned(angle, _bar(1.8 * radius, thickness))
    pairs: dict[str, Callable[[], tuple[Shape, Shape]]] = {
        "colour": lambda: (bar, bar),
        "orientation": lambda: (
            _turned(
                angle + stream.uniform(math.pi / 4, 3 * math.pi / 4), _bar(1.8 * radius, thickness)
            ),
            bar,
        ),
        "size": lambda: _either(stream, _disc(0.95 * radius), _disc(0.5 * radius)),
        "shape": lambda: _either(stream, _disc(0.8 * radius), _square(0.7 * radius)),
        "curvature": lambda: _either(
            stream, bar, _turned(angle, _arc(1.8 * radius, thickness, 0.75 * math.pi))
        ),
        "density": lambda: _either(stream, _dots(0.9 * radius, 19), _dots(0.9 * radius, 7)),
    }
    return pairs[feature]()


def _either(stream: np.random.Generator, a: Shape, b: Shape) -> tuple[Shape, Shape]:
    """Return two shapes in random order."""
    return (a, b) if stream.random() < 0.5 else (b, a)


def _turned(angle: float, shape: Shape) -> Shape:
    c, s = math.cos(angle), math.sin(angle)
    return lambda u, v: shape(c * u + s * v, c * v - s * u)


def _bar(length: float, thickness: float) -> Shape:
    return lambda u, v: np.maximum(abs(u) - length / 2, abs(v) - thickness / 2)


def _disc(radius: float) -> Shape:
    return lambda u, v: np.hypot(u, v) - radius


def _square(half: float) -> Shape:
    return lambda u, v: np.maximum(abs(u), abs(v)) - half


def _arc(length: float, thickness: float, bend: float) -> Shape:
    """Return part of a ring that spans `bend` radians and has the length of a bar."""
    ring = length / bend
    depth = ring * (1 - math.cos(bend / 2)) / 2  # centres the arc where a bar is centred

    def distance(u: Array, v: Array) -> Array:
        down = v + ring - depth
        along = ring * (abs(np.arctan2(u, down)) - bend / 2)
        return np.maximum(abs(np.hypot(u, down) - ring) - thickness / 2, along)

    return distance


def _dots(radius: float, n: int) -> Shape:
    """Return n dots of one size on a sunflower spiral."""
    k = np.arange(n) + 0.5
    distances = radius * 0.88 * np.sqrt(k / n)
    angles = k * math.pi * (3 - math.sqrt(5))
    places = list(zip(distances * np.cos(angles), distances * np.sin(angles), strict=True))
    dot = 0.12 * radius

    def distance(u: Array, v: Array) -> Array:
        nearest: Any = np.inf
        for x, y in places:
            nearest = np.minimum(nearest, np.hypot(u - x, v - y) - dot)
        return np.asarray(nearest)

    return distance
