"""Readers against the loaders of pysaliency that need no MATLAB, on the same archives."""

import shutil
import sys
import warnings
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from salmetrics import datasets
from salmetrics.datasets import registry
from tests.datasets import published

sys.path.insert(0, str(Path(__file__).parents[1]))  # for pysaliency_reference
pytestmark = pytest.mark.filterwarnings("ignore")  # those of pysaliency


@pytest.fixture(scope="module")
def theirs():
    """Modules of pysaliency's loaders; in other comparisons a stand-in takes their place."""
    import_module("pysaliency_reference")  # makes pysaliency work with current packages
    stand_in = sys.modules.pop("pysaliency.external_datasets", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of pysaliency
        import_module("pysaliency.external_datasets")
        yield lambda name: sys.modules[f"pysaliency.external_datasets.{name}"]
    sys.modules["pysaliency.external_datasets"] = stand_in


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Make archives; pysaliency's downloads copy them."""

    def serve(name, make):
        folder = tmp_path / "archives"
        folder.mkdir()
        make(folder, np.random.default_rng(6))
        tiny = published.small(name)
        monkeypatch.setattr(registry, "described", lambda _: tiny)

        def copied(url, target, md5=None, verify_ssl=True):
            shutil.copyfile(folder / Path(url.partition("?")[0]).name, target)

        return folder, copied

    return serve


def assert_same(ours, stimuli, fixations, *, names=("t",)):
    """Compare in order, because pysaliency sorts by image and subject, too."""
    assert len(ours.stimuli) == len(stimuli)
    np.testing.assert_array_equal(ours.stimuli.sizes, np.array(stimuli.sizes))
    for i in (0, len(stimuli) - 1):
        np.testing.assert_array_equal(ours.stimuli[i].image, stimuli.stimuli[i])
    found = ours.fixations
    for one, other in (("x", "x"), ("y", "y"), ("image", "n"), ("subject", "subjects"), *names):
        np.testing.assert_array_equal(
            found.columns[one], np.asarray(getattr(fixations, other)), one
        )


def test_toronto(theirs, served, tmp_path, monkeypatch):
    folder, copied = served("toronto", published.toronto)
    module = theirs("toronto")
    monkeypatch.setattr(module, "download_and_check", copied)
    stimuli, fixations = module.get_toronto(location=str(tmp_path / "theirs"))
    ours = datasets.load("toronto", tmp_path / "ours", archive=folder / "eyetrackingdata.zip")
    assert_same(ours, stimuli, fixations, names=())


@pytest.mark.slow
def test_pascal_s(theirs, served, tmp_path, monkeypatch):
    folder, copied = served("pascal-s", published.pascal_s)
    module = theirs("pascal_s")
    monkeypatch.setattr(module, "download_and_check", copied)
    stimuli, fixations = module.get_PASCAL_S(location=str(tmp_path / "theirs"))
    ours = datasets.load("pascal-s", tmp_path / "ours", archive=folder / "salObj.zip")
    assert_same(ours, stimuli, fixations, names=(("index", "t"),))


@pytest.mark.slow
def test_osie(theirs, served, tmp_path, monkeypatch):
    folder, copied = served("osie", published.osie)
    module = theirs("osie")
    unpacked = tmp_path / "unpacked"
    shutil.unpack_archive(folder / "osie.zip", unpacked)
    (data,) = unpacked.glob("*/data")

    def retrieved(url, target):
        shutil.copyfile(data / "stimuli" / url.rpartition("/")[2], target)

    monkeypatch.setattr(module.urllib.request, "urlretrieve", retrieved)
    monkeypatch.setattr(
        module,
        "download_and_check",
        lambda _, target, __: shutil.copyfile(data / "eye/fixations.mat", target),
    )
    stimuli, fixations = module.get_OSIE(location=str(tmp_path / "theirs"))
    ours = datasets.load("osie", tmp_path / "ours", archive=folder / "osie.zip")
    assert_same(ours, stimuli, fixations, names=(("index", "t"),))


@pytest.mark.parametrize("edition", ["2015", "2017"])
@pytest.mark.parametrize("kind", ["mouse", "fixations"])
def test_salicon(theirs, served, tmp_path, monkeypatch, edition, kind):
    folder, _ = served("salicon", published.salicon)
    module = theirs("salicon")
    at = {
        "1g8j-hTT-51IG1UFwP0xTGhLdgIUCW5e5": "images.zip",
        "1WVEiXba-I4GN33f0uUl4KhaN1rK7qzs6": "fixations2015.zip",
        "1P-jeZXCsjoKO79OhFUgnj6FGcyvmLDPj": "fixations2017.zip",
    }
    monkeypatch.setattr(
        module,
        "download_file_from_google_drive",
        lambda key, target: shutil.copyfile(folder / at[key], target),
    )
    monkeypatch.setattr(module, "check_file_hash", lambda *_: None)
    for part, get in (("train", module.get_SALICON_train), ("val", module.get_SALICON_val)):
        stimuli, fixations = get(
            edition=edition, fixation_type=kind, location=str(tmp_path / "theirs")
        )
        ours = datasets.load(
            "salicon",
            tmp_path / "ours",
            archive=sorted(folder.iterdir()),
            part=part,
            edition=edition,
            kind=kind,
        )
        if (edition, kind) == ("2017", "mouse"):
            # points off the image: pysaliency moves them to the edge, salmetrics to the centre
            # of the last pixel
            assert (fixations.x == 639.99).any()
            for name in ("x", "y"):
                values = getattr(fixations, name)
                setattr(fixations, name, np.where(values % 1 > 0, np.floor(values) + 0.5, values))
        assert_same(ours, stimuli, fixations, names=(("t" if kind == "mouse" else "index", "t"),))


def test_figrim(theirs, served, tmp_path, monkeypatch):
    folder, copied = served(
        "figrim", partial(published.figrim, all_seen=True)
    )  # else NumPy 2.4 fails
    module = theirs("figrim")
    monkeypatch.setattr(module, "download_and_check", copied)
    stimuli, fixations = module.get_FIGRIM(location=str(tmp_path / "theirs"))
    ours = datasets.load("figrim", tmp_path / "ours", archive=sorted(folder.iterdir()), phase="all")
    assert_same(ours, stimuli, fixations, names=(("index", "t"),))
    np.testing.assert_array_equal(ours.fixations.phase, fixations.which_time)
    np.testing.assert_array_equal(ours.fixations.response, fixations.response)


@pytest.mark.parametrize("name", ["coco-search18", "coco-freeview"])
def test_coco(theirs, served, tmp_path, monkeypatch, name):
    folder, copied = served(name, published.PUBLISHED[name])
    search = name == "coco-search18"
    module = theirs(name.replace("-", "_"))
    monkeypatch.setattr(module, "download_and_check", copied)
    if search:
        found = module.get_COCO_Search18(location=str(tmp_path / "theirs"))
    else:
        monkeypatch.setattr(module, "TEST_STIMULUS_INDICES", [0])  # of 5317 images
        found = module.get_COCO_Freeview(location=str(tmp_path / "theirs"))
    for part, stimuli, fixations in (("train", *found[:2]), ("validation", *found[2:4])):
        given = sorted(folder.iterdir())
        ours = datasets.load(name, tmp_path / "ours", archive=given, part=part)
        inside = (fixations.x >= 0) & (fixations.x < 1680)
        assert ours.info["dropped_outside"] == (~inside).sum()
        kept = fixations[inside]
        if search:
            kept.subjects = (
                np.asarray(kept.subjects) + 1
            )  # salmetrics keeps the numbers in the files
            assert ours.fixations.task.tolist() == [module.TASKS[k] for k in kept.task]
            np.testing.assert_array_equal(ours.fixations.reaction_time, kept.reaction_time)
        assert_same(ours, stimuli, kept, names=(("duration", "duration"), ("index", "t")))
