"""Train DeepGaze IIE-ACW on images of categories that are best predicted by different backbones.

    python checks/acw.py [--out FOLDER]

Each image has a red, a green and a blue blob, its category determines at which one people look, and
each backbone sees one colour. The learned weight of the right backbone must exceed 0.9; if log
densities are averaged, weights share their scale with the readouts, and it must be the largest. The
information gain must exceed that of a model trained in the same way with equal weights. Each image
is predicted by a fold that was not trained on it. Figures 7 to 9 of the report are drawn.
"""

import argparse
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from scipy.special import logsumexp

import salmetrics
from salmetrics import Stimuli
from salmetrics.data import folds
from salmetrics.plotting import plot_category_weights
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E_ACW
from salmetrics_models.training import RECIPES, train_acw
from tests.salmetrics_models.toy_backbones import COLOURS, SEES, blobs

N_IMAGES = 90
CATEGORIES = [f"looks at {colour}" for colour in COLOURS]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out or Path(tempfile.mkdtemp())
    categories = [CATEGORIES[i % 3] for i in range(N_IMAGES)]
    data = blobs(N_IMAGES, lambda i: [i % 3], size=(64, 64), seed=1, categories=categories)
    cut = folds.stratified(data.stimuli, n_folds=3)
    architecture = replace(
        DEEPGAZE_2E_ACW,
        backbones=tuple(SEES.values()),
        downsample=1,
        readout_factor=4,
        least_side=32,
    )
    recipe = RECIPES["deepgaze2e-acw"].changed(
        learning_rate=0.01, batch_size=4, max_epochs=16, min_learning_rate=2e-4
    )
    histories = {}
    for mixing in ("density", "log-density"):
        runs, models = {}, {}
        for name, rate in (("weighed", 10.0), ("equal", 0.0)):
            began = time.monotonic()
            runs[name] = train_acw(
                data,
                out / mixing / name,
                folds=cut,
                architecture=architecture,
                weights=dict.fromkeys((b.name for b in architecture.backbones), "random"),
                n_instances=2,
                recipe=recipe,
                category_rate=rate,
                mixing=mixing,
                features=out / "features",
                device="cpu",
            )
            models[name] = runs[name].cross_validated(device="cpu")
            print(f"{mixing}, {name}: {time.monotonic() - began:.0f} s")
        whole = runs["weighed"].model(device="cpu")
        histories[mixing] = runs["weighed"].category_weights
        for fold in range(3):
            weights = whole.category_weights(fold)
            right = [weights.loc[c, b.name] for c, b in zip(CATEGORIES, SEES.values(), strict=True)]
            listed = ", ".join(f"{c} {w:.3f}" for c, w in zip(CATEGORIES, right, strict=True))
            print(f"fold {fold}: weight of the right backbone: {listed}")
            assert (np.array(right) == weights.loc[CATEGORIES].max(axis=1)).all()
            assert mixing == "log-density" or min(right) > 0.9
        scored = salmetrics.evaluate(models, *data, metrics=["LL", "IG", "AUC"], progress=False)
        print(scored)
        row = scored.compare("weighed", "equal").loc[("IG", "weighed", "equal")]
        low, high = row["low"], row["high"]
        print(f"IG, weighed - equal: {row['difference']:.3f} bit ({low:.3f} to {high:.3f})")
        assert low > 0
        by = scored.by("category")["value"].unstack(["model", "metric"])
        print(by.xs("IG", axis=1, level="metric").round(3).to_string())
    sums = [logsumexp(whole.log_density(stimulus)) for stimulus in data.stimuli]
    print(f"largest |logsumexp| of {N_IMAGES} densities: {np.abs(sums).max():.1e}")
    (other,) = Stimuli.from_arrays([data.stimuli[0].rgb], attributes={"category": ["other"]})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            whole.log_density(other)
    print(f"an unknown category, three times: {len(caught)} warning: {caught[0].message}")
    assert len(caught) == 1
    history = histories["density"]
    for name, drawn, options in (
        ("figure7", history, {"categories": CATEGORIES[:1]}),
        ("figure8", history, {"by": "backbone"}),
        ("figure9", histories, {"categories": CATEGORIES[:1]}),
    ):
        axes = plot_category_weights(drawn, **options)
        axes.flat[0].figure.savefig(out / f"{name}.png", dpi=120)
    print(f"figures in {out}")


if __name__ == "__main__":
    main()
