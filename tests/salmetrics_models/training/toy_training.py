"""A small data set, a small network on hand-made features, and how it is trained."""

from dataclasses import replace

import numpy as np
import torch

from salmetrics import Dataset, Fixations, Stimuli
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
from salmetrics_models.deepgaze.head import Head
from salmetrics_models.training import Recipe

N_IMAGES = 12


def blob_dataset(n=N_IMAGES, n_fixations=40, seed=3, name="blobs"):
    """Noise with one bright blob around the centre, where people look; images of two sizes."""
    rng = np.random.default_rng(seed)
    images, xs, ys, of_image = [], [], [], []
    for i in range(n):
        height, width = (72, 96) if i % 3 else (96, 72)
        at_y, at_x = rng.normal(height / 2, height / 8), rng.normal(width / 2, width / 8)
        y, x = np.mgrid[:height, :width]
        blob = np.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / 50)
        image = rng.normal(100, 10, (height, width, 3)) + 120 * blob[:, :, None]
        images.append(np.clip(image, 0, 255).astype(np.uint8))
        xs.append(np.clip(rng.normal(at_x, 8, n_fixations), 0, width - 1e-6))
        ys.append(np.clip(rng.normal(at_y, 8, n_fixations), 0, height - 1e-6))
        of_image.append(np.full(n_fixations, i))
    stimuli = Stimuli.from_arrays(images, [f"{name}{i}" for i in range(n)])
    columns = [np.concatenate(one) for one in (xs, ys, of_image)]
    return Dataset(name, stimuli, Fixations.from_arrays(*columns, n_images=n))


ARCHITECTURE = replace(
    DEEPGAZE_2E,
    backbones=(HAND_MADE,),
    n_components=1,
    downsample=1,
    readout_factor=8,
    map_factor=2,
)


RECIPE = Recipe(learning_rate=0.02, milestones=(2,), max_epochs=3, batch_size=2)


EPS = float(np.finfo(np.float32).eps)

QUIET = {"device": "cpu", "progress": False, "tensorboard": False}
ONE_EPOCH = Recipe(max_epochs=1, batch_size=2, learning_rate=0.01)


def new_head(seed=0):
    torch.manual_seed(seed)
    return Head(HAND_MADE, ARCHITECTURE)
