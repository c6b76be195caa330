"""The progress bar of everything that takes more than a few seconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["hidden", "progress_bar"]

_n_hiding = 0  # of the `hidden` that last


def progress_bar(
    items: Iterable[Any] | None = None,
    *,
    show: bool = True,
    total: int | None = None,
    description: str | None = None,
    unit: str = "image",
    delay: float = 2,
    **options: Any,
) -> tqdm[Any]:
    """Return a tqdm bar on standard error, shown once the work has taken `delay` seconds.

    Parameters
    ----------
    items
        Items to iterate over; without them, the caller calls ``update``.
    show
        Whether to show the bar. It is never shown where standard error is not a terminal, such as
        in a log file.
    total
        Number of steps; the length of `items` by default.
    description
        Text before the bar.
    unit
        Name of one step, in the singular.
    delay
        Time before the bar appears, in seconds.
    **options
        Other options of ``tqdm.tqdm``, such as ``unit_scale``.

    Returns
    -------
    bar : tqdm.tqdm
        The bar, which is also a context manager.
    """
    from tqdm import tqdm

    return tqdm(
        items,
        total=total,
        desc=description,
        unit=unit,
        delay=delay,
        disable=None if show and _n_hiding == 0 else True,
        **options,
    )


@contextmanager
def hidden() -> Iterator[None]:
    """Show no bar while this lasts, in any thread.

    Examples
    --------
    >>> with hidden():
    ...     progress_bar([1, 2]).disable
    True
    """
    global _n_hiding
    _n_hiding += 1
    try:
        yield
    finally:
        _n_hiding -= 1
