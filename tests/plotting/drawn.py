"""What the tests of figures draw, and how they find it on the axes."""

import numpy as np

from salmetrics import Fixations, SaliencyMapModel, Stimuli

STIMULI = Stimuli.from_arrays([np.random.default_rng(0).integers(0, 256, (10, 16), np.uint8)])
FIXATIONS = Fixations.from_arrays([1.5, 15, 8], [2, 9.5, 5], [0, 0, 0])


class Map(SaliencyMapModel):
    def saliency_map(self, stimulus):
        return stimulus.image.astype(float)


def points(axes):
    """Return the positions of the points that were scattered, shape (n, 2)."""
    (scattered,) = [c for c in axes.collections if not hasattr(c, "levels")]
    return scattered.get_offsets()
