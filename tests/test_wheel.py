"""What a wheel holds: all code, all data of the packages, and nothing else; and its size."""

import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LARGEST = 8_000_000  # bytes
MAPS = ("litegaze", "hand-made", "local-contrast")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    from hatchling.builders.wheel import WheelBuilder

    folder = tmp_path_factory.mktemp("wheel")
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    return Path(path)


@pytest.mark.slow
def test_size(wheel):
    assert wheel.stat().st_size < LARGEST


@pytest.mark.slow
def test_content(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = {name for name in file.namelist() if ".dist-info/" not in name}
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in ("salmetrics", "salmetrics_models")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == expected
    sample = "salmetrics/datasets/sample"
    images = {name for name in names if name.startswith(f"{sample}/images/")}
    assert len(images) == 24
    for model in MAPS:
        maps = {name for name in names if name.startswith(f"{sample}/maps/{model}/")}
        assert {Path(name).stem for name in maps} == {Path(name).stem for name in images}
    for name in ("LICENSE", "README.md", "fixations.csv"):
        assert f"{sample}/{name}" in names
    assert "salmetrics/datasets/sample.toml" in names
    assert "salmetrics_models/litegaze/readouts.safetensors" in names
    assert "salmetrics_models/training/examples/litegaze.toml" in names


def test_photographs_are_small():
    photographs = (ROOT / "salmetrics/datasets/sample/images").iterdir()
    assert sum(path.stat().st_size for path in photographs) < 1_000_000
