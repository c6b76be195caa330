"""Stacks of maps: arrays of which one axis counts the images."""

from __future__ import annotations

from collections.abc import Mapping

from salmetrics.array_types import Size
from salmetrics.errors import InputError, some
from salmetrics.io.map_files import map_shape

__all__ = ["other_axis", "sole_stack", "stack_shape"]

Shape = tuple[int, ...]


def stack_shape(shape: Shape) -> tuple[int, Size] | None:
    """Return the number of maps in an array of shape (n, h, w), and their size; None for others.

    Maps may have axes of length 1 and channels, as single maps may.

    Examples
    --------
    >>> stack_shape((8, 600, 800)), stack_shape((8, 600, 800, 1)), stack_shape((8, 1, 600, 800))
    ((8, (600, 800)), (8, (600, 800)), (8, (600, 800)))
    >>> stack_shape((600, 800))
    """
    if len(shape) < 3 or 0 in shape:
        return None
    try:
        return int(shape[0]), map_shape(shape[1:], "it")
    except InputError:  # says that it is no map, which is the answer
        return None


def sole_stack(shapes: Mapping[str, Shape], path: str) -> str | None:
    """Return the name of the one array of a file that is a stack of maps; None if there is none.

    Parameters
    ----------
    shapes
        Shapes of the numeric arrays by name.
    path
        Path of the file, for the message.

    Raises
    ------
    InputError
        If several are, and nothing says which.
    """
    stacks = [name for name, shape in shapes.items() if _is_only_stack(shape)]
    if not stacks or any(_is_map(shape) for shape in shapes.values()):
        return None
    if len(stacks) > 1:
        raise InputError(
            f"{path!r} holds {len(stacks)} arrays of several maps each: {some(stacks, 3)}. Save "
            f"one of them alone, or, in an HDF5 file, name it: {path}:{stacks[0]}"
        )
    return stacks[0]


def other_axis(shape: Shape, n: int, axis: int) -> str:
    """Return what a stack for n images should be, if another axis than `axis` counts them.

    Parameters
    ----------
    shape
        Shape of the array.
    n
        Number of images.
    axis
        Axis that is taken to count them: 0, or -1 for MATLAB's.

    Examples
    --------
    >>> print(other_axis((600, 800, 8), 8, 0))
    its shape (600, 800, 8) looks like (height, width, n), and must be (n, height, width): save \
numpy.moveaxis(maps, -1, 0)
    >>> other_axis((600, 800, 7), 8, 0)
    ''
    """
    orders = {0: "(n, height, width)", -1: "(height, width, n)"}
    other = -1 - axis
    if len(shape) != 3 or shape[other] != n:
        return ""
    return (
        f"its shape {shape} looks like {orders[other]}, and must be {orders[axis]}: save "
        f"numpy.moveaxis(maps, {other}, {axis})"
    )


def _is_only_stack(shape: Shape) -> bool:
    return stack_shape(shape) is not None and not _is_one_map(shape)


def _is_one_map(shape: Shape) -> bool:
    try:
        return bool(map_shape(shape, "it"))
    except InputError:
        return False


def _is_map(shape: Shape) -> bool:
    """Whether an array is one map, and not a short table beside maps."""
    return _is_one_map(shape) and shape[-1] != 2
