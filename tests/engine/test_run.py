"""Runs that are killed, and what a checkpoint is good for."""

import os
import runpy
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from scored_models import pictures

import salmetrics
from salmetrics import InputError
from salmetrics.io.checkpoint import Checkpoint

SCRIPT = """
import sys, time
import numpy as np, salmetrics
from scored_models import pictures

class Slow(salmetrics.DensityModel):
    def log_density(self, stimulus, *, subject=None):
        time.sleep(0.002)
        energy = stimulus.image / 100.0
        return energy - np.log(np.exp(energy).sum())

data = pictures(60)
print("ready", flush=True)
result = salmetrics.evaluate(
    {"slow": Slow(), "uniform": salmetrics.Uniform()}, *data, checkpoint=sys.argv[1],
    metrics=["LL", "AUC", "sAUC"], n_bootstrap=20, n_jobs=2, progress=False,
)
result.provenance.update(created="", n_predictions=0)
result.save(sys.argv[2])
"""


def run_killed_at(script, folder, out, seconds):
    """Run the script, and kill it `seconds` after it is ready; None: let it end."""
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(
        [sys.executable, script, folder, out],
        stdout=subprocess.PIPE,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )
    process.stdout.readline()
    if seconds is not None:
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
    process.stdout.close()
    return process.wait()


def run_here(script, folder, out, monkeypatch):
    """Run the script in this process, which is faster."""
    monkeypatch.setattr(sys, "argv", [str(script), str(folder), str(out)])
    runpy.run_path(str(script))


def contents(path):
    result = salmetrics.Evaluation.load(path)
    return result.per_fixation, result.summary, result.provenance


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills processes the POSIX way")
def test_a_killed_run_resumes_to_the_same_result(tmp_path, rng, monkeypatch):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    run_here(script, tmp_path / "whole", tmp_path / "whole.h5", monkeypatch)
    folder, out = tmp_path / "killed", tmp_path / "killed.h5"
    kills = sum(
        run_killed_at(script, folder, out, seconds) == -signal.SIGKILL
        for seconds in rng.uniform(0.05, 0.4, 2)
    )
    assert kills > 0
    run_here(script, folder, out, monkeypatch)
    for found, expected in zip(contents(out), contents(tmp_path / "whole.h5"), strict=True):
        assert found == expected if isinstance(found, dict) else found.equals(expected)


@pytest.mark.slow
def test_two_processes_may_share_a_folder(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    outs = [tmp_path / "a.h5", tmp_path / "b.h5"]
    with ThreadPoolExecutor(2) as pool:
        codes = pool.map(lambda out: run_killed_at(script, tmp_path / "shared", out, None), outs)
    assert list(codes) == [0, 0]
    (first, *_), (second, *_) = map(contents, outs)
    assert first.equals(second)


class Counting(salmetrics.SaliencyMapModel):
    """The image's pixels; `calls` is not part of what it is."""

    fingerprint = "counting 1"

    def __init__(self):
        self.calls = []

    def saliency_map(self, stimulus):
        self.calls.append(stimulus.id)
        return stimulus.image


@pytest.fixture
def data():
    return pictures(40)


def scored(models, data, folder, **options):
    options = {"metrics": ["AUC", "CC"], "n_bootstrap": 0, "progress": False} | options
    return salmetrics.evaluate(models, *data, checkpoint=folder, **options)


def test_nothing_is_done_twice(data, tmp_path):
    first, second = Counting(), Counting()
    before = scored({"m": first}, data, tmp_path)
    after = scored({"m": second}, data, tmp_path)
    assert (len(first.calls), len(second.calls)) == (40, 0)
    assert after.per_fixation.equals(before.per_fixation)
    assert after.summary.equals(before.summary)
    assert after.n_predictions == before.n_predictions == 40


def test_a_damaged_chunk_is_computed_again(data, tmp_path):
    before = scored({"m": Counting()}, data, tmp_path)
    chunk = sorted(tmp_path.glob("*/first-*.chunk"))[1]
    chunk.write_bytes(chunk.read_bytes()[:-30])
    model = Counting()
    with pytest.warns(UserWarning, match="first-000001.chunk' is damaged"):
        after = scored({"m": model}, data, tmp_path)
    assert model.calls == [str(i) for i in range(16, 32)]
    assert after.per_fixation.equals(before.per_fixation)


def test_a_new_model_is_computed_alone(data, tmp_path):
    scored({"m": Counting()}, data, tmp_path)
    old, new = Counting(), Counting()
    result = scored({"m": old, "n": new}, data, tmp_path)
    assert (len(old.calls), len(new.calls)) == (0, 40)
    assert result.per_fixation["m"].equals(result.per_fixation["n"])


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"metrics": ["AUC"]}, "protocol, smoothing"),
        ({"seed": 1}, "seed"),
        ({"metrics": ["AUC", "CC"], "empirical": lambda s: s.image}, "empirical"),
    ],
)
def test_other_options_start_anew(data, tmp_path, options, what):
    scored({"m": Counting()}, data, tmp_path)
    model = Counting()
    with pytest.warns(UserWarning, match=f"another {what}; starting from scratch"):
        scored({"m": model}, data, tmp_path, **options)
    assert len(model.calls) == 40


def test_other_data_and_models_start_anew(data, tmp_path):
    scored({"m": Counting()}, data, tmp_path)
    with pytest.warns(UserWarning, match="another data; starting from scratch"):
        scored({"m": Counting()}, data[:30], tmp_path)
    changed = Counting()
    changed.fingerprint = "counting 2"
    with pytest.warns(UserWarning, match="another data, model; starting from scratch"):
        scored({"m": changed}, data, tmp_path)
    assert len(changed.calls) == 40


def test_how_it_runs_does_not_matter(data, tmp_path):
    scored({"m": Counting()}, data, tmp_path)
    model = Counting()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scored({"m": model}, data, tmp_path, n_jobs=2, keep="image", n_bootstrap=10)
    assert model.calls == []


def test_recorded_errors_are_remembered(data, tmp_path):
    class Failing(Counting):
        def saliency_map(self, stimulus):
            if stimulus.id == "5":
                raise RuntimeError("no such luck")
            return super().saliency_map(stimulus)

    first = scored({"m": Failing()}, data, tmp_path, on_error="record")
    again = scored({"m": Failing()}, data, tmp_path, on_error="record")
    assert again.errors.equals(first.errors)
    assert np.isnan(again.per_image["m", "CC"]["5"])


def test_a_chunk_that_is_damaged_while_it_is_read_is_not_lost(data, tmp_path, monkeypatch):
    scored({"m": Counting()}, data, tmp_path)
    load, calls = Checkpoint.load, []

    def failing(self, chunk):
        calls.append(chunk)
        return load(self, chunk) if calls.count(chunk) == 1 else None

    monkeypatch.setattr(Checkpoint, "load", failing)
    with pytest.raises(InputError, match="was damaged during this run; start it again"):
        scored({"m": Counting()}, data, tmp_path)


def test_another_width_starts_anew(data, tmp_path):
    stimuli, fixations = data
    first = scored({"m": Counting()}, data, tmp_path)
    images = [s.image for s in stimuli]
    wider = salmetrics.Dataset(
        "wider", salmetrics.Stimuli.from_arrays(images, sigma=9).named("pictures"), fixations
    )
    with pytest.warns(UserWarning, match="another smoothing; starting from scratch"):
        second = scored({"m": Counting()}, wider, tmp_path)
    assert second.value("m", "CC") != first.value("m", "CC")
    assert second.value("m", "AUC") == first.value("m", "AUC")


@pytest.mark.parametrize("role", ["model", "empirical"])
def test_other_files_in_a_folder_of_maps_start_anew(data, tmp_path, role):
    maps = tmp_path / "maps"
    maps.mkdir()
    for sign in (1, -1):
        for stimulus in data.stimuli:
            np.save(maps / f"{stimulus.id}.npy", sign * stimulus.image.astype(float))
        as_maps = salmetrics.as_model(maps, data.stimuli, kind="saliency_map")
        options = {"empirical": as_maps} if role == "empirical" else {}
        model = Counting() if role == "empirical" else as_maps
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = scored({"m": model}, data, tmp_path / "kept", metrics=["CC"], **options)
        assert result.n_predictions == 40
        if sign == 1:
            before = result.value("m", "CC")
    assert f"another {role}; starting from scratch" in str(caught[0].message)
    assert result.value("m", "CC") == pytest.approx(
        -before, rel=1e-12, abs=0
    )  # sums of the negatives


class FailsAtFirst(salmetrics.DensityModel):
    """Fails on two images as long as `broken`."""

    fingerprint = "fails at first"

    def __init__(self, broken):
        self.broken = broken

    def log_density(self, stimulus, *, subject=None):
        if self.broken and stimulus.id in ("3", "20"):
            raise OSError("no network")
        energy = stimulus.image / 100.0
        return energy - np.log(np.exp(energy).sum())


def test_failures_are_tried_again_and_a_new_mean_is_noticed(data, tmp_path):
    options = {"metrics": ["LL", "sAUC"], "on_error": "record"}
    broken = scored({"m": FailsAtFirst(True)}, data, tmp_path, **options)
    assert len(broken.errors) == 2
    mended = scored({"m": FailsAtFirst(False)}, data, tmp_path, **options)
    assert mended.errors.empty
    fresh = scored({"m": FailsAtFirst(False)}, data, tmp_path / "fresh", **options)
    assert mended.per_fixation.equals(fresh.per_fixation)
    assert mended.value("m", "sAUC") != broken.value("m", "sAUC")
