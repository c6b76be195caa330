"""Scores recorded with the older MIT benchmark's MATLAB code, and ours to compare with them."""

import json
from pathlib import Path

import numpy as np

from salmetrics.metrics import auc, cc, information, kldiv, nss, sim

__all__ = ["edge_cases", "edge_score", "load", "matched"]

FLAT = {"constant", "zero", "E_constant", "E_zero"}


class _Arrays(dict):
    """The arrays of a file, each of which is decompressed once."""

    def __init__(self, path):
        super().__init__()
        self._file = np.load(path)

    def __missing__(self, name):
        array = self._file[name]
        array.flags.writeable = False
        self[name] = array
        return array


def load(path):
    """Arrays and records of the files `path`.npz and `path`.json."""
    arrays = _Arrays(Path(path).with_suffix(".npz"))
    return arrays, json.loads(Path(path).with_suffix(".json").read_text(encoding="utf-8"))


def edge_cases(records):
    """(map, against, metric, score) of the rows that say something about the metrics."""
    return [
        (row["map"], row["against"], row["metric"], float(row["score"]))
        for row in records["edge_cases"]
        if matched(row)
    ]


def matched(row):
    """Whether our score has to be the recorded one."""
    if row["rounding_noise_only"]:  # a constant map whose deviations from its mean are not 0
        return False
    if row["map"] == "byte_as_uint8":  # MATLAB's integers saturate and round
        return False
    if row["metric"] == "InfoGain_const_baseline":  # NaN in every row
        return False
    score = float(row["score"])
    undefined = score == 1 if row["metric"].endswith("_isnan") else np.isnan(score)
    return not (undefined and FLAT & {row["map"], row["against"]})  # ours are defined


def edge_score(arrays, name, against, metric):
    """Our score for a row of the edge cases."""
    m = arrays[f"edge_map_{name}"].astype(np.float64)
    if against.startswith("E_"):
        e = arrays[f"edge_{against}"]
        return {
            "CC": lambda: cc.score(m, e),
            "similarity": lambda: sim.score(m, e, method="matlab"),
            "KLdiv": lambda: kldiv.score(m, e, method="matlab"),
        }[metric]()
    y, x = np.nonzero(arrays[f"edge_fix_{against}"])
    everywhere = np.ones(m.shape)
    return {
        "AUC_Judd_jitter0": lambda: auc.judd(m, x, y, jitter=False),
        "AUC_Borji_isnan": lambda: float(np.isnan(auc.borji(m, x, y))),
        "AUC_shuffled_isnan": lambda: float(np.isnan(auc.shuffled(m, x, y, everywhere))),
        "NSS": lambda: nss.matlab(m, x, y),
        "InfoGain": lambda: information.matlab(m, x, y, arrays["edge_baseline"]),
    }[metric]()
