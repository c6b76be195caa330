"""Time DeepGaze IIE and a plain implementation of it, and measure memory.

    python benchmarks/deepgaze.py [--device cuda] [--repeats 3] [--only SIZE,THREADS,BATCH]
        [--evaluate N] [--out FILE.json]

Weights follow a rule and images are generated, so only the repository is needed. The plain path
(tests/salmetrics_models/plain_deepgaze.py) computes one component after the other with torch's
functions, like the published code; it shares our backbones, so it is not the published code itself.
For each setting, the script prints the seconds per image of the four backbones alone, of the plain
path and of ours (the best of several repeats, in turn); images per second; how much faster the part
after the backbones is; our time as a multiple of that of the backbones; and the peak memory of a
process that runs only this path (of the GPU with --device cuda). Each setting runs in a process of
its own. The densities of the two paths are compared, too.

With --evaluate N, `salmetrics.evaluate` scores N images in all metrics through `cross_validated`
with 10 folds, which shows the cost of metrics in addition to inference.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import facts
import numpy as np
import torch
from alone import run

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

SIZES = {"800x600": (600, 800), "1024x768": (768, 1024)}
COLUMNS = {
    "size": "size",
    "threads": "threads",
    "batch": "batch",
    "backbones": "backbones, s",
    "plain": "plain, s",
    "ours": "ours, s",
    "a_second": "images/s",
    "after": "after backbones: faster",
    "multiple": "ours / backbones",
    "plain_mib": "plain, MiB",
    "ours_mib": "ours, MiB",
}


def main() -> None:
    """Print one row per setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--evaluate", type=int, metavar="N", help="only evaluate N images")
    parser.add_argument("--only", help="one setting, such as 800x600,1,4")
    parser.add_argument(
        "--out", type=Path, help="JSON file for the rows; with --only, its other rows stay"
    )
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(measured(**json.loads(options.one))))
        return
    if options.evaluate is not None:
        evaluated(options.evaluate, options.device)
        return
    print(f"{' '.join(f'{heading:>16}' for heading in COLUMNS.values())} difference")
    rows = []
    threads = (1, 2) if options.device == "cpu" else (1,)
    settings = [(s, t, b) for s in SIZES for t in threads for b in (1, 4)]
    if options.only is not None:
        settings = [s for s in settings if ",".join(map(str, s)) == options.only]
    for size, n_threads, batch in settings:
        setting = {
            "size": size,
            "threads": n_threads,
            "batch": batch,
            "device": options.device,
            "repeats": options.repeats,
        }
        row = compared(setting)
        rows.append(row)
        cells = (row[key] for key in COLUMNS)
        shown = (f"{c:16.3f}" if isinstance(c, float) else f"{c:>16}" for c in cells)
        print(f"{' '.join(shown)} {row['difference']:10.1e}", flush=True)
    if options.out is not None:
        if options.only is not None:
            kept = json.loads(options.out.read_text(encoding="utf-8"))["rows"]
            rows = [rows[0] if place(row) == place(rows[0]) else row for row in kept]
        command = f"python benchmarks/deepgaze.py --repeats {options.repeats}"
        if options.device != "cpu":
            command += f" --device {options.device}"
        packages = ("salmetrics", "torch", "torchvision", "numpy")
        facts.save(options.out, command, packages, COLUMNS, rows, options.device)


def place(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return the setting that identifies a row."""
    return row["size"], row["threads"], row["batch"]


def compared(setting: dict[str, Any]) -> dict[str, Any]:
    """Measure one setting: times in one process, all paths in turn; memory in one process each."""
    together = run(__file__, setting | {"paths": ["backbones", "plain", "ours"]})
    alone = {
        path: run(__file__, setting | {"paths": [path], "repeats": 1}) for path in ("plain", "ours")
    }
    seconds = together["seconds"]
    samples = [np.array(together["samples"][path]) for path in ("plain", "ours")]
    return {key: setting[key] for key in ("size", "threads", "batch")} | {
        **seconds,
        "a_second": 1 / seconds["ours"],
        "after": (seconds["plain"] - seconds["backbones"])
        / (seconds["ours"] - seconds["backbones"]),
        "multiple": seconds["ours"] / seconds["backbones"],
        "plain_mib": alone["plain"]["peak"],
        "ours_mib": alone["ours"]["peak"],
        "difference": float(np.abs(samples[0] - samples[1]).max()),
    }


def evaluated(n: int, device: str) -> None:
    """Time inference alone, and evaluations in all metrics."""
    import salmetrics
    from salmetrics.datasets import generate_dataset
    from salmetrics_models import DeepGazeIIE

    dataset = generate_dataset(n, size=(600, 800)).dataset
    stimuli, fixations = dataset.stimuli, dataset.fixations
    centre = salmetrics.CentreBias.fit(stimuli, fixations, progress=False)
    for n_threads in (1, 2) if device == "cpu" else (1,):
        model = DeepGazeIIE(None, centre_bias=centre, device=device, n_threads=n_threads)
        crossed = model.cross_validated(salmetrics.data.folds.kfold(stimuli))

        def inference(crossed: Any = crossed) -> None:
            for _ in crossed.log_densities(stimuli):
                pass

        def evaluation(n_jobs: int, crossed: Any = crossed) -> None:
            salmetrics.evaluate(crossed, stimuli, fixations, n_jobs=n_jobs, progress=False)

        list(crossed.log_densities(stimuli[:1]))  # warms up
        parts = {"inference alone": seconds(inference)}
        for n_jobs in (1, 2):
            parts[f"evaluate, n_jobs={n_jobs}"] = seconds(lambda n=n_jobs: evaluation(n))
        for what, spent in parts.items():
            print(f"{what}, {n_threads} torch threads: {spent:.1f} s, {spent / n:.2f} per image")


def seconds(work: Callable[[], Any]) -> float:
    """Return the duration of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measured(
    size: str, threads: int, batch: int, device: str, repeats: int, paths: list[str]
) -> dict[str, Any]:
    """Return seconds per image and values to compare, by path, and the peak memory in MiB."""
    from salmetrics_models.deepgaze.architectures import DEEPGAZE_2E
    from salmetrics_models.deepgaze.network import DeepGazeNetwork
    from salmetrics_models.deepgaze.published import places
    from tests.salmetrics_models.plain_deepgaze import log_density_2e, weights_by_rule

    torch.set_num_threads(threads)
    network = DeepGazeNetwork(DEEPGAZE_2E)
    where = places(network)
    state = weights_by_rule({name: place.shape for name, place in where.items()})
    own = network.state_dict()
    for name, place in where.items():
        target = own[place.key] if place.component is None else own[place.key][place.component]
        target.copy_(state[name].reshape(target.shape))
    if "plain" not in paths:
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

    work: dict[str, Callable[[], Any]] = {
        "backbones": backbones,
        "plain": lambda: log_density_2e(network, state, images, centre)[0],
        "ours": lambda: network(images, centre),
    }
    best, samples = dict.fromkeys(paths, np.inf), {}
    with torch.inference_mode():
        for repeat in range(repeats + 1):
            for path in paths:
                _wait(device)
                start = time.perf_counter()
                log_densities = work[path]()
                _wait(device)
                spent = (time.perf_counter() - start) / batch
                if repeat > 0:  # the first warms up
                    best[path] = min(best[path], spent)
                if log_densities is not None:
                    samples[path] = log_densities[0, ::37, ::41].cpu().tolist()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if device != "cpu":
        peak = torch.cuda.max_memory_allocated() / 2**20
    return {"seconds": best, "samples": samples, "peak": peak}


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
