"""Registered data sets from archives in their published layouts."""

import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from salmetrics import InputError, datasets
from salmetrics.datasets import registry
from salmetrics.datasets.description import described
from salmetrics.io.archives import unpack
from tests.datasets.published import PUBLISHED, archive, small

VARIANTS = [
    ("cat2000-test", {}, 6, 0),
    ("cat2000-train", {}, 6, None),
    ("cat2000-train", {"source": "fixations"}, 6, None),
    ("coco-freeview", {}, 3, None),
    ("coco-freeview", {"part": "validation"}, 1, None),
    ("coco-freeview", {"part": "test"}, 2, 0),
    ("coco-search18", {}, 3, None),
    ("coco-search18", {"part": "validation"}, 2, None),
    ("figrim", {}, 12, 2 * 6 * 2 * 4),
    ("figrim", {"phase": "all"}, 12, 2 * 6 * 2 * 8),
    ("mit1003", {}, 4, None),
    ("mit1003", {"size": (768, 1024)}, 1, None),
    ("mit1003", {"initial_fixation": True}, 4, None),
    ("mit1003", {"resize": "twosize"}, 4, None),
    ("mit300", {}, 3, 0),
    ("osie", {}, 4, 4 * 9),
    ("pascal-s", {}, 5, None),
    ("salicon", {}, 3, 3 * 11),
    ("salicon", {"edition": "2015", "kind": "mouse"}, 3, 3 * 11),
    ("salicon", {"part": "val", "kind": "mouse"}, 3, 3 * 11),
    ("salicon", {"part": "test"}, 3, 0),
    ("salicon", {"form": "json"}, 3, 3 * 10),
    ("toronto", {}, 4, None),
]


@pytest.fixture
def tiny(monkeypatch):
    """Descriptions without checksums and counts."""

    def allow(name, **counts):
        found = small(name, **counts)
        monkeypatch.setattr(registry, "described", lambda _: found)
        return found

    return allow


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """The archives of each data set."""
    folders = {}

    def of(name):
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp(name)
            PUBLISHED[name](folders[name], np.random.default_rng(3))
        return sorted(folders[name].iterdir())

    return of


def same(one, other):
    """Whether two data sets are."""
    assert one.stimuli.ids == other.stimuli.ids
    np.testing.assert_array_equal(one.stimuli.sizes, other.stimuli.sizes)
    assert one.fixations.columns.keys() == other.fixations.columns.keys()
    for name, column in one.fixations.columns.items():
        np.testing.assert_array_equal(column, other.fixations.columns[name], name)
    assert one.info == other.info
    assert one.name == other.name


@pytest.mark.parametrize(
    ("name", "options", "n_images", "n_fixations"),
    VARIANTS,
    ids=[f"{n}{''.join(f'-{v}' for v in o.values())}" for n, o, _, _ in VARIANTS],
)
def test_from_archives_and_again(tiny, archives, tmp_path, name, options, n_images, n_fixations):
    description = tiny(name)
    first = datasets.load(name, tmp_path, archive=archives(name), download=False, **options)
    assert len(first.stimuli) == n_images
    assert n_fixations is None or len(first.fixations) == n_fixations
    assert first.info["citation"] == description.citation
    assert first.info["dropped_outside"] >= 0
    assert not first.fixations.outside(first.stimuli).any()
    if options.get("resize") is None:
        assert first.stimuli.pixels_per_degree == description.pixels_per_degree
        assert first.stimuli.sigma == description.sigma
    assert first.stimuli[0].image.shape[:2] == tuple(first.stimuli.sizes[0])
    (kept,) = tmp_path.glob("*.h5")
    changed = kept.stat().st_mtime_ns
    same(datasets.load(name, tmp_path, download=False, **options), first)  # what was kept
    assert kept.stat().st_mtime_ns == changed
    same(datasets.load(name, tmp_path, download=False, cache=False, **options), first)
    assert not list(tmp_path.glob("*.zip"))
    assert [path.name for path in tmp_path.glob(".*")] == [".salmetrics-lock"]


def test_every_data_set_is_described():
    assert datasets.names() == sorted(PUBLISHED)
    for name in datasets.names():
        found = datasets.info(name)
        assert found.name == name
        for text in (found.title, found.homepage, found.licence, found.citation, found.notes):
            assert len(text) > 2
        usual = registry.options_of(name)
        for source in found.files:
            assert source.url or source.by_hand
            assert set(source.when) <= set(usual)
            assert all(digest.startswith("md5:") and len(digest) == 36 for digest in source.digests)
        for counts in found.expected.values():
            assert set(counts) <= {"images", "subjects", "fixations", "recorded"}


def test_a_folder_that_was_unpacked_by_hand(tiny, archives, tmp_path):
    """Nothing is written into it, unless asked for."""
    tiny("toronto")
    (source,) = archives("toronto")
    expected = datasets.load("toronto", tmp_path / "one", archive=source)
    unpack(source, tmp_path / "two")
    before = sorted(tmp_path.glob("two/**/*"))
    same(datasets.load("toronto", tmp_path / "two", download=False), expected)
    same(
        datasets.load("toronto", tmp_path / "two" / "eyetrackingdata" / "..", download=False),
        expected,
    )
    assert sorted(tmp_path.glob("two/**/*")) == before
    datasets.load("toronto", tmp_path / "two", cache=True)
    new = {path.name for path in set(tmp_path.glob("two/**/*")) - set(before)}
    assert {name[-3:] for name in new} == {".h5", "ock"}  # what was read, and a lock


def test_what_is_kept_is_of_the_same_files(tiny, archives, tmp_path):
    tiny("osie")
    first = datasets.load("osie", tmp_path, archive=archives("osie"))
    (path,) = tmp_path.glob("**/eye/fixations.mat")
    from tests.datasets import published

    published.osie(tmp_path, np.random.default_rng(8), n=4)
    unpack(tmp_path / "osie.zip", tmp_path / "other")
    shutil.copyfile(next(tmp_path.glob("other/**/eye/fixations.mat")), path)
    shutil.rmtree(tmp_path / "other")
    second = datasets.load("osie", tmp_path)
    assert (second.fixations.x != first.fixations.x).any()


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


def test_checksums(archives, tmp_path):
    (source,) = archives("toronto")
    with pytest.raises(InputError, match=r"has md5:\w{32}, not md5:38d5c02.*: it is damaged, or"):
        datasets.load("toronto", tmp_path, archive=source)
    assert not list(tmp_path.glob("[!.]*"))
    with (
        pytest.warns(UserWarning, match="not md5:38d5c02"),
        pytest.warns(UserWarning, match="has 120 images; there are 4"),
        pytest.warns(UserWarning, match="has 11199 fixations; there are"),
    ):
        datasets.load("toronto", tmp_path, archive=source, check=False)
    with pytest.warns(UserWarning, match="not md5:8efdf6fe66f"):
        datasets.get("osie", tmp_path / "osie", archive=archives("osie"), check=False)
    shutil.copy(source, tmp_path / "here.zip")
    (tmp_path / "put").mkdir()
    shutil.copy(source, tmp_path / "put" / "eyetrackingdata.zip")  # the same, put there by hand
    with pytest.raises(InputError, match="it is damaged, or another file"):
        datasets.load("toronto", tmp_path / "put")


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("mit1004", {}, "name must be one of 'cat2000-test', "),
        ("toronto", {"part": "x"}, "toronto has no options; got 'part'"),
        ("salicon", {"edition": 2015}, "edition must be one of '2015', '2017'; got 2015"),
        ("salicon", {"kind": "x"}, "kind must be one of"),
        ("salicon", {"part": "x"}, "part must be one of"),
        ("salicon", {"form": "x"}, "form must be one of"),
        ("salicon", {"form": "json", "kind": "mouse"}, "form='json' has fixations only"),
        ("salicon", {"colour": 1}, "option of salicon must be one of 'edition', 'form', 'kind'"),
        ("figrim", {"phase": "x"}, "phase must be one of 'encoding', 'all'"),
        ("cat2000-train", {"source": "x"}, "source must be one of 'locs', 'fixations'"),
        ("coco-freeview", {"part": "val"}, "part must be one of 'train', 'validation', 'test'"),
        ("coco-search18", {"part": "test"}, "part must be one of 'train', 'validation'; got"),
        ("mit1003", {"size": (1, 2)}, r"size must be one of None, \(768, 1024\)"),
        ("mit1003", {"resize": "x"}, "resize must be one of None, 'twosize'"),
        ("mit1003", {"initial_fixation": 1.5}, "initial_fixation must be one of True, False"),
        ("mit1003", {"replace_invalid_initial": "x"}, "replace_invalid_initial must be one of"),
    ],
)
def test_wrong_options(request, tiny, archives, tmp_path, name, options, text):
    given = None
    if name in PUBLISHED:
        tiny(name)
        given = archives(name)
    with pytest.raises(InputError, match=text):
        datasets.load(name, tmp_path, archive=given, download=False, **options)


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match=r"holds no 'eye/fixations.mat' .* get osie` gets it. By"):
        datasets.load("osie", tmp_path, download=False)
    with pytest.raises(InputError, match=r"needs 'images.zip', which no program can get. Get the"):
        datasets.load("salicon", tmp_path)
    with pytest.raises(
        InputError, match=r"name of archive 'x\.zip' must be one of 'ALLSTIMULI.zip'"
    ):
        datasets.load("mit1003", tmp_path, archive="x.zip")
    with pytest.raises(InputError, match=r"there is no file 'x\.zip'"):
        datasets.load("osie", tmp_path, archive="x.zip")


def test_another_archive(tiny, tmp_path):
    tiny("mit300")
    other = archive(tmp_path / "other.zip", {"a.txt": b"1"})
    with pytest.raises(InputError, match=r"other.zip' holds no 'BenchmarkIMAGES'; it is not that"):
        datasets.load("mit300", tmp_path / "root", archive=other)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_truncated_archives(tiny, archives, tmp_path, name):
    """Nothing is left of them in the folder."""
    tiny(name)
    cut = []
    for path in archives(name):
        content = path.read_bytes()
        target = tmp_path / path.name
        target.write_bytes(content[: len(content) // 2] if path.suffix == ".zip" else content)
        cut.append(target)
    with pytest.raises(InputError, match=r"(damaged|can't be read|is no archive)"):
        datasets.load(name, tmp_path / "root", archive=cut, download=False)
    assert not list((tmp_path / "root").glob("[!.]*"))


def without(path, target, missing):
    """A copy of a zip file that lacks members."""
    import zipfile

    with zipfile.ZipFile(path) as file:
        kept = {n: file.read(n) for n in file.namelist() if missing not in n}
    return archive(target, kept)


MISSING = [
    ("cat2000-train", "FIXATIONLOCS/Art/002", {}, r"no file .*Art/002\.mat'"),
    ("coco-freeview", "images/car/000000000000", {}, None),
    ("coco-freeview", "images/", {}, "holds no 'images'"),
    ("coco-search18", "validation_split1", {}, "is damaged, or not the published file"),
    ("mit1003", "hp/i9_street", {}, r"1 recordings of MIT1003 are missing: 'hp/i9_street_9.mat'"),
    ("osie", "1002.jpg", {}, r"1 of 4 images of Object.* are missing from .*'1002.jpg'"),
    ("pascal-s", "pascal/3.jpg", {}, r"1 of 5 images of PASCAL-S are missing .*'3\.jpg'"),
    ("salicon", "train/COCO_train2014_000000000020.mat", {}, "lacks files of 1 images: 'COCO"),
    ("toronto", "Set/2.jpg", {}, r"1 of 4 images of Toronto are missing"),
    ("toronto", "origfixdata", {}, r"there is no file .*origfixdata\.mat'"),
]


@pytest.mark.parametrize(
    ("name", "missing", "options", "text"), MISSING, ids=[f"{n}-{m}" for n, m, _, _ in MISSING]
)
def test_missing_members(tiny, archives, tmp_path, name, missing, options, text):
    tiny(name)
    given = [
        without(path, tmp_path / path.name, missing) if path.suffix == ".zip" else path
        for path in archives(name)
    ]
    if text is None:  # another task has the same image
        datasets.load(name, tmp_path / "root", archive=given, **options)
        return
    with pytest.raises(InputError, match=text):
        datasets.load(name, tmp_path / "root", archive=given, **options)


def replaced(folder, name, content):
    """Put other bytes into a file below a folder."""
    (path,) = folder.glob(f"**/{name}")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("osie", "eye/fixations.mat"),
        ("toronto", "origfixdata.mat"),
        ("pascal-s", "pascalFix.mat"),
        ("cat2000-train", "FIXATIONLOCS/Art/001.mat"),
        ("mit1003", "DATA/hp/i9_street_9.mat"),
        ("salicon", "fixations2017/train/COCO_train2014_000000000003.mat"),
        ("figrim", "allImages_release.mat"),
    ],
)
@pytest.mark.parametrize("content", ["nothing", "text", "other", "7.3"])
def test_other_matlab_files(tiny, archives, tmp_path, name, file, content):
    import io

    import h5py
    from scipy.io import savemat

    tiny(name)
    datasets.get(name, tmp_path, archive=archives(name))
    stream = io.BytesIO()
    if content == "text":
        stream.write(b"no MATLAB file " * 50)
    elif content == "other":
        savemat(stream, {"other": 1})
    elif content == "7.3":
        with h5py.File(stream, "w", userblock_size=512) as made:
            made["other"] = 1
        stream.getbuffer()[:128] = b"MATLAB 7.3 MAT-file".ljust(116) + bytes(8) + b"\x00\x02IM"
    path = replaced(tmp_path, file, stream.getvalue())
    text = "version 7.3" if content == "7.3" and name != "pascal-s" else "damaged, or not the publ"
    with pytest.raises(InputError, match=rf"{path.name}' is .*{text}"):
        datasets.load(name, tmp_path)


def test_wrong_sizes(tiny, archives, tmp_path):
    from PIL import Image

    tiny("osie")
    datasets.get("osie", tmp_path, archive=archives("osie"))
    (path,) = tmp_path.glob("**/1003.jpg")
    Image.new("RGB", (80, 60)).save(path)
    with pytest.raises(InputError, match=r"have size \(600, 800\) .*; 1 have not: '1003'"):
        datasets.load("osie", tmp_path)


def test_coco_images_that_differ(tiny, archives, tmp_path):
    tiny("coco-freeview")
    datasets.get("coco-freeview", tmp_path, archive=archives("coco-freeview"))
    replaced(
        tmp_path,
        "car/000000000001.jpg",
        next(tmp_path.glob("**/cup/000000000000.jpg")).read_bytes(),
    )
    with pytest.raises(InputError, match="should be one image"):
        datasets.load("coco-freeview", tmp_path)


def test_coco_trials_of_other_splits(tiny, archives, tmp_path):
    tiny("coco-freeview")
    datasets.get("coco-freeview", tmp_path, archive=archives("coco-freeview"))
    (path,) = tmp_path.glob("COCO*.json")
    trials = json.loads(path.read_text())
    path.write_text(json.dumps([trials[0] | {"split": "dev"}]))
    with pytest.raises(InputError, match="has trials of split 'dev'"):
        datasets.load("coco-freeview", tmp_path)
    path.write_text(json.dumps([trials[0] | {"name": "x.jpg"}]))
    with pytest.raises(InputError, match=r"1 images of COCO-FreeView are missing: 'x\.jpg'"):
        datasets.load("coco-freeview", tmp_path)
    path.write_text("[{]")
    with pytest.raises(InputError, match="is damaged, or not the published file"):
        datasets.load("coco-freeview", tmp_path)


@pytest.mark.real_data
def test_osie(shared):
    folder = shared / "data" / "osie"
    if not folder.is_dir():
        pytest.skip("OSIE not found")
    stimuli, fixations = dataset = datasets.load("osie", folder, download=False)
    assert not list(folder.glob("*.h5"))
    assert (dataset.name, dataset.info["licence"]) == ("osie", "MIT")
    assert (len(stimuli), len(fixations), stimuli.sigma) == (700, 98321, 24)
    assert dataset.info["dropped_outside"] == 0
    assert (stimuli.sizes == [600, 800]).all()
    assert (stimuli.ids[0], stimuli.ids[-1]) == ("1001", "1700")
    assert np.unique(fixations.subject).size == 15
    assert stimuli[3].image.shape == (600, 800, 3)
    assert 0 < fixations.duration.min() < fixations.duration.max() < 3.5
    assert described("osie").seconds == 3


# ---- interruptions

KILLED = """
import os, signal, sys
import numpy as np
from salmetrics import datasets
from salmetrics.datasets import getting, registry
from salmetrics.io import archives, files, hdf5
from tests.datasets.published import small

name_of_set, where, root, *given = sys.argv[1:]
module, name, count = where.split(":")
module = {"getting": getting, "registry": registry, "archives": archives, "os": os}[module]
function, left = getattr(module, name), int(count)

def killed(*arguments, **options):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return function(*arguments, **options)

setattr(module, name, killed)
tiny = small(name_of_set)
registry.described = lambda _: tiny
datasets.load(name_of_set, root, archive=given, download=False, progress=False)
"""

STEPS = [
    ("mit1003", "getting:unpack:1"),  # before anything
    ("mit1003", "archives:PurePosixPath:3"),  # within the first archive
    ("mit1003", "os:replace:1"),  # when it is unpacked, and has not its name
    ("mit1003", "os:replace:2"),  # when it is noted
    ("mit1003", "os:replace:3"),  # when it has its place
    ("mit1003", "getting:unpack:2"),  # before the second
    ("mit1003", "archives:PurePosixPath:7"),
    ("mit1003", "os:replace:6"),
    ("mit1003", "registry:write_hdf5:1"),  # when all is read
    ("mit1003", "os:replace:7"),  # when it is written, and has not its name
    ("toronto", "os:replace:2"),
    ("toronto", "os:replace:3"),
    ("osie", "os:replace:3"),
]


@pytest.mark.parametrize(("name", "where"), STEPS)
def test_a_kill_in_each_step(tiny, archives, tmp_path, name, where):
    """The next call does the rest, and what is there is as after a call that ran through."""
    given = [str(path) for path in archives(name)]
    command = [sys.executable, "-c", KILLED, name, where, str(tmp_path / "killed"), *given]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    tiny(name)
    again = datasets.load(name, tmp_path / "killed", archive=given, download=False)
    whole = datasets.load(name, tmp_path / "whole", archive=given, download=False)
    same(again, whole)

    def there(folder):
        return {
            path.relative_to(folder).as_posix()
            for path in (tmp_path / folder).rglob("*")
            if not path.name.endswith(".h5")  # named after the times of files
        }

    assert there(tmp_path / "killed") == there(tmp_path / "whole")
    assert len(list((tmp_path / "killed").glob("*.h5"))) == 1


def test_an_interruption_leaves_nothing(tiny, archives, tmp_path, monkeypatch):
    tiny("mit1003")
    given = archives("mit1003")

    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "write_hdf5", interrupted)
    with pytest.raises(KeyboardInterrupt):
        datasets.load("mit1003", tmp_path, archive=given)
    assert not list(tmp_path.glob("*.h5"))
    assert [path.name for path in tmp_path.glob(".*")] == [".salmetrics-lock"]


def test_data_without_subjects_have_no_gold_standard_of_subjects(tiny, archives, tmp_path):
    import salmetrics

    tiny("toronto")
    dataset = datasets.load("toronto", tmp_path, archive=archives("toronto"))
    assert dataset.info["subjects_known"] is False
    with pytest.raises(
        InputError, match=r"all fixations are of one subject.*use hold_out='fixation'"
    ):
        salmetrics.GoldStandard.fit(*dataset)


# ---- what was put there is not trusted more than what comes


def test_what_was_wrong_stays_wrong(archives, tmp_path):
    """A file inside that is another one is not there the next time either."""
    given = archives("osie")
    for _ in range(2):
        with pytest.raises(InputError, match="not md5:8efdf6fe66f"):
            datasets.load("osie", tmp_path, archive=given)
        assert not list(tmp_path.glob("[!.]*"))


def test_the_right_archive_after_a_wrong_one(tiny, archives, tmp_path):
    tiny("mit300")
    other = archive(tmp_path / "other.zip", {"a.txt": b"1"})
    root = tmp_path / "root"
    with pytest.raises(InputError, match="it is not that of MIT300"):
        datasets.load("mit300", root, archive=other)
    datasets.load("mit300", root, archive=archives("mit300"))
    shutil.rmtree(root / "BenchmarkIMAGES-zip" / "BenchmarkIMAGES")
    assert len(datasets.load("mit300", root, archive=archives("mit300")).stimuli) == 3


def test_checks_come_back(tiny, archives, tmp_path, monkeypatch):
    """What was let through once is not let through for ever."""
    from dataclasses import replace

    (given,) = archives("osie")
    tiny("osie", all={"images": 4, "fixations": 35})
    with pytest.warns(UserWarning, match="has 35 fixations; there are 36"):
        datasets.load("osie", tmp_path, archive=given, check=False)
    with pytest.raises(InputError, match="has 35 fixations; there are 36"):
        datasets.load("osie", tmp_path)
    found = small("osie")
    (source,) = found.files
    strict = replace(found, files=(replace(source, digests=("md5:" + "0" * 32,)),))
    monkeypatch.setattr(registry, "described", lambda _: strict)
    with pytest.raises(InputError, match="not md5:000"):
        datasets.load("osie", tmp_path)
    with pytest.warns(UserWarning, match="not md5:000"):
        datasets.load("osie", tmp_path, check=False)


def test_files_put_there_by_hand_are_checked(archives, tmp_path, monkeypatch):
    from dataclasses import replace

    true = described("coco-freeview")
    files = (*(replace(f, digests=()) for f in true.files[:2]), true.files[2])
    monkeypatch.setattr(registry, "described", lambda _: replace(true, files=files, expected={}))
    for path in archives("coco-freeview"):
        if path.suffix == ".zip":
            unpack(path, tmp_path / path.stem)
        else:
            shutil.copy(path, tmp_path)
    with pytest.raises(InputError, match="it is damaged, or another file"):
        datasets.load("coco-freeview", tmp_path)


def test_a_users_own_archives_stay(tiny, archives, tmp_path):
    """Also if they were put into the folder."""
    tiny("salicon")
    for path in archives("salicon"):
        shutil.copy(path, tmp_path)
    datasets.load("salicon", tmp_path)
    assert (tmp_path / "images.zip").exists()
    assert (tmp_path / "fixations2017.zip").exists()


def test_two_processes(archives, tmp_path):
    """Both get the same."""
    given = [str(path) for path in archives("mit1003")]
    command = [sys.executable, "-c", KILLED, "mit1003", "getting:unpack:99", str(tmp_path), *given]
    root = Path(__file__).parents[2]
    both = [subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE) for _ in range(3)]
    for process in both:
        _, err = process.communicate()
        assert process.returncode == 0, err.decode()


# ---- what is kept


def test_a_full_disk_does_not_lose_what_was_read(tiny, archives, tmp_path, monkeypatch):
    tiny("toronto")

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(registry, "write_hdf5", full)
    with pytest.warns(UserWarning, match="what was read can't be kept: .*No space left"):
        dataset = datasets.load("toronto", tmp_path, archive=archives("toronto"))
    assert len(dataset.stimuli) == 4


def test_a_full_disk_while_unpacking(tiny, archives, tmp_path, monkeypatch):
    from salmetrics.datasets import getting

    tiny("toronto")

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(getting.os, "replace", full)
    with pytest.raises(InputError, match=r"can't be unpacked to .*: No space left on device"):
        datasets.load("toronto", tmp_path, archive=archives("toronto"))
    assert not list(tmp_path.glob("[!.]*"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(tiny, archives, tmp_path):
    tiny("toronto")
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match=r"can't be put into .*: Permission denied"):
        datasets.load("toronto", tmp_path / "root", archive=archives("toronto"))
    tmp_path.chmod(0o700)


def test_a_root_that_is_a_file(tiny, archives, tmp_path):
    tiny("toronto")
    (tmp_path / "root").write_text("")
    with pytest.raises(InputError, match="can't be put into"):
        datasets.load("toronto", tmp_path / "root", archive=archives("toronto"))


def test_a_damaged_record(tiny, archives, tmp_path):
    tiny("toronto")
    datasets.get("toronto", tmp_path, archive=archives("toronto"))
    (tmp_path / "salmetrics.json").write_text("{")
    with pytest.raises(InputError, match=r"salmetrics\.json' is damaged; remove it"):
        datasets.load("toronto", tmp_path)


def test_a_damaged_kept_file(tiny, archives, tmp_path):
    tiny("toronto")
    first = datasets.load("toronto", tmp_path, archive=archives("toronto"))
    (kept,) = tmp_path.glob("*.h5")
    kept.write_bytes(b"zz")
    with pytest.warns(UserWarning, match="it is made anew"):
        same(datasets.load("toronto", tmp_path), first)
    same(datasets.load("toronto", tmp_path), first)


def test_kept_files_do_not_pile_up(tiny, archives, tmp_path, monkeypatch):
    from dataclasses import replace

    tiny("salicon")
    given = archives("salicon")
    datasets.load("salicon", tmp_path, archive=given)
    (kept,) = tmp_path.glob("*.h5")
    datasets.load("salicon", tmp_path, archive=given, form="json")
    assert len(list(tmp_path.glob("*.h5"))) == 2
    datasets.load("salicon", tmp_path)
    assert kept.exists()  # files of other options do not matter
    found = replace(small("salicon"), sigma=19.0)
    monkeypatch.setattr(registry, "described", lambda _: found)
    assert datasets.load("salicon", tmp_path).stimuli.sigma == 19  # facts do
    assert not kept.exists()
    assert len(list(tmp_path.glob("*.h5"))) == 2


# ---- contents


def test_folders_of_other_programs(tiny, archives, tmp_path):
    """Are no subjects."""
    tiny("mit1003")
    first = datasets.load("mit1003", tmp_path, archive=archives("mit1003"))
    for name in (".svn", "__MACOSX"):
        (next(tmp_path.glob("*/DATA")) / name).mkdir()
    same(datasets.load("mit1003", tmp_path, cache=False), first)


def test_subjects_are_counted(tiny, archives, tmp_path):
    tiny("mit1003", all={"subjects": 4})
    with pytest.raises(InputError, match=r"MIT1003 \(all\) has 4 subjects; there are 3"):
        datasets.load("mit1003", tmp_path, archive=archives("mit1003"))


def test_scanpaths_of_other_images(tiny, archives, tmp_path):
    """CAT2000's numbers of categories have to agree with the maps."""
    tiny("cat2000-train")
    datasets.get("cat2000-train", tmp_path, archive=archives("cat2000-train"), source="fixations")
    folder = next(tmp_path.glob("*/trainSet/FIXATIONLOCS"))
    (folder / "Action").rename(folder / "x")
    (folder / "Art").rename(folder / "Action")
    (folder / "x").rename(folder / "Art")
    with pytest.raises(InputError, match=r"do not agree with the maps .* of 4 images, such as 'Ac"):
        datasets.load("cat2000-train", tmp_path, source="fixations")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"X": [1.0]}, "damaged, or not the published"),
        ({"Y": [1.0]}, "y has shape"),
        ({"T": [1.0]}, "duration has shape"),
        ({"X": [float("nan")] * 9}, "a position is no finite number"),
        ({"subject": "x"}, "damaged, or not the published"),
        ({"condition": None}, None),
        ({"RT": None}, None),
    ],
)
def test_odd_trials(tiny, archives, tmp_path, change, text):
    tiny("coco-search18")
    datasets.get("coco-search18", tmp_path, archive=archives("coco-search18"))
    (path,) = tmp_path.glob("coco_search18_fixations_TA*.json")
    trials = json.loads(path.read_text())
    if "X" in change and len(change["X"]) == 9:
        change = {key: change["X"] if key == "X" else [1.0] * 9 for key in ("X", "Y", "T")}
    path.write_text(json.dumps([trials[0] | change, *trials[1:]]))
    if text is None:
        found = datasets.load("coco-search18", tmp_path).fixations
        assert np.isnan(found.reaction_time).any() == ("RT" in change)
        return
    with pytest.raises(InputError, match=rf"{path.name}' is {text}|{text}"):
        datasets.load("coco-search18", tmp_path)


def test_a_map_of_another_shape(tiny, archives, tmp_path):
    from scipy.io import savemat

    tiny("cat2000-train")
    datasets.get("cat2000-train", tmp_path, archive=archives("cat2000-train"))
    savemat(
        next(tmp_path.glob("*/trainSet/FIXATIONLOCS/Art/001.mat")), {"fixLocs": np.zeros((80, 60))}
    )
    with pytest.raises(InputError, match=r"001\.mat' is damaged.*shape \(80, 60\), and its image"):
        datasets.load("cat2000-train", tmp_path)


def test_damaged_and_compressed(tiny, archives, tmp_path):
    """Every byte of a compressed file may be wrong."""
    from scipy.io import loadmat, savemat

    tiny("cat2000-train")
    datasets.get("cat2000-train", tmp_path, archive=archives("cat2000-train"))
    path = next(tmp_path.glob("*/trainSet/FIXATIONLOCS/Art/001.mat"))
    savemat(path, {"fixLocs": loadmat(path)["fixLocs"]}, do_compression=True)
    whole = path.read_bytes()
    stream = np.random.default_rng(0)
    n_refused = 0
    for _ in range(60):
        content = bytearray(whole)
        content[int(stream.integers(128, len(whole)))] ^= int(stream.integers(1, 256))
        path.write_bytes(bytes(content))
        try:
            datasets.load("cat2000-train", tmp_path, cache=False)
        except InputError as error:
            n_refused += "001.mat' is" in str(error)
    assert n_refused > 30


# ---- from the web


@pytest.fixture
def web(archives, monkeypatch):
    """Serve a data set's archives on loopback, with their checksums; returns what was asked for."""
    from dataclasses import replace

    from salmetrics.io.downloads import file_digest

    asked, servers = [], []

    def serve(name, *, wrong=False):
        folder = archives(name)[0].parent

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=str(folder))

            def log_message(self, *arguments):
                asked.append(self.path)

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        found = small(name)
        files = tuple(
            replace(
                source,
                url=f"{url}/{source.name}",
                digests=("md5:0" if wrong else f"md5:{file_digest(folder / source.name, 'md5')}",),
            )
            for source in found.files
        )
        served = replace(found, files=files)
        monkeypatch.setattr(registry, "described", lambda _: served)

    yield serve, asked
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("name", ["toronto", "mit1003", "figrim"])
def test_from_the_web(web, tmp_path, name):
    """Got once, unpacked, read, and the archives removed."""
    serve, asked = web
    serve(name)
    first = datasets.load(name, tmp_path)
    assert sorted(set(asked)) == sorted(f"/{source.name}" for source in datasets.info(name).files)
    assert len(asked) == len(set(asked))
    assert not list(tmp_path.glob("*.zip"))
    assert len(list(tmp_path.glob("*.h5"))) == 1
    same(datasets.load(name, tmp_path), first)
    assert len(asked) == len(set(asked))


def test_from_the_web_with_another_checksum(web, tmp_path):
    serve, _ = web
    serve("toronto", wrong=True)
    with pytest.raises(InputError, match="is another file than expected: md5:"):
        datasets.load("toronto", tmp_path)
    assert not list(tmp_path.glob("[!.]*"))
    with pytest.warns(UserWarning, match="another file than expected|not md5:0"):
        datasets.load("toronto", tmp_path, check=False)
