"""The questions of the papers of DeepGaze, asked of LiteGaze and of the photographs of OSIE.

transfer: does training on other tasks help? Readouts of features made by hand, of a random AlexNet
and of each ImageNet backbone are trained on two thirds of the photographs, and score the rest.

amount: how much do photographs help? Readouts of one backbone are trained on some of them.

mixtures: each backbone, all pairs and all three, with each instance and with all instances; every
photograph is predicted by readouts that have not seen it. Scores, calibration on the photographs
and on changed ones (half the size, blurred, grey), and the gold standard.

images: the best, the worst and the most disagreed photographs, as a gallery and a scatter plot.

    python checks/experiments.py transfer --root OSIE
    python checks/experiments.py amount --root OSIE
    python checks/experiments.py mixtures --root OSIE
    python checks/experiments.py images --root OSIE
"""

import argparse
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

import salmetrics
from salmetrics.datasets import load
from salmetrics_models import LiteGaze
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.backbones.networks import ALEXNET
from salmetrics_models.litegaze.architecture import LITEGAZE
from salmetrics_models.training import Recipe, Stage, train

SIZE = (300, 400)
SAME = ["1279", "1374"]  # the same photograph twice
RECIPE = Recipe(learning_rate=0.003, milestones=(5, 7), max_epochs=8, batch_size=8)
AMOUNTS = (29, 58, 117, 233, 466)


def small(root, first=None):
    """Return OSIE at the size of the training."""
    dataset = load("osie", root)
    return salmetrics.resize(dataset if first is None else dataset[:first], SIZE)


def divided(root, first):
    """Return the photographs to train on and those to score."""
    dataset = small(root, first)
    folds = salmetrics.data.folds.kfold(dataset.stimuli, 3)
    if set(SAME) <= set(dataset.stimuli.ids):
        folds = folds.together(SAME)
    held_out = folds.of(dataset.stimuli) == 0
    return dataset[~held_out], dataset[held_out]


def trained_on(backbone, training, held_out, out, features):
    """Return the model of readouts of one backbone, for the photographs that are held out."""
    weights = {} if backbone.packaged or not backbone.pretrained else {backbone.name: "random"}
    result = train(
        replace(LITEGAZE, backbones=(backbone,)),
        [Stage("osie", training, RECIPE, validation=held_out)],
        out,
        weights=weights,
        features=features,
        feature_dtype="float16",
    )
    return result.from_features(name=out.name)


def transfer(options):
    """Score features by hand, a random network and networks of ImageNet."""
    training, held_out = divided(options.root, options.first)
    models = [
        trained_on(backbone, training, held_out, options.out / name, options.out / "features")
        for name, backbone in {
            "by hand": HAND_MADE,
            "random AlexNet": ALEXNET,
            **{backbone.name: backbone for backbone in LITEGAZE.backbones},
        }.items()
    ]
    print_scores(models, held_out, salmetrics.CentreBias(*training))


def amount(options):
    """Score readouts of the first backbone that were trained on few photographs, and on many."""
    training, held_out = divided(options.root, options.first)
    order = np.random.default_rng(0).permutation(len(training))
    models = [
        trained_on(
            LITEGAZE.backbones[0],
            training[np.sort(order[:n])],
            held_out,
            options.out / f"{n} photographs",
            options.out / "features",
        )
        for n in AMOUNTS
        if n <= len(training)
    ]
    print_scores(models, held_out, salmetrics.CentreBias(*training))


def print_scores(models, dataset, baseline, **options):
    """Print metrics with intervals."""
    result = salmetrics.evaluate(models, *dataset, baseline=baseline, **options)
    print(result.to_markdown())


def mixtures(options):
    """Score each backbone, pairs and all, of each instance and of all instances."""
    dataset = small(options.root, options.first)
    whole = LiteGaze(device="cpu")
    names = [backbone.name for backbone in whole.architecture.backbones]
    n_instances = whole.n_components // whole.n_folds
    singles = {}
    for name in names:
        part = whole.with_backbones([name])
        for j in range(n_instances):
            key = f"{short(name)} {j}"
            own = part.with_components(part.components_of(instance=j), key)
            singles[name, j] = kept(own, dataset.stimuli, options.out / f"{key}.h5", key)
    models = {}
    for n in range(1, len(names) + 1):
        for some in combinations(names, n):
            label = " + ".join(map(short, some))
            for j in range(n_instances) if n_instances > 1 else ():
                models[f"{label}, instance {j}"] = mixed([singles[name, j] for name in some])
            every = [singles[name, j] for name in some for j in range(n_instances)]
            models[label] = mixed(every)
    result = salmetrics.evaluate(models, *dataset, gold_standard=options.gold_standard)
    result.save(options.out / "mixtures.h5")
    print(result.to_markdown())
    print("calibration: sum of absolute differences of shares from 1/10, and mean of 2 Q - 1")
    for name, model in models.items():
        found = salmetrics.calibration(model, *dataset, n_bootstrap=0)
        print(f"{name:50} {found.error:.4f} {found.confidence:+.4f}")
    changed_images(whole, names, dataset[:: options.every])


def changed_images(whole, names, dataset):
    """Print the calibration on photographs that are unlike those of the training."""
    changes = {
        "as they are": lambda image: image,
        "half the size, enlarged": lambda image: image.resize((200, 150)).resize((400, 300)),
        "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(4)),
        "grey": lambda image: image.convert("L").convert("RGB"),
    }
    models = {name: whole.with_backbones([name], short(name)) for name in names}
    models["all"] = whole
    print(f"IG and calibration error on {len(dataset)} changed photographs")
    for change, apply in changes.items():
        images = [np.asarray(apply(Image.fromarray(s.rgb))) for s in dataset.stimuli]
        stimuli = salmetrics.Stimuli.from_arrays(images, ids=dataset.stimuli.ids)
        gains = salmetrics.evaluate(
            models, stimuli, dataset.fixations, metrics=["IG"], n_bootstrap=1000
        ).summary.xs("IG", level="metric")
        for name, model in models.items():
            error = salmetrics.calibration(model, stimuli, dataset.fixations, n_bootstrap=0).error
            row = gains.loc[name]
            print(
                f"{change:24} {short(name):6} IG {row.value:.3f} "
                f"({row.low:.3f} to {row.high:.3f})  error {error:.4f}"
            )


def images(options):
    """Draw the photographs that are predicted best, worst and most differently."""
    import matplotlib.pyplot as plt

    from salmetrics.plotting import plot_against_gold_standard, plot_gallery

    dataset = small(options.root, options.first)
    whole = LiteGaze(device="cpu")
    singles = {
        short(name): whole.with_backbones([name], short(name))
        for name in (backbone.name for backbone in whole.architecture.backbones)
    }
    result = salmetrics.evaluate(
        {"LiteGaze": whole, **singles},
        *dataset,
        metrics=["IG"],
        gold_standard=options.gold_standard,
    )
    gains = result.per_image.xs("IG", axis=1, level="metric")
    order = gains["LiteGaze"].sort_values()
    spread = gains[list(singles)].std(axis=1).sort_values()
    print(gains.corr(method="spearman").to_string())
    chosen = {"best": order.index[-3:], "worst": order.index[:3], "disagreed": spread.index[-3:]}
    for name, ids in chosen.items():
        print(name, {i: round(float(gains.loc[i, "LiteGaze"]), 2) for i in ids})
        plot_gallery(*dataset, {"LiteGaze": whole, **singles}, list(ids), samples=False)
        plt.savefig(options.out / f"{name}.png", dpi=110, bbox_inches="tight")
        plt.close()
    if options.gold_standard:
        plot_against_gold_standard(result, ["LiteGaze"])
        plt.savefig(options.out / "gold-standard.png", dpi=110, bbox_inches="tight")


def kept(model, stimuli, path, name):
    """Return the densities of a model, computed once and kept in a file."""
    if not path.exists():
        salmetrics.export_predictions(model, stimuli, path)
    model = salmetrics.as_model(salmetrics.StoredMaps(path, stimuli), stimuli, kind="log_density")
    model.name = name
    return model


def mixed(models):
    """Return a mixture, or the model alone."""
    return models[0] if len(models) == 1 else salmetrics.Mixture(models)


def short(name):
    """Return a short name for tables."""
    return name.removeprefix("efficientnet-")


def main():
    """Parse the options and run the part that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = {"transfer": transfer, "amount": amount, "mixtures": mixtures, "images": images}
    parser.add_argument("part", choices=parts)
    parser.add_argument("--root", required=True, type=Path, help="folder of OSIE")
    parser.add_argument("--out", default=Path("experiments"), type=Path, help="folder of results")
    parser.add_argument("--first", type=int, help="use only the first photographs")
    parser.add_argument("--every", type=int, default=5, help="use every n-th for changed ones")
    parser.add_argument("--no-gold-standard", dest="gold_standard", action="store_false")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    parts[options.part](options)


if __name__ == "__main__":
    main()
