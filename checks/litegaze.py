"""Make LiteGaze, the model that comes with salmetrics, from the photographs of OSIE.

layers: trains readouts of random sets of layers of one backbone on two thirds of the photographs,
and scores each set on the last third.

instances: trains readouts of the layers of LiteGaze from several random weights, in the same way.

pack: writes the file that comes with salmetrics from the training of
``salmetrics train --example litegaze``, which it starts or resumes.

    python checks/litegaze.py layers --root OSIE --backbone efficientnet-lite0
    python checks/litegaze.py instances --root OSIE
    python checks/litegaze.py pack --root OSIE
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

import salmetrics
from salmetrics.data.stimuli import Stimulus
from salmetrics.datasets import load
from salmetrics_models.backbones.efficientnet_lite import EFFICIENTNET_LITE
from salmetrics_models.litegaze.architecture import LITEGAZE
from salmetrics_models.litegaze.readouts_file import READOUTS, write_readouts
from salmetrics_models.training import Recipe, Stage, instance_search, layer_search
from salmetrics_models.training.configuration import example, read_configuration

SIZE = (300, 400)
CENTRE = (75, 100)  # size of the centre biases in the file
FIRST_STAGE = 2  # of those whose layers are read; maps of earlier ones are large
SAME = ["1279", "1374"]  # the same photograph twice
# one part in three is held out, and the recipe is short: only differences between sets count
SEARCH = Recipe(learning_rate=0.003, milestones=(3,), max_epochs=4, batch_size=8)


def stages(root):
    """Return the one stage of the searches."""
    dataset = salmetrics.resize(load("osie", root), SIZE)
    folds = salmetrics.data.folds.kfold(dataset.stimuli, 3).together(SAME).of(dataset.stimuli)
    return [Stage("osie", dataset[folds != 0], SEARCH, validation=dataset[folds == 0])]


def pool(backbone):
    """Return the layers to choose from: expansions before their activation, and ends of stages."""
    names = []
    for stage, blocks in enumerate(backbone.make().blocks):
        if stage >= FIRST_STAGE:
            names += [f"blocks.{stage}.{block}.bn1.drop" for block in range(len(blocks))]
            names.append(f"blocks.{stage}.{len(blocks) - 1}")
    return [*names, "blocks.6.0.bn2.drop"]


def layers(options):
    """Search sets of layers of one backbone."""
    backbone = EFFICIENTNET_LITE[options.backbone]
    search = layer_search(
        replace(LITEGAZE, backbones=(backbone,)),
        pool(backbone),
        stages(options.root),
        options.out / f"layers-{backbone.name}",
        n=options.n,
        n_layers=(3, 7),
        metrics=("IG",),
        features=options.out / "features",
        feature_dtype="float16",
        seed=list(EFFICIENTNET_LITE).index(options.backbone),
    )
    report(search)


def instances(options):
    """Search random weights of the readouts of all backbones."""
    search = instance_search(
        LITEGAZE,
        stages(options.root),
        options.out / "instances",
        n=options.n,
        metrics=("IG",),
        features=options.out / "features",
        feature_dtype="float16",
    )
    report(search)


def report(search):
    """Print the table of a search, best first."""
    table = search.table.sort_values("validation_IG", ascending=False)
    print(table.to_string(index=False, max_colwidth=None))
    print(search.summary.to_string())


def pack(options):
    """Train, and write the readouts, the centre biases and the thumbnails of the photographs."""
    options.out.mkdir(parents=True, exist_ok=True)
    config = options.out / "litegaze.toml"
    config.write_text(example("litegaze"), "utf-8")
    configuration = read_configuration(
        config, lambda name, folder: load(name, folder or options.root), out=options.out
    )
    trained = configuration.train()
    centre = Stimulus("none", CENTRE)
    centres = [
        torch.from_numpy(part.centre_bias.log_density(centre).copy()) for part in trained.parts
    ]
    about = {"trained_on": "OSIE", "configuration": example("litegaze")}
    dataset = trained.stage.dataset
    write_readouts(
        options.file,
        trained.model(device="cpu"),
        dataset.stimuli,
        trained.stage.folds,
        centres,
        dtype=getattr(torch, options.dtype),
        about=about,
    )
    print(f"wrote {options.file}: {options.file.stat().st_size / 1e6:.2f} MB")


def main():
    """Parse the options and run the part that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("layers", "instances", "pack"))
    parser.add_argument("--root", required=True, type=Path, help="folder of OSIE")
    parser.add_argument("--out", default=Path("litegaze"), type=Path, help="folder of trainings")
    parser.add_argument("--backbone", choices=EFFICIENTNET_LITE, default="efficientnet-lite0")
    parser.add_argument("-n", type=int, default=14, help="number of sets, or of instances")
    parser.add_argument("--file", default=READOUTS, type=Path, help="file to pack into")
    parser.add_argument("--dtype", choices=("float16", "float32"), default="float16")
    options = parser.parse_args()
    {"layers": layers, "instances": instances, "pack": pack}[options.part](options)


if __name__ == "__main__":
    main()
