"""Time DeepGaze IIE beside the plain way of computing it, and measure memory.

    python benchmarks/deepgaze.py [--device cuda] [--repeats 3]

Weights are made by a rule, and images are generated, so nothing is needed but the repository. The
plain path (tests/salmetrics_models/plain_deepgaze.py) computes one component after the other with
torch's functions, as the published code does; both share the backbones. Printed for each setting:
seconds an image of the four backbones alone, of the plain path and of ours, best of so many
repeats in turn; how much faster the part after the backbones is; ours as a multiple of the
backbones; and the peak memory of the process (of the GPU with --device cuda). Each setting runs in
a process of its own. On the way, the two paths' densities are compared.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

SIZES = {"800x600": (600, 800), "1024x768": (768, 1024)}


def main() -> None:
    """Print a row a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(measured(**json.loads(options.one))))
        return
    threads = (1, 2) if options.device == "cpu" else (1,)
    print(
        f"{'size':>9} {'threads':>7} {'batch':>5} {'backbones':>9} {'plain':>7} {'ours':>7} "
        f"{'images/s':>8} {'after: faster':>13} {'ours/backbones':>14} {'MiB plain':>9} "
        f"{'MiB ours':>8} {'difference':>10}"
    )
    for size in SIZES:
        for n_threads in threads:
            for batch in (1, 4):
                setting = {
                    "size": size,
                    "threads": n_threads,
                    "batch": batch,
                    "device": options.device,
                    "repeats": options.repeats,
                }
                plain, ours = (run(setting | {"path": path}) for path in ("plain", "ours"))
                backbones = min(plain["backbones"], ours["backbones"])
                after = (plain["whole"] - backbones) / (ours["whole"] - backbones)
                difference = np.abs(np.array(plain["sample"]) - np.array(ours["sample"])).max()
                print(
                    f"{size:>9} {n_threads:>7} {batch:>5} {backbones:9.3f} {plain['whole']:7.3f} "
                    f"{ours['whole']:7.3f} {1 / ours['whole']:8.2f} {after:13.1f} "
                    f"{ours['whole'] / backbones:14.2f} {plain['peak']:9.0f} {ours['peak']:8.0f} "
                    f"{difference:10.1e}",
                    flush=True,
                )


def run(setting: dict[str, object]) -> dict[str, float]:
    """Measure one setting in a process of its own."""
    command = [sys.executable, __file__, "--one", json.dumps(setting)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measured(
    size: str, threads: int, batch: int, device: str, repeats: int, path: str
) -> dict[str, object]:
    """Return seconds an image, and MiB."""
    from salmetrics_models.networks import DEEPGAZE_2E, DeepGazeNetwork
    from salmetrics_models.published import places
    from tests.salmetrics_models.plain_deepgaze import log_density_2e, weights_by_rule

    torch.set_num_threads(threads)
    network = DeepGazeNetwork(DEEPGAZE_2E)
    where = places(network)
    state = weights_by_rule({name: place.shape for name, place in where.items()})
    own = network.state_dict()
    for name, place in where.items():
        target = own[place.key] if place.component is None else own[place.key][place.component]
        target.copy_(state[name].reshape(target.shape))
    if path == "ours":
        state.clear()
    network = network.eval().requires_grad_(False).to(device)
    state = {name: tensor.to(device) for name, tensor in state.items() if ".features." not in name}
    height, width = SIZES[size]
    stream = np.random.default_rng(0)
    coarse = torch.from_numpy(stream.uniform(0, 255, (batch, 3, height // 20, width // 20)))
    images = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    images = images.clamp(0, 255).float().to(device)
    centre = torch.full((batch, height, width), -float(np.log(height * width)), device=device)

    def backbones() -> None:
        for branch in network.branches:
            branch.features(images[..., ::2, ::2])

    def whole() -> torch.Tensor:
        if path == "plain":
            return log_density_2e(network, state, images, centre)[0]
        return network(images, centre)

    with torch.inference_mode():
        timed = {"backbones": [], "whole": []}
        for _ in range(repeats + 1):  # the first warms up
            for name, work in (("backbones", backbones), ("whole", whole)):
                _wait(device)
                start = time.perf_counter()
                made = work()
                _wait(device)
                timed[name].append((time.perf_counter() - start) / batch)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if device != "cpu":
        peak = torch.cuda.max_memory_allocated() / 2**20
    sample = made[0, ::37, ::41].cpu().tolist()
    return {name: min(seconds[1:]) for name, seconds in timed.items()} | {
        "peak": peak,
        "sample": sample,
    }


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
