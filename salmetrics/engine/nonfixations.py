"""Fixations on the other images: the negatives of shuffled AUCs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from salmetrics.array_types import Rows, Size
from salmetrics.data.fixations import Fixations
from salmetrics.data.stimuli import Stimuli
from salmetrics.densities.sampling import image_stream
from salmetrics.metrics.auc import Negatives, count_pixels

__all__ = ["OtherFixations"]

_KEPT_SIZES = 8  # image sizes whose totals are kept; images of one size often come in a row


class OtherFixations:
    """Finds the fixations on all images but one, scaled to the size of that image.

    A coordinate is multiplied by the ratio of the sizes (the ratio first, as in the MIT/Tuebingen
    benchmark) and floored.

    Parameters
    ----------
    stimuli, fixations
        Images and fixations on them.
    """

    def __init__(self, stimuli: Stimuli, fixations: Fixations) -> None:
        self._fixations = fixations
        self._sizes = stimuli.sizes
        self._ids: Sequence[str] = stimuli.ids
        self._totals: OrderedDict[Size, Negatives] = OrderedDict()
        self._lock = threading.Lock()
        # a draw of others depends on the ids and not on the order of the images
        self._by_id = np.array(sorted(range(len(self._ids)), key=self._ids.__getitem__), np.int64)
        self._place = np.empty_like(self._by_id)
        self._place[self._by_id] = np.arange(self._by_id.size)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_totals": OrderedDict(), "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def on_all(self, i: int) -> Negatives:
        """Return the fixations on all images but i, as pixels of image i."""
        height, width = self._sizes[i].tolist()
        own = self._pixels(self._fixations.rows_of_image(i), (height, width))
        return replace(self._total((height, width)), without=own)

    def on_some(self, i: int, n_other: int | None, seed: int) -> Rows:
        """Return the unique pixels fixated on some other images, as flat indices of image i.

        Parameters
        ----------
        i
            Index of the image.
        n_other
            Number of other images, drawn at random; None: all of them.
        seed
            Seed of the draw, which depends on the ids and not on the order of the images.
        """
        height, width = self._sizes[i].tolist()
        if n_other is None or n_other >= self._by_id.size - 1:
            # those of all images less its own: no pass over all fixations for each image
            total = self._total((height, width))
            own = self._pixels(self._fixations.rows_of_image(i), (height, width))
            left = total.counts.copy()
            np.subtract.at(left, np.searchsorted(total.pixels, own), 1)
            return total.pixels[left > 0]
        stream = image_stream(seed, self._ids[i])
        drawn = stream.choice(self._by_id.size - 1, n_other, replace=False)
        others = self._by_id[drawn + (drawn >= self._place[i])]
        rows = [self._fixations.rows_of_image(int(k)) for k in others]
        return np.unique(self._pixels(np.concatenate(rows), (height, width)))

    def _total(self, size: Size) -> Negatives:
        with self._lock:
            if size not in self._totals:
                pixels = self._pixels(np.arange(len(self._fixations)), size)
                self._totals[size] = count_pixels(pixels)
                if len(self._totals) > _KEPT_SIZES:
                    self._totals.popitem(last=False)
            self._totals.move_to_end(size)
            return self._totals[size]

    def _pixels(self, rows: Rows, size: Size) -> Rows:
        heights, widths = self._sizes[self._fixations.image[rows]].T
        scaled_x = np.floor(self._fixations.x[rows] * (size[1] / widths)).astype(np.int64)
        scaled_y = np.floor(self._fixations.y[rows] * (size[0] / heights)).astype(np.int64)
        return np.minimum(scaled_y, size[0] - 1) * size[1] + np.minimum(scaled_x, size[1] - 1)
