"""Data sets by name: options, counts, caches."""

import json
import shutil

import numpy as np
import pytest

import salmetrics
from salmetrics import InputError, datasets
from salmetrics.datasets import registry
from salmetrics.io.archives import unpack
from tests.datasets import published
from tests.datasets.published import PUBLISHED, assert_same, small


def test_names_and_options():
    assert datasets.names() == sorted([*PUBLISHED, "sample"])
    for name in datasets.names():
        description = datasets.info(name)
        defaults = registry.options_of(name)
        assert "progress" not in defaults
        for source in description.files:
            assert set(source.when) <= set(defaults)
    assert registry.options_of("toronto") == {}
    assert registry.options_of("mit1003") == {
        "size": None,
        "initial_fixation": False,
        "replace_invalid_initial": False,
        "resize": None,
    }


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("mit1004", {}, "name must be one of 'cat2000-test', "),
        ("toronto", {"part": "x"}, "toronto has no options; got 'part'"),
        ("salicon", {"colour": 1}, "option of salicon must be one of 'edition', 'form', 'kind'"),
    ],
)
def test_wrong_options(tiny, archives, tmp_path, name, options, text):
    paths = None
    if name in PUBLISHED:
        tiny(name)
        paths = archives(name)
    with pytest.raises(InputError, match=text):
        datasets.load(name, tmp_path, archive=paths, download=False, **options)


def test_a_folder_that_was_unpacked_by_hand(tiny, archives, tmp_path):
    """Nothing is written into it, except on request."""
    tiny("toronto")
    (source,) = archives("toronto")
    expected = datasets.load("toronto", tmp_path / "one", archive=source)
    unpack(source, tmp_path / "two")
    before = sorted(tmp_path.glob("two/**/*"))
    assert_same(datasets.load("toronto", tmp_path / "two", download=False), expected)
    assert_same(
        datasets.load("toronto", tmp_path / "two" / "eyetrackingdata" / "..", download=False),
        expected,
    )
    assert sorted(tmp_path.glob("two/**/*")) == before
    datasets.load("toronto", tmp_path / "two", cache=True)
    new = {path.name for path in set(tmp_path.glob("two/**/*")) - set(before)}
    assert {name[-3:] for name in new} == {".h5", "ock"}  # the cache, and a lock


def test_get(tiny, archives, tmp_path, monkeypatch):
    tiny("mit300")
    monkeypatch.setenv("SALMETRICS_DATA", str(tmp_path))
    assert datasets.get("mit300", archive=archives("mit300")) == tmp_path / "mit300"
    assert len(datasets.load("mit300", download=False).stimuli) == 3
    assert datasets.load("mit300", download=False).stimuli.ids == ("i1", "i2", "i10")
    monkeypatch.delenv("SALMETRICS_DATA")
    monkeypatch.setenv("SALMETRICS_CACHE", str(tmp_path / "cache"))
    assert registry.default_root("mit300") == tmp_path / "cache" / "datasets" / "mit300"


def test_counts_are_checked(tiny, archives, tmp_path):
    tiny("osie", all={"images": 4, "fixations": 35})
    with pytest.raises(InputError, match=r"\(all\) has 35 fixations; there are 36. check=False"):
        datasets.load("osie", tmp_path, archive=archives("osie"))
    with pytest.warns(UserWarning, match="has 35 fixations; there are 36"):
        datasets.load("osie", tmp_path, check=False, cache=False)
    tiny("coco-freeview", train={"images": 3, "recorded": 1})
    with pytest.raises(InputError, match="has 1 recorded fixations; there are"):
        datasets.load("coco-freeview", tmp_path / "coco", archive=archives("coco-freeview"))


def test_subjects_are_counted(tiny, archives, tmp_path):
    tiny("mit1003", all={"subjects": 4})
    with pytest.raises(InputError, match=r"MIT1003 \(all\) has 4 subjects; there are 3"):
        datasets.load("mit1003", tmp_path, archive=archives("mit1003"))


def test_fixations_off_the_image_are_dropped_and_counted(tiny, archives, tmp_path):
    tiny("coco-freeview")
    datasets.get("coco-freeview", tmp_path, archive=archives("coco-freeview"))
    (path,) = tmp_path.glob("COCO*.json")
    trials = [trial for trial in json.loads(path.read_text()) if trial["split"] == "train"]
    points = {"X": [-0.5, 0, 5, 1680, 7], "Y": [1, 0, 1049.5, 3, 1050], "T": [100] * 5}
    path.write_text(json.dumps([trials[0] | points, *trials[1:]]))
    dataset = datasets.load("coco-freeview", tmp_path)
    assert dataset.fixations.x[:2].tolist() == [0, 5]
    assert dataset.fixations.y[:2].tolist() == [0, 1049.5]
    assert dataset.fixations.index[:2].tolist() == [1, 2]
    assert len(dataset.fixations) == 2 + sum(len(trial["X"]) for trial in trials[1:])
    assert dataset.info["dropped_outside"] == 3
    assert dataset.info["variant"] == "train"


def test_data_without_subjects_have_no_gold_standard_of_subjects(tiny, archives, tmp_path):
    tiny("toronto")
    dataset = datasets.load("toronto", tmp_path, archive=archives("toronto"))
    assert dataset.info["subjects_known"] is False
    with pytest.raises(
        InputError, match=r"all fixations are of one subject.*use hold_out='fixation'"
    ):
        salmetrics.GoldStandard.fit(*dataset)


# ---- the cache


def test_a_cache_belongs_to_its_files(tiny, archives, tmp_path):
    tiny("osie")
    first = datasets.load("osie", tmp_path, archive=archives("osie"))
    (path,) = tmp_path.glob("**/eye/fixations.mat")
    published.osie(tmp_path, np.random.default_rng(8), n=4)
    unpack(tmp_path / "osie.zip", tmp_path / "other")
    shutil.copyfile(next(tmp_path.glob("other/**/eye/fixations.mat")), path)
    shutil.rmtree(tmp_path / "other")
    second = datasets.load("osie", tmp_path)
    assert (second.fixations.x != first.fixations.x).any()


def test_an_interruption_leaves_nothing(tiny, archives, tmp_path, monkeypatch):
    tiny("mit1003")
    paths = archives("mit1003")

    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "write_hdf5", interrupted)
    with pytest.raises(KeyboardInterrupt):
        datasets.load("mit1003", tmp_path, archive=paths)
    assert not list(tmp_path.glob("*.h5"))
    assert [path.name for path in tmp_path.glob(".*")] == [".salmetrics-lock"]


def test_a_full_disk_does_not_lose_the_data(tiny, archives, tmp_path, monkeypatch):
    tiny("toronto")

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(registry, "write_hdf5", full)
    with pytest.warns(UserWarning, match="the data set cannot be cached: .*No space left"):
        dataset = datasets.load("toronto", tmp_path, archive=archives("toronto"))
    assert len(dataset.stimuli) == 4


def test_a_damaged_cache(tiny, archives, tmp_path):
    tiny("toronto")
    first = datasets.load("toronto", tmp_path, archive=archives("toronto"))
    (cache,) = tmp_path.glob("*.h5")
    cache.write_bytes(b"zz")
    with pytest.warns(UserWarning, match="the published files are read again"):
        assert_same(datasets.load("toronto", tmp_path), first)
    assert_same(datasets.load("toronto", tmp_path), first)


def test_caches_do_not_pile_up(tiny, archives, tmp_path, monkeypatch):
    from dataclasses import replace

    tiny("salicon")
    paths = archives("salicon")
    datasets.load("salicon", tmp_path, archive=paths)
    (cache,) = tmp_path.glob("*.h5")
    datasets.load("salicon", tmp_path, archive=paths, form="json")
    assert len(list(tmp_path.glob("*.h5"))) == 2
    datasets.load("salicon", tmp_path)
    assert cache.exists()  # files of other options do not matter
    description = replace(small("salicon"), sigma=21.0)
    monkeypatch.setattr(registry, "described", lambda _: description)
    assert datasets.load("salicon", tmp_path).stimuli.sigma == 21  # facts do
    assert not cache.exists()
    assert len(list(tmp_path.glob("*.h5"))) == 2
