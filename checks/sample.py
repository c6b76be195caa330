"""Make the sample that comes with salmetrics from the photographs of OSIE.

data: draws 24 photographs, one from each of 24 groups of equal size in the order of how widely
fixations spread, halves them, and writes them with their fixations.

maps: writes the maps of one model, or of all. Those of LiteGaze are its own, of readouts that have
not seen the photograph; those of hand-made features are of a readout that is trained on all other
photographs, in --hand-made, or was trained there before.

    python checks/sample.py data --root OSIE
    python checks/sample.py maps --root OSIE --hand-made hand-made
    python checks/sample.py maps --model litegaze
"""

import argparse
import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

import salmetrics
from salmetrics.datasets import load
from salmetrics.datasets.sample import FOLDER
from salmetrics.densities.grey_levels import log_levels

SIZE = (300, 400)
N = 24
SEED = 0
QUALITY = 90
LARGEST = 1_000_000  # bytes of all photographs together
TWINS = ("1279", "1374")  # the same photograph twice


def spread(fixations):
    """Return the mean distance of fixations from their mean, per image."""
    distances = []
    for i in range(fixations.n_images):
        own = fixations.of_image(i)
        distances.append(np.hypot(own.x - own.x.mean(), own.y - own.y.mean()).mean())
    return np.array(distances)


def chosen(dataset):
    """Return the indices of the photographs of the sample, in the order of the data set."""
    allowed = [i for i, name in enumerate(dataset.stimuli.ids) if name not in TWINS]
    widths = spread(dataset.fixations)[allowed]
    order = np.array(allowed)[np.argsort(widths, kind="stable")]
    stream = np.random.default_rng(SEED)
    return sorted(int(stream.choice(group)) for group in np.array_split(order, N))


def data(options):
    """Write the photographs, the fixations and the licence."""
    osie = load("osie", options.root)
    small = salmetrics.resize(osie, SIZE)[np.array(chosen(osie))]
    shutil.rmtree(FOLDER / "images", ignore_errors=True)
    (FOLDER / "images").mkdir(parents=True)
    total = 0
    for stimulus in small.stimuli:
        picture = io.BytesIO()
        Image.fromarray(stimulus.rgb).save(picture, "JPEG", quality=QUALITY, optimize=True)
        (FOLDER / "images" / f"{stimulus.id}.jpg").write_bytes(picture.getvalue())
        total += len(picture.getvalue())
    assert total < LARGEST, f"{total} bytes are too many; lower QUALITY"
    table = small.fixations.to_dataframe(small.stimuli)
    columns = ["file", "subject", "index", "x", "y", "duration"]
    table = table.sort_values(columns[:3], kind="stable")[columns]
    table.round({"x": 2, "y": 2, "duration": 4}).to_csv(
        FOLDER / "fixations.csv", index=False, lineterminator="\n"
    )
    licence = next(path for path in (options.root / "LICENSE", *options.root.glob("*/LICENSE")))
    shutil.copyfile(licence, FOLDER / "LICENSE")
    print(f"{len(small.stimuli)} photographs, {total} bytes; {len(small.fixations)} fixations")


def litegaze(options):
    """Yield each photograph's grey levels of LiteGaze, by readouts that have not seen it."""
    from salmetrics_models import LiteGaze

    model = LiteGaze(options.readouts, device="cpu")
    stimuli, _ = load("sample")
    for stimulus in stimuli:
        if options.readouts is None:
            assert model.fold_of(stimulus) is not None, f"{stimulus.id} is not recognised"
        yield stimulus, log_levels(model.log_density(stimulus))


def hand_made(options):
    """Yield each photograph's grey levels of a readout of hand-made features of all others."""
    from salmetrics_models.backbones.handmade import HAND_MADE
    from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
    from salmetrics_models.training import Recipe, Stage, train

    stimuli, _ = load("sample")
    osie = salmetrics.resize(load("osie", options.root), SIZE)
    others = np.flatnonzero([name not in stimuli.ids for name in osie.stimuli.ids])
    stopping = others[::10]
    training = np.setdiff1d(others, stopping)
    recipe = Recipe(learning_rate=0.01, milestones=(8, 12, 15), max_epochs=18, batch_size=8)
    small = replace(DEEPGAZE_2E, backbones=(HAND_MADE,), downsample=1, readout_factor=8)
    trained = train(
        replace(small, map_factor=4),
        [Stage("osie", osie[training], recipe, validation=osie[stopping])],
        options.hand_made,
        device="cpu",
    )
    model = trained.model(device="cpu")
    for stimulus in stimuli:
        yield stimulus, log_levels(model.log_density(stimulus))


def local_contrast(options):
    """Yield each photograph's local contrast in grey levels."""
    stimuli, _ = load("sample")
    for stimulus in stimuli:
        grey = stimulus.rgb @ np.array([0.299, 0.587, 0.114])
        contrast = gaussian_filter(np.abs(grey - gaussian_filter(grey, 8)), 8)
        scaled = (contrast - contrast.min()) / np.ptp(contrast)
        yield stimulus, np.rint(255 * scaled).astype(np.uint8)


MODELS = {"litegaze": litegaze, "hand-made": hand_made, "local-contrast": local_contrast}


def maps(options):
    """Write the maps of models."""
    for name in options.model or MODELS:
        folder = FOLDER / "maps" / name
        pictures = list(MODELS[name](options))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for stimulus, levels in pictures:
            Image.fromarray(levels).save(folder / f"{stimulus.id}.png", optimize=True)
        total = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{name}: {len(pictures)} maps, {total} bytes")


def main():
    """Parse the options and make the part that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("data", "maps"))
    parser.add_argument("--root", type=Path, help="folder of OSIE")
    parser.add_argument(
        "--model", action="append", choices=MODELS, help="model whose maps to write"
    )
    parser.add_argument("--hand-made", type=Path, default=Path("hand-made"), help="its training")
    parser.add_argument("--readouts", type=Path, help="readouts of LiteGaze, if not its own")
    options = parser.parse_args()
    {"data": data, "maps": maps}[options.part](options)


if __name__ == "__main__":
    main()
