"""What only a GPU can show: digits against the CPU, streams, speed, memory, training.

    python checks/gpu.py [--model litegaze] [--out gpu.md]

Without a GPU it prints one line and ends. Images are generated; readouts are those that come with
salmetrics, or random ones (``--model deepgaze2e``, whose backbones are random, too).

digits: largest difference of log densities from the CPU, in float32 and with backbones in bfloat16.
streams: predictions of many images at once, with cold caches, against one stream after another.
speed: images per second, and the share of the time that the backbones take.
memory: the peak on the GPU, by size of the batch.
training: readouts of one backbone on the GPU and on the CPU, from the same start.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import salmetrics
from salmetrics.data.stimuli import Stimuli
from salmetrics.datasets import generate_dataset
from salmetrics_models import DeepGazeIIE, LiteGaze
from salmetrics_models.backbones.handmade import HAND_MADE
from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
from salmetrics_models.training import Recipe, Stage, train

SIZES = ((600, 800), (1080, 1920))
BATCHES = (1, 8, 32)
# largest differences of natural log densities that rounding explains: float32 has 7 digits, and
# densities are sums over thousands of channels; bfloat16 has 3
MOST = {"float32": 2e-2, "bfloat16": 2.0}


def make(name: str, **options: Any) -> Any:
    """Return a model."""
    if name == "litegaze":
        return LiteGaze(**options)
    return DeepGazeIIE(None, centre_bias="gaussian", **options)


def images(n: int, size: tuple[int, int], seed: int = 1) -> Stimuli:
    """Return generated images."""
    return generate_dataset(n, size=size, seed=seed).dataset.stimuli


def digits(name: str) -> Iterator[str]:
    """Compare log densities with those of the CPU."""
    stimuli = images(4, (300, 400))
    expected = list(make(name, device="cpu").log_densities(stimuli))
    exact = list(make(name, device="cpu", dtype="float64").log_densities(stimuli))
    for label, autocast in (("float32", False), ("bfloat16", True)):
        found = list(make(name, device="cuda", autocast=autocast).log_densities(stimuli))
        own, true = (
            max(float(np.abs(a - b).max()) for a, b in zip(found, others, strict=True))
            for others in (expected, exact)
        )
        assert own < MOST[label], f"{label} differs by {own:.2e}"
        yield f"| {label} | {own:.1e} from float32 on the CPU, {true:.1e} from float64 |"


def streams(name: str) -> Iterator[str]:
    """Compare backbones in parallel streams with one after the other, caches cold each time."""
    worst = 0.0
    for seed in range(10):
        stimuli = images(6, (300 + 8 * seed, 400), seed)
        model = make(name, device="cuda", batch_size=3)
        found = list(model.log_densities(stimuli))
        model.network.by_branch = lambda work, device, m=model: [
            work(b) for b in m.network.branches
        ]
        again = list(model.log_densities(stimuli))
        worst = max(worst, *(float(np.abs(a - b).max()) for a, b in zip(found, again, strict=True)))
    assert worst < 1e-3, f"streams differ by {worst:.2e}"
    yield f"| streams | {worst:.1e} at most between parallel and sequential |"


def speed(name: str) -> Iterator[str]:
    """Measure images per second, the share of the backbones, and peak memory."""
    for size in SIZES:
        stimuli = images(64, size)
        for batch in BATCHES:
            for autocast in (False, True):
                model = make(name, device="cuda", batch_size=batch, autocast=autocast)
                list(model.log_densities(stimuli[:batch]))
                torch.cuda.reset_peak_memory_stats()
                torch.cuda.synchronize()
                start = time.perf_counter()
                for _ in model.log_densities(stimuli):
                    pass
                torch.cuda.synchronize()
                seconds = (time.perf_counter() - start) / len(stimuli)
                peak = torch.cuda.max_memory_allocated() / 2**20
                share = of_backbones(model, stimuli[:batch], batch) / seconds
                kind = "bfloat16" if autocast else "float32"
                yield (
                    f"| {size[1]}x{size[0]}, batches of {batch}, {kind} | {1 / seconds:.1f} "
                    f"images/s, backbones {100 * share:.0f} %, {peak:.0f} MiB |"
                )


def of_backbones(model: Any, stimuli: Stimuli, batch: int) -> float:
    """Return the seconds that the backbones alone take for an image."""
    pixels = np.stack([model._decoded(stimulus) for stimulus in stimuli]).transpose(0, 3, 1, 2)
    tensor = torch.from_numpy(np.ascontiguousarray(pixels)).cuda().float()
    network = model.network
    with torch.inference_mode():
        for repeat in range(4):
            if repeat == 1:
                torch.cuda.synchronize()
                start = time.perf_counter()
            network.by_branch(lambda b: network.maps(b, tensor)[0][0], tensor.device)
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / 3 / batch


def training(name: str) -> Iterator[str]:
    """Train readouts of features made by hand on both devices."""
    dataset = generate_dataset(40, size=(120, 160), seed=1).dataset
    folds = salmetrics.data.folds.kfold(dataset.stimuli, 4)
    recipe = Recipe(learning_rate=0.01, max_epochs=6, batch_size=4)
    stage = Stage("generated", dataset, recipe, folds=folds)
    small = replace(DEEPGAZE_2E, backbones=(HAND_MADE,), downsample=1, readout_factor=8)
    gains = {}
    for device in ("cpu", "cuda"):
        with tempfile.TemporaryDirectory() as out:
            start = time.perf_counter()
            trained = train(small, [stage], out, device=device, progress=False)
            seconds = time.perf_counter() - start
            gains[device] = trained.validation()
        yield f"| training on {device} | {seconds:.1f} s, IG {gains[device]:.4f} bit |"
    # the same start and order of batches; roundings grow over the steps
    assert abs(gains["cpu"] - gains["cuda"]) < 0.02


def main() -> None:
    """Print a table of all parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=("litegaze", "deepgaze2e"), default="litegaze")
    parser.add_argument("--out", type=Path, help="file for the table")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("skipped: torch finds no GPU here")
        return
    lines = [f"| {torch.cuda.get_device_name()}, torch {torch.__version__} | {options.model} |"]
    lines.append("| --- | --- |")
    for part in (digits, streams, speed, training):
        for line in part(options.model):
            print(line, flush=True)
            lines.append(line)
    if options.out is not None:
        options.out.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
