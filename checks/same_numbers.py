"""Record the numbers of everything public on photographs, or compare them with recorded ones.

    python checks/same_numbers.py record numbers.json --osie FOLDER [--images 50]
    python checks/same_numbers.py compare numbers.json --osie FOLDER [--images 50]

Run it before and after a change that must not move a number, such as moving code. Every value
is compared bit for bit: single numbers as hexadecimal floats, arrays by their bytes. Only names
that are public in both versions are used.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import salmetrics
from salmetrics import datasets

METRIC_FUNCTIONS = {
    "log_likelihood": ({}, {"unit": "nat"}, {"average": "image"}, {"average": "subject"}),
    "information_gain": ({}, {"average": "image"}, {"method": "matlab", "average": "image"}),
    "auc": (
        {},
        {"nonfixations": "unfixated"},
        {"average": "image"},
        {"average": "subject"},
        {"method": "judd", "average": "image"},
        {"method": "borji", "average": "image"},
        {"method": "shuffled-matlab", "average": "image"},
    ),
    "sauc": ({}, {"average": "subject"}),
    "nss": ({}, {"ddof": 1}, {"unique": True}, {"average": "image"}),
    "cc": ({}, {"cycles": 8.0}, {"boundary": "reflect"}),
    "kldiv": ({}, {"method": "matlab"}),
    "sim": ({}, {"method": "matlab"}),
    "emd": ({},),
}
NEEDS_DENSITY = ("log_likelihood", "information_gain")
MAP_METRICS = ("AUC", "AUC-Judd", "CC", "KLDiv", "NSS", "NSS-MATLAB", "SIM")


class LocalContrast(salmetrics.SaliencyMapModel):
    """Brightness less its mean over a square, squared: different on every photograph."""

    name = "contrast"

    def saliency_map(self, stimulus: salmetrics.Stimulus) -> NDArray[np.float64]:
        """Return the map, shape (h, w)."""
        from scipy.ndimage import uniform_filter

        grey = stimulus.rgb.astype(np.float64).mean(axis=2)
        contrast = uniform_filter((grey - uniform_filter(grey, 31)) ** 2, 31)
        return np.asarray(np.sqrt(np.maximum(contrast, 0)))


class ContrastDensity(salmetrics.DensityModel):
    """The same as a density."""

    name = "contrast-density"

    def log_density(
        self, stimulus: salmetrics.Stimulus, *, subject: Any = None
    ) -> NDArray[np.float64]:
        """Return log p, shape (h, w)."""
        saliency = LocalContrast().saliency_map(stimulus) + 1.0
        return np.asarray(np.log(saliency / saliency.sum()))


def main() -> None:
    """Record or compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=("record", "compare"))
    parser.add_argument("file")
    parser.add_argument("--osie", required=True, metavar="FOLDER", help="the data set's folder")
    parser.add_argument("--images", type=int, default=50)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    dataset = datasets.load("osie", options.osie, download=False, progress=False)[: options.images]
    values = dict(numbers(dataset))
    if options.action == "record":
        with open(options.file, "w", encoding="utf-8") as file:
            json.dump(values, file, indent=1)
        print(f"{len(values)} values of salmetrics in {options.file}")
        return
    with open(options.file, encoding="utf-8") as file:
        recorded = json.load(file)
    different = [k for k in sorted({*recorded, *values}) if recorded.get(k) != values.get(k)]
    for key in different:
        print(f"{key}: recorded {recorded.get(key)}, now {values.get(key)}")
    print(f"{len(recorded)} values recorded, {len(values)} now, {len(different)} different")
    sys.exit(bool(different))


def numbers(dataset: salmetrics.Dataset) -> Iterator[tuple[str, str]]:
    """Yield names and values."""
    stimuli, fixations = dataset
    models = {
        "contrast": LocalContrast(),
        "contrast-density": ContrastDensity(),
        "gaussian": salmetrics.GaussianCentreBias(),
        "centre-bias": salmetrics.CentreBias.fit(stimuli, fixations, progress=False),
        "mixture": salmetrics.Mixture(
            [ContrastDensity(), salmetrics.GaussianCentreBias()], weights=[0.4, 0.6]
        ),
        "uniform": salmetrics.Uniform(),
    }
    baseline = models["centre-bias"]
    for name in ("contrast", "contrast-density", "gaussian"):
        for function, variants in METRIC_FUNCTIONS.items():
            if function in NEEDS_DENSITY and name == "contrast":
                continue
            for k, variant in enumerate(variants):
                if function == "sim" and name != "contrast" and k == 0:
                    subset = dataset[:6]
                elif function == "emd":
                    subset = dataset[:4]
                else:
                    subset = dataset
                extra = {"baseline": baseline} if function == "information_gain" else {}
                score = getattr(salmetrics, function)
                label = f"{function} {variant} {name}"
                yield label, exact(score(models[name], *subset, **variant, **extra))
                if k == 0:
                    yield (
                        f"{label} each",
                        exact(score(models[name], *subset, average=None, **extra)),
                    )
    for protocol in ("default", "mit-matlab", "mit-tuebingen", "salicon-2017"):
        subset = dataset if protocol == "default" else dataset[:8]
        chosen = salmetrics.get_protocol(protocol)
        result = salmetrics.evaluate(
            models,
            *subset,
            protocol=chosen.override(sim_samples=60),
            gold_standard="IG" in chosen.metrics or None,
            n_bootstrap=200,
            progress=False,
        )
        yield from tables(protocol, result)
    yield from others(dataset, models)


def tables(protocol: str, result: salmetrics.Evaluation) -> Iterator[tuple[str, str]]:
    """Yield the numbers of an evaluation."""
    columns = ["value", "low", "high", "n_images", "n_fixations"]
    for (model, metric), row in result.summary.iterrows():
        for column in columns:
            yield f"{protocol} {model} {metric} {column}", exact(float(row[column]))
    yield f"{protocol} per image", exact(result.per_image.to_numpy())
    yield f"{protocol} per fixation", exact(result.per_fixation.to_numpy())
    yield f"{protocol} compare", exact(result.compare().to_numpy(dtype=float))
    if {"LL", "IG", "AUC", "NSS"} & set(result.metrics):  # one value per fixation
        by_subject = result.by("subject", intervals=False)
        yield f"{protocol} by subject", exact(by_subject["value"].to_numpy(dtype=float))
    for over, method in (("images", "bca"), ("subjects", "percentile"), ("both", "percentile")):
        table = result.intervals(over, method=method, n_bootstrap=100)
        yield f"{protocol} {over} {method}", exact(table.to_numpy(dtype=float))
    for metric in ("NSS", "AUC", "CC"):
        if metric in result.metrics:
            ranks = result.rank(metric)
            yield (
                f"{protocol} rank {metric}",
                " ".join(f"{model} {group}" for model, group in ranks["group"].items()),
            )
    for form, text, is_row in (
        ("markdown", result.to_markdown(), lambda line: line.startswith("|")),
        ("latex", result.to_latex(), lambda line: not line.startswith("%")),
    ):  # footnotes are words
        rows = [line for line in text.splitlines() if is_row(line)]
        yield f"{protocol} {form}", digest("\n".join(rows).encode())


def others(dataset: salmetrics.Dataset, models: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the numbers of everything but metrics and evaluations."""
    stimuli, fixations = dataset
    stimulus = stimuli[0]
    gold = salmetrics.GoldStandard.fit(stimuli, fixations, progress=False)
    yield "gold standard", exact(gold.log_likelihoods(stimuli, fixations))
    yield "gold standard map", exact(gold.log_density(stimulus, subject=fixations.subject[0]))
    whole = salmetrics.GoldStandard.fit(stimuli, fixations, upper_bound=True, progress=False)
    yield "upper bound map", exact(whole.log_density(stimulus))
    for name in ("gaussian", "centre-bias", "mixture"):
        yield f"{name} map", exact(models[name].log_density(stimulus))
        yield f"{name} likelihoods", exact(models[name].log_likelihoods(stimuli, fixations))
    yield (
        "gain map",
        exact(
            salmetrics.information_gain_map(
                models["mixture"], stimulus, gold_standard=whole, baseline=models["centre-bias"]
            )
        ),
    )
    density = ContrastDensity().log_density(stimulus)
    for metric in MAP_METRICS:
        best = salmetrics.optimal_saliency_map(metric, density, sigma=20.0, n_samples=50)
        yield f"optimal map {metric}", exact(best)
        score = salmetrics.expected_score(
            metric, np.maximum(best, -1e9), density, sigma=20.0, n_draws=20
        )
        yield f"expected score {metric}", exact(score.scores)
    found = salmetrics.calibration(models["mixture"], stimuli, fixations, progress=False)
    yield "calibration", exact(found.quantiles)
    few = dataset[:12]
    fitted = salmetrics.fit_density(LocalContrast(), *few, folds=3, progress=False)
    yield "fitted density", exact(fitted.log_density(few.stimuli[0]))
    recalibrated = salmetrics.recalibrate(models["contrast-density"], *few, progress=False)
    yield "recalibrated", exact(recalibrated.log_density(few.stimuli[0]))
    small = salmetrics.resize(few, (150, 200))
    yield "resized pixels", exact(small.stimuli[0].rgb)
    yield "resized fixations", exact(small.fixations.x)
    shares = salmetrics.information_gain_explained(
        models["mixture"], *few, baseline=models["centre-bias"]
    )
    yield "information gain explained", exact(shares)
    table = salmetrics.inter_observer(*few, metrics=("LL", "IG"), n_bootstrap=50, progress=False)
    yield "inter-observer", exact(table[["value", "low", "high"]].to_numpy(dtype=float))


def exact(value: Any) -> str:
    """Return a number, or an array, as text that no rounding can hide in."""
    if np.ndim(value) == 0:
        return float(value).hex()
    array = np.ascontiguousarray(value)
    return f"{array.dtype} {array.shape} {digest(array.tobytes())}"


def digest(content: bytes) -> str:
    """Return a short digest."""
    return hashlib.sha256(content).hexdigest()[:16]


if __name__ == "__main__":
    main()
