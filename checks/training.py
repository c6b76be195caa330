"""Check that training recovers a known readout, and that it survives being killed.

known: fixations are drawn from the density of a random readout of AlexNet (with random weights) on
photographs. Readouts that start from other random weights are trained on them in three folds. Each
should reach the true likelihood of held-out images within 0.02 bit, and three of them together
should be no worse than one.

kills: a training is killed at ten random moments and resumed each time. Its file should be the
same, bit for bit, as that of an uninterrupted training.

    python checks/training.py known --root OSIE
    python checks/training.py kills
"""

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import salmetrics
from salmetrics.data.stimuli import Stimulus
from salmetrics.datasets import generate_dataset, load
from salmetrics.densities.sampling import draw_fixations, image_stream
from salmetrics_models import ReadoutModel
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.backbones.networks import ALEXNET
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
from salmetrics_models.deepgaze.centre_bias import FixedCentreBias
from salmetrics_models.deepgaze.network import DeepGazeNetwork
from salmetrics_models.training import Recipe, Stage, train
from salmetrics_models.weights.files import write_weights

SIZE = (150, 200)
STRENGTH = 10.0  # factor of the true readout's last layer: about 0.25 bit above the centre bias
SIGMA = 6.0  # width of the true blur, in pixels of the map; training starts from 8
SMALL = {"n_components": 1, "downsample": 1, "map_factor": 2}


def known(root, n_images, n_fixations, n_instances, out):
    """Print the likelihood of held-out images under the true and under the trained model."""
    photographs = salmetrics.resize(load("osie", root)[:n_images], SIZE)
    stimuli = photographs.stimuli
    architecture = replace(DEEPGAZE_2E, backbones=(ALEXNET,), readout_factor=16, **SMALL)
    centre = salmetrics.CentreBias.fit(*photographs).log_density(Stimulus("none", SIZE))
    centre_bias = FixedCentreBias(centre)
    truth, backbone = true_model(architecture, centre_bias, out)
    columns = [[], [], []]
    for i, log in enumerate(truth.log_densities(stimuli)):
        x, y = draw_fixations(log, n_fixations, image_stream(1, stimuli.ids[i]))
        for column, values in zip(columns, (x, y, np.full(n_fixations, i)), strict=True):
            column.append(values)
    drawn = salmetrics.Fixations.from_arrays(*map(np.concatenate, columns), n_images=len(stimuli))
    dataset = salmetrics.Dataset("drawn", stimuli, drawn)
    folds = salmetrics.data.folds.kfold(stimuli, 3)
    recipe = Recipe(learning_rate=0.01, milestones=(20, 30, 36), max_epochs=40)
    began = time.perf_counter()
    trained = train(
        architecture,
        [Stage("drawn", dataset, recipe, folds=folds, centre_bias=centre_bias)],
        out / "run",
        weights={"alexnet": backbone},
        n_instances=n_instances,
    )
    seconds = time.perf_counter() - began
    for k, part in enumerate(trained.parts):
        folds.check(k, [stimuli.ids[i] for i in (*part.training, *part.stopping)])
    branch = trained.model(device="cpu").network.branches[0]
    n_all = sum(p.numel() for m in (branch.readouts, branch.finaliser) for p in m.parameters())
    n = n_all // trained.architecture.n_components
    n_trained = n_fixations * len(trained.parts[0].training)
    expected = n / (2 * n_trained * np.log(2))
    print(f"{n} parameters, {n_trained} fixations to train on: {expected:.4f} bit of overfitting")
    models = [trained.from_features(instance=j, name=f"instance {j}") for j in range(n_instances)]
    models.append(trained.from_features(name="ensemble"))
    truth.name = "truth"
    result = salmetrics.evaluate(
        [truth, *models], *dataset, metrics=["LL", "IG"], baseline=centre_bias
    )
    for name in result.models:
        scores = [result.value(name, metric) for metric in ("LL", "IG")]
        print(f"{name:12} LL {scores[0]:9.4f}  IG {scores[1]:.4f}", end="")
        if name != "truth":
            row = result.compare(name, "truth", metric="LL").iloc[0]
            print(f"  less truth {row.difference:+.4f} [{row.low:+.4f}, {row.high:+.4f}]", end="")
        print()
    mean = np.mean([result.value(f"instance {j}", "LL") for j in range(n_instances)])
    print(f"mean instance {mean:.4f}, ensemble {result.value('ensemble', 'LL'):.4f}")
    print(f"{n_instances * 3} readouts in {seconds:.0f} s; none was trained on its test images")


def true_model(architecture, centre_bias, out):
    """Return the model from which fixations are drawn, and the file of its backbone."""
    torch.manual_seed(20)
    network = DeepGazeNetwork(architecture)
    branch = network.branches[0]
    with torch.no_grad():
        branch.finaliser.sigma.fill_(SIGMA)
        branch.readouts.weight5.mul_(STRENGTH)
    about = {"architecture": architecture.description()}
    write_weights(out / "truth.pth", network.state_dict(), about)
    torch.save(branch.features.network.state_dict(), out / "alexnet.pth")
    model = ReadoutModel(out / "truth.pth", centre_bias=centre_bias, device="cpu", batch_size=8)
    return model, out / "alexnet.pth"


def small_training(out):
    """Train three readouts for a few seconds."""
    torch.set_num_threads(1)
    dataset = generate_dataset(30, size=(120, 160), n_subjects=5, n_fixations=5, seed=1).dataset
    architecture = replace(DEEPGAZE_2E, backbones=(HAND_MADE,), readout_factor=8, **SMALL)
    recipe = Recipe(learning_rate=0.01, milestones=(25,), max_epochs=40, batch_size=2)
    stage = Stage(
        "generated", dataset, recipe, folds=salmetrics.data.folds.kfold(dataset.stimuli, 3)
    )
    train(architecture, [stage], out, device="cpu", save_seconds=0.2, progress=False)


def written(folder):
    """Return the time at which the latest state was written; 0 if there is none."""
    times = [path.stat().st_mtime_ns for path in folder.rglob("*.pth") if path.exists()]
    return max(times, default=0)


def kills(n, out):
    """Kill a training n times at random moments; compare its file with an uninterrupted one."""
    command = [sys.executable, __file__, "small"]
    began = time.perf_counter()
    subprocess.run([*command, "--out", str(out / "whole")], check=True)
    seconds = time.perf_counter() - began
    print(f"uninterrupted: {seconds:.1f} s")
    draw = random.Random(7)
    killed = 0
    while killed < n:
        before = written(out / "killed")
        process = subprocess.Popen([*command, "--out", str(out / "killed")])
        while written(out / "killed") == before and process.poll() is None:
            time.sleep(0.01)
        # a fraction of the whole time, so that the kills are spread over all readouts
        wait = draw.uniform(0, 0.15) * seconds
        try:
            process.wait(wait)
            print("it ended before it was killed; started from scratch")
            shutil.rmtree(out / "killed")
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
            done = len(list((out / "killed").rglob("final.pth")))
            states = [p.parent.name for p in (out / "killed").rglob("state.pth")]
            left = len(list((out / "killed").rglob(".*-????????????")))
            print(
                f"killed {wait:.2f} s after it resumed: {done} readouts finished, {states} in "
                f"training, {left} half-written files"
            )
    subprocess.run([*command, "--out", str(out / "killed")], check=True)
    for name in ("model.pth", "history.csv", "folds.csv"):
        one, other = ((out / folder / name).read_bytes() for folder in ("whole", "killed"))
        print(f"{name}: {'the same' if one == other else 'DIFFERENT'}, {len(one)} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("known", "kills", "small"))
    parser.add_argument("--root", type=Path, required=True, help="folder of OSIE")
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--fixations", type=int, default=8000, help="number of fixations per image")
    parser.add_argument("--instances", type=int, default=3)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.what == "small":
        small_training(options.out)
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.what == "kills":
            kills(options.kills, Path(folder))
        else:
            sizes = options.images, options.fixations, options.instances
            known(options.root, *sizes, Path(folder))


if __name__ == "__main__":
    main()
