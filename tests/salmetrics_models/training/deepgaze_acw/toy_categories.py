"""Images of three categories, and backbones that see one colour each."""

from dataclasses import replace

from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E_ACW
from tests.salmetrics_models.toy_backbones import COLOURS, SEES, blobs

CATEGORIES = [f"looks at {colour}" for colour in COLOURS]


ARCHITECTURE = replace(
    DEEPGAZE_2E_ACW,
    backbones=tuple(SEES.values()),
    downsample=1,
    readout_factor=4,
    least_side=32,
)


def categorised_blobs(n, *, size=(48, 48), seed=1, name="blobs"):
    """Images of three categories; in each, people look at the blob of one colour."""
    categories = [CATEGORIES[i % 3] for i in range(n)]
    return blobs(n, lambda i: [i % 3], size=size, seed=seed, categories=categories, name=name)
