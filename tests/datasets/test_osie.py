import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from salmetrics import InputError
from salmetrics.datasets import load_osie


def build(folder, n_images=2):
    """Write a few images in the published layout; the second subject saw one fixation."""
    (folder / "eye").mkdir(parents=True)
    (folder / "stimuli").mkdir()
    records = np.empty(n_images, object)
    for i in range(n_images):
        name = f"{1001 + i}.jpg"
        Image.new("RGB", (80, 60)).save(folder / "stimuli" / name)
        subjects = np.empty(2, object)
        for k, n in enumerate([3, 1]):
            x = np.arange(n) + 10.0 * k
            subjects[k] = {"fix_x": x, "fix_y": x + 1, "fix_duration": x + 100}
        records[i] = {"img": name, "subjects": subjects}
    savemat(folder / "eye" / "fixations.mat", {"fixations": records})


@pytest.mark.parametrize("inside", [".", "data"])
def test_wrong_counts(tmp_path, inside):
    build(tmp_path / "osie" / inside)
    with pytest.raises(InputError, match=r"fixations\.mat' holds 2 images; OSIE has 700"):
        load_osie(tmp_path / "osie")


def test_reads_the_published_layout(tmp_path, monkeypatch):
    build(tmp_path)
    from salmetrics.datasets import osie

    facts = osie.read_description("osie") | {"images": 2, "fixations": 8}
    monkeypatch.setattr(osie, "read_description", lambda name: facts)
    dataset = load_osie(tmp_path)
    fixations = dataset.fixations
    assert dataset.stimuli.ids == ("1001", "1002")
    assert dataset.stimuli.sizes.tolist() == [[60, 80]] * 2
    assert fixations.x.tolist() == [0, 1, 2, 10] * 2
    assert fixations.y.tolist() == [1, 2, 3, 11] * 2
    assert fixations.duration.tolist() == [100, 101, 102, 110] * 2
    assert fixations.subject.tolist() == [0, 0, 0, 1] * 2
    assert fixations.index.tolist() == [0, 1, 2, 0] * 2
    assert fixations.image.tolist() == [0] * 4 + [1] * 4
    facts["fixations"] = 9
    with pytest.raises(InputError, match="holds 8 fixations; OSIE has 9"):
        load_osie(tmp_path)


def test_missing_image(tmp_path):
    build(tmp_path)
    (tmp_path / "stimuli" / "1002.jpg").unlink()
    with pytest.raises(InputError, match=r"1 of 2 OSIE images are missing .*first is '1002\.jpg'"):
        load_osie(tmp_path)


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match=r"holds no OSIE: expected eye/fixations\.mat .*https://"):
        load_osie(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a mat file" * 50, None])
def test_damaged_file(tmp_path, content):
    build(tmp_path)
    path = tmp_path / "eye" / "fixations.mat"
    if content is None:
        savemat(path, {"other": 1})
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"is not OSIE's fixations\.mat .*MD5 should be 8efdf6"):
        load_osie(tmp_path)


@pytest.mark.real_data
def test_real(shared):
    folder = shared / "data" / "osie"
    if not folder.is_dir():
        pytest.skip("OSIE not found")
    stimuli, fixations = dataset = load_osie(folder)
    assert (dataset.name, dataset.info["licence"]) == ("osie", "MIT")
    assert (len(stimuli), len(fixations), stimuli.sigma) == (700, 98321, 24)
    assert (stimuli.sizes == [600, 800]).all()
    assert (stimuli.ids[0], stimuli.ids[-1]) == ("1001", "1700")
    assert np.unique(fixations.subject).size == 15
    assert stimuli[3].image.shape == (600, 800, 3)
    assert fixations.duration.min() > 0
