"""Folders of maps: which file belongs to which image, and what is refused."""

import numpy as np
import pytest
from PIL import Image

import salmetrics
from salmetrics import InputError

IDS = ["a.jpg", "sub/b.jpg", "c.jpeg"]


@pytest.fixture
def stimuli():
    return salmetrics.Stimuli.from_sizes([(4, 5)] * 3, ids=IDS)


def grey(seed, dtype=np.uint8):
    top = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, top, (4, 5), dtype=dtype)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "maps" / "sub").mkdir(parents=True)
    Image.fromarray(grey(0)).save(tmp_path / "maps" / "a.png")
    Image.fromarray(grey(1, np.uint16)).save(tmp_path / "maps" / "sub" / "b.png")
    np.save(tmp_path / "maps" / "c.npy", np.linspace(-1, 1, 20).reshape(4, 5))
    return tmp_path / "maps"


def test_maps_are_read_as_they_are(folder, stimuli):
    model = salmetrics.as_model(folder, stimuli)
    assert model.name == "maps"
    np.testing.assert_array_equal(model.saliency_map(stimuli[0]), grey(0))
    np.testing.assert_array_equal(model.saliency_map(stimuli[1]), grey(1, np.uint16))
    np.testing.assert_array_equal(
        model.saliency_map(stimuli[2]), np.linspace(-1, 1, 20).reshape(4, 5)
    )


def test_names_alone_are_enough(folder, stimuli):
    (folder / "sub" / "b.png").rename(folder / "b.png")
    model = salmetrics.as_model(str(folder), stimuli)
    np.testing.assert_array_equal(model.saliency_map(stimuli[1]), grey(1, np.uint16))


def test_densities(folder, stimuli):
    for name in ("a", "sub/b", "c"):
        np.save(folder / f"{name}.npy", np.full((4, 5), -np.log(20)))
    (folder / "a.png").unlink()
    (folder / "sub" / "b.png").unlink()
    fixations = salmetrics.Fixations.from_arrays([1], [2], [0], n_images=3)
    model = salmetrics.as_model(folder, stimuli, kind="log_density")
    assert salmetrics.log_likelihood(model, stimuli, fixations) == pytest.approx(-np.log2(20))


def test_grey_in_colour_files(folder, stimuli):
    array = np.dstack([grey(3)] * 3 + [np.full((4, 5), 255, np.uint8)])
    Image.fromarray(array).save(folder / "a.png")
    model = salmetrics.as_model(folder, stimuli)
    np.testing.assert_array_equal(model.saliency_map(stimuli[0]), grey(3))


def test_one_error_lists_all_problems(folder, stimuli):
    (folder / "c.npy").unlink()
    Image.fromarray(grey(0)).save(folder / "a.bmp")
    text = r"no map for 'c.jpeg'"
    with pytest.raises(InputError, match=rf"2 maps for 'a.jpg' \(a.bmp, a.png\); {text}\. Maps"):
        salmetrics.as_model(folder, stimuli)


def damaged(folder):
    (folder / "a.png").write_bytes((folder / "a.png").read_bytes()[:40])


def coloured(folder):
    array = np.random.default_rng(0).integers(0, 255, (4, 5, 3), np.uint8)
    Image.fromarray(array).save(folder / "a.png")


@pytest.mark.parametrize(
    ("change", "text"),
    [(damaged, "can't be read"), (coloured, "in false colours is no saliency map")],
)
def test_bad_maps(folder, stimuli, change, text):
    change(folder)
    model = salmetrics.as_model(folder, stimuli)
    with pytest.raises(InputError, match=f"a.png.*{text}"):
        model.saliency_map(stimuli[0])


def test_bad_folders(tmp_path, stimuli):
    with pytest.raises(InputError, match="there is no folder of maps"):
        salmetrics.as_model(tmp_path / "none", stimuli)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no maps in .*known suffixes: \.bmp"):
        salmetrics.as_model(tmp_path / "empty", stimuli)


def test_maps_of_another_size(folder, stimuli):
    np.save(folder / "c.npy", np.ones((8, 10)))
    fixations = salmetrics.Fixations.from_arrays([1], [2], [2], n_images=3)
    with pytest.raises(InputError, match=r"predicted size \(8, 10\) for image 'c.jpeg'"):
        salmetrics.nss(folder, stimuli, fixations)
    model = salmetrics.as_model(folder, stimuli, resize="bilinear")
    assert salmetrics.nss(model, stimuli, fixations) == 0
