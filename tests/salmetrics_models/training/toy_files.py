"""A TOML file for a small training, in two parts, and the way to its data."""

import salmetrics

BEGIN = """
out = "out"
[model]
base = "deepgaze2e"
backbones = ["hand-made"]
downsample = 1
readout_factor = 8
map_factor = 2
"""
STAGE = """
[[stages]]
name = "blobs"
dataset = "blobs.h5"
folds = 3
learning_rate = 0.02
max_epochs = 2
batch_size = 4
[run]
device = "cpu"
tensorboard = false
"""


def load(spec, root):
    return salmetrics.read_hdf5(spec)
