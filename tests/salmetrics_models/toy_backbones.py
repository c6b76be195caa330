"""Small networks that see one colour each, and images with a blob of each colour."""

from functools import partial

import numpy as np
import torch
from torch import nn

from salmetrics import Dataset, Fixations, Stimuli
from salmetrics_models.backbones.backbone import Backbone

COLOURS = ("red", "green", "blue")


class OneColour(nn.Module):
    """Two layers of features of one channel of the image."""

    def __init__(self, channel, width=6):
        super().__init__()
        self.channel = channel
        self.first = nn.Sequential(nn.Conv2d(1, width, 3, stride=2, padding=1), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, stride=2, padding=1), nn.ReLU())

    def forward(self, images):
        return self.second(self.first(images[:, self.channel : self.channel + 1]))


def _itself(network):
    return network


SEES = {
    name: Backbone(f"sees-{name}", partial(OneColour, i), _itself, ("first", "second"), 12)
    for i, name in enumerate(COLOURS)
}


def blobs(
    n_images,
    looked_at,
    *,
    size=(64, 64),
    n_fixations=30,
    seed=0,
    categories=None,
    name="blobs",
):
    """Images with one blob of each colour.

    Parameters
    ----------
    n_images
        How many.
    looked_at
        Function of an image's number: the colours (indices) that people look at.
    categories
        Of the images, if they have any.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    images, xs, ys, of_image = [], [], [], []
    for i in range(n_images):
        image = rng.normal(60, 8, (*size, 3))
        middles = np.stack([rng.uniform(8, size[k] - 8, 3) for k in (0, 1)], axis=1)
        for colour, (at_y, at_x) in enumerate(middles):
            image[..., colour] += 180 * np.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / 40)
        images.append(np.clip(image, 0, 255).astype(np.uint8))
        chosen = rng.choice(looked_at(i), n_fixations)
        for k, points in enumerate((ys, xs)):
            there = rng.normal(middles[chosen, k], 3)
            points.append(np.clip(there, 0, size[k] - 1e-6))
        of_image.append(np.full(n_fixations, i))
    attributes = None if categories is None else {"category": categories}
    ids = [f"{name}{i}" for i in range(n_images)]
    stimuli = Stimuli.from_arrays(images, ids, attributes=attributes, sigma=3.0)
    columns = [np.concatenate(one) for one in (xs, ys, of_image)]
    return Dataset(name, stimuli, Fixations.from_arrays(*columns, n_images=n_images))


def seeded(make, seed=0):
    torch.manual_seed(seed)
    return make()
