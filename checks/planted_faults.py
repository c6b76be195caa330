"""Plant faults in the statistics and results, one at a time, and check that a test fails.

    python checks/planted_faults.py [--only TEXT]

Each fault is a textual change of one file in a temporary copy of the project, in which the tests
beside it run until the first failure. A fault that no test notices, or a text that is no longer in
its file, is an error.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
INFERENCE = "salmetrics/statistics/inference.py"
CELLS = "salmetrics/statistics/cells.py"
STATISTICS = ("tests/statistics",)
RESULTS = ("tests/results",)


class Fault(NamedTuple):
    """A fault: what it is, the file, its text before and after, and the tests to run."""

    what: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...] = STATISTICS


FAULTS = (
    Fault(
        "two-way variance: sign of the cells",
        INFERENCE,
        "images + subjects - cells",
        "images + subjects + cells",
    ),
    Fault(
        "two-way variance: no lower bound",
        INFERENCE,
        "max(images + subjects - cells, images, subjects)",
        "images + subjects - cells",
    ),
    Fault(
        "two-way variance: images twice",
        INFERENCE,
        'subjects = _variance(_influence(difference, "subjects"))',
        'subjects = _variance(_influence(difference, "images"))',
    ),
    Fault("variance: n in place of n - 1", INFERENCE, "* n / (n - 1))", "* (n - 1) / n)"),
    Fault("test: degrees of freedom", INFERENCE, "stdtr(n - 1,", "stdtr(n,"),
    Fault("test: one-sided", INFERENCE, "float(2.0 * stdtr", "float(stdtr"),
    Fault(
        "BCa: sign of the acceleration", INFERENCE, "1 - acceleration * z", "1 + acceleration * z"
    ),
    Fault("BCa: sign of the bias", INFERENCE, "ndtri(below)", "-ndtri(below)"),
    Fault("BCa: 6 in the acceleration", INFERENCE, "(6 * spread**1.5)", "(2 * spread**1.5)"),
    Fault(
        "BCa of averages over images or subjects, over the same: sign of the influence",
        INFERENCE,
        "(means[observed] - value) / observed.sum()",
        "(value - means[observed]) / observed.sum()",
    ),
    Fault(
        "BCa of averages over images or subjects, over the other: sign of the influence",
        INFERENCE,
        "by_cell = (sample.sums - means[groups] * sample.counts)",
        "by_cell = (means[groups] * sample.counts - sample.sums)",
    ),
    Fault(
        "BCa of averages over fixations: sign of the influence",
        INFERENCE,
        "by_cell = (sample.sums - value * sample.counts)",
        "by_cell = (value * sample.counts - sample.sums)",
    ),
    Fault(
        "standard error of a ratio: sign",
        INFERENCE,
        "(above - sample.value * below)",
        "(above + sample.value * below)",
    ),
    Fault(
        "standard error of a ratio: not divided",
        INFERENCE,
        "(above - sample.value * below) / sample.denominator.value",
        "(above - sample.value * below)",
    ),
    Fault(
        "bootstrap: the last block is left out",
        INFERENCE,
        "for start in range(0, n, block):",
        "for start in range(0, max(n - block, 1), block):",
    ),
    Fault(
        "bootstrap: the last block starts too early",
        INFERENCE,
        "        start = stop\n",
        "        start = stop - 1 if start else stop\n",
    ),
    Fault(
        "bootstrap: one cluster too few",
        INFERENCE,
        "rng.multinomial(n_clusters,",
        "rng.multinomial(n_clusters - 1,",
    ),
    Fault(
        "bootstrap: subjects are drawn for images",
        INFERENCE,
        'n_images, size) if over in ("images", "both")',
        'n_images, size) if over in ("subjects", "both")',
    ),
    Fault("intervals: one tail", INFERENCE, "tail = (1.0 - level) / 2.0", "tail = 1.0 - level"),
    Fault(
        "Holm: factors", INFERENCE, "np.arange(order.size, 0, -1)", "np.arange(1, order.size + 1)"
    ),
    Fault(
        "Holm: not monotone",
        INFERENCE,
        "np.maximum.accumulate(factors * p_values[order])",
        "(factors * p_values[order])",
    ),
    Fault(
        "difference: sign",
        CELLS,
        "self.sums[mine] - other.sums",
        "other.sums[theirs] - self.sums[mine] + 0 * other.sums",
    ),
    Fault(
        "average over subjects: over images",
        CELLS,
        'self.image if self.average == "image" else self.subject',
        "self.image",
    ),
    Fault("cells: first cell of a sum", CELLS, "sums[first:last] +=", "sums[first:last] ="),
    Fault(
        "ratio: negative denominators of groups",
        CELLS,
        "np.maximum(self.denominator.by(groups)[0], 0.0)",
        "self.denominator.by(groups)[0]",
        (*STATISTICS, *RESULTS, "tests/evaluation/test_explained.py"),
    ),
    Fault(
        "groups: the next value instead of the own",
        "salmetrics/results/grouping.py",
        "codes = np.searchsorted(distinct, values)",
        "codes = np.searchsorted(distinct, values) - 1",
        RESULTS,
    ),
    Fault(
        "comparison: second minus first",
        "salmetrics/results/evaluation.py",
        "self._sample(a, key).minus(self._sample(b, key))",
        "self._sample(b, key).minus(self._sample(a, key))",
        RESULTS,
    ),
    Fault(
        "comparison: p-values are not adjusted",
        "salmetrics/results/comparison.py",
        "differences.items(), ends, p_values, holm(p_values)",
        "differences.items(), ends, p_values, p_values",
        RESULTS,
    ),
    Fault(
        "files: sums of single precision",
        "salmetrics/results/hdf5.py",
        'group["sums"] = scores.sums[key]',
        'group["sums"] = scores.sums[key].astype(np.float32)',
        RESULTS,
    ),
    Fault(
        "files: digest not compared",
        "salmetrics/results/hdf5.py",
        "if identity != digest.hexdigest()[:32] or",
        "if",
        RESULTS,
    ),
    Fault(
        "joined: baselines are not compared",
        "salmetrics/results/joining.py",
        'if None in (ours["baseline"], theirs["baseline"]):',
        "if True:",
        RESULTS,
    ),
)


def main() -> None:
    """Plant each fault and print a table of the tests that notice."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="part of the descriptions of faults to plant")
    options = parser.parse_args()
    unnoticed = 0
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "copy"
        ignored = shutil.ignore_patterns(".*", "__pycache__", "docs", "build", "dist")
        shutil.copytree(ROOT, copy, ignore=ignored)
        for fault in FAULTS:
            if options.only in fault.what:
                noticed = _noticed(fault, copy)
                unnoticed += noticed is None
                print(f"{fault.what} -> {noticed or 'NO TEST FAILS'}", flush=True)
    print(f"{unnoticed} of {len(FAULTS)} faults are not noticed")
    sys.exit(bool(unnoticed))


def _noticed(fault: Fault, copy: Path) -> str | None:
    """Return the name of a test that fails with a fault; None if there is none."""
    path = copy / fault.file
    whole = path.read_text(encoding="utf-8")
    if whole.count(fault.before) != 1:
        sys.exit(f"{fault.file} holds {whole.count(fault.before)} times {fault.before!r}")
    path.write_text(whole.replace(fault.before, fault.after), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
    ]
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        [*command, *fault.tests], cwd=copy, env=environment, capture_output=True, text=True
    )
    path.write_text(whole, encoding="utf-8")
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", run.stdout, re.MULTILINE)
    if failed is None and run.returncode not in (0, 1):
        sys.exit(run.stdout + run.stderr)
    return failed[1] if failed else None


if __name__ == "__main__":
    main()
