"""Time epochs of training with cached features, and with features recomputed in each epoch.

    python benchmarks/training.py [--images 24] [--epochs 3] [--threads 2]

Images are generated, 1024x768; weights are random. Each row comes from two processes, one after the
other: seconds per image of the fastest epoch, and the peak memory of the process.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import facts
from alone import run

ROOT = Path(__file__).parents[1]

NAMES = ("hand-made", "alexnet", "vgg-19", "densenet-201", "resnext-50")
COLUMNS = {
    "readout": "readout of",
    "backbone": "backbone",
    "cached": "cached, s/image",
    "recomputed": "recomputed, s/image",
    "faster": "faster",
    "images_a_second": "images/s, cached",
    "megabytes": "disk, MB/image",
    "cached_mib": "cached, MiB",
    "recomputed_mib": "recomputed, MiB",
}


def main() -> None:
    """Measure, print and save all rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(measured(**json.loads(options.one))))
        return
    common = {"n": options.images, "epochs": options.epochs, "threads": options.threads}
    rows = []
    for name in NAMES:
        cached, recomputed = (
            run(__file__, common | {"name": name, "keep": keep}) for keep in (True, False)
        )
        row = {
            "readout": "DeepGaze II" if name == "vgg-19" else "DeepGaze IIE",
            "backbone": name,
            "cached": cached["seconds"],
            "recomputed": recomputed["seconds"],
            "faster": recomputed["seconds"] / cached["seconds"],
            "images_a_second": 1 / cached["seconds"],
            "megabytes": cached["megabytes"],
            "cached_mib": cached["peak"],
            "recomputed_mib": recomputed["peak"],
        }
        print(", ".join(f"{key} {row[key]}" for key in COLUMNS), flush=True)
        rows.append(row)
    command = f"python benchmarks/training.py --images {options.images} --epochs {options.epochs}"
    path = ROOT / "benchmarks" / "results" / "training.json"
    facts.save(path, command, ("salmetrics", "torch", "torchvision", "safetensors"), COLUMNS, rows)


def measured(name: str, keep: bool, n: int, epochs: int, threads: int) -> dict[str, Any]:
    """Return seconds per image of the fastest epoch, MB per image on disk, and peak MiB."""
    import csv

    from salmetrics.datasets import generate_dataset
    from salmetrics_models.backbones.registry import known_backbones
    from salmetrics_models.deepgaze.architectures import DEEPGAZE_2, DEEPGAZE_2E
    from salmetrics_models.training import Recipe, Stage, train

    dataset = generate_dataset(n, size=(768, 1024)).dataset
    base = DEEPGAZE_2 if name == "vgg-19" else DEEPGAZE_2E
    architecture = replace(base, backbones=(known_backbones()[name],))
    recipe = Recipe(max_epochs=epochs, keep="last", batch_size=4)
    stage = Stage("generated", dataset, recipe, centre_bias="uniform")
    with tempfile.TemporaryDirectory() as folder:
        train(
            architecture,
            [stage],
            folder,
            weights={"all": "random"},
            keep_features=keep,
            device="cpu",
            n_threads=threads,
            tensorboard=False,
            progress=False,
        )
        (log,) = Path(folder).rglob("log.csv")
        with log.open(newline="") as file:
            seconds = min(float(row["seconds"]) for row in list(csv.DictReader(file))[1:])
        files = [path.stat().st_size for path in Path(folder).rglob("*.safetensors")]
    return {
        "seconds": seconds / n,
        "megabytes": sum(files) / 1e6 / n,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    main()
