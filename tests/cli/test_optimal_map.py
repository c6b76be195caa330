"""`salmetrics optimal-map`."""

import shutil

import numpy as np
import pytest

import salmetrics
from salmetrics.cli import main
from tests.cli.command_line import INSIDE, error_of


def test_optimal_map(folder, capsys):
    dataset = salmetrics.datasets.load_folder("images", "fixations.csv", outside="clip", sigma=3)
    command = ["optimal-map", *INSIDE, "--sigma", "3", "--model", "gaussian-centre-bias"]
    options = ["--n-samples", "20", "--dtype", "float64"]
    assert main([*command, "--metric", "SIM", *options, "--out", "sim"]) == 0
    expected = salmetrics.OptimalMapModel(
        salmetrics.GaussianCentreBias(), "SIM", dataset.stimuli, n_fixations=13, n_samples=20
    )
    written = np.load("sim/0.npy")
    np.testing.assert_array_equal(written, expected.saliency_map(dataset.stimuli[0]))
    capsys.readouterr()
    metrics = ["--metric", "NSS", "KLDiv", "sAUC", "--expected", "2"]
    assert main([*command, *metrics, "--out", "several"]) == 0
    out = capsys.readouterr().out
    assert "expected score of the map for (row) in (column)" in out
    rows = [line.split() for line in out.splitlines() if line.startswith(("NSS", "KLDiv", "sAUC"))]
    assert [row[0] for row in rows] == ["NSS", "KLDiv", "sAUC"]
    assert float(rows[0][1]) > float(rows[2][1])  # NSS wants the map for NSS
    names = ["KLDiv", "NSS", "optimal_maps.json", "sAUC"]
    assert sorted(p.name for p in (folder / "several").iterdir()) == names


def test_optimal_maps_resume(folder, capsys):
    """Finished maps stay; other settings, and other folders, are refused before any work."""
    command = ["optimal-map", *INSIDE, "--sigma", "3", "--model", "gaussian-centre-bias"]
    two = [*command, "--metric", "NSS", "KLDiv", "--out", "maps"]
    assert main(two) == 0
    kept = (folder / "maps" / "NSS" / "0.npy").stat().st_mtime_ns
    shutil.rmtree(folder / "maps" / "KLDiv")
    capsys.readouterr()
    assert main(two) == 0
    assert "maps/NSS exists already" in capsys.readouterr().err
    assert (folder / "maps" / "NSS" / "0.npy").stat().st_mtime_ns == kept
    assert (folder / "maps" / "KLDiv" / "0.npy").exists()
    for changed in (["--sigma", "4"], ["--dtype", "float64"], ["--metric", "NSS", "CC"]):
        assert "was not written by this command" in error_of(capsys, [*two, *changed])
    assert not (folder / "maps" / "CC").exists()
    error = error_of(capsys, [*two[:-1], "images"])
    assert "'images' exists and was not written by this command" in error


def test_probability_0_has_optimal_maps(folder):
    (folder / "half.py").write_text(
        "import numpy as np, salmetrics\n"
        "class Half(salmetrics.DensityModel):\n"
        "    def log_density(self, stimulus, *, subject=None):\n"
        "        log = np.full(stimulus.size, -np.inf)\n"
        "        log[:10] = -np.log(log[:10].size)\n"
        "        return log\n"
    )
    command = ["optimal-map", *INSIDE, "--sigma", "3", "--model", "half.py:Half"]
    assert main([*command, "--metric", "AUC", "AUC-Judd", "sAUC", "--out", "maps"]) == 0
    written = np.load("maps/AUC/0.npy")
    assert np.isfinite(written).all()
    assert written[:10].min() > written[10:].max()


def test_sizes_of_images_and_maps(folder):
    """--resize, --n-fixations and --seed reach what they should."""
    small = {f"{i}.png": np.random.default_rng(i).random((10, 15)) for i in range(3)}
    np.savez("small.npz", **{name: p / p.sum() for name, p in small.items()})
    model = ["--model", "small.npz", "--kind", "density", "--resize", "bilinear"]
    assert main(["export-maps", *INSIDE, *model, "--out", "large"]) == 0
    assert np.load("large/0.npy").shape == (20, 30)
    maps = {}
    for n, seed in (("5", "0"), ("50", "0"), ("5", "1")):
        options = ["--metric", "SIM", "--n-fixations", n, "--seed", seed, "--n-samples", "9"]
        target = f"sim-{n}-{seed}"
        command = ["optimal-map", *INSIDE, "--sigma", "3", *model, *options, "--out", target]
        assert main(command) == 0
        maps[n, seed] = np.load(f"{target}/0.npy")
    assert (maps["5", "0"] != maps["50", "0"]).any()
    assert (maps["5", "0"] != maps["5", "1"]).any()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("uniform --metric NSS --expected -1 --out x", "--expected must be a whole number >= 0"),
        ("uniform --metric NSS AUC --out x.h5", "--out must be a folder for several metrics"),
        ("my_models.py:Flat --metric NSS --out x", "Flat gives saliency maps"),
    ],
)
def test_errors(result, capsys, arguments, text):
    assert text in error_of(capsys, f"optimal-map --dataset data.h5 --model {arguments}")
    assert not list(result.glob("x*"))


def test_images_alone(folder, capsys):
    command = "optimal-map --images images --model gaussian-centre-bias --first 1 --out maps.h5"
    assert main(f"{command} --metric AUC".split()) == 0
    assert "1 map of gaussian-centre-bias for AUC" in capsys.readouterr().out
    text = error_of(capsys, f"{command} --metric SIM --sigma 3".replace("maps", "more"))
    assert "there are no fixations to count; give --n-fixations" in text
